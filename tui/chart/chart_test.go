package chart_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/tui/chart"
	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// points are one value a minute; NaN leaves the minute out.
func points(values ...float64) []chart.Point {
	var out []chart.Point
	for i, v := range values {
		if !math.IsNaN(v) {
			out = append(out, chart.Point{At: screentest.Now().Add(time.Duration(i-len(values)) * time.Minute), Value: v})
		}
	}
	return out
}

func sample(n int, series ...chart.Series) chart.Chart {
	return chart.Chart{
		Title: "waiting", Note: "now 12, most 204", Series: series, Period: time.Minute,
		From: screentest.Now().Add(-time.Duration(n) * time.Minute), To: screentest.Now(),
		Empty: "CloudWatch has no datapoint of it in this time.",
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	hill := points(nan, nan, 0, 0, 1, 12, 50, 120, 204, 190, 160, 80, 40, 0, 0, 5, 9, nan, 12, 12)
	waiting := sample(20, chart.Series{Points: hill})
	failing := sample(10, chart.Series{Tone: theme.ToneBad, Points: points(0, 3, 5, 0, 0, 8, nan, 1, 1, 0)}, chart.Series{Tone: theme.ToneWarn, Points: points(0, 0, 5, 2, 0, 0, nan, 1, 9, 0)})
	failing.Title, failing.Zero, failing.Note = "errors", true, "18 errors, 17 throttles"
	longest := sample(6, chart.Series{Points: points(0.25, 1.4, 3, 3, 0.5, 0.1)})
	longest.Title, longest.Unit, longest.Note = "duration", chart.Seconds, "3s"
	empty := sample(10)
	for name, c := range map[string]chart.Chart{"waiting": waiting, "errors": failing, "duration": longest, "empty": empty} {
		for _, size := range [][2]int{{60, 1}, {60, 2}, {40, 4}, {60, 8}, {100, 12}} {
			frame := strings.Join(c.Lines(theme.New(true, false), size[0], size[1]), "\n")
			screentest.Golden(t, fmt.Sprintf("%s-%dx%d", name, size[0], size[1]), frame, size[0], size[1])
		}
	}
}

// Whatever the numbers, the size is what was asked for.
func TestAnyNumbersFit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64(), 0, 50).Draw(rt, "values")
		c := sample(rapid.IntRange(0, 60).Draw(rt, "minutes"), chart.Series{Points: points(values...)}, chart.Series{Points: points(values...)})
		c.Zero, c.Unit = rapid.Bool().Draw(rt, "zero"), chart.Unit(rapid.IntRange(0, 1).Draw(rt, "unit"))
		width, height := rapid.IntRange(1, 120).Draw(rt, "width"), rapid.IntRange(1, 20).Draw(rt, "height")
		lines := c.Lines(theme.New(true, false), width, height)
		if len(lines) != height {
			rt.Fatalf("%d lines, want %d", len(lines), height)
		}
		if width > 0 {
			screentest.Frame(t, strings.Join(lines, "\n"), width, height)
		}
	})
}

func TestMissingIsToldFromZero(t *testing.T) {
	t.Parallel()
	c := sample(4, chart.Series{Points: points(0, math.NaN(), 7, 7)})
	c.Note = ""
	line := ansi.Strip(c.Lines(theme.New(true, false), 20, 1)[0])
	if !strings.Contains(line, "▁╌██") {
		t.Errorf("zero, missing and seven are drawn as %q", line)
	}
	if ascii := theme.ToASCII(line); strings.ContainsFunc(ascii, func(r rune) bool { return r > 0x7e }) || !strings.Contains(ascii, "_~") {
		t.Errorf("in ASCII it is %q", ascii)
	}
}

func BenchmarkChart(b *testing.B) {
	values := make([]float64, 180)
	for i := range values {
		values[i] = float64(i * i % 97)
	}
	c := sample(180, chart.Series{Points: points(values...)})
	th := theme.New(true, false)
	b.ReportAllocs()
	for b.Loop() {
		_ = c.Lines(th, 90, 9)
	}
}
