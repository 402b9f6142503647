package workersapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// shapes are schemas with references of every kind, and inputs that tell whether
// each of them still leads where it did.
func shapes() map[string]struct{ schema, fits, fails string } {
	return map[string]struct{ schema, fits, fails string }{
		"plain": {`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`, `{"a":"x"}`, `{"a":1}`},
		"defs": {
			`{"$defs":{"a/b~c d":{"type":"integer"},"Page[Item]":{"items":{"$ref":"#/$defs/a~1b~0c%20d"}}},"properties":{"p":{"$ref":"#/$defs/Page%5BItem%5D"}}}`,
			`{"p":[1]}`, `{"p":["x"]}`,
		},
		"recursive": {`{"type":"object","properties":{"next":{"$ref":"#"}},"additionalProperties":false}`, `{"next":{"next":{}}}`, `{"next":{"next":{"x":1}}}`},
		"properties by these names": {
			`{"properties":{"$ref":{"$ref":"#/$defs/$id"},"$id":{"type":"string"},"items":{"const":{"$ref":"#/$defs/none","$id":"kept"}}},"$defs":{"$id":{"type":"integer"}}}`,
			`{"$ref":1,"$id":"x","items":{"$ref":"#/$defs/none","$id":"kept"}}`, `{"$ref":"x"}`,
		},
		"id": {
			`{"$id":"https://example.com/schemas/root","$ref":"item#/$defs/n","$defs":{"i":{"$id":"item","$defs":{"n":{"items":{"$ref":"#/$defs/m"}},"m":{"$ref":"https://example.com/schemas/root#/$defs/k"}}},"k":{"type":"integer"}}}`,
			`[1]`, `["x"]`,
		},
		"urn": {`{"$id":"urn:example:root","$ref":"#/$defs/k","$defs":{"k":{"type":"integer"}}}`, `1`, `"x"`},
		"anchors": {
			`{"properties":{"a":{"$ref":"#item"},"b":{"$dynamicRef":"#node"}},"$defs":{"x":{"$anchor":"item","type":"integer"},"y":{"$dynamicAnchor":"node","type":"array","items":{"$dynamicRef":"#node"}}}}`,
			`{"a":1,"b":[[]]}`, `{"b":[1]}`,
		},
		"draft 7": {
			`{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"n":{"type":"integer"}},"items":[{"$ref":"#/definitions/n"},{"$ref":"#/definitions/n","type":"string"}],"dependencies":{"a":["b"],"b":{"properties":{"a":{"$ref":"#/definitions/n"}}}}}`,
			`[1,2]`, `[1,"x"]`,
		},
		"draft 7, references": {
			`{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"n":{"$id":"#int","type":"integer"}},"items":{"$ref":"#int","type":"string"},"additionalItems":false}`,
			`[1,2]`, `[1,"x"]`,
		},
		"draft 7, tuple": {
			`{"$schema":"http://json-schema.org/draft-07/schema","items":[{"type":"string"}],"additionalItems":{"type":"integer"},"dependencies":{"a":["b"]}}`,
			`["x",1]`, `["x","y"]`,
		},
		"draft 7, dependencies": {`{"$schema":"http://json-schema.org/draft-07/schema#","dependencies":{"a":["b"],"c":{"required":["d"]}}}`, `{"a":1,"b":1,"c":1,"d":1}`, `{"c":1}`},
		"draft 7, into what moves": {
			`{"$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"integer"},{"$ref":"#/items/0"},{"$ref":"#/additionalItems"},{"$ref":"#/definitions/items/x"},{"$ref":"#/dependencies/a~1b"}],
				"additionalItems":{"type":"string"},"definitions":{"items":{"x":{"type":"null"}},"additionalItems":true},"dependencies":{"a/b":{"type":"boolean"}}}`,
			`[1,2,"x",null,true]`, `[1,2,"x",null,1]`,
		},
		"draft 6": {`{"$schema":"http://json-schema.org/draft-06/schema#","contains":{"const":1}}`, `[0,1]`, `[0]`},
		"draft 4": {
			`{"$schema":"http://json-schema.org/draft-04/schema#","id":"http://example.com/x","definitions":{"n":{"type":"number","minimum":1,"exclusiveMinimum":true,"maximum":3,"exclusiveMaximum":false}},"$ref":"#/definitions/n"}`,
			`3`, `1`,
		},
		"draft 2019-09": {
			`{"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveAnchor":true,"type":["array","integer"],"items":{"$recursiveRef":"#"}}`,
			`[1,[2]]`, `[1,["x"]]`,
		},
		"every keyword": {
			`{"$defs":{"n":{"type":"integer"}},"anyOf":[{"$ref":"#/$defs/n"},{"prefixItems":[{"$ref":"#/$defs/n"}],"type":"array","unevaluatedItems":{"not":{"$ref":"#/$defs/n"}}}]}`,
			`[1,"x"]`, `[1,2]`,
		},
		"yes": {`true`, `1`, ``},
		"no":  {`false`, ``, `1`},
	}
}

