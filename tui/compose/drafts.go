package compose

import (
	"bytes"
	"encoding/json"
)

// Drafts keeps what was typed for each worker while the console runs, so that
// leaving the screen loses nothing. It is used on Bubble Tea's goroutine only.
type Drafts struct{ texts map[string]string }

// NewDrafts returns an empty store.
func NewDrafts() *Drafts { return &Drafts{texts: map[string]string{}} }

func (d *Drafts) get(workerID string) (string, bool) {
	text, ok := d.texts[workerID]
	return text, ok
}

func (d *Drafts) put(workerID, text string) { d.texts[workerID] = text }

// pretty indents JSON and leaves anything else as it is, and also what would
// come out over the limit.
func pretty(text string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace([]byte(text)), "", "  "); err != nil || b.Len() > textLimit {
		return text
	}
	return b.String()
}
