// Package palette is the dialog in which a person types where to go and what to do:
// one line of input, and below it what fits, the best first.
package palette

import (
	"cmp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/dialog"
	"github.com/microfox-ai/aiwctl/tui/prompt"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

// Entry is something that can be chosen.
type Entry struct {
	// Name is what is typed for it, clean and on one line: "logs orders".
	Name string
	// Aliases are other words for the same: "q".
	Aliases []string
	// Keys do the same without the palette; may be empty.
	Keys []string
	// Help is a sentence.
	Help string
	// Refused, when not empty, is why it cannot be done now. It can be chosen all the
	// same: Run says so.
	Refused string
	// Command is the command line that does the same; nil when there is none.
	Command func() string
	// Wants names what is typed after Name: "ID". Empty means nothing.
	Wants string
	// Weight puts an entry before others that fit as well, such as one of the same name.
	Weight int
	// Run does it. Argument is what was typed after Name, where something is wanted.
	Run func(argument string) tea.Cmd
}

// Config is what a palette is about.
type Config struct {
	// Entries lists what can be chosen now, in the order in which it is shown before
	// anything is typed.
	Entries func() []Entry
	// Guess makes an entry of a single word, as a last resort; ok is false for a word
	// that says nothing to it. Nil guesses nothing.
	Guess func(word string) (e Entry, ok bool)
	// History is what was chosen before, and is added to; nil keeps none.
	History *History
}

// Palette is an open palette. It implements dialog.Dialog, dialog.Paster and
// dialog.Watcher.
type Palette struct {
	cfg        Config
	theme      *theme.Theme
	input      *prompt.Prompt
	dark, mono bool // what the input is styled for

	all   []item
	shown []row
	match matcher
	// chosen is the row under the cursor, top the first one on the screen.
	chosen, top int
	// back is how many steps the input is back in the history; zero: not at all.
	back int
}

// item is an entry with what it is compared by.
type item struct {
	Entry
	name    name
	aliases []name
}

// row is an entry that fits what was typed.
type row struct {
	*item
	score    int
	argument string
}

// title is what the row is called: with its argument where one was typed.
func (r row) title() string {
	if r.argument != "" {
		return r.Name + " " + r.argument
	}
	return r.Name
}

// New opens a palette.
func New(t *theme.Theme, cfg Config) *Palette {
	p := &Palette{cfg: cfg, theme: t, input: prompt.New(t, ":"), dark: t.Dark, mono: t.Mono}
	// The cursor does not blink, so there is nothing to start.
	_ = p.input.Open()
	p.load()
	p.narrow()
	return p
}

func (p *Palette) load() {
	entries := p.cfg.Entries()
	p.all = make([]item, len(entries))
	for i, e := range entries {
		it := item{Entry: e, name: newName(e.Name)}
		for _, alias := range e.Aliases {
			it.aliases = append(it.aliases, newName(alias))
		}
		p.all[i] = it
	}
}

// text is what was typed; a colon in front is a habit.
func (p *Palette) text() string {
	return strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(p.input.Value()), ":"))
}

// narrow finds what fits what was typed.
func (p *Palette) narrow() {
	text := p.text()
	typed := newPattern(text)
	p.shown = p.shown[:0]
	for i := range p.all {
		it := &p.all[i]
		if argument, ok := it.argument(text); ok {
			p.shown = append(p.shown, row{item: it, argument: argument, score: 2 * exactly})
			continue
		}
		score, ok := p.match.score(typed, it.name)
		for _, alias := range it.aliases {
			// An alias is not what is read, so it has to be typed as it begins.
			if starts(typed, alias) {
				s, _ := p.match.score(typed, alias)
				score, ok = max(score, s-1), true
			}
		}
		if ok {
			p.shown = append(p.shown, row{item: it, score: score + it.Weight})
		}
	}
	if len(typed) > 0 {
		slices.SortStableFunc(p.shown, func(a, b row) int { return cmp.Compare(b.score, a.score) })
	}
	if p.cfg.Guess != nil && text != "" && !strings.ContainsAny(text, " \t") {
		if e, ok := p.cfg.Guess(text); ok {
			p.shown = append(p.shown, row{item: &item{Entry: e, name: newName(e.Name)}})
		}
	}
	p.chosen, p.top = 0, 0
}

// argument is what was typed after the entry's name, or an alias of it.
func (it *item) argument(text string) (string, bool) {
	if it.Wants == "" {
		return "", false
	}
	first, rest, ok := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	if !ok || rest == "" {
		return "", false
	}
	named := func(n string) bool { return strings.EqualFold(first, n) }
	return rest, named(it.Name) || slices.ContainsFunc(it.Aliases, named)
}

