package dispatch_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
)

type resize struct {
	URL   string `json:"url"`
	Width int    `json:"width,omitempty"`
}

func TestContract(t *testing.T) {
	t.Parallel()
	schema := compile(t, `{"type":"object","properties":{"url":{"type":"string","minLength":1},"width":{"type":"integer"}},"required":["url"]}`)
	strict := compile(t, `false`)
	remote := &inbox{}
	client := newClient(t, dispatch.Config{Remote: remote, Schema: func(context.Context, string) (*dispatch.Schema, error) { return strict, nil }})
	contract := dispatch.NewContract[resize]("resize-image", schema)
	if contract.ID() != "resize-image" || contract.Schema() != schema {
		t.Errorf("contract %+v", contract)
	}
	got, err := contract.Send(t.Context(), client, resize{URL: "https://example.com/1.png"}, dispatch.WithJobID("j-1"))
	if err != nil || got.JobID != "j-1" || !strings.HasPrefix(remote.bodies[0], `{"workerId":"resize-image","jobId":"j-1","input":{"url":"https://example.com/1.png"},`) {
		t.Fatalf("%+v, %v, %s", got, err, remote.bodies)
	}
	_, err = contract.Send(t.Context(), client, resize{})
	if invalid, ok := errors.AsType[*dispatch.ValidationError](err); !ok || invalid.Violations[0].Pointer != "/url" || remote.count() != 1 {
		t.Errorf("an empty URL: %v", err)
	}
	if _, err := contract.Send(t.Context(), client, resize{}, dispatch.WithoutValidation()); err != nil {
		t.Errorf("unchecked: %v", err)
	}
	results, err := contract.SendMany(t.Context(), client, slices.Values([]resize{{URL: "a"}, {}, {URL: "c"}}), dispatch.WithInvalidSkipped())
	if err == nil || len(results) != 3 || results[0].Err != nil || results[1].Err == nil || remote.count() != 4 {
		t.Errorf("many: %v, %+v", err, results)
	}

	// Without a schema of its own, the client's holds.
	if _, err := dispatch.NewContract[resize]("resize-image", nil).Send(t.Context(), client, resize{URL: "x"}); err == nil {
		t.Error("the client's schema was not asked")
	}
	if _, err := dispatch.NewContract[resize]("", schema).Send(t.Context(), client, resize{URL: "x"}); err == nil || !strings.Contains(err.Error(), "id is empty") {
		t.Errorf("no id: %v", err)
	}
}
