package deadletters

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// Edits keeps what somebody has changed in dead letters, by message, until it was
// replayed or taken back, so that neither leaving the screen nor another look loses
// it. It lives as long as the console and is used on Bubble Tea's goroutine only.
type Edits struct {
	by map[string]*edit
	// taken are edits that were taken back, for as long as nothing else is edited there.
	taken map[string]*edit
}

// NewEdits returns an empty store.
func NewEdits() *Edits { return &Edits{by: map[string]*edit{}, taken: map[string]*edit{}} }

// edit is a change to one message.
type edit struct {
	original letter.Letter
	// body is whether the whole body is edited: it is no job, or has no input.
	body bool
	// before and text are what stood there and what stands there now, indented.
	before, text string
}

// newEdit begins to edit a message.
func newEdit(l *letter.Letter) *edit {
	e := &edit{original: *l}
	from, to, ok := inputIn(l.Body)
	if l.Message == nil || !ok {
		e.body = true
		e.before = indented(l.Body)
	} else {
		e.before = indented(l.Body[from:to])
	}
	e.text = e.before
	return e
}

func (e *edit) changed() bool { return e.text != e.before }

var errNotJSON = errors.New("the edited input is not JSON yet")

// letter is the message as it is to be sent.
func (e *edit) letter() (letter.Letter, error) {
	out := e.original
	if e.body {
		text := e.text
		var b bytes.Buffer
		switch {
		case json.Valid([]byte(e.original.Body)) && !json.Valid([]byte(text)):
			return out, fmt.Errorf("%w: the body was", errNotJSON)
		case json.Compact(&b, []byte(text)) == nil && !strings.Contains(e.original.Body, "\n"):
			text = b.String()
		}
		out.SetBody(text)
		return out, nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(e.text)); err != nil {
		return out, fmt.Errorf("%w: %w", errNotJSON, err)
	}
	from, to, ok := inputIn(e.original.Body)
	if !ok {
		return out, errNotJSON
	}
	// Every other byte of the body stays as it is.
	out.SetBody(e.original.Body[:from] + b.String() + e.original.Body[to:])
	return out, nil
}

// inputIn is where the value of "input" stands in a body.
func inputIn(body string) (from, to int, ok bool) {
	d := json.NewDecoder(strings.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return 0, 0, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return 0, 0, false
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return 0, 0, false
		}
		if name == "input" { // the last one counts, as it does when it is parsed
			to = int(d.InputOffset())
			from, ok = to-len(value), true
		}
	}
	return from, to, ok
}

// indented is JSON for reading, anything else as it is.
func indented(text string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace([]byte(text)), "", "  "); err != nil || b.Len() > editLimit {
		return text
	}
	return b.String()
}

func (e *Edits) get(id string) *edit { return e.by[id] }

func (e *Edits) put(id string, is *edit) {
	if !is.changed() {
		delete(e.by, id)
		return
	}
	e.by[id] = is
	delete(e.taken, id)
}

func (e *Edits) drop(id string) {
	delete(e.by, id)
	delete(e.taken, id)
}

// toggle takes an edit back, or brings back the one that was taken back.
func (e *Edits) toggle(id string) (there bool) {
	if is := e.by[id]; is != nil {
		delete(e.by, id)
		e.taken[id] = is
		return false
	}
	if is := e.taken[id]; is != nil {
		e.put(id, is)
		return true
	}
	return false
}

// count is how many of some messages are edited.
func (e *Edits) count(of map[string]*item) int {
	n := 0
	for id := range e.by {
		if of[id] != nil {
			n++
		}
	}
	return n
}
