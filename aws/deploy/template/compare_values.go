package template

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch/secretref"
)

// differ gathers what differs between two states of a resource.
type differ struct {
	before, after *parsed
	kind          string
	found         []Property
}

func (d *differ) resource(old, wanted parsedResource) {
	for _, key := range slices.Sorted(maps.Keys(union(old.Properties, wanted.Properties))) {
		was, is := old.Properties[key], wanted.Properties[key]
		if reflect.DeepEqual(was, is) {
			continue
		}
		replacement := replacementOf(d.kind, key)
		switch {
		case d.kind == "AWS::Lambda::Function" && key == "Environment":
			d.variables(variablesOf(was), variablesOf(is))
		case d.kind == "AWS::Lambda::Function" && key == "Code":
			d.code(was, is)
		case isPolicy(key):
			d.policies(key, was, is)
		case key == "Tags":
			d.walk(key, anyMap(tagsOf(was)), anyMap(tagsOf(is)), replacement)
		default:
			d.walk(key, was, is, replacement)
		}
	}
	for _, a := range []struct {
		name    string
		was, is any
	}{
		{"DeletionPolicy", old.DeletionPolicy, wanted.DeletionPolicy},
		{"UpdateReplacePolicy", old.UpdateReplacePolicy, wanted.UpdateReplacePolicy},
		{"Condition", old.Condition, wanted.Condition},
	} {
		d.walk(a.name, a.was, a.is, InPlace)
	}
}

func anyMap(m map[string]any) any {
	if len(m) == 0 {
		return nil
	}
	return m
}

func (d *differ) add(p Property) {
	p.Path = shown(p.Path)
	d.found = append(d.found, p)
}

// walk notes where two values differ, as deep as both are objects.
func (d *differ) walk(at string, was, is any, replacement Replacement) {
	if reflect.DeepEqual(was, is) {
		return
	}
	a, aIs := was.(map[string]any)
	b, bIs := is.(map[string]any)
	if aIs && bIs && !isFunction(a) && !isFunction(b) {
		for _, key := range slices.Sorted(maps.Keys(union(a, b))) {
			d.walk(strings.TrimPrefix(at+"."+shown(key), "."), a[key], b[key], replacement)
		}
		return
	}
	p := Property{Path: at, Kind: kindOf(was != nil, is != nil), Replacement: replacement}
	p.Before, p.After = d.before.text(was), d.after.text(is)
	d.add(p)
}

func kindOf(had, has bool) Kind {
	switch {
	case !had:
		return Added
	case !has:
		return Removed
	}
	return Changed
}

func variablesOf(v any) map[string]any {
	m, _ := v.(map[string]any)
	variables, _ := m["Variables"].(map[string]any)
	return variables
}

// variables notes which variables differ; what they are is nobody's concern but for those that
// the deployment itself sets.
func (d *differ) variables(was, is map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(union(was, is))) {
		old, had := was[name]
		now, has := is[name]
		if had && has && reflect.DeepEqual(old, now) {
			continue
		}
		p := Property{Path: "variable " + shown(name), Kind: kindOf(had, has), Hidden: !showable(name, old) || !showable(name, now)}
		if !p.Hidden {
			p.Before, p.After = d.before.text(old), d.after.text(now)
		}
		d.add(p)
	}
}

// showable says that the value of a variable is no secret: it says where a queue is, or what
// the runtime is told. A reference to a secret tells only where it is.
func showable(name string, value any) bool {
	if value == nil || strings.HasPrefix(name, "WORKER_QUEUE_URL_") || strings.HasPrefix(name, "WORKER_DLQ_URL_") {
		return true
	}
	if strings.HasPrefix(name, secretref.EnvPrefix) {
		text, _ := value.(string)
		_, err := project.ParseRef(text)
		return err == nil
	}
	return strings.HasPrefix(name, "AIWORKER_")
}

// code notes that a function's program differs, by short hashes.
func (d *differ) code(was, is any) {
	a, b := codeHash(was), codeHash(is)
	if a == b {
		d.walk("Code", was, is, InPlace) // the same program in another place
		return
	}
	d.add(Property{Path: "code", Kind: kindOf(was != nil, is != nil), Before: a, After: b})
}

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

func codeHash(code any) string {
	if code == nil {
		return ""
	}
	m, _ := code.(map[string]any)
	key, _ := m["S3Key"].(string)
	if name := strings.TrimSuffix(path.Base(key), ".zip"); sha256Hex.MatchString(name) {
		return name[:8]
	}
	sum := sha256.Sum256([]byte(fmt.Sprint(code)))
	return hex.EncodeToString(sum[:4])
}

// isFunction says that an object is one of CloudFormation's functions.
func isFunction(m map[string]any) bool {
	if len(m) != 1 {
		return false
	}
	for key := range m {
		return key == "Ref" || strings.HasPrefix(key, "Fn::")
	}
	return false
}

// text is a value for people to read, with names instead of logical ids.
func (t *parsed) text(v any) string {
	if v == nil {
		return ""
	}
	plain := t.plain(v)
	if text, ok := plain.(string); ok {
		return shown(ownARN.ReplaceAllString(text, "$1:"))
	}
	out, err := marshal(plain)
	if err != nil {
		return "?" // it has been read as JSON
	}
	return shown(ownARN.ReplaceAllString(string(out), "$1:"))
}

// ownARN is what the ARNs of the stack's own account and region begin with, but for the service.
var ownARN = regexp.MustCompile(`arn:\$\{AWS::Partition\}:([a-z0-9-]+):\$\{AWS::Region\}:\$\{AWS::AccountId\}:`)

func (t *parsed) plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if isFunction(v) {
			if text, ok := v["Fn::Sub"].(string); ok {
				return strings.ReplaceAll(text, "${!", "${")
			}
			if ids := references(v); len(ids) == 1 {
				if _, known := t.Resources[ids[0]]; known {
					return t.name(ids[0])
				}
				return "${" + ids[0] + "}"
			}
		}
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = t.plain(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = t.plain(v[i])
		}
		return out
	}
	return v
}

var subReference = regexp.MustCompile(`\$\{([A-Za-z0-9]+)(\.[^}]*)?\}`)

// references are the logical ids that a value refers to, each once, in their order.
func references(v any) []string {
	var out []string
	add := func(id string) {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	var look func(any)
	look = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				switch value := v[key].(type) {
				case string:
					switch key {
					case "Ref":
						add(value)
					case "Fn::GetAtt":
						id, _, _ := strings.Cut(value, ".")
						add(id)
					case "Fn::Sub":
						for _, m := range subReference.FindAllStringSubmatch(value, -1) {
							add(m[1])
						}
					}
				case []any:
					if id, ok := first(value).(string); ok && key == "Fn::GetAtt" {
						add(id)
						continue
					}
					look(value)
				default:
					look(value)
				}
			}
		case []any:
			for _, e := range v {
				look(e)
			}
		}
	}
	look(v)
	return out
}

func first(values []any) any {
	if len(values) == 0 {
		return nil
	}
	return values[0]
}

// maxShown is how many characters of a text are shown.
const maxShown = 300

// shown is a text from a template for a terminal: short, in one line, and without anything that
// a terminal would act upon.
func shown(text string) string {
	var out strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > maxShown {
			out.WriteString("…")
			break
		}
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			out.WriteRune(r)
		} else {
			out.WriteString(strings.Trim(fmt.Sprintf("%+q", r), "'"))
		}
	}
	return out.String()
}
