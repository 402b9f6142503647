package dispatch_test

import (
	"context"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// panicky cannot be encoded.
type panicky struct{}

func (panicky) MarshalJSON() ([]byte, error) { panic("no JSON") }

type panickySender struct{}

func (panickySender) Send(context.Context, *dispatch.Message, time.Duration) (string, error) {
	panic("no sender")
}

// A program that recovers from what its own code panics with, as a worker does for its
// handlers, must have the chance to.
func TestPanicInManyIsTheCallers(t *testing.T) {
	t.Parallel()
	client, err := dispatch.NewClient(dispatch.Config{Remote: panickySender{}, Mode: dispatch.ModeRemote, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	for want, input := range map[string]any{"no JSON": panicky{}, "no sender": map[string]any{}} {
		func() {
			defer func() {
				if v := recover(); v != want {
					t.Errorf("recovered %v, want %q", v, want)
				}
			}()
			items := make([]dispatch.Item, 100)
			for i := range items {
				items[i].Input = input
			}
			_, err := client.DispatchMany(t.Context(), "w", items)
			t.Errorf("DispatchMany returned %v", err)
		}()
	}
}
