package stacks

import (
	"encoding/json"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// members are the elements of a list in a request of the Query protocol, each as its own
// parameters; those of a list of texts have the name "".
func members(params url.Values, list string) []map[string]string {
	var all []map[string]string
	for i := 1; ; i++ {
		at := list + ".member." + strconv.Itoa(i)
		one := map[string]string{}
		for key, values := range params {
			if key == at {
				one[""] = values[0]
			} else if rest, ok := strings.CutPrefix(key, at+"."); ok {
				one[rest] = values[0]
			}
		}
		if len(one) == 0 {
			return all
		}
		all = append(all, one)
	}
}

// texts are the elements of a list of texts.
func texts(params url.Values, list string) []string {
	var all []string
	for _, one := range members(params, list) {
		all = append(all, one[""])
	}
	return all
}

var stackName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

func checkName(what, name string) error {
	switch {
	case name == "":
		return validation("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", what)
	case !stackName.MatchString(name) && !strings.HasPrefix(name, "arn:"):
		return validation("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*", name, what)
	}
	return nil
}

// body is the template of a request; st is the stack whose template may be used again.
func (s *Service) body(params url.Values, st *stack) (string, error) {
	switch {
	case params.Get("TemplateBody") != "":
		body := params.Get("TemplateBody")
		if len(body) > maxTemplateBody {
			return "", validation("1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to %d", maxTemplateBody)
		}
		return body, nil
	case params.Get("TemplateURL") != "":
		if s.cfg.Template == nil {
			return "", validation("TemplateURL must be a supported URL.")
		}
		file, err := s.cfg.Template(params.Get("TemplateURL"))
		if err != nil {
			return "", err
		}
		defer func() { _ = file.Close() }() // it is read only
		text, err := io.ReadAll(io.LimitReader(file, maxTemplate+1))
		if err != nil {
			return "", err
		}
		if len(text) > maxTemplate {
			return "", validation("Template may not exceed %d bytes in size.", maxTemplate)
		}
		return string(text), nil
	case params.Get("UsePreviousTemplate") == "true" && st != nil && st.present.t != nil:
		return st.present.t.body, nil
	}
	return "", validation("Either Template URL or Template Body must be specified.")
}

// wanted reads what a request wants a stack to be.
func (s *Service) wanted(params url.Values, st *stack) (desired, error) {
	body, err := s.body(params, st)
	if err != nil {
		return desired{}, err
	}
	d := desired{
		parameters: map[string]string{}, tags: map[string]string{}, capabilities: texts(params, "Capabilities"), role: params.Get("RoleARN"),
		noRollback: params.Get("DisableRollback") == "true", onFailure: params.Get("OnFailure") + params.Get("OnStackFailure"),
	}
	if d.onFailure == "DO_NOTHING" {
		d.noRollback = true
	}
	if d.t, err = s.parse(body); err != nil {
		return d, err
	}
	if err := d.readParameters(params, st); err != nil {
		return d, err
	}
	for _, needed := range d.t.capabilities() {
		if !slices.Contains(d.capabilities, needed) && !slices.Contains(d.capabilities, "CAPABILITY_NAMED_IAM") {
			e := validation("Requires capabilities : [%s]", needed)
			e.Code = "InsufficientCapabilitiesException"
			return d, e
		}
	}
	given := members(params, "Tags")
	for _, one := range given {
		if strings.HasPrefix(one["Key"], "aws:") {
			return d, validation("aws: prefixed tag key names are not allowed for external use.")
		}
		d.tags[one["Key"]] = one["Value"]
	}
	if len(d.tags) > 50 {
		return d, validation("1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50")
	}
	if len(given) == 0 && !params.Has("Tags") && st != nil {
		d.tags = maps.Clone(st.present.tags)
	}
	return d, nil
}

// readParameters takes the parameters' values from the request, from what the stack has, or
// from the template.
func (d *desired) readParameters(params url.Values, st *stack) error {
	var unknown, missing []string
	for _, one := range members(params, "Parameters") {
		name := one["ParameterKey"]
		p, ok := d.t.parameters[name]
		if !ok {
			unknown = append(unknown, name)
			continue
		}
		value := one["ParameterValue"]
		if one["UsePreviousValue"] == "true" {
			if st == nil {
				return validation("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", name)
			}
			value = st.present.parameters[name]
		}
		if len(p.Allowed) > 0 && !slices.Contains(p.Allowed, value) {
			return validation("Parameter '%s' must be one of AllowedValues", name)
		}
		d.parameters[name] = value
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return validation("Parameters: [%s] do not exist in the template", strings.Join(unknown, ", "))
	}
	for name, p := range d.t.parameters {
		if _, given := d.parameters[name]; given {
			continue
		}
		if p.Default == nil {
			missing = append(missing, name)
			continue
		}
		d.parameters[name] = *p.Default
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return validation("Parameters: [%s] must have values", strings.Join(missing, ", "))
	}
	return nil
}

// text is a value as change sets and events show it: a text as it is, else JSON.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
