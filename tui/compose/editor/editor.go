// Package editor is a text editor for JSON: several lines, soft wrapped, with
// line numbers, marks beside lines, colours and undo.
//
// It is not the Bubbles text area, which renders every line of the text twice
// for each key, cuts what is over its limit without a word, changes tabs and
// control characters, and numbers the rows of a wrapped line where it should
// number lines. This one keeps every byte, costs a frame what is visible, and
// says when it refuses. What would harm a terminal is shown as U+FFFD.
package editor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"charm.land/lipgloss/v2"

	"github.com/microfox-ai/aiwctl/tui/theme"
)

// ErrFull is wrapped by the errors of edits that would make the text longer than
// its limit. Nothing of such an edit is done.
var ErrFull = errors.New("the text would be too long")

// undoSteps is how many edits can be taken back.
const undoSteps = 200

// Editor is a text being edited. Its methods are for Bubble Tea's goroutine.
type Editor struct {
	theme *theme.Theme
	block lipgloss.Style // the cell under the cursor
	limit int

	lines   []string // at least one; without line ends; never changed in place
	row     int
	col     int // in bytes, at the beginning of a character
	goal    int // the cell that up and down keep to; -1 when there is none
	size    int // of the text in bytes
	text    string
	joined  bool // text is the lines, joined
	version int

	undone, redone []state
	typing         bool // the last edit typed a character, which the next may join

	bare    bool // no marks, no numbers, no margins: a value of a form
	faint   bool
	focused bool
	marks   map[int]Mark
	top     place // the first row on the screen
	height  int   // as last shown, for paging
	room    int   // cells for text, as last shown
}

// state is what undo goes back to.
type state struct {
	lines    []string
	row, col int
}

// Mark is what stands beside a line.
type Mark int

// The marks. An error stands over a warning.
const (
	MarkNone Mark = iota
	MarkWarning
	MarkError
)

// New returns an empty editor without focus that takes limit bytes.
func New(t *theme.Theme, limit int) *Editor {
	e := &Editor{theme: t, limit: limit, lines: []string{""}, goal: -1, height: 1, room: 40}
	e.Restyle()
	return e
}

// NewBare returns an editor for one value: it draws neither marks nor numbers nor
// colours of JSON, and a new line has no margin.
func NewBare(t *theme.Theme, limit int) *Editor {
	e := New(t, limit)
	e.bare = true
	return e
}

// Faint draws the text as one that is only proposed.
func (e *Editor) Faint(on bool) { e.faint = on }

// Restyle takes over a changed theme.
func (e *Editor) Restyle() { e.block = e.theme.Text.Reverse(true) }

// Focus and Blur give and take the cursor.
func (e *Editor) Focus() { e.focused = true }

// Blur takes the cursor away.
func (e *Editor) Blur() { e.focused, e.typing = false, false }

// Focused is whether keys are for the editor.
func (e *Editor) Focused() bool { return e.focused }

// Text is the whole text.
func (e *Editor) Text() string {
	if !e.joined {
		e.text, e.joined = strings.Join(e.lines, "\n"), true
	}
	return e.text
}

// Size is the length of the text in bytes.
func (e *Editor) Size() int { return e.size }

// Version changes whenever the text does.
func (e *Editor) Version() int { return e.version }

// SetText begins anew with a text, at its start: nothing can be undone.
func (e *Editor) SetText(text string) {
	e.undone, e.redone, e.typing = nil, nil, false
	e.set(split(text))
	e.row, e.col, e.goal = 0, 0, -1
	e.top = place{}
}

// Replace puts another text in the place of the whole text, as an edit that can
// be undone. The cursor stays on its line, as far as there is one.
func (e *Editor) Replace(text string) {
	if text == e.Text() {
		return
	}
	e.remember(false)
	e.set(split(text))
	e.row = min(e.row, len(e.lines)-1)
	e.col, e.goal = indent(e.lines[e.row]), -1
}

// Apply is Replace for an edit that was made elsewhere, in a form: it is refused with
// ErrFull when it is over the limit, and joins the one before, for undo, when that was
// such a one too and joins is set.
func (e *Editor) Apply(text string, joins bool) error {
	if len(text) > e.limit {
		return fmt.Errorf("%w: %d bytes are over %d", ErrFull, len(text), e.limit)
	}
	if text == e.Text() {
		return nil
	}
	e.remember(joins)
	e.set(split(text))
	e.row = min(e.row, len(e.lines)-1)
	e.col, e.goal = min(e.col, len(e.lines[e.row])), -1
	e.col = floor(e.lines[e.row], e.col)
	return nil
}

// Pause ends what edits join: the next one is taken back by itself.
func (e *Editor) Pause() { e.typing = false }

