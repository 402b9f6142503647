package functions

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkWarmInvoke is one invocation of a function whose process is running.
func BenchmarkWarmInvoke(b *testing.B) {
	s := newStage(b)
	s.function("f")
	s.invoke("f", order{Do: "echo"})
	for b.Loop() {
		s.invoke("f", order{Do: "echo"})
	}
}

// BenchmarkWarmInvokeParallel is the same from many goroutines.
func BenchmarkWarmInvokeParallel(b *testing.B) {
	s := newStage(b)
	s.function("f")
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s.invoke("f", order{Do: "echo"})
		}
	})
}

// BenchmarkColdStart is the first invocation of a function: a process is started.
// The program is this test binary, which is larger than a worker.
func BenchmarkColdStart(b *testing.B) {
	s := newStage(b)
	for i := 0; b.Loop(); i++ {
		name := fmt.Sprintf("f%d", i)
		s.function(name)
		s.invoke(name, order{Do: "echo"})
		b.StopTimer()
		if err := s.Remove(b.Context(), name); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkDelivery is a message from the queue through a warm function to its
// deletion, ten a batch.
func BenchmarkDelivery(b *testing.B) {
	s := newStage(b)
	s.function("f")
	s.queues.make(testQueue, time.Minute, 0)
	if _, err := s.PutMapping(Mapping{FunctionName: "f", QueueARN: testQueue, Enabled: true}); err != nil {
		b.Fatal(err)
	}
	sent := 0
	for b.Loop() {
		sent += 100
		bodies := make([]string, 100)
		for i := range bodies {
			bodies[i] = "job"
		}
		s.queues.send(testQueue, bodies...)
		for len(s.queues.deleted(testQueue)) < sent {
			<-time.After(100 * time.Microsecond)
		}
	}
	b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "messages/s")
}
