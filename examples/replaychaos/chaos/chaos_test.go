package chaos

import (
	"os"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/faults"
	"github.com/microfox-ai/aiwctl/examples/replaychaos/rig"
)

// TestChaos is the replaychaos command in short form: a round of each kind, and a
// few looks.
func TestChaos(t *testing.T) {
	t.Parallel()
	aiwctl, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := faults.Parse(DefaultFaults)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Aiwctl: aiwctl, Rounds: 4, Messages: 300, FIFOMessages: 100, Groups: 50, Concurrency: 16,
		Faults: wrong.API, Seed: 7, Jump: 35 * time.Second, ResumesKilled: 0.4, Parallel: 2, Peeks: 4,
	}
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		cfg := cfg
		cfg.OnRound = func(r *Round) { t.Log(r) }
		rounds, err := Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		kills := 0
		for _, r := range rounds {
			kills += r.Kills
			for _, b := range r.Broken {
				t.Errorf("round %d, %s: %s\n%q", r.Number, r.Kind, b, r.Log)
			}
		}
		// Rounds in which nothing was killed have proved nothing.
		if len(rounds) != 8 || kills == 0 {
			t.Errorf("%d rounds with %d kills", len(rounds), kills)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		if goruntime.GOOS == "windows" {
			t.Skip("a process cannot be sent Ctrl-C there")
		}
		cfg := cfg
		cfg.OnPeek = func(l *Look) { t.Log(l) }
		looks, err := Peek(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range looks {
			for _, b := range l.Broken {
				t.Errorf("look %d: %s", l.Number, b)
			}
		}
	})
}

func TestCount(t *testing.T) {
	t.Parallel()
	m := func(i int) rig.Message { return rig.Message{Body: rig.Body(i, 0), Group: "g"} }
	got := count(6, []rig.Message{m(0), m(2), m(1), m(1), m(4), {Body: "?", Group: "g"}}, []rig.Message{m(3), m(4)})
	if want := (Count{Lost: 1, Left: 1, Both: 1, Doubled: 1, Unknown: 1, Disordered: 1}); got != want {
		t.Errorf("count = %+v, want %+v", got, want)
	}
}

// The plan of a round is the same whether it is played alone or with others.
func TestPlans(t *testing.T) {
	t.Parallel()
	all := (&Config{Rounds: 8, Seed: 3, WaitRounds: 1}).plans()
	alone := (&Config{Rounds: 8, Seed: 3, WaitRounds: 1, Only: 6}).plans()
	if len(all) != 8 || len(alone) != 1 {
		t.Fatalf("%d plans, and %d of one", len(all), len(alone))
	}
	a, b := all[5], alone[0]
	if a.number != 6 || b.number != 6 || a.at != b.at || a.wait != b.wait || a.chance.Uint64() != b.chance.Uint64() {
		t.Errorf("%+v and %+v", a, b)
	}
	waits, kinds := 0, map[kind]int{}
	for _, p := range all {
		kinds[p.kind]++
		if p.wait {
			waits++
		}
	}
	if waits != 1 || len(kinds) != 4 {
		t.Errorf("%d rounds wait, kinds %v", waits, kinds)
	}
}
