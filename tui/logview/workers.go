package logview

import (
	"slices"
	"strconv"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// source is a worker's name in its colour.
func (s *Screen) sourceTone(id string) func(string) string {
	sources := s.env.Theme.Sources
	i := max(0, slices.Index(s.tail.ids, id))
	style := sources[i%len(sources)]
	return func(text string) string { return style.Render(text) }
}

// openWorkers lists the workers that are read, to hide and show them, then the others
// of the stage, to read them as well.
func (s *Screen) openWorkers() tea.Cmd {
	s.menu = &menu{
		title: "Workers", key: "W", foot: "A worker that is not read yet: the logs of all are read again, with its own.",
		items: func() []item {
			var items []item
			for _, id := range s.tail.ids {
				note := "shown"
				if s.choice.hidden[id] {
					note = "hidden"
				}
				if slices.Contains(s.tail.missing, cell.Clean(id)) {
					note = "no log group is known"
				}
				items = append(items, item{
					on: !s.choice.hidden[id], label: cell.Clean(id), note: note, tone: s.sourceTone(id),
					run: func() tea.Cmd { return s.toggleWorker(id) },
				})
			}
			if s.tail.jobID != "" || s.tail.requestID != "" || s.env.Data.Inventory == nil {
				return items
			}
			for i := range s.env.Data.Inventory.Workers {
				w := &s.env.Data.Inventory.Workers[i]
				if w.Function == nil || slices.Contains(s.tail.ids, w.ID) {
					continue
				}
				id := w.ID
				items = append(items, item{
					label: cell.Clean(id), note: "not read", closes: true,
					run: func() tea.Cmd { return s.readMore(id) },
				})
			}
			return items
		},
	}
	return nil
}

// workerKeys toggle single workers.
func (s *Screen) workerKeys() []screen.Action {
	if len(s.tail.ids) < 2 {
		return nil
	}
	var actions []screen.Action
	for i, id := range s.tail.ids[:min(9, len(s.tail.ids))] {
		key := strconv.Itoa(i + 1)
		actions = append(actions, screen.Action{
			ID: "worker-" + key, Keys: []string{key}, Hidden: true,
			Help: "Hide the lines of " + cell.Clean(id) + ", or show them again.",
			Run:  func() tea.Cmd { return s.toggleWorker(id) },
		})
	}
	return actions
}

// legend names the workers with their digits and colours, in one line.
func (s *Screen) legend(width int) string {
	t := s.env.Theme
	line := ""
	for i, id := range s.tail.ids {
		key := " "
		if i < 9 {
			key = strconv.Itoa(i+1) + " "
		}
		part := " " + t.Key.Render(key)
		if s.choice.hidden[id] {
			part += t.Faint.Render(cell.Clean(id) + " hidden")
		} else {
			part += s.sourceTone(id)(cell.Clean(id))
		}
		if cell.Width(line)+cell.Width(part) > width-6 {
			return cell.Fit(line+t.Dim.Render(" "+theme.GlyphDot+" "+cell.Ellipsis), width)
		}
		line += part + " "
	}
	return cell.Fit(line, width)
}
