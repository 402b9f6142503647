package tui

import (
	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/compose"
	"github.com/microfox-ai/aiwctl/tui/deadletters"
)

// stageText is what a person has typed on one stage and not sent yet. It outlives the
// stage's screens: who looks at another stage and comes back finds it again.
type stageText struct {
	drafts *compose.Drafts
	edits  *deadletters.Edits
}

// stageKey tells stages apart, by what was said of them when they were opened.
type stageKey struct{ stage, region, profile, service, endpoint string }

func stageKeyOf(t aws.Target) stageKey {
	return stageKey{t.Stage, t.Region, t.Profile, t.Service, t.EndpointURL}
}

// typedOn is what was typed on a stage until now.
func (m *Model) typedOn(t aws.Target) *stageText {
	at := stageKeyOf(t)
	if m.typed[at] == nil {
		if m.typed == nil {
			m.typed = make(map[stageKey]*stageText)
		}
		m.typed[at] = &stageText{drafts: compose.NewDrafts(), edits: deadletters.NewEdits()}
	}
	return m.typed[at]
}
