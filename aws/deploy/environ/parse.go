package environ

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// parse reads a file of variables: of the syntax that tools have for it, what they agree on.
//
//	# a comment, and blank lines
//	NAME=value              # up to the end of the line or a # after a space, trimmed
//	export NAME='value'     everything between single quotes, as it is, over several lines too
//	NAME="line\nline"       \n \r \t \" \\ \$ in double quotes, over several lines too
//
// Tools differ in what ${NAME} and `...` mean, so that outside of single quotes they are
// errors. Of two lines with one name the last counts, as everywhere, with a warning. Errors name
// the file and the line and never show a value; a file's are told all at once.
//
// The well-known library for this, github.com/joho/godotenv, shows in its errors the line that
// it cannot read, or all that follows it.
func parse(name, text string) (entries map[string]entry, warnings []string, err error) {
	p := &parser{file: name, line: 1, entries: map[string]entry{}}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, nil, fmt.Errorf("%s: it is no text in UTF-8", name)
	}
	p.rest = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	for p.rest != "" {
		p.statement()
	}
	return p.entries, p.warnings, errors.Join(p.errs...)
}

type parser struct {
	file     string
	rest     string // what has not been read, from the beginning of a line
	line     int    // where that is
	entries  map[string]entry
	warnings []string
	errs     []error
}

func (p *parser) refuse(line int, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("%s:%d: "+format, append([]any{p.file, line}, args...)...))
}

// nextLine takes the rest of the line.
func (p *parser) nextLine() string {
	line, rest, _ := strings.Cut(p.rest, "\n")
	p.rest = rest
	p.line++
	return line
}

// statement reads one variable, or a line without any.
func (p *parser) statement() {
	at := p.line
	start, _, _ := strings.Cut(p.rest, "\n")
	if text := strings.TrimSpace(start); text == "" || text[0] == '#' {
		p.nextLine()
		return
	}
	before, value, found := strings.Cut(start, "=")
	name := strings.TrimSpace(before)
	if words := strings.Fields(name); len(words) == 2 && words[0] == "export" {
		name = words[1]
	}
	if !found || !isName(name) {
		// What stands there may be a value that has got onto a line of its own.
		p.refuse(at, "it is neither NAME=value nor a comment; a value of several lines needs quotes around it")
		p.nextLine()
		return
	}
	value = strings.TrimLeft(value, " \t")
	if value != "" && (value[0] == '"' || value[0] == '\'') {
		p.rest = p.rest[len(start)-len(value)+1:]
		text, ok := p.quoted(at, name, value[0])
		if ok {
			p.set(at, name, text)
		}
		return
	}
	p.nextLine()
	switch value = bare(value); {
	case strings.HasPrefix(value, "`"):
		p.refuse(at, "the value of %s is in backquotes, which tools read differently: use single quotes", name)
	case strings.Contains(value, "${"):
		p.refuse(at, "the value of %s holds ${...}, which is not filled in here: write it out, or put the value into single quotes to have it as it is", name)
	default:
		p.set(at, name, value)
	}
}

func (p *parser) set(line int, name, value string) {
	if before, twice := p.entries[name]; twice {
		p.warnings = append(p.warnings, fmt.Sprintf("%s has %s in line %d and in line %d: the last one counts", p.file, name, before.line, line))
	}
	p.entries[name] = entry{value, line}
}

// bare is a value without quotes: without what follows a # that stands first or after a space.
func bare(text string) string {
	for i := range len(text) {
		if text[i] == '#' && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t') {
			text = text[:i]
			break
		}
	}
	return strings.TrimSpace(text)
}

// quoted reads a value up to its closing quote, and the rest of that line. The opening quote
// has been read.
func (p *parser) quoted(at int, name string, quote byte) (string, bool) {
	var b strings.Builder
	ok := true
	for i := 0; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == quote:
			p.rest = p.rest[i+1:]
			if after := strings.TrimSpace(p.nextLine()); after != "" && after[0] != '#' {
				p.refuse(p.line-1, "something follows the closing quote of %s: put a \\ before a quote that belongs to the value", name)
				return "", false
			}
			return b.String(), ok
		case c == '\n':
			p.line++
			b.WriteByte(c)
		case quote == '"' && c == '$' && strings.HasPrefix(p.rest[i:], "${"):
			if ok {
				p.refuse(p.line, "the value of %s holds ${...}, which is not filled in here: write it out, or write \\$ for a $", name)
			}
			ok = false
		case quote == '"' && c == '\\' && i+1 < len(p.rest) && strings.IndexByte(`nrt"\$`, p.rest[i+1]) >= 0:
			i++
			b.WriteByte(unescaped(p.rest[i]))
		default:
			b.WriteByte(c)
		}
	}
	p.refuse(at, "the quote that begins the value of %s is never closed", name)
	p.rest = ""
	return "", false
}

func unescaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// isName reports whether text is the name of a variable.
func isName(text string) bool {
	for i := range len(text) {
		c := text[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return text != ""
}
