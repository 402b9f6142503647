package form

import (
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// help says in helpRows lines what the row under the cursor takes, what it is for, and
// which keys it has.
func (p *Pane) help(width int) []string {
	t := p.theme
	if p.at >= len(p.rows) {
		return nil
	}
	var what, why string
	var keys [][2]string
	switch r := p.rows[p.at]; r.kind {
	case rowField:
		what, why, keys = p.about(r.field)
	case rowAddItem:
		what, keys = "another item of "+p.of(r.field), [][2]string{{"enter", "add"}}
	case rowAddMember:
		what, keys = "another property of "+p.of(r.field), [][2]string{{"enter", "add"}}
	case rowExtra:
		x := p.extras[r.extra]
		what, why = x.Label, x.Help
		if len(x.Choices) > 0 {
			keys = [][2]string{{"left, right", "choose"}}
		} else if x.Value != "" {
			keys = [][2]string{{"alt+x", "empty"}}
		}
	case rowHead:
	}
	lines := []string{" " + t.Dim.Render(cell.Cut(cell.Clean(what), width-1))}
	rows := helpRows - 1
	if len(keys) > 0 {
		rows--
	}
	if why != "" {
		for _, line := range limited(cell.Clean(why), width-2, rows) {
			lines = append(lines, " "+t.Text.Render(line))
		}
	}
	var parts []string
	for _, k := range keys {
		parts = append(parts, t.Key.Render(k[0])+" "+t.Dim.Render(k[1]))
	}
	if len(parts) > 0 {
		lines = append(lines, " "+strings.Join(parts, t.Faint.Render(" "+theme.GlyphDot+" ")))
	}
	return lines
}

func (p *Pane) of(f *dispatch.Field) string {
	if f.Depth == 0 {
		return "the input"
	}
	return f.Name
}

// about says what a field takes, what for, and its keys.
func (p *Pane) about(f *dispatch.Field) (what, why string, keys [][2]string) {
	var facts []string
	switch {
	case len(f.Choices) == 1:
		facts = append(facts, "always "+compact(f.Choices[0]))
	case f.Kind == dispatch.FieldChoice:
		var all []string
		for _, c := range f.Choices[:min(len(f.Choices), 12)] {
			all = append(all, compact(c))
		}
		if len(f.Choices) > 12 {
			all = append(all, "…")
		}
		facts = append(facts, "one of "+strings.Join(all, ", "))
	case f.Kind == dispatch.FieldAny:
		facts = append(facts, "any JSON, or plain text")
	default:
		facts = append(facts, string(f.Kind))
	}
	facts = append(facts, f.Hints...)
	if f.Nullable && !slices.Contains(facts, "null") {
		facts = append(facts, "or null")
	}
	switch {
	case f.Required && f.Depth > 0:
		facts = append(facts, "required")
	case !f.Item && f.Depth > 0 && f.Known:
		facts = append(facts, "optional")
	case !f.Known && f.Depth > 0:
		facts = append(facts, "not described by the schema")
	}
	what = strings.Join(facts, " "+theme.GlyphDot+" ")
	why = f.Description
	if f.Title != "" && f.Title != f.Name {
		why = strings.TrimSuffix(f.Title+". "+f.Description, ". ")
	}
	add := func(key, word string) { keys = append(keys, [2]string{key, word}) }
	if p.input != nil && p.input.proposed {
		add("typing", "replaces it")
		add("right", "edits it")
	}
	switch {
	case container(f) && len(f.Variants) > 1 && f.Present:
		add("left, right", "which of "+cell.Count(len(f.Variants)))
	case len(f.Variants) > 1:
		add("alt+v", "as "+cell.Cut(cell.Clean(f.Variants[(f.Variant+1)%len(f.Variants)]), 16))
	case len(values(f)) > 1:
		add("left, right", "choose")
	}
	if f.Default != nil && !equal(f.Default, f.Value) {
		add("alt+d", "default "+cell.Cut(cell.Clean(compact(f.Default)), 16))
	}
	if len(f.Examples) > 0 {
		add("alt+e", "example")
	}
	if f.Nullable && len(values(f)) == 0 {
		add("alt+n", "null")
	}
	if f.Item {
		add("alt+up, alt+down", "move")
	}
	if f.Present && f.Depth > 0 && f.Removable {
		add("alt+x", "take out")
	}
	return what, why, keys
}