// Offset is where the cursor is, in bytes of the text.
func (e *Editor) Offset() int {
	at := e.col
	for _, line := range e.lines[:e.row] {
		at += len(line) + 1
	}
	return at
}

// GotoByte puts the cursor on the character at an offset of the text.
func (e *Editor) GotoByte(offset int) {
	for i, line := range e.lines {
		if offset <= len(line) || i == len(e.lines)-1 {
			e.row, e.col, e.goal = i, floor(line, max(0, min(offset, len(line)))), -1
			return
		}
		offset -= len(line) + 1
	}
}

// SetMarks sets what stands beside lines, which count from 1.
func (e *Editor) SetMarks(marks map[int]Mark) { e.marks = marks }

// Position is where the cursor is. Both count from 1, the column in characters
// as dispatch.Violation counts them.
func (e *Editor) Position() (line, column int) {
	return e.row + 1, utf8.RuneCountInString(e.lines[e.row][:e.col]) + 1
}

// Goto puts the cursor on a position, or on the nearest there is.
func (e *Editor) Goto(line, column int) {
	e.row = max(0, min(line-1, len(e.lines)-1))
	text := e.lines[e.row]
	at := 0
	for range column - 1 {
		if at >= len(text) {
			break
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	e.col, e.goal, e.typing = floor(text, at), -1, false
}

// split makes lines of a text with any line ends. A terminal pastes carriage
// returns.
func split(text string) []string {
	if strings.Contains(text, "\r") {
		text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	}
	return strings.Split(text, "\n")
}

// set takes over lines.
func (e *Editor) set(lines []string) {
	e.lines, e.joined = lines, false
	e.version++
	e.size = len(lines) - 1
	for _, line := range lines {
		e.size += len(line)
	}
}

// remember keeps the text as it is for undo, unless the edit that comes joins
// the one before.
func (e *Editor) remember(typing bool) {
	joins := typing && e.typing
	e.typing = typing
	e.redone = nil
	if joins {
		return
	}
	e.undone = append(e.undone, e.state())
	if len(e.undone) > undoSteps {
		e.undone = slices.Delete(e.undone, 0, len(e.undone)-undoSteps)
	}
}

func (e *Editor) state() state { return state{e.lines, e.row, e.col} }

// Undo takes the last edit back; it is false when there is none.
func (e *Editor) Undo() bool { return e.travel(&e.undone, &e.redone) }

// Redo does again what was undone last.
func (e *Editor) Redo() bool { return e.travel(&e.redone, &e.undone) }

func (e *Editor) travel(from, to *[]state) bool {
	n := len(*from)
	if n == 0 {
		return false
	}
	s := (*from)[n-1]
	*from = (*from)[:n-1]
	*to = append(*to, e.state())
	e.set(s.lines)
	e.row, e.col, e.goal, e.typing = s.row, s.col, -1, false
	return true
}

// Insert puts a text at the cursor. Its error wraps ErrFull.
func (e *Editor) Insert(text string) error {
	if text == "" {
		return nil
	}
	return e.insert(split(text), false)
}

func (e *Editor) insert(parts []string, typing bool) error {
	more := len(parts) - 1
	for _, part := range parts {
		more += len(part)
	}
	if e.size+more > e.limit {
		return fmt.Errorf("%w: %d bytes and %d more are over %d", ErrFull, e.size, more, e.limit)
	}
	e.remember(typing)
	line := e.lines[e.row]
	before, after := line[:e.col], line[e.col:]
	last := len(parts) - 1
	e.col = len(parts[last])
	fresh := slices.Clone(parts)
	fresh[0] = before + fresh[0]
	if last == 0 {
		e.col += len(before)
	}
	fresh[last] += after
	e.splice(e.row, e.row+1, fresh)
	e.row += last
	e.goal = -1
	return nil
}

// erase removes what lies between two positions, in order, and puts the cursor
// there.
func (e *Editor) erase(fromRow, fromCol, toRow, toCol int) {
	if fromRow == toRow && fromCol == toCol {
		return
	}
	e.remember(false)
	e.splice(fromRow, toRow+1, []string{e.lines[fromRow][:fromCol] + e.lines[toRow][toCol:]})
	e.row, e.col, e.goal = fromRow, fromCol, -1
}

// splice replaces lines. The list is copied, since undo holds the one before.
func (e *Editor) splice(from, to int, lines []string) {
	fresh := make([]string, 0, len(e.lines)-(to-from)+len(lines))
	fresh = append(fresh, e.lines[:from]...)
	fresh = append(fresh, lines...)
	e.set(append(fresh, e.lines[to:]...))
}

// indent is how many blanks a line begins with.
func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }
