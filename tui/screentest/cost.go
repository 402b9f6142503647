package screentest

import (
	goruntime "runtime"
	"testing"
)

// Cost reports what one operation of a benchmark takes of the processor, in milliseconds,
// all goroutines and the collector of garbage included: on a machine that others use too
// it says more than the time on the wall. It is called right before the loop, and what it
// returns right after it:
//
//	cost := screentest.Cost(b)
//	for b.Loop() {
//	}
//	cost()
func Cost(b *testing.B) func() {
	b.Helper()
	goruntime.GC()
	began := Processor()
	return func() {
		b.Helper()
		b.ReportMetric(float64((Processor()-began).Microseconds())/1000/float64(b.N), "cpu-ms/op")
	}
}

// Live is how much live memory there is, in MB, after garbage was collected. Twice: what
// pools keep survives the first time.
func Live() float64 {
	var m goruntime.MemStats
	goruntime.GC()
	goruntime.GC()
	goruntime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}
