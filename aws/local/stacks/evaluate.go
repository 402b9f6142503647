package stacks

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// later stands for what is known only when a resource has been made.
const later = "{{changeSet:KNOWN_AFTER_APPLY}}"

// noValue takes away the property that it is the value of.
type noValue struct{}

// evaluation resolves the functions of a template.
type evaluation struct {
	t *template
	// parameters are their values, and those of the pseudo parameters.
	parameters map[string]string
	// ref and attribute ask for resources.
	ref       func(id string) (any, error)
	attribute func(id, name string) (any, error)
	// imported asks for another stack's export.
	imported func(name string) (string, error)
	rewrite  func(string) string
}

// properties resolves a resource's properties.
func (e *evaluation) properties(d *described) (map[string]any, error) {
	v, err := e.value(d.properties)
	if err != nil {
		return nil, err
	}
	return object(v), nil
}

// active is whether a condition holds; no condition does.
func (e *evaluation) active(condition string) (bool, error) {
	if condition == "" {
		return true, nil
	}
	c, ok := e.t.conditions[condition]
	if !ok {
		return false, validation("Template format error: Unresolved condition dependency %s in the Resources block of the template", condition)
	}
	v, err := e.value(c)
	return scalar(v) == "true", err
}

func (e *evaluation) value(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		list := make([]any, 0, len(v))
		for _, one := range v {
			r, err := e.value(one)
			if err != nil {
				return nil, err
			}
			if _, none := r.(noValue); !none {
				list = append(list, r)
			}
		}
		return list, nil
	case map[string]any:
		if len(v) == 1 {
			for name, argument := range v {
				if r, is, err := e.function(name, argument); is || err != nil {
					return r, err
				}
			}
		}
		m := make(map[string]any, len(v))
		for key, one := range v {
			r, err := e.value(one)
			if err != nil {
				return nil, err
			}
			if _, none := r.(noValue); !none {
				m[key] = r
			}
		}
		return m, nil
	}
	return v, nil
}

// function resolves one intrinsic function; is says whether it was one.
func (e *evaluation) function(name string, argument any) (result any, is bool, err error) {
	switch name {
	case "Ref":
		result, err = e.refTo(scalar(argument))
	case "Fn::GetAtt":
		id, attribute := getAtt(argument)
		result, err = e.attribute(id, attribute)
	case "Fn::Sub":
		result, err = e.sub(argument)
	case "Fn::Join":
		result, err = e.join(argument)
	case "Fn::Select", "Fn::Split", "Fn::FindInMap", "Fn::If", "Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not":
		result, err = e.listFunction(name, argument)
	case "Fn::Base64":
		var v any
		if v, err = e.value(argument); err == nil {
			result = base64.StdEncoding.EncodeToString([]byte(scalar(v)))
		}
	case "Fn::ImportValue":
		var v any
		if v, err = e.value(argument); err == nil {
			result, err = e.imported(scalar(v))
		}
	case "Condition":
		text, ok := argument.(string)
		if !ok || e.t.conditions[text] == nil {
			return nil, false, nil // a policy's
		}
		result, err = e.active(text)
	default:
		if strings.HasPrefix(name, "Fn::") {
			return nil, true, validation("Template error: the local endpoint does not know the function %s", name)
		}
		return nil, false, nil
	}
	return result, true, err
}

func (e *evaluation) refTo(name string) (any, error) {
	if name == "AWS::NoValue" {
		return noValue{}, nil
	}
	if value, ok := e.parameters[name]; ok {
		if p := e.t.parameters[name]; strings.HasPrefix(p.Type, "List<") || p.Type == "CommaDelimitedList" {
			var list []any
			for one := range strings.SplitSeq(value, ",") {
				list = append(list, strings.TrimSpace(one))
			}
			return list, nil
		}
		return value, nil
	}
	return e.ref(name)
}

// placeholder is ${Name} in the text of Fn::Sub; ${!Name} is the text ${Name}.
var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

