package stages

import (
	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
)

// fixed is why nothing can be chosen.
const fixed = "this console has one stage: it was opened on a stage of its own"

// Actions implements screen.Screen.
func (s *Screen) Actions() []screen.Action {
	if s.form != nil {
		return s.formActions()
	}
	selected, found := s.table.Selected()
	refused := ""
	switch {
	case s.cfg.Fixed:
		refused = fixed
	case !found:
		refused = "there is no stage under the cursor"
	}
	open := screen.Action{
		ID: "open", Keys: []string{"enter"}, Label: "go there", Refused: refused,
		Help: "Go over to the stage under the cursor: the same screens, on that stage. Of a profile, the form is opened.",
		Run:  s.choose,
	}
	other := screen.Action{
		ID: "other", Keys: []string{"n", "e"}, Label: "another", Help: "Name a stage by hand, beginning with the one under the cursor: stage, profile, region, service, endpoint.",
		Run: s.byHand,
	}
	copies := screen.Action{
		ID: "copy-command", Keys: []string{"y"}, Label: "copy", Help: "Copy the command line that opens the console on the stage under the cursor.",
		Run: func() tea.Cmd {
			return screen.Send(screen.Copy{What: "the command for " + selected.name, Text: screen.Command(selected.choice.Args()...)})
		},
	}
	if s.cfg.Fixed {
		other.Refused = fixed
	}
	if !found {
		copies.Refused = "there is no stage under the cursor"
	} else if !s.cfg.Fixed {
		open.Command = func() string { return screen.Command(selected.choice.Args()...) }
	}
	actions := []screen.Action{
		open, other,
		{ID: "filter", Keys: []string{"/"}, Label: "filter", Help: "Show only what contains a text; esc clears it.", Run: s.filter.Open},
		copies,
		{ID: "reload", Keys: []string{"r"}, Label: "read again", Help: "Read the config file and AWS's files again.", Run: s.again},
	}
	switch {
	case s.connecting():
		actions = append(actions, screen.Action{
			ID: "give-up", Keys: []string{"esc"}, Label: "give up", Help: "Give up connecting, and stay on this stage.",
			Run: func() tea.Cmd { return screen.Send(screen.CancelSwitch{}) },
		})
	case s.filter.Shown():
		actions = append(actions, screen.Action{
			Keys: []string{"esc"}, Label: "clear", Help: "Clear the filter.",
			Run: s.clear,
		})
	}
	return append(actions, table.Moves()...)
}

func (s *Screen) formActions() []screen.Action {
	return []screen.Action{
		{ID: "form-go", Keys: []string{"enter"}, Label: "go there", Help: "Go over to the stage that is named.", WhileTyping: true, Run: s.submit},
		{ID: "form-next", Keys: []string{"tab", "down"}, Label: "complete, next", Help: "Complete what is typed, else go to the next field.", WhileTyping: true, Run: s.next},
		{ID: "form-previous", Keys: []string{"shift+tab", "up"}, Hidden: true, Help: "Go to the field before.", WhileTyping: true, Run: func() tea.Cmd { return s.form.move(-1) }},
		{ID: "form-leave", Keys: []string{"esc"}, Label: "back to the list", Help: "Leave the form; while connecting, give that up first.", WhileTyping: true, Run: s.leaveForm},
	}
}

// choose goes over to the stage under the cursor.
func (s *Screen) choose() tea.Cmd {
	selected, ok := s.table.Selected()
	if !ok {
		return nil
	}
	s.table.Hold()
	if selected.stage == nil {
		return s.byHand()
	}
	return screen.Send(screen.SwitchStage{Choice: selected.choice})
}

// clear clears the filter. Where nothing was left under the cursor, it goes to the stage
// that is shown: enter must not lead to the first one by accident.
func (s *Screen) clear() tea.Cmd {
	lost := len(s.table.Rows()) == 0
	s.filter.Clear()
	s.refilter()
	if lost {
		s.table.Select(s.currentRow())
	}
	return nil
}

// byHand opens the form on what is under the cursor.
func (s *Screen) byHand() tea.Cmd {
	var from screen.Choice
	if selected, ok := s.table.Selected(); ok {
		from = selected.choice
		from.Begun = false
		if st := selected.stage; st != nil && st.Name == from.Stage && !selected.current {
			// A named stage says the rest by itself; what is typed beside it is said anew.
			from = screen.Choice{Stage: st.Name}
		}
		if selected.stage == nil {
			from.Service, from.EndpointURL = "", ""
		}
	}
	s.form = newForm(s.env.Theme, s.offer, from)
	if from.Profile != "" && from.Stage == "" {
		s.form.at = 0
	}
	return s.form.open()
}

func (s *Screen) submit() tea.Cmd {
	choice, wrong := s.form.choice()
	s.form.wrong = wrong
	if wrong != "" {
		return nil
	}
	return screen.Send(screen.SwitchStage{Choice: choice})
}

func (s *Screen) next() tea.Cmd {
	if s.form.complete() {
		return nil
	}
	return s.form.move(1)
}

func (s *Screen) leaveForm() tea.Cmd {
	if s.connecting() {
		return screen.Send(screen.CancelSwitch{})
	}
	s.form = nil
	return nil
}
