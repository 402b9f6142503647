package settings

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// sizeMost is the longest file that is read.
const sizeMost = 1 << 20

// reader reads one file. It walks the syntax tree by itself: the library's own
// errors quote the file, and the line may be the one with a secret.
type reader struct{ path string }

func (r *reader) errorf(t *token.Token, format string, args ...any) *Error {
	e := &Error{Path: r.path, Text: fmt.Sprintf(format, args...)}
	if t != nil && t.Position != nil {
		e.Line, e.Column = t.Position.Line, t.Position.Column
	}
	return e
}

// Parse reads the text of the file at path. What is wrong with it is an *Error.
func Parse(path string, text []byte) (*File, error) {
	r := &reader{path: path}
	f := &File{Path: path, top: map[Field]value{}}
	if len(text) > sizeMost {
		return nil, r.errorf(nil, "it is longer than %d MiB: this is no file of stages", sizeMost>>20)
	}
	if !utf8.Valid(text) {
		return nil, r.errorf(nil, "it is no UTF-8 text")
	}
	doc, err := parser.ParseBytes(text, 0)
	if err != nil {
		if e, ok := errors.AsType[yaml.Error](err); ok {
			return nil, r.errorf(e.GetToken(), "this is no YAML: %s", e.GetMessage())
		}
		return nil, r.errorf(nil, "this is no YAML")
	}
	bodies := slices.DeleteFunc(doc.Docs, func(d *ast.DocumentNode) bool { return d.Body == nil || d.Body.Type() == ast.CommentType })
	switch {
	case len(bodies) == 0:
		return f, nil
	case len(bodies) > 1:
		return nil, r.errorf(bodies[1].Body.GetToken(), "a second document begins here: the file has one")
	}
	pairs, err := r.mapping(bodies[0].Body, "the file")
	if err != nil {
		return nil, err
	}
	for _, p := range pairs {
		if err := r.top(f, p); err != nil {
			return nil, err
		}
	}
	if name := f.Default; name != "" && f.Entry(name) == nil {
		e := &Error{Path: path, Line: f.defaultAt.line, Column: 1, Text: fmt.Sprintf("default names the stage %q, which is not among stages", name)}
		e.Text += DidYouMean(name, f.names())
		return nil, e
	}
	return f, nil
}

func (f *File) names() []string {
	var names []string
	for i := range f.Stages {
		names = append(names, f.Stages[i].Name)
	}
	return names
}

// pair is a key of a mapping with its value.
type pair struct {
	key   string
	at    *token.Token // the key's
	value ast.Node
}

// mapping reads a mapping; of what says in words which one it is.
func (r *reader) mapping(n ast.Node, of string) ([]pair, error) {
	var nodes []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		nodes = n.Values
	case *ast.MappingValueNode:
		nodes = []*ast.MappingValueNode{n}
	case *ast.NullNode:
		return nil, nil
	default:
		return nil, r.errorf(n.GetToken(), "%s is a mapping of keys to values: write `key: value` lines", of)
	}
	pairs := make([]pair, 0, len(nodes))
	for _, v := range nodes {
		at := v.Key.GetToken()
		switch v.Key.(type) {
		case *ast.StringNode, *ast.IntegerNode, *ast.BoolNode:
		default:
			return nil, r.errorf(at, "a key is a plain word")
		}
		pairs = append(pairs, pair{key: at.Value, at: at, value: v.Value})
	}
	return pairs, nil
}

// entryKeys are the keys that a stage may have, topKeys those of the file itself.
func entryKeys() []string {
	return []string{"profile", "region", "stage", "service", "prefix", "tags", "manifest", "baseUrl", "endpointUrl", "protected", "readOnly"}
}

func topKeys() []string {
	return []string{"default", "stages", "profile", "region", "service", "prefix", "tags", "manifest", "baseUrl", "endpointUrl", "protected", "readOnly", "keys"}
}

func (r *reader) top(f *File, p pair) error {
	switch p.key {
	case "default":
		v, err := r.text(p)
		f.Default, f.defaultAt = v.text, v
		return err
	case "stages":
		return r.stages(f, p)
	case "protected":
		return r.patterns(f, p)
	case "keys":
		return r.keys(f, p)
	case "stage":
		return r.errorf(p.at, "stage belongs to an entry of stages; `default: NAME` says which entry is used when none is named")
	}
	if !slices.Contains(topKeys(), p.key) {
		return r.unknown(p, topKeys(), "the file")
	}
	v, err := r.field(Field(p.key), p)
	f.top[Field(p.key)] = v
	return err
}

