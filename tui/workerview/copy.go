package workerview

import (
	"encoding/json"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/detail"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// copyJSON copies what `aiwctl workers describe -o json` prints.
func (s *Screen) copyJSON() tea.Cmd {
	inv := s.env.Data.Inventory
	if inv == nil {
		inv = &aws.Inventory{}
	}
	what := "what is known of " + s.name + ", as JSON"
	text, err := json.MarshalIndent(detail.Of(s.worker, inv, s.verdict), "", "  ")
	if err != nil { // a schema of a source that is no JSON
		return screen.Send(screen.Task{ID: "copy", Text: "copy " + what, Done: true, Err: err})
	}
	return screen.Send(screen.Copy{What: what, Text: string(text)})
}
