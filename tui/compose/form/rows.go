package form

import (
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// rowKind is what a row of the pane is.
type rowKind int

const (
	rowField rowKind = iota
	// rowAddItem and rowAddMember belong to an array and an object, which they extend.
	rowAddItem
	rowAddMember
	rowHead // before the extras; the cursor skips it
	rowExtra
)

// row is one row: of a field, or of an extra.
type row struct {
	kind  rowKind
	field *dispatch.Field
	extra int
	depth int
}

// key names a row across forms.
func (r row) key(p *Pane) string {
	switch r.kind {
	case rowField:
		return "f" + r.field.Pointer
	case rowAddItem:
		return "i" + r.field.Pointer
	case rowAddMember:
		return "m" + r.field.Pointer
	case rowExtra:
		return "x" + p.extras[r.extra].ID
	case rowHead:
	}
	return "h"
}

// lay makes the rows and keeps the cursor on its own.
func (p *Pane) lay() {
	p.rows = p.rows[:0]
	p.fields()
	if len(p.extras) > 0 {
		p.rows = append(p.rows, row{kind: rowHead})
		for i := range p.extras {
			p.rows = append(p.rows, row{kind: rowExtra, extra: i})
		}
	}
	p.find()
	p.open()
}

// find looks for the cursor's row: a field that has gone leaves it to the one above.
func (p *Pane) find() {
	for key := p.cursor; key != ""; {
		if i := slices.IndexFunc(p.rows, func(r row) bool { return r.key(p) == key }); i >= 0 {
			if key != p.cursor {
				p.drop()
			}
			p.at, p.cursor = i, key
			return
		}
		if key[0] != 'f' || len(key) == 1 {
			break
		}
		key = "f" + parent(key[1:])
	}
	p.drop()
	p.at = max(0, min(p.at, len(p.rows)-1))
	if len(p.rows) > 0 {
		if p.rows[p.at].kind == rowHead {
			p.at++
		}
		p.cursor = p.rows[p.at].key(p)
	}
}

// fields makes the rows of the form.
func (p *Pane) fields() {
	if p.form == nil {
		return
	}
	// open are the containers that a row belongs to, outermost first, which get their
	// last row when the next row is none of theirs.
	var open []*dispatch.Field
	closing := func(depth int) {
		for len(open) > 0 && open[len(open)-1].Depth >= depth {
			p.last(open[len(open)-1])
			open = open[:len(open)-1]
		}
	}
	hidden := -1 // the depth of a folded field
	for i := range p.form.Fields {
		f := &p.form.Fields[i]
		if hidden >= 0 && f.Depth > hidden {
			continue
		}
		hidden = -1
		closing(f.Depth)
		if f.Depth > 0 || f.Kind != dispatch.FieldObject || len(f.Variants) > 0 || !f.Present {
			p.rows = append(p.rows, row{kind: rowField, field: f, depth: max(0, f.Depth-1)})
		}
		if !container(f) || !f.Present {
			continue
		}
		if p.folded[f.Pointer] {
			hidden = f.Depth
			continue
		}
		open = append(open, f)
	}
	closing(0)
}

// last is the row that extends a container.
func (p *Pane) last(f *dispatch.Field) {
	switch {
	case !f.Open:
	case f.Kind == dispatch.FieldArray && f.More == 0:
		p.rows = append(p.rows, row{kind: rowAddItem, field: f, depth: f.Depth})
	case f.Kind == dispatch.FieldObject && (f.Depth == 0 || !p.described(f)):
		p.rows = append(p.rows, row{kind: rowAddMember, field: f, depth: f.Depth})
	}
}

// described is whether the schema names a member of an object.
func (p *Pane) described(object *dispatch.Field) bool {
	for i := range p.form.Fields {
		f := &p.form.Fields[i]
		if f.Depth == object.Depth+1 && f.Known && parent(f.Pointer) == object.Pointer {
			return true
		}
	}
	return false
}

func container(f *dispatch.Field) bool {
	return f.Kind == dispatch.FieldObject || f.Kind == dispatch.FieldArray
}

func parent(pointer string) string {
	return pointer[:max(0, strings.LastIndexByte(pointer, '/'))]
}