// current is the row under the cursor.
func (p *Palette) current() (row, bool) {
	if p.chosen >= len(p.shown) {
		return row{}, false
	}
	return p.shown[p.chosen], true
}

// Watch implements dialog.Watcher: the entries follow the stage, the cursor stays on
// the one it is on.
func (p *Palette) Watch(msg tea.Msg) {
	if _, ok := msg.(screen.DataChanged); !ok {
		return
	}
	chosen, there := p.current()
	at, top := p.chosen, p.top
	p.load()
	p.narrow()
	if !there {
		return
	}
	p.chosen, p.top = min(at, max(0, len(p.shown)-1)), top
	for i := range p.shown {
		if p.shown[i].title() == chosen.title() {
			p.chosen = i
			return
		}
	}
}

// Paste implements dialog.Paster.
func (p *Palette) Paste(msg tea.PasteMsg) tea.Cmd {
	msg.Content = cell.Clean(msg.Content)
	return p.typed(msg)
}

func (p *Palette) typed(msg tea.Msg) tea.Cmd {
	before := p.input.Value()
	cmd := p.input.Update(msg)
	if p.input.Value() != before {
		p.back = 0
		p.narrow()
	}
	return cmd
}

// Key implements dialog.Dialog.
func (p *Palette) Key(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	switch msg.String() {
	case "esc":
		return nil, true
	case "enter":
		return p.choose()
	case "tab":
		p.complete()
	case "ctrl+y":
		if r, ok := p.current(); ok && r.Command != nil {
			return dialog.CopyCommand(r.Command()), false
		}
	case "up":
		if !p.older() {
			p.move(-1)
		}
	case "down":
		if !p.newer() {
			p.move(1)
		}
	case "ctrl+p":
		p.move(-1)
	case "ctrl+n":
		p.move(1)
	case "pgup":
		p.move(-8)
	case "pgdown":
		p.move(8)
	default:
		return p.typed(msg), false
	}
	return nil, false
}

func (p *Palette) move(by int) {
	p.chosen = max(0, min(p.chosen+by, len(p.shown)-1))
}

// older goes back in the history, from an empty input or from where it is there.
func (p *Palette) older() bool {
	if p.back == 0 && (p.input.Value() != "" || p.chosen > 0) {
		return false
	}
	line, ok := p.cfg.History.at(p.back + 1)
	if !ok {
		return p.back > 0
	}
	p.back++
	p.put(line)
	return true
}

// newer comes forward again, to an empty input in the end.
func (p *Palette) newer() bool {
	if p.back == 0 {
		return false
	}
	p.back--
	line, _ := p.cfg.History.at(p.back)
	p.put(line)
	return true
}

// put replaces the input.
func (p *Palette) put(text string) {
	p.input.Set(text)
	_ = p.input.Open() // the cursor to the end
	p.narrow()
}

// complete types as much as all names have in common that begin as was typed, or else
// the name under the cursor.
func (p *Palette) complete() {
	text := p.text()
	typed := newPattern(text)
	common, found := "", false
	for _, r := range p.shown {
		if r.argument != "" || !starts(typed, r.name) {
			continue
		}
		if !found {
			common, found = r.Name, true
			continue
		}
		common = commonStart(common, r.Name)
	}
	if common = strings.TrimRight(common, " "); !found || len([]rune(common)) <= len([]rune(text)) {
		r, ok := p.current()
		if !ok {
			return
		}
		common = r.title()
	}
	r, ok := p.current()
	if ok && r.Wants != "" && r.argument == "" && common == r.Name {
		common += " "
	}
	p.back = 0
	p.put(common)
}

func commonStart(a, b string) string {
	as, bs := []rune(a), []rune(b)
	n := 0
	for n < len(as) && n < len(bs) && as[n] == bs[n] {
		n++
	}
	return string(as[:n])
}

// choose does what is under the cursor. What wants an argument gets its name typed.
func (p *Palette) choose() (tea.Cmd, bool) {
	r, ok := p.current()
	if !ok {
		return nil, false
	}
	if r.Wants != "" && r.argument == "" {
		p.put(r.Name + " ")
		return nil, false
	}
	if p.cfg.History != nil {
		p.cfg.History.Add(r.title())
	}
	return r.Run(r.argument), true
}

var (
	_ dialog.Dialog  = (*Palette)(nil)
	_ dialog.Paster  = (*Palette)(nil)
	_ dialog.Watcher = (*Palette)(nil)
)

// clean cuts a text from outside to one line of a width.
func clean(text string, width int) string { return cell.Cut(cell.Clean(text), width) }