func subParts(v any) (text string, own map[string]any) {
	switch v := v.(type) {
	case string:
		text = v
	case []any:
		if len(v) == 2 {
			text, own = scalar(v[0]), object(v[1])
		}
	}
	return text, own
}

// subNames are the names that a text refers to.
func subNames(text string) []string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(m[1], "!") {
			names = append(names, strings.TrimSpace(m[1]))
		}
	}
	return names
}

func (e *evaluation) sub(argument any) (any, error) {
	text, own := subParts(argument)
	var failed error
	result := placeholder.ReplaceAllStringFunc(text, func(match string) string {
		name := strings.TrimSpace(match[2 : len(match)-1])
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		var v any
		var err error
		if given, ok := own[name]; ok {
			v, err = e.value(given)
		} else if id, attribute, ok := strings.Cut(name, "."); ok {
			v, err = e.attribute(id, attribute)
		} else {
			v, err = e.refTo(name)
		}
		if err != nil && failed == nil {
			failed = err
		}
		return scalar(v)
	})
	return e.rewrite(result), failed
}

func (e *evaluation) join(argument any) (any, error) {
	parts, ok := argument.([]any)
	if !ok || len(parts) != 2 {
		return nil, validation("Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.")
	}
	v, err := e.value(parts[1])
	if err != nil {
		return nil, err
	}
	list, _ := v.([]any)
	texts := make([]string, len(list))
	for i, one := range list {
		texts[i] = scalar(one)
	}
	return e.rewrite(strings.Join(texts, scalar(parts[0]))), nil
}

func (e *evaluation) listFunction(name string, argument any) (any, error) {
	list, ok := argument.([]any)
	wrong := validation("Template error: %s has arguments that it does not take", name)
	if !ok || len(list) == 0 {
		return nil, wrong
	}
	if name == "Fn::If" { // what is not chosen is not resolved
		if len(list) != 3 {
			return nil, wrong
		}
		holds, err := e.active(scalar(list[0]))
		if err != nil {
			return nil, err
		}
		if holds {
			return e.value(list[1])
		}
		return e.value(list[2])
	}
	resolved, err := e.value(list)
	if err != nil {
		return nil, err
	}
	list, _ = resolved.([]any)
	switch {
	case name == "Fn::Not" && len(list) == 1:
		return scalar(list[0]) != "true", nil
	case name == "Fn::And" || name == "Fn::Or":
		for _, one := range list {
			if (scalar(one) == "true") == (name == "Fn::Or") {
				return name == "Fn::Or", nil
			}
		}
		return name == "Fn::And", nil
	case name == "Fn::Equals" && len(list) == 2:
		return scalar(list[0]) == scalar(list[1]), nil
	case name == "Fn::Split" && len(list) == 2:
		var parts []any
		for part := range strings.SplitSeq(scalar(list[1]), scalar(list[0])) {
			parts = append(parts, part)
		}
		return parts, nil
	case name == "Fn::FindInMap" && len(list) == 3:
		v := object(object(e.t.mappings[scalar(list[0])])[scalar(list[1])])[scalar(list[2])]
		if v == nil {
			return nil, validation("Template error: Unable to get mapping for %s::%s::%s", scalar(list[0]), scalar(list[1]), scalar(list[2]))
		}
		return v, nil
	case name == "Fn::Select" && len(list) == 2:
		from, _ := list[1].([]any)
		at := -1
		if _, err := fmt.Sscan(scalar(list[0]), &at); err != nil || at < 0 || at >= len(from) {
			return nil, validation("Template error: Fn::Select cannot select nonexistent value at index %s", scalar(list[0]))
		}
		return from[at], nil
	}
	return nil, wrong
}

// same is whether two resolved values say the same to AWS, for which 30 and "30" do.
func same(a, b any) bool { return reflect.DeepEqual(plain(a), plain(b)) }

func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, one := range v {
			m[key] = plain(one)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, one := range v {
			list[i] = plain(one)
		}
		return list
	default:
		return scalar(v)
	}
}
