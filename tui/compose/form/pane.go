// Package form is the form beside a JSON text: a row for every field that the schema
// asks for or the text has. It owns no text. A key that edits a field comes out as an
// Edit with the whole new text, and whoever owns the text shows the pane what there is
// then: so form and text cannot disagree.
package form

import (
	"slices"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Extra is a row of the pane that is no part of the text: an option of the dispatch.
type Extra struct {
	// ID names it in Edits.
	ID, Label string
	Value     string
	// Empty is shown instead of no value.
	Empty string
	// Help says what it is, Problem what is wrong with the value; empty when nothing is.
	Help, Problem string
	// Choices, when there are any, are the values it takes.
	Choices []string
}

// Edit is what a key has changed.
type Edit struct {
	// Text is the whole new text; nil when it is as it was.
	Text *string
	// Joins says that it goes on with the edit before, for undo.
	Joins bool
	// Extra is the ID of an Extra that was changed to Value; empty when none was.
	Extra, Value string
	// Note is a word to the person: why a key did nothing.
	Note string
}

// Pane is the form. Its methods are for Bubble Tea's goroutine.
type Pane struct {
	theme *theme.Theme
	limit int

	text   string
	form   *dispatch.Form // of the text, or of the last one that had a form
	fresh  bool           // form is of text
	frozen string         // why there is no form of the text; empty when there is one
	extras []Extra
	folded map[string]bool // by pointer
	wrong  map[string][]dispatch.Violation
	// proposed are the values, by pointer, that nobody has typed.
	proposed map[string]string

	rows    []row
	cursor  string // the key of the row under the cursor
	at      int    // its index
	top     int    // the first row on the screen
	focused bool
	input   *input
	adding  string // a name that is being typed for a new member
	page    int    // rows on the screen, for paging
}

// New returns an empty pane without focus. Values longer than limit bytes are not
// taken.
func New(t *theme.Theme, limit int) *Pane {
	return &Pane{theme: t, limit: limit, folded: map[string]bool{}, page: 10}
}

// Restyle takes over a changed theme.
func (p *Pane) Restyle() {
	if p.input != nil {
		p.input.editor.Restyle()
	}
}

// Show takes over a text and its form; the form is nil while it is still being made.
func (p *Pane) Show(text string, form *dispatch.Form) {
	p.text, p.frozen = text, ""
	p.fresh = form != nil
	if form == nil {
		return
	}
	p.form = form
	p.lay()
}

// Freeze keeps the last form, since the text is not JSON now: why says where and what.
func (p *Pane) Freeze(text, why string) {
	p.text, p.frozen, p.fresh = text, why, false
	p.drop()
	p.lay()
}

// Propose takes the values that there are now for proposals: the first thing that is
// typed into such a field replaces it.
func (p *Pane) Propose() {
	p.proposed = map[string]string{}
	if p.form == nil || !p.fresh {
		return
	}
	for i := range p.form.Fields {
		if f := &p.form.Fields[i]; f.Present && typed(f) {
			p.proposed[f.Pointer] = string(f.Value)
		}
	}
	p.drop()
	p.open()
}

// Violations are shown beside their fields.
func (p *Pane) Violations(vs []dispatch.Violation) {
	p.wrong = make(map[string][]dispatch.Violation, len(vs))
	for _, v := range vs {
		p.wrong[v.Pointer] = append(p.wrong[v.Pointer], v)
	}
}

// Extras takes over the rows that follow the form.
func (p *Pane) Extras(extras []Extra) {
	p.extras = extras
	p.lay()
}

// Usable is whether there is a form to type into.
func (p *Pane) Usable() bool { return p.form != nil && p.frozen == "" }

// Focused is whether keys are for the pane.
func (p *Pane) Focused() bool { return p.focused }

// Focus gives the pane the keys.
func (p *Pane) Focus() {
	p.focused = true
	p.open()
}

// Blur takes them away.
func (p *Pane) Blur() {
	p.focused = false
	p.drop()
}

// Begin puts the cursor where typing most likely begins: on the first required field
// that has no value yet, else on the first field.
func (p *Pane) Begin() {
	best := -1
	for i, r := range p.rows {
		f := r.field
		if f == nil || r.kind != rowField || !typed(f) {
			continue
		}
		if best < 0 {
			best = i
		}
		if f.Required && (!f.Present || len(f.Value) == 0 || string(f.Value) == `""` || string(f.Value) == "null") {
			best = i
			break
		}
	}
	p.move(max(0, best))
}

// ToPointer puts the cursor on the field with a pointer, or the nearest above it, and
// unfolds what hides it.
func (p *Pane) ToPointer(pointer string) {
	for at := pointer; at != ""; at = parent(at) {
		delete(p.folded, parent(at))
	}
	p.lay()
	for at := pointer; ; at = parent(at) {
		if i := slices.IndexFunc(p.rows, func(r row) bool { return r.kind == rowField && r.field.Pointer == at }); i >= 0 {
			p.move(i)
			return
		}
		if at == "" {
			return
		}
	}
}

// Follow puts the cursor on the field that stands at an offset of the text, while
// somebody else has the keys.
func (p *Pane) Follow(offset int) {
	if !p.fresh || p.focused {
		return
	}
	best := -1
	for i, r := range p.rows {
		// What belongs to a field follows it, so the last one that fits is the innermost.
		if f := r.field; r.kind == rowField && f.Present && f.Start <= offset && offset <= f.End {
			best = i
		}
	}
	if best >= 0 {
		p.move(best)
	}
}

// ToExtra puts the cursor on an extra row, the first when id is empty.
func (p *Pane) ToExtra(id string) {
	for i, r := range p.rows {
		if r.kind == rowExtra && (id == "" || p.extras[r.extra].ID == id) {
			p.move(i)
			return
		}
	}
}

// Offset is where the field under the cursor stands in the text; ok is false for what
// the text does not have.
func (p *Pane) Offset() (offset int, ok bool) {
	if p.input != nil && p.input.end > 0 {
		return p.input.start, true
	}
	if f := p.Field(); f != nil && f.Present && p.fresh {
		return f.Start, true
	}
	return 0, false
}

// Field is the field under the cursor; nil on another row.
func (p *Pane) Field() *dispatch.Field {
	if p.at >= len(p.rows) || p.rows[p.at].kind != rowField {
		return nil
	}
	return p.rows[p.at].field
}

// Value is the text that is typed into the field under the cursor, and whether there is
// one: what a person's own editor may be given.
func (p *Pane) Value() (name, text string, ok bool) {
	if p.input == nil || p.rows[p.at].kind != rowField {
		return "", "", false
	}
	return p.rows[p.at].field.Name, p.input.editor.Text(), true
}

// SetValue puts a text into the field under the cursor.
func (p *Pane) SetValue(text string) Edit {
	if p.input == nil {
		return Edit{Note: "the field is gone"}
	}
	if err := p.input.editor.Apply(text, false); err != nil {
		return Edit{Note: "the value is too long for a message"}
	}
	return p.typedIn(false)
}

// move puts the cursor on a row.
func (p *Pane) move(to int) {
	if len(p.rows) == 0 {
		p.at, p.cursor = 0, ""
		return
	}
	to = max(0, min(to, len(p.rows)-1))
	if key := p.rows[to].key(p); key != p.cursor {
		p.drop()
		p.cursor = key
	}
	p.at = to
	p.open()
}

// open makes the input of the row under the cursor, when that is typed into.
func (p *Pane) open() {
	if !p.focused || p.at >= len(p.rows) {
		return
	}
	r := p.rows[p.at]
	switch r.kind {
	case rowField:
		switch {
		case p.frozen != "" || !typed(r.field):
			p.drop()
		case !p.fresh: // the input, if any, knows where it stands
		case p.input == nil || !p.input.agrees(r.field):
			p.input = newInput(p.theme, p.limit, shown(r.field), r.field)
			if was, ok := p.proposed[r.field.Pointer]; ok && was == string(r.field.Value) && p.input.editor.Size() > 0 {
				p.input.propose(true)
			}
		default:
			p.input.place(r.field)
		}
	case rowExtra:
		if x := p.extras[r.extra]; len(x.Choices) > 0 {
			p.drop()
		} else if p.input == nil || p.input.editor.Text() != x.Value {
			p.input = newInput(p.theme, p.limit, x.Value, nil)
		}
	case rowAddMember:
		if p.input == nil || p.input.editor.Text() != p.adding {
			p.input = newInput(p.theme, 1<<10, p.adding, nil)
		}
	case rowAddItem, rowHead:
		p.drop()
	}
}

func (p *Pane) drop() { p.input, p.adding = nil, "" }

// Missing is the pointer of what a violation is about: of an object that lacks a
// member, that member.
func (p *Pane) Missing(v dispatch.Violation) string {
	if v.Keyword == "required" && p.form != nil {
		for i := range p.form.Fields {
			f := &p.form.Fields[i]
			if f.Required && !f.Present && f.Depth > 0 && parent(f.Pointer) == v.Pointer {
				return f.Pointer
			}
		}
	}
	return v.Pointer
}
