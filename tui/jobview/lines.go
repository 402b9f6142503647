package jobview

import (
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/moves"
	"github.com/microfox-ai/aiwctl/tui/theme"
	"github.com/microfox-ai/aiwctl/tui/tones"
)

const (
	// linesMost and bytesMost are how many lines of the job are kept, and how much
	// text: the oldest go first.
	linesMost = 20_000
	bytesMost = 16 << 20
	// shiftBy is how far left and right scroll.
	shiftBy = 20
)

// linesPane are the job's log lines in the order of their time. Only those on the
// screen are rendered, so that their number does not matter.
type linesPane struct {
	all     []*logs.Line
	shown   []*logs.Line // that the filter keeps; all when there is none
	have    map[string]bool
	bytes   int
	dropped int

	filter string // lower case
	cursor int
	top    int
	shift  int
	height int
	follow bool // the newest line stays on the screen
}

func newLines() *linesPane { return &linesPane{have: map[string]bool{}, follow: true} }

// add takes lines in that were not there yet and returns them.
func (p *linesPane) add(lines []logs.Line) (fresh []logs.Line) {
	at, late := p.current(), false
	for i := range lines {
		l := &lines[i]
		if l.ID != "" && p.have[l.ID] {
			continue
		}
		p.have[l.ID] = true
		fresh = append(fresh, *l)
		late = late || len(p.all) > 0 && older(l, p.all[len(p.all)-1]) < 0
		p.all = append(p.all, l)
		p.bytes += len(l.Raw) + len(l.Text)
	}
	if len(fresh) == 0 {
		return nil
	}
	if late {
		slices.SortStableFunc(p.all, older)
	}
	before := p.dropped
	for len(p.all) > linesMost || (p.bytes > bytesMost && len(p.all) > 1) {
		p.bytes -= len(p.all[0].Raw) + len(p.all[0].Text)
		delete(p.have, p.all[0].ID)
		p.all[0] = nil
		p.all = p.all[1:]
		p.dropped++
	}
	if p.filter == "" || late || p.dropped > before {
		p.show(at)
		return fresh
	}
	for _, l := range p.all[len(p.all)-len(fresh):] {
		if p.keeps(l) {
			p.shown = append(p.shown, l)
		}
	}
	if p.follow {
		p.cursor = len(p.shown) - 1
	}
	p.clamp()
	return fresh
}

func older(a, b *logs.Line) int { return a.Time.Compare(b.Time) }

// copies are all lines.
func (p *linesPane) copies() []logs.Line {
	out := make([]logs.Line, len(p.all))
	for i, l := range p.all {
		out[i] = *l
	}
	return out
}

func (p *linesPane) setFilter(text string) {
	if text = strings.ToLower(text); text != p.filter {
		at := p.current()
		p.filter = text
		p.show(at)
	}
}

// keeps looks at the whole line, since ids and fields that are not shown are often what
// somebody looks for.
func (p *linesPane) keeps(l *logs.Line) bool {
	return contains(l.Text, p.filter) || l.Raw != l.Text && contains(l.Raw, p.filter)
}

// show applies the filter, and keeps the cursor on its line.
func (p *linesPane) show(at *logs.Line) {
	p.shown = p.all
	if p.filter != "" {
		p.shown = nil
		for _, l := range p.all {
			if p.keeps(l) {
				p.shown = append(p.shown, l)
			}
		}
	}
	if p.follow {
		p.cursor = len(p.shown) - 1
	} else if at != nil {
		// The nearest in time, should it be gone.
		i, _ := slices.BinarySearchFunc(p.shown, at.Time, func(l *logs.Line, t time.Time) int { return l.Time.Compare(t) })
		for j := i; j < len(p.shown) && p.shown[j].Time.Equal(at.Time); j++ {
			if p.shown[j] == at {
				i = j
			}
		}
		p.top += i - p.cursor
		p.cursor = i
	}
	p.clamp()
}

// current is the line under the cursor; nil when there is none.
func (p *linesPane) current() *logs.Line {
	if p.cursor < 0 || p.cursor >= len(p.shown) {
		return nil
	}
	return p.shown[p.cursor]
}

