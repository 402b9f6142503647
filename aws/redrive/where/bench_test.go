package where_test

import (
	"testing"

	"github.com/microfox-ai/aiwctl/aws/redrive/where"
)

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := where.Compile(`age > "2h" and error contains "timeout" and input.order in [13, 14]`); err != nil {
			b.Fatal(err)
		}
	}
}

// One of the 10,000 letters that a look may choose from.
func BenchmarkMatch(b *testing.B) {
	for name, text := range map[string]string{
		"letter":   `age > "1h" and error contains "30s" and receiveCount > 3`,
		"input":    `input.order == 13 and input.price > 2.5`,
		"items":    `any(input.items, .sku startsWith "B-")`,
		"metadata": `metadata.tries == 3`,
	} {
		f, err := where.Compile(text)
		if err != nil {
			b.Fatal(err)
		}
		l := order()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got, err := f.Match(l, fact); err != nil || !got {
					b.Fatal(got, err)
				}
			}
		})
	}
}
