package form

import (
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/jsonedit"
)

const stale = "the text is still being read"

// Move handles the keys that move between rows; it is false for another.
func (p *Pane) Move(name string) bool {
	switch name {
	case "up", "shift+tab":
		p.step(-1)
	case "down", "tab":
		p.step(1)
	case "pgup":
		p.step(-p.page)
	case "pgdown":
		p.step(p.page)
	case "ctrl+home":
		p.move(0)
	case "ctrl+end":
		p.move(len(p.rows) - 1)
	default:
		return false
	}
	return true
}

// step moves by rows, over the head of the extras.
func (p *Pane) step(by int) {
	to := max(0, min(p.at+by, len(p.rows)-1))
	if to < len(p.rows) && p.rows[to].kind == rowHead {
		if by > 0 {
			to++
		} else {
			to--
		}
	}
	if to >= 0 {
		p.move(to)
	}
}

// Key handles a key.
func (p *Pane) Key(msg tea.KeyPressMsg) Edit {
	if p.at >= len(p.rows) {
		return Edit{}
	}
	name := msg.String()
	r := p.rows[p.at]
	if p.input != nil && p.inside(name) {
		p.input.editor.Move(name)
		return Edit{}
	}
	if p.Move(name) {
		return Edit{}
	}
	if p.frozen != "" && r.kind != rowExtra {
		return Edit{Note: "the text is not JSON: correct it there first"}
	}
	switch r.kind {
	case rowField:
		return p.fieldKey(name, msg, r.field)
	case rowAddItem:
		if name == "enter" || name == "space" {
			return p.addItem(r.field)
		}
	case rowAddMember:
		return p.memberKey(name, msg, r.field)
	case rowExtra:
		return p.extraKey(name, msg, r.extra)
	case rowHead:
	}
	return Edit{}
}

// Paste inserts a text where one is typed.
func (p *Pane) Paste(text string) Edit {
	switch {
	case p.frozen != "" && p.input == nil:
		return Edit{Note: "the text is not JSON: correct it there first"}
	case p.input == nil:
		return Edit{Note: "nothing can be typed into this field"}
	}
	if p.input.proposed {
		p.input.propose(false)
		p.input.editor.SetText("")
	}
	if err := p.input.editor.Insert(text); err != nil {
		return Edit{Note: "not inserted: it is too long for a message"}
	}
	return p.afterTyping(false)
}

// inside is whether a key moves within the text of several rows, and not away from it.
func (p *Pane) inside(name string) bool {
	line, _ := p.input.editor.Position()
	lines := strings.Count(p.input.editor.Text(), "\n") + 1
	return name == "up" && line > 1 || name == "down" && line < lines
}

func (p *Pane) fieldKey(name string, msg tea.KeyPressMsg, f *dispatch.Field) Edit {
	if edit, ok := p.command(name, f); ok {
		return edit
	}
	if typed(f) {
		return p.typeKey(name, msg)
	}
	if container(f) {
		return p.containerKey(name, f)
	}
	return p.choiceKey(name, msg, f)
}

// command handles the keys that mean the same on every field.
func (p *Pane) command(name string, f *dispatch.Field) (Edit, bool) {
	switch name {
	case "alt+x":
		switch {
		case !f.Present:
			return Edit{Note: "the text does not have it"}, true
		case f.Depth == 0:
			return Edit{Note: "the whole input cannot be taken out"}, true
		}
		p.drop()
		return p.change(f, (*jsonedit.Doc).Remove), true // that a required one is missing is said beside it
	case "alt+up", "alt+down":
		by := 1
		if name == "alt+up" {
			by = -1
		}
		if !f.Item {
			return Edit{Note: "only items of a list have an order"}, true
		}
		i, _ := strconv.Atoi(f.Name)
		edit := p.change(f, func(d *jsonedit.Doc, path []string) (string, error) { return d.Move(path, by) })
		if edit.Text != nil {
			p.cursor = "f" + parent(f.Pointer) + "/" + strconv.Itoa(i+by)
			p.drop()
		}
		return edit, true
	case "alt+d":
		if f.Default == nil {
			return Edit{Note: "the schema has no default for it"}, true
		}
		return p.set(f, string(f.Default)), true
	case "alt+e":
		if len(f.Examples) == 0 {
			return Edit{Note: "the schema has no example of it"}, true
		}
		next := 0
		for i, e := range f.Examples {
			if f.Present && equal(e, f.Value) {
				next = (i + 1) % len(f.Examples)
			}
		}
		return p.set(f, string(f.Examples[next])), true
	case "alt+n":
		if !f.Nullable {
			return Edit{Note: "the schema does not allow null here"}, true
		}
		if f.Present && string(f.Value) == "null" {
			return p.set(f, string(p.form.Starter(f))), true
		}
		return p.set(f, "null"), true
	case "alt+v":
		if len(f.Variants) < 2 {
			return Edit{Note: "there is one form of it only"}, true
		}
		return p.variant(f, 1), true
	}
	return Edit{}, false
}

