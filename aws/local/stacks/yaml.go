package stacks

import (
	"encoding/json"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// yamlDocument reads a template in YAML, with the short forms of functions such as !Ref.
func yamlDocument(text string) (map[string]any, error) {
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil || len(file.Docs) == 0 {
		return nil, validation("Template format error: YAML not well-formed.")
	}
	doc, ok := yamlValue(file.Docs[0].Body).(map[string]any)
	if !ok {
		return nil, validation("Template format error: unsupported structure.")
	}
	return doc, nil
}

// yamlValue is a node as encoding/json would read it. Anchors are not known to templates
// that CloudFormation takes.
func yamlValue(node ast.Node) any {
	switch n := node.(type) {
	case *ast.MappingNode:
		m := make(map[string]any, len(n.Values))
		for _, entry := range n.Values {
			m[yamlKey(entry.Key)] = yamlValue(entry.Value)
		}
		return m
	case *ast.MappingValueNode:
		return map[string]any{yamlKey(n.Key): yamlValue(n.Value)}
	case *ast.SequenceNode:
		list := make([]any, len(n.Values))
		for i, one := range n.Values {
			list[i] = yamlValue(one)
		}
		return list
	case *ast.TagNode:
		return yamlTag(n)
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.BoolNode:
		return n.Value
	case *ast.NullNode, nil:
		return nil
	case *ast.IntegerNode:
		return json.Number(n.String())
	case *ast.FloatNode:
		return json.Number(n.String())
	default:
		return strings.TrimSpace(node.String())
	}
}

func yamlKey(key ast.MapKeyNode) string {
	if s, ok := key.(*ast.StringNode); ok {
		return s.Value
	}
	return strings.TrimSpace(key.String())
}

func yamlTag(n *ast.TagNode) any {
	value := yamlValue(n.Value)
	switch name := strings.TrimPrefix(n.Start.Value, "!"); name {
	case "Ref", "Condition":
		return map[string]any{name: value}
	default:
		if strings.HasPrefix(name, "!") { // a type of YAML's own, as in !!str
			return value
		}
		return map[string]any{"Fn::" + name: value}
	}
}
