package letter

// deepest is how deep a body may be nested that stands in a line as it is.
// encoding/json refuses a line of more than 10,000 levels, of which the line is one
// itself, and other programs give up much earlier.
const deepest = 500

// standsAlone is whether a body can be in a line as it is, and reading the line
// gives it back byte for byte: a JSON object or array without white space around
// it, in which nothing acts.
//
// Its yes is json.Valid's, which takes a function call for every byte: most of the
// time of writing a line.
func standsAlone(body string) bool {
	if body == "" || body[0] != '{' && body[0] != '[' {
		return false
	}
	return value(body, 0, 1) == len(body)
}

// value passes over the value at i, and returns where it ends; -1 when there is
// none.
func value(s string, i, depth int) int {
	if i >= len(s) || depth > deepest {
		return -1
	}
	switch s[i] {
	case '"':
		return quoted(s, i+1)
	case '{':
		return members(s, i+1, depth)
	case '[':
		return items(s, i+1, depth)
	case 't':
		return word(s, i, "true")
	case 'f':
		return word(s, i, "false")
	case 'n':
		return word(s, i, "null")
	}
	return number(s, i)
}

func members(s string, i, depth int) int {
	i = spaces(s, i)
	if i < len(s) && s[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(s) || s[i] != '"' {
			return -1
		}
		if i = quoted(s, i+1); i < 0 {
			return -1
		}
		if i = spaces(s, i); i >= len(s) || s[i] != ':' {
			return -1
		}
		if i = value(s, spaces(s, i+1), depth+1); i < 0 {
			return -1
		}
		if i = spaces(s, i); i >= len(s) {
			return -1
		}
		switch s[i] {
		case '}':
			return i + 1
		case ',':
			i = spaces(s, i+1)
		default:
			return -1
		}
	}
}

func items(s string, i, depth int) int {
	i = spaces(s, i)
	if i < len(s) && s[i] == ']' {
		return i + 1
	}
	for {
		if i = value(s, i, depth+1); i < 0 {
			return -1
		}
		if i = spaces(s, i); i >= len(s) {
			return -1
		}
		switch s[i] {
		case ']':
			return i + 1
		case ',':
			i = spaces(s, i+1)
		default:
			return -1
		}
	}
}

// quoted passes over the rest of a string.
func quoted(s string, i int) int {
	for {
		i = plain(s, i)
		if i >= len(s) {
			return -1
		}
		switch s[i] {
		case '"':
			return i + 1
		case '\\':
			if i = escape(s, i+1); i < 0 {
				return -1
			}
		default:
			return -1 // it acts
		}
	}
}

func escape(s string, i int) int {
	if i >= len(s) {
		return -1
	}
	switch s[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		end := i + 5
		if end > len(s) {
			return -1
		}
		for _, c := range []byte(s[i+1 : end]) {
			if !digit(c) && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return -1
			}
		}
		return end
	}
	return -1
}

func number(s string, i int) int {
	if i < len(s) && s[i] == '-' {
		i++
	}
	whole := digits(s, i)
	if whole == i || whole > i+1 && s[i] == '0' {
		return -1
	}
	i = whole
	if i < len(s) && s[i] == '.' {
		end := digits(s, i+1)
		if end == i+1 {
			return -1
		}
		i = end
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		end := digits(s, i)
		if end == i {
			return -1
		}
		i = end
	}
	return i
}

func digits(s string, i int) int {
	for i < len(s) && digit(s[i]) {
		i++
	}
	return i
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func word(s string, i int, word string) int {
	if end := i + len(word); end <= len(s) && s[i:end] == word {
		return end
	}
	return -1
}

// spaces passes over the white space that does not act.
func spaces(s string, i int) int {
	for i < len(s) && s[i] == ' ' {
		i++
	}
	return i
}