func (p *Pane) typeKey(name string, msg tea.KeyPressMsg) Edit {
	if p.input == nil {
		if !p.fresh && p.rows[p.at].kind == rowField {
			return Edit{Note: stale}
		}
		if p.open(); p.input == nil {
			return Edit{}
		}
	}
	if name == "enter" {
		p.step(1)
		return Edit{}
	}
	before := p.input.editor.Version()
	if p.input.proposed {
		if p.input.propose(false); begins(msg) {
			p.input.editor.SetText("")
			if msg.Text == "" {
				return p.afterTyping(true)
			}
		} else if name == "right" || name == "left" {
			p.input.editor.Move("ctrl+end")
			return Edit{}
		}
	}
	if err := p.input.editor.Key(msg); err != nil {
		return Edit{Note: "not inserted: it is too long for a message"}
	}
	if p.input.editor.Version() == before {
		return Edit{}
	}
	return p.afterTyping(true)
}

// afterTyping takes what was typed to where it belongs.
func (p *Pane) afterTyping(joins bool) Edit {
	switch r := p.rows[p.at]; r.kind {
	case rowExtra:
		return Edit{Extra: p.extras[r.extra].ID, Value: p.input.editor.Text()}
	case rowAddMember:
		p.adding = p.input.editor.Text()
		return Edit{}
	case rowField, rowAddItem, rowHead:
	}
	return p.typedIn(joins)
}

// typedIn writes what was typed into the text. It needs no form of the text as it is
// now: the input knows where it stands.
func (p *Pane) typedIn(joins bool) Edit {
	f := p.rows[p.at].field
	raw := written(f, p.input.raw, p.input.editor.Text())
	if raw == "null" && !f.Nullable && f.Removable && f.Behind() != nil && f.Present && p.fresh && p.input.editor.Size() == 0 {
		// An optional number without a digit is no number: it is left out.
		p.input.start, p.input.end, p.input.wrote = 0, 0, ""
		edit := p.change(f, (*jsonedit.Doc).Remove)
		edit.Joins = joins
		return edit
	}
	if p.input.end > 0 {
		text := p.text[:p.input.start] + raw + p.text[p.input.end:]
		p.input.end, p.input.wrote = p.input.start+len(raw), raw
		p.text, p.fresh = text, false
		return Edit{Text: &text, Joins: joins}
	}
	if !p.fresh {
		return Edit{Note: stale}
	}
	edit := p.set(f, raw)
	if edit.Text == nil {
		return edit
	}
	p.input.wrote = raw
	if doc, err := jsonedit.Parse(*edit.Text); err == nil {
		p.input.start, p.input.end, _ = doc.Span(f.Path)
	}
	return edit
}

// set puts a value, as JSON, where a field has or would have it.
func (p *Pane) set(f *dispatch.Field, raw string) Edit {
	return p.change(f, func(d *jsonedit.Doc, path []string) (string, error) { return d.Set(path, raw, f.Behind()) })
}

// change edits the text around a field.
func (p *Pane) change(f *dispatch.Field, do func(*jsonedit.Doc, []string) (string, error)) Edit {
	if !p.fresh {
		return Edit{Note: stale}
	}
	doc, err := jsonedit.Parse(p.text)
	if err != nil {
		return Edit{Note: err.Error()}
	}
	text, err := do(doc, f.Path)
	if err != nil {
		return Edit{Note: "that is not possible here"}
	}
	if text == p.text {
		return Edit{}
	}
	if len(text) > p.limit {
		return Edit{Note: "not done: the text would be too long for a message"}
	}
	p.text, p.fresh = text, false
	return Edit{Text: &text}
}

