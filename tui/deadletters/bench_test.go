package deadletters_test

import (
	"fmt"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/redrive/why"
	"github.com/microfox-ai/aiwctl/tui/deadletters"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/screentest"
)

// BenchmarkKeyToFrame is what a key costs, to the frame it leads to, with 10,000 dead
// letters at 200x50: of the root's work only the chrome is missing.
func BenchmarkKeyToFrame(b *testing.B) {
	e := &engine{found: why.Found{Failures: map[string]why.Failure{}}}
	for i := range 10_000 {
		e.letters = append(e.letters, job(i%9000+1000, fmt.Sprintf(`{"url":"https://media.example/%d.mp4","tags":["a","b"],"retries":%d}`, i, i%7)))
		e.letters[i].ID = fmt.Sprintf("5f3c%04d-8d1e-4b2a-9c3d-0123456789ab", i)
		f := timedOut(i % 12)
		f.Message = fmt.Sprintf("failure %c of the service", 'a'+i%12)
		e.found.Failures[fmt.Sprintf("job-%d", i%9000+1000)] = f
	}
	for name, keys := range map[string]struct{ begin, keys []string }{
		"groups":      {nil, []string{"j", "k"}},
		"group-marks": {nil, []string{"space", "k"}},
		"list":        {[]string{"t"}, []string{"j", "j", "k", "pgdown", "pgup"}},
		"marks":       {[]string{"t", "a"}, []string{"space", "k", "j"}},
		"range":       {[]string{"t", "v", "G"}, []string{"k", "j"}},
		"filter":      {[]string{"t", "/"}, []string{"a", "backspace"}},
		"where":       {[]string{"t", "f", "a", "g", "e", ">"}, []string{"1", "backspace"}},
	} {
		b.Run(name, func(b *testing.B) {
			s := deadletters.New(env(b, len(e.letters)), e, deadletters.NewEdits(), screen.OpenDead{WorkerID: "orders"})
			b.Cleanup(s.Close)
			s.Update(screen.Resized{Width: 200, Height: 45})
			screentest.Settle(s, s.Init())
			for _, key := range keys.begin {
				screentest.Press(s, key)
			}
			i := 0
			cost := screentest.Cost(b)
			for b.Loop() {
				screentest.Press(s, keys.keys[i%len(keys.keys)])
				if len(s.View(200, 45)) == 0 {
					b.Fatal("nothing is shown")
				}
				i++
			}
			cost()
		})
	}
}
