package dispatch

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// textNode is one value of a JSON text and where it stands.
type textNode struct {
	off    int    // byte offset of the value's first character
	keyOff int    // byte offset of the member name's opening quote, -1 for none
	key    string // member name
	kids   []textNode
	names  map[string]int // index of kids by key, made when it pays
}

// manyNames is from how many members on a map finds a name faster.
const manyNames = 32

// child finds the node of one path token. Of several members with the same
// name it is the last, whose value counts.
func (n *textNode) child(token string) *textNode {
	if len(n.kids) == 0 {
		return nil
	}
	if n.kids[0].keyOff < 0 {
		i, err := strconv.Atoi(token)
		if err != nil || i < 0 || i >= len(n.kids) {
			return nil
		}
		return &n.kids[i]
	}
	if len(n.kids) > manyNames {
		if n.names == nil {
			n.index()
		}
		if i, ok := n.names[token]; ok {
			return &n.kids[i]
		}
		return nil
	}
	for i := len(n.kids) - 1; i >= 0; i-- {
		if n.kids[i].key == token {
			return &n.kids[i]
		}
	}
	return nil
}

// index makes the map of names, which belongs to one goroutine.
func (n *textNode) index() {
	n.names = make(map[string]int, len(n.kids))
	for i := range n.kids {
		n.names[n.kids[i].key] = i
	}
}

// indexAll makes every map that child would make, so that from then on any number
// of goroutines may read: a schema is used by many, a text by one.
func (n *textNode) indexAll() {
	if len(n.kids) > manyNames && n.kids[0].keyOff >= 0 {
		n.index()
	}
	for i := range n.kids {
		n.kids[i].indexAll()
	}
}

// find walks a path as far as the text goes.
func (n *textNode) find(path []string) *textNode {
	for _, token := range path {
		kid := n.child(token)
		if kid == nil {
			return n
		}
		n = kid
	}
	return n
}

// jsonPointer writes a path as RFC 6901 has it.
func jsonPointer(path []string) string {
	var b strings.Builder
	for _, token := range path {
		b.WriteByte('/')
		if strings.ContainsAny(token, "~/") {
			token = strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
		}
		b.WriteString(token)
	}
	return b.String()
}

// locator turns ascending byte offsets into lines and columns, reading the text
// once however many offsets there are.
type locator struct {
	text   []byte
	off    int
	line   int
	column int
}

func newLocator(text []byte) *locator { return &locator{text: text, line: 1, column: 1} }

// at gives the one-based line and column of off, which must not be smaller than
// the offset of the call before. A line ends with a line feed; a column is a
// character, whatever its width on a screen.
func (l *locator) at(off int) (line, column int) {
	off = min(off, len(l.text))
	for l.off < off {
		_, size := utf8.DecodeRune(l.text[l.off:])
		if l.text[l.off] == '\n' {
			l.line++
			l.column = 1
		} else {
			l.column++
		}
		l.off += size
	}
	return l.line, l.column
}
