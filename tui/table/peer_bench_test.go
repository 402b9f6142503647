package table_test

import (
	"cmp"
	"fmt"
	"strconv"
	"testing"

	bubbles "charm.land/bubbles/v2/table"

	"github.com/microfox-ai/aiwctl/tui/screentest"
	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

type queue struct {
	id    string
	depth int
}

// BenchmarkOneChange is what one change among 500 rows costs until the frame of 200x45: this
// table, which sorts them again, keeps the selection and fits its columns, and that of
// Bubbles, which does none of it.
func BenchmarkOneChange(b *testing.B) {
	const rows = 500
	b.Run("here", func(b *testing.B) {
		text := func(title string, of func(queue) string) table.Column[queue] {
			return table.Column[queue]{Title: title, Min: 20, Cell: func(q queue) table.Cell { return table.Cell{Text: of(q)} }}
		}
		depth := text("DEPTH", func(q queue) string { return strconv.Itoa(q.depth) })
		depth.Compare = func(a, b queue) int { return cmp.Compare(b.depth, a.depth) }
		m := table.New(theme.New(true, false), table.Config[queue]{
			Columns: []table.Column[queue]{
				text("WORKER", func(q queue) string { return q.id }), depth,
				text("IN FLIGHT", func(queue) string { return "12" }), text("STATE", func(queue) string { return "running" }),
			},
			ID: func(q queue) string { return q.id }, Text: func(q queue) string { return q.id }, Sort: 1,
		})
		m.SetSize(200, 45)
		queues := make([]queue, rows)
		for i := range queues {
			queues[i] = queue{fmt.Sprintf("worker-%03d", i), i * 7 % 100}
		}
		cost := screentest.Cost(b)
		for i := 0; b.Loop(); i++ {
			queues[i%rows].depth++
			m.SetRows(queues)
			if m.View() == "" {
				b.Fatal("no frame")
			}
		}
		cost()
	})
	b.Run("bubbles", func(b *testing.B) {
		list := make([]bubbles.Row, rows)
		for i := range list {
			list[i] = bubbles.Row{fmt.Sprintf("worker-%03d", i), strconv.Itoa(i * 7 % 100), "12", "running"}
		}
		m := bubbles.New(bubbles.WithColumns([]bubbles.Column{
			{Title: "WORKER", Width: 20}, {Title: "DEPTH", Width: 20}, {Title: "IN FLIGHT", Width: 20}, {Title: "STATE", Width: 20},
		}), bubbles.WithRows(list), bubbles.WithWidth(200), bubbles.WithHeight(45))
		cost := screentest.Cost(b)
		for i := 0; b.Loop(); i++ {
			list[i%rows] = bubbles.Row{list[i%rows][0], strconv.Itoa(i % 100), "12", "running"}
			m.SetRows(list)
			if m.View() == "" {
				b.Fatal("no frame")
			}
		}
		cost()
	})
}
