package stages

import (
	"strings"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/table"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// row is a line of the list: a stage, or a profile from which one can be made. Its
// texts are clean.
type row struct {
	id      string
	stage   *Stage // nil: a profile
	choice  screen.Choice
	name    string
	current bool
	account string

	leads, profile, region, other string
}

// where says what the row leads to besides its own columns.
func (r row) where() string {
	if r.stage == nil {
		return ""
	}
	var parts []string
	for _, part := range []string{cell.Clean(r.stage.Service), cell.Clean(r.stage.Endpoint)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " "+theme.GlyphDot+" ")
}

// marks are the words about a row that may keep somebody from choosing it by mistake.
func (r row) marks() (text string, tone theme.Tone) {
	if r.stage == nil {
		return "profile", theme.ToneFaint
	}
	var words []string
	if r.stage.Protected {
		words = append(words, "PROTECTED")
		tone = theme.ToneBad
	}
	if r.stage.ReadOnly {
		words = append(words, "read-only")
		if tone == theme.ToneText {
			tone = theme.ToneWarn
		}
	}
	if r.stage.Problem != "" {
		words = append(words, "incomplete")
	}
	if r.stage.Default {
		words = append(words, "default")
	}
	if len(words) == 0 {
		return "", theme.ToneText
	}
	return strings.Join(words, ", "), tone
}

func columns() []table.Column[row] {
	tone := func(r row) theme.Tone {
		if r.stage == nil {
			return theme.ToneDim
		}
		return theme.ToneText
	}
	field := func(of func(row) string) func(row) table.Cell {
		return func(r row) table.Cell { return table.Cell{Text: of(r), Tone: tone(r)} }
	}
	return []table.Column[row]{
		{Title: "NAME", Min: 8, Grow: true, Cell: func(r row) table.Cell {
			c := table.Cell{Text: r.name, Tone: tone(r)}
			if r.current {
				c.Tone = theme.ToneBold
			}
			return c
		}},
		{Title: "", Min: 7, Max: 7, Cell: func(r row) table.Cell {
			if r.current {
				return table.Cell{Text: "current", Tone: theme.ToneAccent}
			}
			return table.Cell{}
		}},
		{Title: "MARKS", Max: 32, Cell: func(r row) table.Cell {
			text, tone := r.marks()
			return table.Cell{Text: text, Tone: tone}
		}},
		{Title: "STAGE", Max: 24, Priority: 3, Cell: field(func(r row) string { return r.leads })},
		{Title: "REGION", Max: 16, Priority: 1, Cell: field(func(r row) string { return r.region })},
		{Title: "ACCOUNT", Max: 12, Priority: 2, Cell: field(func(r row) string { return r.account })},
		{Title: "PROFILE", Max: 32, Priority: 2, Cell: field(func(r row) string { return r.profile })},
		{Title: "SERVICE, ENDPOINT", Max: 40, Priority: 4, Cell: field(func(r row) string { return r.other })},
	}
}

// load makes the rows from what was offered.
func (s *Screen) load() {
	var rows []row
	there := false
	for i := range s.offer.Stages {
		st := &s.offer.Stages[i]
		current := st.Choice == s.cfg.Current || st.Begun && s.cfg.Current.Begun
		there = there || current
		rows = append(rows, s.stageRow(st, current))
	}
	if !there {
		rows = append([]row{s.stageRow(s.shown(), true)}, rows...)
	}
	for i := range s.offer.Profiles {
		p := &s.offer.Profiles[i]
		name := cell.Clean(p.Name)
		rows = append(rows, row{
			id: "profile " + p.Name, name: name, profile: name, region: cell.Clean(p.Region), account: cell.Clean(p.Account),
			choice: screen.Choice{Profile: p.Name, Region: p.Region},
		})
	}
	s.table.SetRows(rows)
}

func (s *Screen) stageRow(st *Stage, current bool) row {
	r := row{
		id: "stage " + st.Name, stage: st, choice: st.Choice, name: cell.Clean(st.Name), current: current,
		leads: cell.Clean(st.Stage), profile: cell.Clean(st.Profile), region: cell.Clean(st.Region), account: cell.Clean(st.Account),
	}
	if st.Begun && st.Name == "" {
		r.id, r.name = "begun", strings.TrimSpace(r.leads+" (as begun)")
	}
	for _, key := range []screen.Choice{{Begun: st.Begun}, st.Choice.Key()} {
		if told := s.cfg.Accounts[key]; told != "" {
			r.account = cell.Clean(told)
		}
	}
	if current && s.env.Stage.Account != "" {
		r.account = cell.Clean(s.env.Stage.Account)
	}
	r.other = r.where()
	return r
}

// shown is the stage that is shown, when nobody has offered it.
func (s *Screen) shown() *Stage {
	is, c := s.env.Stage, s.cfg.Current
	return &Stage{
		Choice: c, Name: is.Called(), Begun: c.Begun, Stage: is.Name, Profile: is.Profile, Region: is.Region, Service: c.Service,
		Endpoint: is.Endpoint, Account: is.Account, Protected: is.Protected.Needed, ReadOnly: is.ReadOnly,
	}
}