func (p *linesPane) key(name string) {
	switch name {
	case "right":
		p.shift += shiftBy
		return
	case "left":
		p.shift = max(0, p.shift-shiftBy)
		return
	case "0":
		p.shift = 0
		return
	default:
		by, ok := moves.By(name, p.height, len(p.shown))
		if !ok {
			return
		}
		p.cursor += by
	}
	p.follow = p.cursor >= len(p.shown)-1
	p.clamp()
}

func (p *linesPane) clamp() {
	p.cursor = max(0, min(p.cursor, len(p.shown)-1))
	if p.height <= 0 {
		return
	}
	p.top = min(p.top, p.cursor)
	p.top = max(p.top, p.cursor-p.height+1)
	p.top = max(0, min(p.top, len(p.shown)-p.height))
}

// position says which lines are shown.
func (p *linesPane) position() (first, last, total int) {
	return p.top + 1, min(len(p.shown), p.top+p.height), len(p.shown)
}

// lines renders what is on the screen.
func (p *linesPane) lines(th *theme.Theme, zone *time.Location, width, height int, focused bool) []string {
	p.height = height
	p.clamp()
	layout, level := "15:04:05.000", 5
	if width < 90 {
		layout, level = "15:04:05", 1
	}
	room := max(1, width-1-len(layout)-1-level-1)
	out := make([]string, 0, height)
	for i := p.top; i < len(p.shown) && len(out) < height; i++ {
		l, selected := p.shown[i], focused && i == p.cursor
		paint := func(tone theme.Tone, s string) string { return th.Paint(tone, selected).Render(s) }
		mark := paint(theme.ToneText, " ")
		if selected {
			mark = paint(theme.ToneAccent, theme.GlyphCursor)
		}
		name := strings.ToUpper(l.Level.String())
		head := paint(theme.ToneFaint, l.Time.In(zone).Format(layout)+" ") + paint(tones.OfLevel(l.Level), cell.Fit(name[:min(len(name), level)], level)+" ")
		out = append(out, mark+head+p.text(th, l, room, selected))
	}
	return out
}

// text is the part of a line's text that is on the screen, with what the filter found
// in it marked.
func (p *linesPane) text(th *theme.Theme, l *logs.Line, room int, selected bool) string {
	text := part(l.Text, p.shift, room)
	style := th.Paint(tones.OfText(l), selected)
	if p.filter == "" {
		return style.Render(cell.Fit(text, room))
	}
	low := strings.ToLower(text)
	if len(low) != len(text) {
		return style.Render(cell.Fit(text, room)) // the places in one are not those in the other
	}
	var b strings.Builder
	at := 0
	for {
		i := strings.Index(low[at:], p.filter)
		if i < 0 {
			break
		}
		if i > 0 {
			b.WriteString(style.Render(text[at : at+i]))
		}
		b.WriteString(th.Match.Render(text[at+i : at+i+len(p.filter)]))
		at += i + len(p.filter)
	}
	if rest := text[at:] + strings.Repeat(" ", max(0, room-cell.Width(text))); rest != "" {
		b.WriteString(style.Render(rest))
	}
	return b.String()
}

// part is what of a clean text fits into room cells, from the cell skip on. It looks no
// further into the text than it has to, since that may be 256 KiB long.
func part(text string, skip, room int) string {
	text = head1(text, skip+room+1)
	if skip == 0 && len(text) > room && ascii(text[:room+1]) {
		return text[:room-1] + cell.Ellipsis
	}
	if skip > 0 {
		text = ansi.TruncateLeft(text, skip+1, cell.Ellipsis)
	}
	return cell.Cut(text, room)
}

// contains looks for low, which is lower case, in any case. ASCII is searched without a
// copy.
func contains(s, low string) bool {
	first := low[0]
	if first >= 0x80 || !ascii(s) {
		return strings.Contains(strings.ToLower(s), low)
	}
	upper := first
	if 'a' <= first && first <= 'z' {
		upper -= 'a' - 'A'
	}
	for i := 0; i+len(low) <= len(s); i++ {
		if (s[i] == first || s[i] == upper) && strings.EqualFold(s[i:i+len(low)], low) {
			return true
		}
	}
	return false
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
