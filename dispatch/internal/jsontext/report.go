package jsontext

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// At is the value at a path; nil where there is none.
func (t *Parsed) At(path []string) any {
	v := t.Value
	for _, token := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// Report is a finding at a path.
func (t *Parsed) Report(path []string, keyword, format string, args ...any) Finding {
	return Finding{
		Off: t.Root.Find(path).Off, Path: path, Keyword: keyword,
		Message: fmt.Sprintf(format, args...),
	}
}

// ReportName is Report, placed on the property's name.
func (t *Parsed) ReportName(path []string, keyword, format string, args ...any) Finding {
	f := t.Report(path, keyword, format, args...)
	if n := t.Root.Find(path); n.KeyOff >= 0 {
		f.Off = n.KeyOff
	}
	return f
}

// Member is the path of a member.
func Member(path []string, name string) []string {
	return append(slices.Clone(path), name)
}

// maxForms is how many forms of a union a message describes.
const maxForms = 3

// Union says why a value fits no branch of anyOf or oneOf. Reporting every
// branch would bury the one the person meant, so branches that are clearly not
// meant are left out: first those for another type of value, then those whose
// discriminating property has another value.
func (t *Parsed) Union(path []string, keyword string, branches [][]Finding) []Finding {
	depth := len(path)
	if len(branches) == 0 {
		return []Finding{t.Report(path, keyword, "fits none of the allowed forms")}
	}
	for _, find := range []func([]Finding, int) *Finding{wrongSort, wrongMember} {
		if merged := t.merge(branches, depth, find, keyword); merged != nil {
			return merged
		}
		meant := slices.DeleteFunc(slices.Clone(branches), func(found []Finding) bool { return find(found, depth) != nil })
		if len(meant) > 0 {
			branches = meant
		}
	}
	if len(branches) == 1 {
		return branches[0]
	}
	var forms []string
	for i, found := range branches[:min(len(branches), maxForms)] {
		first := found[0]
		text := first.Message
		if rest := first.Path[min(depth, len(first.Path)):]; len(rest) > 0 {
			text = Printable(Pointer(rest)) + " " + text
		}
		if len(found) > 1 {
			text += fmt.Sprintf(" and %d more", len(found)-1)
		}
		forms = append(forms, fmt.Sprintf("(%d) %s", i+1, text))
	}
	return []Finding{t.Report(path, keyword, "fits none of the %d allowed forms: %s",
		len(branches), strings.Join(forms, "; "))}
}

// wrongSort finds what shows a branch to be meant for another sort of value.
func wrongSort(found []Finding, depth int) *Finding {
	for i := range found {
		if len(found[i].Expects) > 0 && len(found[i].Path) == depth {
			return &found[i]
		}
	}
	return nil
}

// wrongMember finds what shows a branch to be meant for an object whose
// discriminating property has another value.
func wrongMember(found []Finding, depth int) *Finding {
	for i, f := range found {
		if len(f.Path) == depth+1 && (f.Keyword == "const" || f.Keyword == "enum") {
			return &found[i]
		}
	}
	return nil
}

// merge makes one finding of branches that all refuse the same value for being
// of the wrong sort: "must be a string or null, is a number (7)".
func (t *Parsed) merge(branches [][]Finding, depth int, find func([]Finding, int) *Finding, keyword string) []Finding {
	var path, expects []string
	keywords := map[string]bool{}
	for i, found := range branches {
		wrong := find(found, depth)
		if wrong == nil || i > 0 && !slices.Equal(path, wrong.Path) {
			return nil
		}
		path = wrong.Path
		keywords[wrong.Keyword] = true
		for _, x := range wrong.Expects {
			if !slices.Contains(expects, x) {
				expects = append(expects, x)
			}
		}
	}
	switch {
	case len(keywords) == 1 && keywords["type"]:
		keyword = "type"
	case !keywords["type"] && !keywords["anyOf"] && !keywords["oneOf"]:
		keyword = "enum"
	}
	return []Finding{t.Wrong(path, keyword, expects)}
}

// Wrong is a value of another sort than expected.
func (t *Parsed) Wrong(path []string, keyword string, expects []string) Finding {
	f := t.Report(path, keyword, "must be %s, is %s", Alternatives(expects), Describe(t.At(path)))
	f.Expects = expects
	return f
}
