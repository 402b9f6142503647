package pane

import (
	"strings"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// Filter decides which lines are shown: those that fulfil all of it. The zero value
// keeps all.
type Filter struct {
	// Level drops lines below it, and those without one.
	Level logs.Level
	// JobID and RequestID, when not empty, keep the lines of one job or invocation.
	JobID, RequestID string
	// Hidden are workers whose lines are not shown. It is not changed once it is set.
	Hidden map[string]bool

	typed  string
	texts  []Matcher
	fields []condition
}

// condition is one on a field of a line's JSON.
type condition struct {
	field  [1]logs.Field
	phrase string // that every line has which fulfils it; may be empty
	invert bool
}

// And joins conditions in a typed filter.
const And = " && "

// ParseFilter reads what a person typed: conditions joined by And, each a text to look
// for in any case, ~ and a regular expression, or @ and a condition on a field of the
// line's JSON as logs.ParseField reads it; a ! in front keeps the others. One that is
// not finished yet is an error.
func ParseFilter(typed string) (Filter, error) {
	f := Filter{typed: typed}
	for part := range strings.SplitSeq(typed, And) {
		rest, inverted := strings.CutPrefix(part, "!")
		if text, isField := strings.CutPrefix(rest, "@"); isField {
			if text == "" {
				continue
			}
			field, err := logs.ParseField(text)
			if err != nil {
				return Filter{}, err
			}
			c := condition{field: [1]logs.Field{field}, phrase: field.Phrase(), invert: inverted}
			f.fields = append(f.fields, c)
			continue
		}
		m, err := ParseMatcher(part)
		if err != nil {
			return Filter{}, err
		}
		if !m.Empty() {
			f.texts = append(f.texts, m)
		}
	}
	return f, nil
}

// Typed is what it was read from.
func (f *Filter) Typed() string { return f.typed }

// Empty is whether every line is kept.
func (f *Filter) Empty() bool {
	return f.Level == logs.LevelNone && f.JobID == "" && f.RequestID == "" && len(f.Hidden) == 0 && !f.Looks()
}

// Looks is whether it looks into lines.
func (f *Filter) Looks() bool { return len(f.texts) > 0 || len(f.fields) > 0 }

// Same is whether two filters keep the same lines.
func (f *Filter) Same(g *Filter) bool {
	if f.Level != g.Level || f.JobID != g.JobID || f.RequestID != g.RequestID || len(f.Hidden) != len(g.Hidden) || len(f.texts) != len(g.texts) {
		return false
	}
	for id := range f.Hidden {
		if !g.Hidden[id] {
			return false
		}
	}
	for i := range f.texts {
		if !f.texts[i].Same(&g.texts[i]) {
			return false
		}
	}
	if len(f.fields) == 0 && len(g.fields) == 0 {
		return true
	}
	return f.typed == g.typed
}

// Keeps is whether a line is shown.
func (f *Filter) Keeps(l *logs.Line) bool {
	switch {
	// A line without a level, a START or a bare print, is not below any: it goes
	// when somebody asks for a level.
	case f.Level > logs.LevelNone && l.Level < f.Level,
		f.JobID != "" && l.JobID != f.JobID, f.RequestID != "" && l.RequestID != f.RequestID,
		f.Hidden[l.WorkerID]:
		return false
	}
	for i := range f.texts {
		if !f.texts[i].Matches(l) {
			return false
		}
	}
	for i := range f.fields {
		c := &f.fields[i]
		holds := (c.phrase == "" || strings.Contains(l.Raw, c.phrase)) && logs.MatchFields(c.field[:], l)
		if holds == c.invert {
			return false
		}
	}
	return true
}

func (f *Filter) cost(l *logs.Line) int {
	cost := lineCost
	for i := range f.texts {
		cost += f.texts[i].cost(l)
	}
	for i := range f.fields {
		// Most lines do not have the text that an equal value needs.
		if cost += len(l.Raw); f.fields[i].phrase == "" {
			cost += 60 * len(l.Raw)
		}
	}
	return cost
}

// Hits are the places in a text that made the filter keep it, those of its first
// condition on texts.
func (f *Filter) Hits(text string) []Hit {
	for i := range f.texts {
		if hits := f.texts[i].Hits(text); len(hits) > 0 {
			return hits
		}
	}
	return nil
}