func shapesManifest() dispatch.Manifest {
	var m dispatch.Manifest
	for name, s := range shapes() {
		m.Workers = append(m.Workers, dispatch.ManifestWorker{ID: name, Description: "<b>" + name, InputSchema: json.RawMessage(s.schema), OutputSchema: json.RawMessage(s.schema)})
	}
	// Ids that OpenAPI does not take for names, and that become the same one.
	for _, id := range []string{"a b", "a_b", "ä/~{}", "", "Error", "..", "-"} {
		m.Workers = append(m.Workers, dispatch.ManifestWorker{ID: id, InputSchema: json.RawMessage(`{"const":` + string(mustEncode(id)) + `}`)})
	}
	return m
}

func documentOf(t *testing.T, s stage, header map[string]string) (text []byte, doc map[string]any) {
	t.Helper()
	w := s.do(t, "GET", "/docs.json", "", header)
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != 200 {
		t.Fatalf("docs.json: %d %s", w.Code, w.Body)
	}
	return w.Body.Bytes(), doc
}

// member follows names into a document.
func memberOf(t *testing.T, doc any, names ...string) any {
	t.Helper()
	for i, name := range names {
		next, ok := doc.(map[string]any)[name]
		if !ok {
			t.Fatalf("the document has no %s", strings.Join(names[:i+1], " > "))
		}
		doc = next
	}
	return doc
}

func TestDocsOfAStage(t *testing.T) {
	t.Parallel()
	_, doc := documentOf(t, newStage(demoConfig(shapesManifest()), &fakeSQS{}, nil), nil)
	for path, want := range map[string]string{
		"openapi": "3.1.0", "info.title": "AI Worker Service", "info.version": "1.0.0",
		"x-service.serviceName": "aiw", "x-service.stage": "demo", "x-service.region": "eu-west-1",
	} {
		if got := memberOf(t, doc, strings.Split(path, ".")...); got != want {
			t.Errorf("%s = %v, want %s", path, got, want)
		}
	}
	if got := memberOf(t, doc, "servers").([]any)[0].(map[string]any)["url"]; got != "https://{apiId}.execute-api.{region}.amazonaws.com/{stage}" {
		t.Errorf("server = %v", got)
	}
	for path, operation := range map[string]struct {
		method   string
		statuses []string
	}{
		"/docs.json":       {"get", []string{"200", "405"}},
		"/workers/config":  {"get", []string{"200", "401", "405", "500"}},
		"/workers/trigger": {"post", []string{"200", "400", "401", "404", "405", "413", "500"}},
	} {
		responses := memberOf(t, doc, "paths", path, operation.method, "responses").(map[string]any)
		for _, status := range operation.statuses {
			if _, ok := responses[status]; !ok {
				t.Errorf("%s says nothing of status %s", path, status)
			}
		}
		if len(responses) != len(operation.statuses) {
			t.Errorf("%s: responses %v", path, responses)
		}
	}
	if paths := memberOf(t, doc, "paths").(map[string]any); len(paths) != 3 {
		t.Errorf("paths = %v", paths)
	}
}

var legalName = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

func TestDocsHoldTogether(t *testing.T) {
	t.Parallel()
	m := shapesManifest()
	_, doc := documentOf(t, newStage(demoConfig(m), &fakeSQS{}, nil), nil)
	schemas := memberOf(t, doc, "components", "schemas").(map[string]any)
	inputs := 0
	for name := range schemas {
		if !legalName.MatchString(name) {
			t.Errorf("%q is no name for a component", name)
		}
		if strings.HasSuffix(name, ".input") {
			inputs++
		}
	}
	if inputs != len(m.Workers) {
		t.Errorf("%d input schemas of %d workers", inputs, len(m.Workers))
	}
	refs := 0
	walk(doc, func(ref string) {
		refs++
		if !resolves(doc, ref) {
			t.Errorf("%s leads nowhere", ref)
		}
	})
	if refs < 100 {
		t.Errorf("only %d references were looked at", refs)
	}
}

// walk calls see with every $ref, but not with data.
func walk(v any, see func(ref string)) {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			text, isText := x.(string)
			switch {
			case name == "$ref" && isText:
				see(text)
			case name != "const" && name != "default" && name != "enum":
				walk(x, see)
			}
		}
	case []any:
		for _, x := range v {
			walk(x, see)
		}
	}
}

