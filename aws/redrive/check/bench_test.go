package check_test

import (
	"testing"

	"github.com/microfox-ai/aiwctl/aws/redrive/check"
)

// One of the 10,000 letters that a replay may send.
func BenchmarkLetter(b *testing.B) {
	c := check.New(runtimes["ts"], check.Options{})
	for name, text := range map[string]string{"fits": body(``), "does not fit": input(`{"order":"x"}`)} {
		l := letterOf(text)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Letter(l, check.Facts{NewJobID: true})
			}
		})
	}
}