func (r *reader) stages(f *File, p pair) error {
	pairs, err := r.mapping(p.value, "stages")
	if err != nil {
		return err
	}
	for _, stage := range pairs {
		if stage.key == "" || strings.ContainsFunc(stage.key, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) }) {
			return r.errorf(stage.at, "a stage's name is a word, without spaces")
		}
		fields, err := r.mapping(stage.value, "stage "+stage.key)
		if err != nil {
			return err
		}
		e := Entry{Name: stage.key, line: stage.at.Position.Line, values: map[Field]value{}}
		for _, fp := range fields {
			if !slices.Contains(entryKeys(), fp.key) {
				return r.unknown(fp, entryKeys(), "a stage")
			}
			v, err := r.field(Field(fp.key), fp)
			if err != nil {
				return err
			}
			e.values[Field(fp.key)] = v
		}
		f.Stages = append(f.Stages, e)
	}
	return nil
}

func (r *reader) patterns(f *File, p pair) error {
	list, ok := p.value.(*ast.SequenceNode)
	if !ok {
		return r.errorf(p.at, `protected is a list of patterns here, such as ["prod*", live], and [] for none; a stage's own says true or false`)
	}
	f.patterns, f.patternsAt = []string{}, p.at.Position.Line
	for _, n := range list.Values {
		v, err := r.text(pair{key: "protected", at: n.GetToken(), value: n})
		if err != nil {
			return err
		}
		if _, err := path.Match(v.text, ""); err != nil {
			return r.errorf(n.GetToken(), "%q is no pattern: * stands for any text, ? for a character, [ab] for one of these", v.text)
		}
		f.patterns = append(f.patterns, v.text)
	}
	return nil
}

// secretKey is a key under which people keep what does not belong here.
var secretKey = regexp.MustCompile(`(?i)(access.?key|secret|token|password|passwd|api.?key|credential)`)

// accessKey is an access key's id.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
var accessKey = regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b`)

func (r *reader) unknown(p pair, known []string, of string) error {
	if secretKey.MatchString(p.key) {
		return r.errorf(p.at, "this file holds no keys: take %s out. Credentials belong into a profile of AWS's own files (profile: NAME), the workers API's key into WORKERS_API_KEY; one that stood here should be replaced", p.key)
	}
	text := DidYouMean(p.key, known)
	if text == "" {
		text = "; there are: " + strings.Join(known, ", ")
	}
	return r.errorf(p.at, "%s has no key %q%s", of, p.key, text)
}

// field reads and checks a value.
func (r *reader) field(f Field, p pair) (value, error) {
	switch f {
	case ReadOnly, Protected:
		b, ok := p.value.(*ast.BoolNode)
		if !ok {
			return value{}, r.errorf(p.value.GetToken(), "%s is true or false", f)
		}
		v := value{text: "false", line: p.at.Position.Line}
		if b.Value {
			v.text = "true"
		}
		return v, nil
	case BaseURL, EndpointURL:
		v, err := r.text(p)
		if err != nil {
			return v, err
		}
		u, err := url.Parse(v.text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return v, r.errorf(p.value.GetToken(), "%s is an http or https URL with a host, such as https://api.example.com/prod", f)
		}
		if _, has := u.User.Password(); has {
			return v, r.errorf(p.value.GetToken(), "this file holds no keys: take the password out of %s", f)
		}
		return v, nil
	case Region:
		v, err := r.text(p)
		if err == nil && strings.ContainsFunc(v.text, func(c rune) bool { return c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') }) {
			err = r.errorf(p.value.GetToken(), "%q is no region: they are written like eu-west-1", v.text)
		}
		return v, err
	case Stage, Profile, Service, Prefix, Tags, Manifest:
	}
	return r.text(p)
}

// text reads a value that is a text of one line.
func (r *reader) text(p pair) (value, error) {
	at := p.value.GetToken()
	s, ok := p.value.(*ast.StringNode)
	switch {
	case !ok && p.value.Type() == ast.NullType:
		return value{}, r.errorf(p.at, "%s has no value: write one, or take the line out", p.key)
	case !ok:
		return value{}, r.errorf(at, "%s is a text: put it into quotes when it looks like something else", p.key)
	case s.Value == "" || strings.ContainsFunc(s.Value, unicode.IsControl):
		return value{}, r.errorf(at, "%s is a text of one line, and not empty", p.key)
	case accessKey.MatchString(s.Value):
		e := r.errorf(at, "this file holds no keys, and this looks like an access key: name a profile of AWS's own files instead (profile: NAME)")
		e.secret = true
		return value{}, e
	}
	return value{text: s.Value, line: p.at.Position.Line}, nil
}

// DidYouMean asks whether a word that is wrong in its case or in one or two letters
// means one of those known: "; did you mean region?", or nothing.
func DidYouMean(word string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least && d < len(k)-1 {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