func resolves(doc any, ref string) bool {
	u, err := url.Parse(ref)
	if err != nil || u.Path != "" || u.Host != "" {
		return false
	}
	for token := range strings.SplitSeq(strings.TrimPrefix(u.Fragment, "/"), "/") {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		switch at := doc.(type) {
		case map[string]any:
			next, ok := at[token]
			if !ok {
				return false
			}
			doc = next
		case []any:
			var i int
			if _, err := fmt.Sscan(token, &i); err != nil || i >= len(at) {
				return false
			}
			doc = at[i]
		default:
			return false
		}
	}
	return true
}

// A schema within the document accepts what it accepts alone.
func TestDocsSchemasMeanTheSame(t *testing.T) {
	t.Parallel()
	text, _ := documentOf(t, newStage(demoConfig(shapesManifest()), &fakeSQS{}, nil), nil)
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, shape := range shapes() {
		alone, err := jsonschema.UnmarshalJSON(strings.NewReader(shape.schema))
		if err != nil {
			t.Fatal(err)
		}
		before := compileAt(t, alone, "")
		component := componentName(name, map[string]bool{}) + ".input"
		after := compileAt(t, whole, "#/components/schemas/"+component)
		for input, want := range map[string]bool{shape.fits: true, shape.fails: false} {
			if input == "" {
				continue
			}
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(input))
			if err != nil {
				t.Fatal(err)
			}
			if err := before.Validate(v); (err == nil) != want {
				t.Errorf("%s: the schema itself: %s: %v, want %v: the test is wrong", name, input, err, want)
			}
			if err := after.Validate(v); (err == nil) != want {
				t.Errorf("%s: in the document: %s: %v, want %v", name, input, err, want)
			}
		}
	}
}

