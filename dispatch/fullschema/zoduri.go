package fullschema

import (
	"errors"
	"net/url"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// zodURI is the format "uri" as z.url() checks it: by JavaScript's URL parser,
// which trims spaces and takes a percent sign that escapes nothing.
func zodURI() *jsonschema.Format {
	return &jsonschema.Format{Name: "uri", Validate: func(v any) error {
		text, ok := v.(string)
		if !ok {
			return nil
		}
		u, err := url.Parse(strings.ReplaceAll(strings.TrimSpace(text), "%", "%25"))
		if err != nil {
			if parse, ok := errors.AsType[*url.Error](err); ok {
				return parse.Err
			}
			return err
		}
		if !u.IsAbs() {
			return errors.New("it has no scheme")
		}
		return nil
	}}
}
