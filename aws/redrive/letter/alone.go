package letter

import "github.com/microfox-ai/aiwctl/dispatch"

// standsAlone is whether a body can be in a line as it is, and reading the line
// gives it back byte for byte: a JSON object or array without white space around
// it, in which nothing acts. What is nested too deep for dispatch.ValidJSON does not:
// the line is one level more, and other programs give up early.
func standsAlone(body string) bool {
	n := len(body)
	if n < 2 || body[0] != '{' && body[0] != '[' || body[n-1] != '}' && body[n-1] != ']' {
		return false
	}
	for i := plain(body, 0); i < n; i = plain(body, i+1) {
		if body[i] != '"' && body[i] != '\\' {
			return false // it acts
		}
	}
	return dispatch.ValidJSON([]byte(body))
}