func compileAt(t *testing.T, doc any, place string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("test:///doc", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("test:///doc" + place)
	if err != nil {
		t.Fatalf("%s: %v", place, err)
	}
	return s
}

// What the document says of a trigger's body is what trigger does.
func TestDocsDescribeTheTrigger(t *testing.T) {
	t.Parallel()
	s := checkedStage()
	text, _ := documentOf(t, s, nil)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	// These two cannot be compiled, in the document or anywhere else.
	schemas := memberOf(t, doc, "components", "schemas").(map[string]any)
	schemas["broken.input"], schemas["outside.input"] = true, true
	request := compileAt(t, doc, "#/paths/~1workers~1trigger/post/requestBody/content/application~1json/schema")
	answers := map[int]*jsonschema.Schema{}
	for _, status := range []int{200, 400, 404} {
		answers[status] = compileAt(t, doc, fmt.Sprintf("#/paths/~1workers~1trigger/post/responses/%d/content/application~1json/schema", status))
	}
	for _, tt := range []struct {
		query, body string
		status      int
	}{
		{"", `{"workerId":"video","body":{"workerId":"video","jobId":"j","input":{"url":"u","width":1},"context":{},"metadata":{},"timestamp":"2026-01-01T00:00:00.000Z"}}`, 200},
		{"", `{"workerId":"video","body":{"jobId":7,"input":{"url":"u","width":1}}}`, 200},
		{"", `{"workerId":"video","messageBody":"{\"jobId\":\"j\",\"input\":{\"url\":\"u\",\"width\":1}}"}`, 200},
		{"", `{"workerId":"video","jobId":"j","input":{"url":"u","width":1}}`, 200},
		{"?workerId=free", `{"body":{"jobId":"j"}}`, 200},
		{"?workerId=free", `{"jobId":"j"}`, 200},
		{"", `{"workerId":"video","body":{"jobId":"j","input":{"url":7,"width":1}}}`, 400},
		{"", `{"workerId":"video","body":{"input":{"url":"u","width":1}}}`, 400},
		{"", `{"workerId":"video","body":{"jobId":"","input":{"url":"u","width":1}}}`, 400},
		{"", `{"workerId":"video","body":{"workerId":"free","jobId":"j","input":{"url":"u","width":1}}}`, 400},
		{"", `{"workerId":"video"}`, 400},
		{"", `[1]`, 400},
	} {
		w := s.do(t, "POST", "/workers/trigger"+tt.query, tt.body, nil)
		body, err := jsonschema.UnmarshalJSON(strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		if err := request.Validate(body); w.Code != tt.status || (err == nil) != (tt.status == 200) {
			t.Errorf("%s: status %d, want %d; by the document: %v", tt.body, w.Code, tt.status, err)
		}
		answer, err := jsonschema.UnmarshalJSON(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := answers[w.Code].Validate(answer); err != nil {
			t.Errorf("%s: the answer %v is not what the document says: %v", tt.body, answer, err)
		}
	}

	cfg, err := jsonschema.UnmarshalJSON(s.do(t, "GET", "/workers/config", "", nil).Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := compileAt(t, doc, "#/paths/~1workers~1config/get/responses/200/content/application~1json/schema").Validate(cfg); err != nil {
		t.Errorf("config is not what the document says: %v", err)
	}
	for payload, want := range map[string]bool{
		`{"jobId":"j","workerId":"video","status":"success","output":1,"metadata":{}}`:                         true,
		`{"jobId":"j","workerId":"other","status":"success","output":1,"metadata":{}}`:                         false,
		`{"jobId":"j","workerId":"video","status":"error","error":{"message":"m","name":"E"},"metadata":{}}`:   false,
		`{"jobId":"j","workerId":"video","status":"success","error":{"message":"m","name":"E"},"metadata":[]}`: false,
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(payload))
		if err != nil {
			t.Fatal(err)
		}
		if err := compileAt(t, doc, "#/webhooks/jobCompleted/post/requestBody/content/application~1json/schema").Validate(v); (err == nil) != want {
			t.Errorf("payload %s: %v, want %v", payload, err, want)
		}
	}
}

// On a stage with a key, nobody learns from the public document what config keeps
// to itself.
func TestDocsKeepWhatConfigKeeps(t *testing.T) {
	t.Parallel()
	m := dispatch.Manifest{Workers: []dispatch.ManifestWorker{{ID: "hidden-worker", Description: "hidden words", InputSchema: json.RawMessage(`{"title":"hidden input"}`)}}}
	s := newStage(demoConfig(m), &fakeSQS{}, map[string]string{"WORKERS_API_KEY": "k1"})
	for _, header := range []map[string]string{nil, {"x-workers-config-key": "wrong"}, {"x-workers-trigger-key": "k1"}} {
		text, doc := documentOf(t, s, header)
		if bytes.Contains(text, []byte("hidden")) {
			t.Errorf("with %v: %s", header, text)
		}
		walk(doc, func(ref string) {
			if !resolves(doc, ref) {
				t.Errorf("%s leads nowhere", ref)
			}
		})
		if got := memberOf(t, doc, "x-service", "serviceName"); got != "aiw" {
			t.Errorf("service = %v", got)
		}
	}
	text, doc := documentOf(t, s, map[string]string{"x-workers-config-key": "k1"})
	for _, word := range []string{"hidden words", "hidden input", "hidden-worker.trigger"} {
		if !bytes.Contains(text, []byte(word)) {
			t.Errorf("with the key there is no %q: %s", word, text)
		}
	}
	if bytes.Contains(text, []byte("k1")) {
		t.Errorf("the key stands in the document: %s", text)
	}
	for path, want := range map[string]string{"/workers/trigger post": "triggerKey", "/workers/config get": "configKey"} {
		at, method, _ := strings.Cut(path, " ")
		security := memberOf(t, doc, "paths", at, method, "security").([]any)
		if len(security) != 1 || security[0].(map[string]any)[want] == nil {
			t.Errorf("%s: security %v, want %s", path, security, want)
		}
	}
	_, open := documentOf(t, newStage(demoConfig(m), &fakeSQS{}, nil), nil)
	if security := memberOf(t, open, "paths", "/workers/trigger", "post", "security").([]any); len(security) != 0 {
		t.Errorf("an open stage wants %v", security)
	}
}

func TestEmbedKeepsOrderAndText(t *testing.T) {
	t.Parallel()
	got := string(embed(json.RawMessage(`{"z":1.0,"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"x","properties":{"b":{"$schema":"http://json-schema.org/draft-07/schema#"},"a":{"$ref":"#/properties/b"}},"enum":[{"$ref":"#"}],"title":"<&>"}`), "/c/n"))
	const want = `{"z":1.0,"properties":{"b":{},"a":{"$ref":"#/c/n/properties/b"}},"enum":[{"$ref":"#"}],"title":"<&>"}`
	if got != want {
		t.Errorf("embedded\n got %s\nwant %s", got, want)
	}
	// What leads out of the schema stays as it is, and so does what is no schema.
	for _, text := range []string{`{"$ref":"other.json"}`, `{"$ref":"#nowhere"}`, `{"$ref":7}`, `{"$ref":"%zz"}`, `{"items":7,"properties":[1],"allOf":{"$ref":"#"}}`, `true`, `[]`, `{`} {
		if got := string(embed(json.RawMessage(text), "/c/n")); got != text && text != `{"items":7,"properties":[1],"allOf":{"$ref":"#"}}` {
			t.Errorf("embed(%s) = %s", text, got)
		}
	}
	if names := []string{componentName("a b", map[string]bool{"a_b": true, "a_b_2": true})}; !slices.Equal(names, []string{"a_b_3"}) {
		t.Errorf("names = %v", names)
	}
}
