package template

import (
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// forYAML is a value in which every text is written so that every reader of YAML, and the
// Serverless Framework, take it for what it is.
func forYAML(v any) any {
	switch v := v.(type) {
	case string:
		return yamlText(escapeVariables(v))
	case object:
		if text, ok := v["Fn::Sub"].(string); ok && len(v) == 1 {
			return object{"Fn::Sub": yamlText(text)} // the framework leaves CloudFormation's variables alone
		}
		out := object{}
		for key, value := range v {
			out[key] = forYAML(value)
		}
		return out
	case map[string]string:
		out := object{}
		for key, value := range v {
			out[key] = forYAML(value)
		}
		return out
	case yaml.MapSlice:
		out := make(yaml.MapSlice, len(v))
		for i, item := range v {
			out[i] = yaml.MapItem{Key: item.Key, Value: forYAML(item.Value)}
		}
		return out
	case list:
		out := make(list, len(v))
		for i := range v {
			out[i] = forYAML(v[i])
		}
		return out
	case []string:
		out := make(list, len(v))
		for i := range v {
			out[i] = forYAML(v[i])
		}
		return out
	}
	return v
}

// variable is where the framework begins to look for a variable of its own, with the
// backslashes before.
var variable = regexp.MustCompile(`(\\*)\$\{`)

// escapeVariables makes the framework leave a text as it is: a backslash before ${ escapes it,
// and two stand for one.
func escapeVariables(text string) string { return variable.ReplaceAllString(text, `$1$1\$${`) }

// yamlText is a text that is quoted unless nobody can take it for anything else. What the
// library leaves unquoted is too much for readers of older versions of YAML: 1e3, <<.
type yamlText string

var plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)

// MarshalYAML implements yaml.BytesMarshaler.
func (t yamlText) MarshalYAML() ([]byte, error) {
	words := []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null"}
	if plainText.MatchString(string(t)) && !slices.Contains(words, strings.ToLower(string(t))) {
		return []byte(t), nil
	}
	return marshal(string(t)) // JSON's texts are YAML's
}
