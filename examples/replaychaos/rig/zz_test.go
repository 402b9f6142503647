package rig

import ("testing";"time";"github.com/microfox-ai/aiwctl/aws/local/faults")

func TestZZ(t *testing.T) {
	e, err := Start(faults.API{}); if err != nil { t.Fatal(err) }
	defer e.Close()
	for _, fifo := range []bool{false,true} {
	q, err := Open(t.Context(), e.Plain, fifo); if err != nil { t.Fatal(err) }
	for _, n := range []int{10, 2000, 10000} {
		b := time.Now()
		if err := q.Fill(t.Context(), n, 1024, 50); err != nil { t.Fatal(err) }
		t.Log("fill", time.Since(b))
		a := &Aiwctl{Path: "/tmp/rb/aiwctl", Endpoint: e.URL, Dir: t.TempDir()}
		p, err := a.Run(t.Context(), "dlq", "replay", q.Name, "--all", "--yes")
		t.Log(p, err, p.PeakMemory()>>20)
		p, err = a.Run(t.Context(), "dlq", "resume", "--yes")
		t.Log(p, err)
		p, err = a.Run(t.Context(), "dlq", "peek", q.Name)
		t.Log(p, err)
		b = time.Now()
		m, err := q.Drain(t.Context(), q.Target)
		t.Log(len(m), err, time.Since(b))
	}
	}
}
