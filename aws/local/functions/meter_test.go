package functions

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// fakeMeter writes down what it is told.
type fakeMeter struct {
	mu   sync.Mutex
	told []string
	took time.Duration
}

func (m *fakeMeter) say(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = append(m.told, text)
}

func (m *fakeMeter) Began(f string)     { m.say("began " + f) }
func (m *fakeMeter) Throttled(f string) { m.say("throttled " + f) }
func (m *fakeMeter) Ended(f string, began time.Time, took time.Duration, failed bool) {
	m.say(fmt.Sprintf("ended %s %v %v", f, failed, !began.IsZero()))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.took = max(m.took, took)
}

func TestInvocationsAreMeasured(t *testing.T) {
	t.Parallel()
	meter := &fakeMeter{}
	s := newStage(t, func(c *Config) { c.Meter = meter })
	s.function("f", func(f *Function) { f.ReservedConcurrency = 1 })
	s.invoke("f", order{Do: "echo"})
	s.invoke("f", order{Do: "error"})
	s.function("gone", func(f *Function) { f.Command = []string{"/no/such/program"} })
	s.invoke("gone", order{Do: "echo"})
	s.invoke("gone", order{Do: "echo"}) // it is not tried again so soon
	want := []string{
		"began f", "ended f false true", "began f", "ended f true true",
		"began gone", "ended gone true true", "began gone", "ended gone true true",
	}
	if !slices.Equal(meter.told, want) || meter.took <= 0 {
		t.Errorf("told %q, the longest took %s; want %q", meter.told, meter.took, want)
	}
}
