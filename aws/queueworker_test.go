package aws

import (
	"testing"
)

func TestQueueWorker(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().queue("orders", "orders-dead", 3).queue("orders-dead", "", 7).
		queue("a", "shared-dead", 0).queue("b", "shared-dead", 0).queue("shared-dead", "", 2).queue("plain", "", 1)
	s := f.stage(Target{}, Options{})
	for name, want := range map[string]struct{ id, queue, dlq string }{
		"orders":                {"orders", "orders", "orders-dead"},
		queueURL("orders"):      {"orders", "orders", "orders-dead"},
		queueARN("orders-dead"): {"orders-dead", "orders", "orders-dead"},
		"shared-dead":           {"shared-dead", "", "shared-dead"}, // whose queue it is, the messages say
		"plain":                 {"plain", "", "plain"},
	} {
		w, err := s.QueueWorker(t.Context(), name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		queue := ""
		if w.Queue != nil {
			queue = w.Queue.Name
		}
		if w.ID != want.id || queue != want.queue || w.DLQ == nil || w.DLQ.Name != want.dlq || w.DLQ.Depth.At.IsZero() {
			t.Errorf("%s: worker %s with queue %q and dead-letter queue %+v", name, w.ID, queue, w.DLQ)
		}
	}
	for _, name := range []string{"nowhere", queueURL("nowhere")} {
		_, err := s.QueueWorker(t.Context(), name)
		if kind, _ := Classify(err); kind != KindNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}