func (p *Pane) containerKey(name string, f *dispatch.Field) Edit {
	switch name {
	case "left", "right":
		if len(f.Variants) > 1 && f.Present {
			by := 1
			if name == "left" {
				by = -1
			}
			return p.variant(f, by)
		}
		if f.Present {
			p.fold(f, name == "left")
			return Edit{}
		}
	case "enter", "space":
		if f.Present && container(f) && isContainer(f) {
			p.fold(f, !p.folded[f.Pointer])
			return Edit{}
		}
		delete(p.folded, f.Pointer)
		return p.set(f, string(p.form.Starter(f)))
	}
	return Edit{}
}

// isContainer is whether the value that a field has is what its kind says.
func isContainer(f *dispatch.Field) bool {
	return len(f.Value) > 0 && (f.Value[0] == '{' || f.Value[0] == '[')
}

func (p *Pane) fold(f *dispatch.Field, folded bool) {
	if folded {
		p.folded[f.Pointer] = true
	} else {
		delete(p.folded, f.Pointer)
	}
	p.lay()
}

// variant makes the value another of its forms.
func (p *Pane) variant(f *dispatch.Field, by int) Edit {
	n := len(f.Variants)
	return p.set(f, string(p.form.AsVariant(f, ((f.Variant+by)%n+n)%n)))
}

func (p *Pane) choiceKey(name string, msg tea.KeyPressMsg, f *dispatch.Field) Edit {
	vs := values(f)
	at := chosen(f)
	n := len(vs)
	if n == 0 {
		return Edit{}
	}
	switch name {
	case "right", "space":
		return p.set(f, string(vs[(at+1)%n]))
	case "left":
		return p.set(f, string(vs[(max(at, 0)+n-1)%n]))
	case "enter":
		p.step(1)
		return Edit{}
	}
	if msg.Text == "" {
		return Edit{}
	}
	// A letter goes to the next value that begins with it; y and n to true and false.
	letter := strings.ToLower(msg.Text)
	for i := 1; i <= n; i++ {
		v := vs[(max(at, -1)+i+n)%n]
		text, ok := unquoted(v)
		if !ok {
			text = string(v)
		}
		if strings.HasPrefix(strings.ToLower(text), letter) ||
			f.Kind == dispatch.FieldBoolean && (letter == "y" && text == "true" || letter == "n" && text == "false") {
			return p.set(f, string(v))
		}
	}
	return Edit{}
}

func (p *Pane) addItem(array *dispatch.Field) Edit {
	raw := string(p.form.NewItem(array))
	edit := p.change(array, func(d *jsonedit.Doc, path []string) (string, error) { return d.InsertItem(path, array.Length, raw) })
	if edit.Text != nil {
		p.cursor = "f" + array.Pointer + "/" + strconv.Itoa(array.Length)
		p.drop()
	}
	return edit
}

func (p *Pane) memberKey(name string, msg tea.KeyPressMsg, object *dispatch.Field) Edit {
	if name != "enter" {
		return p.typeKey(name, msg)
	}
	key := p.adding
	if key == "" {
		p.step(1)
		return Edit{}
	}
	path := append(append([]string(nil), object.Path...), key)
	if old := p.form.Field(path); old != nil {
		p.drop()
		p.ToPointer(old.Pointer)
		return Edit{Note: "it is there already"}
	}
	raw := string(p.form.NewMember(object, key))
	edit := p.change(object, func(d *jsonedit.Doc, _ []string) (string, error) { return d.Set(path, raw, nil) })
	if edit.Text != nil {
		p.cursor = "f" + object.Pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
		p.drop()
	}
	return edit
}

func (p *Pane) extraKey(name string, msg tea.KeyPressMsg, i int) Edit {
	x := p.extras[i]
	if len(x.Choices) == 0 {
		if name == "alt+x" {
			p.drop()
			return Edit{Extra: x.ID}
		}
		return p.typeKey(name, msg)
	}
	at := 0
	for j, c := range x.Choices {
		if c == x.Value {
			at = j
		}
	}
	n := len(x.Choices)
	switch name {
	case "right", "space":
		return Edit{Extra: x.ID, Value: x.Choices[(at+1)%n]}
	case "left":
		return Edit{Extra: x.ID, Value: x.Choices[(at+n-1)%n]}
	case "enter":
		p.step(1)
	}
	return Edit{}
}
