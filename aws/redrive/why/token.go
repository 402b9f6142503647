package why

import "strings"

// The longest parts of an address that are looked for, in bytes: RFC 5321's
// limit of an e-mail address's name, more than any scheme has, and eight groups
// of four.
const (
	maxLocal  = 64
	maxScheme = 16
	maxIPv6   = 39
)

// token is how much of the text, which begins with a letter or a digit, belongs
// together, and what stands for it.
func (s *signer) token(text string) (n int, stands string) {
	if s.url {
		if n = urlLen(text); n > 0 {
			return n, "<url>"
		}
	}
	if s.email {
		if n = emailLen(text); n > 0 {
			return n, "<email>"
		}
	}
	if n = ipv6Len(text); n > 0 {
		return n, "<ip>"
	}
	if digit(text[0]) {
		if n = timeLen(text); n > 0 {
			return n, "<time>"
		}
		if n = ipv4Len(text); n > 0 {
			return n, "<ip>"
		}
	}
	if len(text) <= s.plain {
		word, id := idLen(text)
		if id > 0 {
			return id, "<id>"
		}
		s.plain = len(text) - word
	}
	if digit(text[0]) {
		return numberLen(text), "<n>"
	}
	n = span(text, letter)
	return n, text[:n]
}

// span is how many of the first bytes are of a class.
func span(text string, of func(byte) bool) int {
	n := 0
	for n < len(text) && of(text[n]) {
		n++
	}
	return n
}

// like is the length of the shape at the beginning of the text, in which 0
// stands for a digit and anything else for itself; 0 when it is not there.
func like(text, shape string) int {
	if len(text) < len(shape) {
		return 0
	}
	for i := range len(shape) {
		if shape[i] == '0' && digit(text[i]) || shape[i] == text[i] && shape[i] != '0' {
			continue
		}
		return 0
	}
	return len(shape)
}

func urlLen(text string) int {
	n := span(text[:min(len(text), maxScheme)], func(c byte) bool {
		return letter(c) || digit(c) || c == '+' || c == '.' || c == '-'
	})
	if !letter(text[0]) || !strings.HasPrefix(text[n:], "://") {
		return 0
	}
	n += len("://")
	more := span(text[n:], func(c byte) bool { return c > ' ' && strings.IndexByte("\"'`<>", c) < 0 })
	// A sentence goes on or ends behind it.
	trimmed := len(strings.TrimRight(text[n:n+more], ".,;:!?)]}"))
	if trimmed == 0 {
		return 0
	}
	return n + trimmed
}

func emailLen(text string) int {
	n := span(text[:min(len(text), maxLocal)], func(c byte) bool {
		return letter(c) || digit(c) || strings.IndexByte("._%+-", c) >= 0
	})
	if n == len(text) || text[n] != '@' {
		return 0
	}
	n++
	domain := text[n:]
	domain = domain[:span(domain, func(c byte) bool { return letter(c) || digit(c) || c == '.' || c == '-' })]
	// The longest part of it that ends in a name of two letters or more behind a dot.
	for dot := strings.LastIndexByte(domain, '.'); dot > 0; dot = strings.LastIndexByte(domain[:dot], '.') {
		if top := span(domain[dot+1:], letter); top >= 2 {
			return n + dot + 1 + top
		}
	}
	return 0
}

// timeLen finds dates, times of day, and the two together.
func timeLen(text string) int {
	n := like(text, "0000-00-00")
	if n == 0 {
		return clockLen(text)
	}
	if n == len(text) || text[n] != 'T' && text[n] != ' ' {
		return n
	}
	clock := clockLen(text[n+1:])
	if clock == 0 {
		return n
	}
	n += 1 + clock
	rest := text[n:]
	switch {
	case strings.HasPrefix(rest, "Z"):
		return n + 1
	case len(rest) > 0 && (rest[0] == '+' || rest[0] == '-'):
		zone := max(like(rest[1:], "00:00"), like(rest[1:], "0000"))
		if zone > 0 {
			return n + 1 + zone
		}
	}
	return n
}

func clockLen(text string) int {
	n := like(text, "00:00:00")
	if n > 0 && n+1 < len(text) && (text[n] == '.' || text[n] == ',') {
		if fraction := span(text[n+1:], digit); fraction > 0 {
			n += 1 + fraction
		}
	}
	return n
}

func ipv4Len(text string) int {
	n := 0
	for part := range 4 {
		if part > 0 {
			if n == len(text) || text[n] != '.' {
				return 0
			}
			n++
		}
		d := span(text[n:], digit)
		if d == 0 || d > 3 {
			return 0
		}
		n += d
	}
	return n
}

func ipv6Len(text string) int {
	n := span(text[:min(len(text), maxIPv6+1)], func(c byte) bool { return hex(c) || c == ':' })
	if n < len(text) && letter(text[n]) {
		return 0
	}
	address := strings.TrimRight(text[:n], ":")
	colons := strings.Count(address, ":")
	if colons < 2 || colons != 7 && !strings.Contains(address, "::") || !strings.ContainsFunc(address, isDigit) {
		return 0
	}
	return len(address)
}

// idLen finds words that hold what no person has chosen: UUIDs, hashes, random
// and time-based ids. Of a name with a number (order-17, utf8) only the number
// changes, so those are none. word is how long the word is that was looked at,
// id how much of it is an id.
func idLen(text string) (word, id int) {
	word = span(text, func(c byte) bool { return letter(c) || digit(c) || c == '-' || c == '_' })
	if !strings.ContainsFunc(text[:word], isDigit) {
		return word, 0
	}
	left := strings.TrimRight(text[:word], "-_")
	whole := len(left)
	if whole >= 36 && uuid(left[:36]) {
		return word, whole
	}
	long := false // a number as long as a time, which an id may go on behind
	for {
		at := strings.IndexAny(left, "-_")
		part := left
		if at >= 0 {
			part = left[:at]
		}
		if long && part != "" || random(part) {
			return word, whole
		}
		if len(part) >= 8 && span(part, digit) == len(part) {
			long = true
		}
		if at < 0 {
			return word, 0
		}
		left = left[at+1:]
	}
}

func uuid(s string) bool {
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') || !dash && !hex(s[i]) {
			return false
		}
	}
	return true
}

// random reports whether part of a word is a mixture of letters and digits that
// looks like no name: hexadecimal, or digits in two places.
func random(part string) bool {
	if strings.HasPrefix(part, "0x") && len(part) > 2 && span(part[2:], hex) == len(part)-2 {
		return true
	}
	digits, runs, within := 0, 0, false
	for i := range len(part) {
		d := digit(part[i])
		if d {
			digits++
			if !within {
				runs++
			}
		}
		within = d
	}
	return runs >= 2 || digits > 0 && digits < len(part) && len(part) >= 8 && span(part, hex) == len(part)
}

// numberLen takes a number with its decimals and thousands.
func numberLen(text string) int {
	n := span(text, digit)
	for n+1 < len(text) && (text[n] == '.' || text[n] == ',') && digit(text[n+1]) {
		n += 1 + span(text[n+1:], digit)
	}
	return n
}

func hex(c byte) bool { return digit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func isDigit(r rune) bool { return r >= '0' && r <= '9' }
