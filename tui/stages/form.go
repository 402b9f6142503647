package stages

import (
	"net/url"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// form is the free entry of a stage: a field for each flag that names one.
type form struct {
	theme  *theme.Theme
	fields []field
	at     int
	// wrong says what is wrong with the field that has the focus; empty: nothing that
	// can be seen from here.
	wrong string
}

type field struct {
	name, help string
	input      *prompt.Prompt
	// known are the values to complete.
	known []string
	check func(string) string
	into  func(*screen.Choice) *string
}

// newForm opens the form on what is to be changed.
func newForm(t *theme.Theme, o Offer, from screen.Choice) *form {
	var stages, profiles []string
	for _, s := range o.Stages {
		if s.Name != "" {
			stages = append(stages, s.Name)
		}
	}
	for _, p := range o.Profiles {
		profiles = append(profiles, p.Name)
	}
	f := &form{theme: t, fields: []field{
		{
			name: "stage", help: "a named stage, or a deployment stage; empty: what the stage says of itself, else prod", known: stages, check: word,
			into: func(c *screen.Choice) *string { return &c.Stage },
		},
		{
			name: "profile", help: "of AWS's files; empty: as the environment and the config file have it", known: profiles,
			into: func(c *screen.Choice) *string { return &c.Profile },
		},
		{
			name: "region", help: "empty: the profile's", known: regionsFirst(o), check: region,
			into: func(c *screen.Choice) *string { return &c.Region },
		},
		{
			name: "service", help: "only this service's workers; empty: all", check: word,
			into: func(c *screen.Choice) *string { return &c.Service },
		},
		{
			name: "endpoint", help: "replaces AWS's endpoints, such as http://127.0.0.1:4566; empty: AWS", check: endpoint,
			into: func(c *screen.Choice) *string { return &c.EndpointURL },
		},
	}}
	for i := range f.fields {
		p := prompt.New(t, cell.Fit(f.fields[i].name, 8))
		p.Set(*f.fields[i].into(&from))
		f.fields[i].input = p
	}
	return f
}

func word(text string) string {
	if strings.ContainsAny(text, " \t") {
		return "a name has no spaces"
	}
	return ""
}

func region(text string) string {
	if strings.ContainsFunc(text, func(c rune) bool { return c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') }) {
		return "a region is written like eu-west-1"
	}
	return ""
}

func endpoint(text string) string {
	u, err := url.Parse(text)
	if text != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return "an endpoint is an http or https URL with a host"
	}
	return ""
}

func (f *form) open() tea.Cmd { return f.fields[f.at].input.Open() }

// move goes to another field.
func (f *form) move(by int) tea.Cmd {
	f.fields[f.at].input.Leave()
	f.at = (f.at + by + len(f.fields)) % len(f.fields)
	f.judge()
	return f.open()
}

func (f *form) judge() {
	f.wrong = ""
	if at := f.fields[f.at]; at.check != nil {
		f.wrong = at.check(at.value())
	}
}

func (f *form) update(msg tea.Msg) tea.Cmd {
	cmd := f.fields[f.at].input.Update(msg)
	f.judge()
	return cmd
}

func (f *form) restyle() {
	for i := range f.fields {
		f.fields[i].input.Restyle()
	}
}

func (at field) value() string { return strings.TrimSpace(at.input.Value()) }

// matches are the known values that what was typed may become: those that begin with
// it, then those that contain it.
func (at field) matches() []string {
	typed := strings.ToLower(at.value())
	var begin, contain []string
	for _, k := range at.known {
		switch low := strings.ToLower(k); {
		case low == typed:
		case strings.HasPrefix(low, typed):
			begin = append(begin, k)
		case strings.Contains(low, typed):
			contain = append(contain, k)
		}
	}
	return append(begin, contain...)
}

// complete takes over the first match; it is false when there is none.
func (f *form) complete() bool {
	at := f.fields[f.at]
	matches := at.matches()
	if at.value() == "" || len(matches) == 0 {
		return false
	}
	at.input.Set(matches[0])
	_ = at.input.Open() // the cursor goes to the end; it has the focus already
	f.judge()
	return true
}

// choice is what was typed. When something is wrong with it, wrong says so and the
// field has the focus.
func (f *form) choice() (c screen.Choice, wrong string) {
	for i := range f.fields {
		at := f.fields[i]
		*at.into(&c) = at.value()
		if at.check == nil {
			continue
		}
		if wrong = at.check(at.value()); wrong != "" {
			_ = f.move(i - f.at) // the cursor does not blink: there is nothing to wait for
			return c, wrong
		}
	}
	if c == (screen.Choice{}) {
		return c, "name a stage, a profile, a region or an endpoint"
	}
	return c, ""
}

// view draws the form in at most height lines.
func (f *form) view(width, height int) []string {
	t := f.theme
	lines := []string{"", " " + t.Bold.Render("Another stage"), ""}
	for i := range f.fields {
		note := ""
		if i == f.at && f.wrong != "" {
			note = "! " + f.wrong
		}
		lines = append(lines, f.fields[i].input.View(note, width))
	}
	at := f.fields[f.at]
	lines = append(lines, "")
	if matches := at.matches(); len(matches) > 0 {
		text := t.Accent.Render(cell.Clean(matches[0]))
		if more := matches[1:min(len(matches), 12)]; len(more) > 0 {
			text += t.Dim.Render("  " + cell.Clean(strings.Join(more, "  ")))
		}
		lines = append(lines, cell.Fit(" "+text, width))
	} else {
		lines = append(lines, "")
	}
	for _, part := range cell.Wrap(at.name+": "+at.help+".", max(8, width-2)) {
		lines = append(lines, " "+t.Dim.Render(part))
	}
	return lines[:min(len(lines), height)]
}
