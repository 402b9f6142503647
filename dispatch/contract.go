package dispatch

import (
	"context"
	"iter"
)

// Contract is a worker as its callers know it: an id, the type of its input, and
// perhaps its schema. It lets a program send typed jobs without linking the worker's
// handler. Make one with NewContract; it is safe for concurrent use.
type Contract[In any] struct {
	id     string
	schema *Schema
}

// NewContract returns the contract of a worker. schema is what its input is checked
// against; nil means the schema that the client finds, see Config.Schema. An empty
// id is an error of the first send.
func NewContract[In any](id string, schema *Schema) Contract[In] {
	return Contract[In]{id: id, schema: schema}
}

// ID is the worker's id.
func (c Contract[In]) ID() string { return c.id }

// Schema is the input's schema; nil when the contract has none.
func (c Contract[In]) Schema() *Schema { return c.schema }

// Send is Client.Dispatch for this worker.
func (c Contract[In]) Send(ctx context.Context, client *Client, in In, opts ...Option) (Result, error) {
	return client.Dispatch(ctx, c.id, in, c.with(opts)...)
}

// SendMany is Client.DispatchMany for this worker.
func (c Contract[In]) SendMany(ctx context.Context, client *Client, inputs iter.Seq[In], opts ...Option) ([]ItemResult, error) {
	return client.DispatchMany(ctx, c.id, Items(inputs), c.with(opts)...)
}

// with adds the schema to options.
func (c Contract[In]) with(opts []Option) []Option {
	return append([]Option{func(o *options) { o.schema = c.schema }}, opts...)
}
