package aws

import (
	"fmt"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// BenchmarkInventoryJoin is everything Inventory does for 500 workers but the
// calls themselves: what is read of workers/config, mappings, functions and
// 1,000 queues is in memory.
//
//	go test ./aws -run '^$' -bench InventoryJoin -benchmem
func BenchmarkInventoryJoin(b *testing.B) {
	const workers = 500
	f := newFakeAWS()
	var ids []string
	for i := range workers {
		id := fmt.Sprintf("worker-%03d", i)
		ids = append(ids, id)
		f.worker("p-x", id, "prod", "nodejs20.x")
	}
	for _, bm := range []struct {
		name   string
		target Target
	}{
		{"workers-config", Target{BaseURL: newWorkersAPI(b, configFor(ids...)).URL}},
		{"AWS-alone", Target{Service: "p-x", Stage: "prod"}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			s := f.stage(bm.target, Options{})
			b.ReportAllocs()
			for b.Loop() {
				inv, err := s.Inventory(b.Context())
				if err != nil || len(inv.Workers) != workers {
					b.Fatalf("%d workers, %v", len(inv.Workers), err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/workers, "ns/worker")
		})
	}
}

// BenchmarkRefresh is the cost of one refresh of 500 workers with their DLQs,
// again without the network.
func BenchmarkRefresh(b *testing.B) {
	_, s, workers := refreshable(b, 500)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Refresh(b.Context(), workers); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPlanDispatch validates and builds one message with a schema that is
// compiled already.
func BenchmarkPlanDispatch(b *testing.B) {
	s := newFakeAWS().stage(Target{}, Options{})
	r := DispatchRequest{Worker: echoWorker(), Input: []byte(`{"text":"hi"}`), Mode: dispatch.ModeAuto}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.PlanDispatch(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}
