package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/goccy/go-yaml"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
)

// format is how a command prints its data.
type format string

const (
	formatTable format = "table"
	formatJSON  format = "json"
	formatJSONL format = "jsonl"
	formatYAML  format = "yaml"
)

// moreFormats is the annotation with which a command says, in words between spaces, what
// formats it knows besides those that every command does.
const moreFormats = "formats"

func parseFormat(s, more string) (format, error) {
	switch f := format(s); f {
	case formatTable, formatJSON, formatJSONL, formatYAML:
		return f, nil
	}
	words := strings.Fields(more)
	if slices.Contains(words, s) {
		return format(s), nil
	}
	return "", usagef("unknown output format %q; -o takes %s or yaml", s, strings.Join(append([]string{"table", "json", "jsonl"}, words...), ", "))
}

func (a *App) format() format { return format(a.global.output) }

// print writes data to standard output in the chosen format; table writes it
// for a person.
func (a *App) print(data any, table func(*tableWriter)) error {
	switch a.format() {
	case formatJSON:
		return writeJSON(a.Out, data, "  ")
	case formatJSONL:
		if v := reflect.ValueOf(data); v.Kind() == reflect.Slice {
			for i := range v.Len() {
				if err := writeJSON(a.Out, v.Index(i).Interface(), ""); err != nil {
					return err
				}
			}
			return nil
		}
		return writeJSON(a.Out, data, "")
	case formatYAML:
		return writeYAML(a.Out, data)
	default:
		t := &tableWriter{}
		table(t)
		return t.writeTo(a.Out)
	}
}

// writeYAML goes by way of JSON, so that both have the same names and shape.
func writeYAML(w io.Writer, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("write yaml: %w", err)
	}
	var v any
	if err := yaml.UnmarshalWithOptions(text, &v, yaml.UseOrderedMap()); err != nil {
		return fmt.Errorf("write yaml: %w", err)
	}
	out, err := yaml.MarshalWithOptions(v, yaml.CustomMarshaler(yamlString))
	if err != nil {
		return fmt.Errorf("write yaml: %w", err)
	}
	_, err = w.Write(out)
	return err
}

// yamlString quotes a string that has characters which act on a terminal; the
// library writes them as they are.
func yamlString(s string) ([]byte, error) {
	if strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && acts(r) }) {
		return []byte(strconv.QuoteToASCII(s)), nil
	}
	return yaml.Marshal(s)
}

func writeJSON(w io.Writer, data any, indent string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(data); err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	text := b.Bytes()
	if bytes.ContainsFunc(text, func(r rune) bool { return r != '\n' && acts(r) }) {
		text = escapeJSON(text)
	}
	_, err := w.Write(text)
	return err
}

// escapeJSON escapes what encoding/json leaves as it is although it acts on a
// terminal. Outside of strings JSON has none of it but the newline.
func escapeJSON(text []byte) []byte {
	out := make([]byte, 0, len(text)+64)
	for _, r := range string(text) {
		if r != '\n' && acts(r) {
			out = fmt.Appendf(out, "\\u%04x", r)
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}

// acts is whether a terminal does something with a character instead of showing
// it: control characters of both sets, and those that turn the direction of text.
func acts(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// tableWriter collects aligned columns and free lines.
type tableWriter struct {
	rows  [][]string
	notes []string
}

// row adds a row; the first is the heading. Cells are made safe for a terminal.
func (t *tableWriter) row(cells ...string) {
	for i, c := range cells {
		cells[i] = plain(c)
	}
	t.rows = append(t.rows, cells)
}

// line adds a line below the table.
func (t *tableWriter) line(s string) { t.notes = append(t.notes, s) }

func (t *tableWriter) writeTo(w io.Writer) error {
	var widths []int
	for _, r := range t.rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], ansi.StringWidth(c))
		}
	}
	var b strings.Builder
	for _, r := range t.rows {
		var line strings.Builder
		for i, c := range r {
			line.WriteString(c)
			if i < len(r)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-ansi.StringWidth(c)+2))
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	for _, n := range t.notes {
		b.WriteString(n)
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// plain makes hostile text safe for one line of a terminal. Newlines in errors
// are ours and are kept.
func plain(s string) string { return logs.Sanitize(s, true) }

// oneLine is plain on a single line, cut to width cells (0: uncut).
func oneLine(s string, width int) string {
	s = logs.Sanitize(s, false)
	if width > 0 {
		s = ansi.Truncate(s, width, "…")
	}
	return s
}

// warn says on standard error which sources of an inventory could not be read.
func (a *App) warn(inv *aws.Inventory) {
	for _, w := range inv.Warnings {
		text := "aiwctl: warning: " + w.Error()
		if _, hint := aws.Classify(w); hint != "" && !strings.Contains(text, hint) {
			text += "; " + hint
		}
		fmt.Fprintln(a.Err, plain(text))
	}
}

// findings says on standard error what is wrong with the stage and with no one
// worker of it.
func (a *App) findings(inv *aws.Inventory) {
	for _, f := range inv.Findings {
		if f.Severity != aws.SeverityInfo.String() {
			fmt.Fprintln(a.Err, "aiwctl: "+f.Severity+": "+plain(f.Text))
		}
	}
}

// warnings says on standard error what a person should know beside the data.
func (a *App) warnings(texts []string) {
	for _, text := range texts {
		fmt.Fprintln(a.Err, "aiwctl: warning:", plain(text))
	}
}
