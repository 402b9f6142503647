package cli

import (
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// The formats that only logs has: text is its table, raw the events themselves. They are
// untyped, since no other command has to know them.
const (
	formatText = "text"
	formatRaw  = "raw"
)

// logPrinter prints batches of lines as they come; only a JSON array and YAML
// wait for the end.
type logPrinter struct {
	app    *App
	format format
	dated  bool // days may differ
	stream bool
	// names are the log groups' workers, padded and perhaps in colour; empty for one.
	names map[string]string
	rows  []logs.Record
	n     int // lines printed
}

// The colours of worker names, one after another; red and yellow are those of levels.
var nameColours = [...]string{"36", "32", "35", "34", "96", "92", "95", "94"}

// coloured is whether colours are of use.
func (p *logPrinter) coloured() bool {
	return p.app.OutTTY && !p.app.global.noColor && p.app.Getenv("TERM") != "dumb"
}

// name gives the lines of several groups the names of their workers in front.
func (p *logPrinter) name(sources []logs.Source) {
	if len(sources) < 2 {
		return
	}
	p.names = make(map[string]string, len(sources))
	width := 0
	for _, s := range sources {
		width = max(width, ansi.StringWidth(sourceName(s)))
	}
	for i, s := range sources {
		name := sourceName(s)
		pad := strings.Repeat(" ", min(width, 40)-min(ansi.StringWidth(name), min(width, 40))+1)
		if p.coloured() {
			name = "\x1b[" + nameColours[i%len(nameColours)] + "m" + name + "\x1b[0m"
		}
		p.names[s.Group] = name + pad
	}
}

// sourceName is the worker's, or the group's when workers share it.
func sourceName(s logs.Source) string {
	if s.WorkerID == "" {
		return oneLine(s.Group, 0)
	}
	return oneLine(s.WorkerID, 0)
}

func (p *logPrinter) print(lines []logs.Line) error {
	f := p.format
	if p.stream && f == formatJSON {
		f = formatJSONL // an array that never ends is of no use to anyone
	}
	p.n += len(lines)
	var b strings.Builder
	if f == formatTable || f == formatRaw {
		size := 0
		for i := range lines {
			size += max(len(lines[i].Raw), len(lines[i].Original)) + 64
		}
		b.Grow(size)
	}
	for i := range lines {
		l := &lines[i]
		switch f {
		case formatTable:
			p.text(&b, l)
		case formatRaw:
			p.raw(&b, l)
		case formatJSONL:
			if err := writeJSON(&b, logs.RecordOf(l), ""); err != nil {
				return err
			}
		case formatYAML:
			if !p.stream {
				p.rows = append(p.rows, logs.RecordOf(l))
				continue
			}
			b.WriteString("---\n")
			if err := writeYAML(&b, logs.RecordOf(l)); err != nil {
				return err
			}
		default:
			p.rows = append(p.rows, logs.RecordOf(l))
		}
	}
	_, err := io.WriteString(p.app.Out, b.String())
	return err
}

// text writes a line for a person.
func (p *logPrinter) text(b *strings.Builder, l *logs.Line) {
	stamp := "15:04:05.000 "
	if p.dated {
		stamp = "2006-01-02 " + stamp
	}
	var at [32]byte
	b.Write(l.Time.Local().AppendFormat(at[:0], stamp))
	b.WriteString(p.names[l.Group])
	if l.Level != logs.LevelNone {
		name := l.Level.String()
		colour := ""
		switch {
		case !p.coloured():
		case l.Level == logs.LevelError:
			colour = "\x1b[31m"
		case l.Level == logs.LevelWarn:
			colour = "\x1b[33m"
		}
		b.WriteString(colour)
		b.WriteString(name)
		if colour != "" {
			b.WriteString("\x1b[0m")
		}
		b.WriteString("      "[len(name):])
	}
	b.WriteString(oneLine(l.Text, 0))
	b.WriteByte('\n')
}

// raw writes an event as CloudWatch has it; for a terminal without what would act on it.
func (p *logPrinter) raw(b *strings.Builder, l *logs.Line) {
	text := l.Original
	if p.app.OutTTY {
		text = l.Raw
	}
	b.WriteString(text)
	if !strings.HasSuffix(text, "\n") {
		b.WriteByte('\n')
	}
}

func (p *logPrinter) end() error {
	switch p.format {
	case formatJSON, formatYAML:
		if p.rows == nil {
			p.rows = []logs.Record{}
		}
		return p.app.print(p.rows, nil)
	default:
		return nil
	}
}

func parseLevel(s string) (logs.Level, error) {
	if s == "" {
		return logs.LevelNone, nil
	}
	if level, ok := logs.ParseLevel(s); ok {
		return level, nil
	}
	return logs.LevelNone, usagef("unknown --level %q; it takes debug, info, warn or error", s)
}
