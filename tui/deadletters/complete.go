package deadletters

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/microfox-ai/aiwctl/aws/redrive/where"
)

const (
	// sampled is how many messages are looked at for names and values to offer.
	sampled = 100
	// offered is how many are offered at most; valueMost the longest value among them.
	offered, valueMost = 24, 60
	sampleSize         = 16 << 10 // larger bodies are not looked at
)

// offer is what an expression can go on with.
type offer struct {
	head  string   // what stands before the word that is completed
	words []string // in their order
	at    int      // the one that stands there now; -1: none yet
	help  string
}

// complete puts the next completion, or the one before, at the end of the expression.
func (s *Screen) complete(by int) {
	if len(s.offer.words) == 0 {
		s.offer = s.offerFor(s.expr.Value())
	}
	o := &s.offer
	if len(o.words) == 0 {
		return
	}
	switch {
	case o.at < 0 && by < 0:
		o.at = len(o.words) - 1
	case o.at < 0:
		o.at = 0
	default:
		o.at = (o.at + by + len(o.words)) % len(o.words)
	}
	s.expr.Set(o.head + o.words[o.at])
	s.expr.Open() // its end is where one types on; it needs no timer
	o.help = ""
	for _, f := range where.Fields() {
		if f.Name == o.words[o.at] {
			o.help = f.Type + ": " + f.Help
		}
	}
}

// offerFor is what could stand at the end of a text: values after a comparison, else
// fields, what there is in inputs, and functions.
func (s *Screen) offerFor(text string) offer {
	start := len(text)
	for start > 0 {
		r := rune(text[start-1])
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '.' || r >= 0x80 {
			start--
			continue
		}
		break
	}
	inText := strings.Count(text, `"`)%2 == 1
	if inText { // a value that was begun
		start = strings.LastIndexByte(text, '"')
	}
	head, word := text[:start], text[start:]
	o := offer{head: head, at: -1}
	if field, ok := compared(strings.TrimRight(head, " ")); ok {
		for _, value := range s.valuesOf(field) {
			if strings.HasPrefix(value, word) {
				o.words = append(o.words, value)
			}
		}
	}
	if len(o.words) > 0 || inText {
		return o
	}
	for _, f := range where.Fields() {
		if strings.HasPrefix(f.Name, word) {
			o.words = append(o.words, f.Name)
		}
	}
	if strings.HasPrefix(word, "input.") || strings.HasPrefix("input.", word) && word != "" {
		for _, path := range s.paths() {
			if strings.HasPrefix(path, word) {
				o.words = append(o.words, path)
			}
		}
	}
	if word != "" {
		for _, name := range where.Functions() {
			if strings.HasPrefix(name, word) {
				o.words = append(o.words, name+"(")
			}
		}
	}
	o.words = o.words[:min(len(o.words), offered)]
	return o
}

// compared is the field before a comparison that ends a text.
func compared(text string) (field string, ok bool) {
	for _, op := range []string{"==", "!=", " contains", " startsWith", " endsWith"} {
		if rest, found := strings.CutSuffix(text, op); found {
			rest = strings.TrimRight(rest, " ")
			return rest[strings.LastIndexAny(rest, " (!&|")+1:], true
		}
	}
	return "", false
}

// valuesOf are the values that a field has in the messages at hand, as an expression
// writes them.
func (s *Screen) valuesOf(field string) []string {
	values := map[string]bool{}
	for _, it := range s.items[:min(len(s.items), sampled)] {
		var v any
		switch field {
		case "id":
			v = it.id
		case "jobId":
			v = it.jobID
		case "workerId":
			v = it.workerID
		case "source":
			if it.letter != nil {
				v = it.letter.Source
			}
		case "group", "error":
			if c := it.cause; c != nil {
				v = c.signature
				if field == "error" {
					v = c.failure.Text()
				}
			}
		default:
			if path, ok := strings.CutPrefix(field, "input."); ok {
				v = lookUp(inputOf(it), strings.Split(path, "."))
			}
		}
		text := ""
		switch v := v.(type) {
		case string:
			if v == "" || len(v) > valueMost && field != "group" {
				continue
			}
			text = strconv.Quote(v)
		case json.Number:
			text = v.String()
		case bool:
			text = strconv.FormatBool(v)
		default:
			continue
		}
		values[text] = true
		if len(values) == offered {
			break
		}
	}
	return slices.Sorted(maps.Keys(values))
}

// paths are the members of the inputs at hand, three deep.
func (s *Screen) paths() []string {
	found := map[string]bool{}
	var walk func(prefix string, v any, depth int)
	walk = func(prefix string, v any, depth int) {
		object, ok := v.(map[string]any)
		if !ok || depth == 0 {
			return
		}
		for name, member := range object {
			if !plainName(name) {
				continue
			}
			found[prefix+name] = true
			walk(prefix+name+".", member, depth-1)
		}
	}
	for _, it := range s.items[:min(len(s.items), sampled)] {
		walk("input.", inputOf(it), 3)
		if len(found) > 10*offered {
			break
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// plainName is whether a member can be named with a dot.
func plainName(name string) bool {
	for i, r := range name {
		digit := i > 0 && unicode.IsDigit(r)
		if r >= 0x80 || r != '_' && !unicode.IsLetter(r) && !digit {
			return false
		}
	}
	return name != ""
}

func inputOf(it *item) any {
	if it.letter == nil || it.letter.Message == nil || it.size > sampleSize {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(string(it.letter.Message.Input)))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

func lookUp(v any, path []string) any {
	for _, name := range path {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[name]
	}
	return v
}
