package logview

import (
	"testing"

	"charm.land/bubbles/v2/viewport"

	"github.com/microfox-ai/aiwctl/tui/screentest"
)

// BenchmarkAppendAndFollow is what a line more costs until the frame of 200x45 that shows it,
// wrapped, with 10,000 lines before it: this screen's, its columns and status included,
// and the viewport of Bubbles, which has no more than the text.
func BenchmarkAppendAndFollow(b *testing.B) {
	const kept = 10_000
	b.Run("here", func(b *testing.B) {
		s := opened(b)
		s.pane.Add(busyLines(0, kept))
		screentest.Press(s, "w")
		s.View(200, 45)
		cost := screentest.Cost(b)
		for i := kept; b.Loop(); i++ {
			s.take(busyLines(i, i+1))
			if s.View(200, 45) == "" {
				b.Fatal("no frame")
			}
		}
		cost()
	})
	b.Run("viewport", func(b *testing.B) {
		v := viewport.New(viewport.WithWidth(200), viewport.WithHeight(45))
		v.SoftWrap = true
		lines := make([]string, 0, kept)
		for _, l := range busyLines(0, kept) {
			lines = append(lines, l.Text)
		}
		v.SetContentLines(lines)
		v.GotoBottom()
		cost := screentest.Cost(b)
		for i := kept; b.Loop(); i++ {
			lines = append(lines[1:], busyLines(i, i+1)[0].Text)
			v.SetContentLines(lines)
			v.GotoBottom()
			if v.View() == "" {
				b.Fatal("no frame")
			}
		}
		cost()
	})
}
