package compose

import (
	"bytes"
	"encoding/json"

	"github.com/microfox-ai/aiwctl/tui/compose/options"
)

// Drafts keeps what was typed for each worker while the console runs, so that
// leaving the screen loses nothing. It is used on Bubble Tea's goroutine only.
type Drafts struct{ drafts map[string]draft }

type draft struct {
	text string
	opts options.Options
}

// NewDrafts returns an empty store.
func NewDrafts() *Drafts { return &Drafts{drafts: map[string]draft{}} }

func (d *Drafts) get(workerID string) (draft, bool) {
	kept, ok := d.drafts[workerID]
	return kept, ok
}

func (d *Drafts) put(workerID string, kept draft) { d.drafts[workerID] = kept }

// pretty indents JSON and leaves anything else as it is, and also what would
// come out over the limit.
func pretty(text string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace([]byte(text)), "", "  "); err != nil || b.Len() > textLimit {
		return text
	}
	return b.String()
}
