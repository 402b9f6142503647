package why

import (
	"strings"
	"unicode/utf8"
)

// MaxSignature is the longest signature, in characters.
const MaxSignature = 200

const (
	// maxSigned is how much of a text is looked at, in bytes.
	maxSigned = MaxMessage
	// longQuote is how long a quoted text may be, in bytes, to count as a name that
	// belongs to the error; a longer one is data.
	longQuote = 32
)

// Signature is what texts have in common that tell of the same failure: one
// line in which URLs, e-mail and IP addresses, times, ids, numbers and long
// quoted texts have given way to <url>, <email>, <ip>, <time>, <id>, <n> and
// <text>. It has at most MaxSignature characters and no control characters, and
// the signature of a signature is itself.
//
// That last property rests on three others, which a change must keep: no digit
// is left in a signature, so what needs one is found once; what is found without
// one, URLs and e-mail addresses, is also found, or more of it, when other text
// follows; and what a quote may be is judged by characters that replacing does
// not change.
func Signature(text string) string {
	if len(text) > maxSigned {
		text = cut(text, maxSigned)
	}
	text = strings.Join(strings.Fields(oneLine(text)), " ")
	s := signer{email: strings.Contains(text, "@"), url: strings.Contains(text, "://"), plain: len(text)}
	s.out.Grow(len(text))
	s.write(text)
	return shorten(s.out.String())
}

// shorten cuts to MaxSignature, not within a placeholder.
func shorten(s string) string {
	if len(s) <= MaxSignature || utf8.RuneCountInString(s) <= MaxSignature {
		return s
	}
	n, at := 0, 0
	for at = range s {
		if n == MaxSignature-1 {
			break
		}
		n++
	}
	s = s[:at]
	if open := strings.LastIndexByte(s, '<'); open >= 0 && open > len(s)-len("<email>") && !strings.Contains(s[open:], ">") {
		s = s[:open]
	}
	return strings.TrimRight(s, " ") + "…"
}

type signer struct {
	out        strings.Builder
	last       byte // the last one written, 0 at the beginning
	email, url bool // whether the text can hold any
	// plain is how much is left of the text behind the last word that is known to
	// be no id, so that a word is looked at once; at first more than all of it.
	plain int
}

func (s *signer) put(text string) {
	if text != "" {
		s.out.WriteString(text)
		s.last = text[len(text)-1]
	}
}

// write takes the text apart. Where nothing matches, a run of letters or one
// other character is copied.
func (s *signer) write(text string) {
	var open [3]bool // kinds of quotes known not to be closed in what is left
	for i := 0; i < len(text); {
		c := text[i]
		rest := text[i:]
		switch {
		case letter(c) || digit(c):
			n, stands := s.token(rest)
			s.put(stands)
			i += n
		case c == '-' && i+1 < len(text) && digit(text[i+1]) && !wordish(s.last) && !quoteMark(s.last):
			i++ // a sign belongs to its number
		case quoteMark(c):
			kind := strings.IndexByte("'\"`", c)
			if open[kind] || c == '\'' && wordish(s.last) {
				s.put(rest[:1])
				i++
				break
			}
			end := closing(rest)
			if end < 0 {
				open[kind] = true
				s.put(rest[:1])
				i++
				break
			}
			s.quoted(rest[:1], rest[1:end])
			i += end + 1
		default:
			s.put(rest[:1])
			i++
		}
	}
}

// quoted writes what stands between two quotes.
func (s *signer) quoted(quote, content string) {
	in := signer{last: quote[0], email: s.email, url: s.url, plain: len(content)}
	in.write(content)
	s.put(quote)
	if in.out.Len() > longQuote {
		s.put("<text>")
	} else {
		s.put(in.out.String())
	}
	s.put(quote)
}

// closing is where the quote that text begins with is closed, or -1. An
// apostrophe within a word closes nothing. What may follow in a word is taken
// for the same thing before and after it was replaced.
func closing(text string) int {
	for i := 1; i < len(text); i++ {
		if text[i] != text[0] {
			continue
		}
		if text[0] == '\'' && i+1 < len(text) && (wordish(text[i+1]) || text[i+1] == '<') {
			continue
		}
		return i
	}
	return -1
}

func quoteMark(c byte) bool { return c == '\'' || c == '"' || c == '`' }

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func digit(c byte) bool { return c >= '0' && c <= '9' }

// wordish is true of what a word can end in, a placeholder included.
func wordish(c byte) bool { return letter(c) || digit(c) || c >= utf8.RuneSelf || c == '>' }
