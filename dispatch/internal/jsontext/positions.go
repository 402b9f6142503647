package jsontext

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Node is one value of a JSON text and where it stands.
type Node struct {
	Off    int    // byte offset of the value's first character
	End    int    // byte offset behind the value's last character
	KeyOff int    // byte offset of the member name's opening quote, -1 for none
	Key    string // member name
	Kids   []Node
	names  map[string]int // index of kids by key, made when it pays
}

// manyNames is from how many members on a map finds a name faster.
const manyNames = 32

// Child finds the node of one path token. Of several members with the same
// name it is the last, whose value counts.
func (n *Node) Child(token string) *Node {
	if len(n.Kids) == 0 {
		return nil
	}
	if n.Kids[0].KeyOff < 0 {
		i, err := strconv.Atoi(token)
		if err != nil || i < 0 || i >= len(n.Kids) {
			return nil
		}
		return &n.Kids[i]
	}
	if len(n.Kids) > manyNames {
		if n.names == nil {
			n.index()
		}
		if i, ok := n.names[token]; ok {
			return &n.Kids[i]
		}
		return nil
	}
	for i := len(n.Kids) - 1; i >= 0; i-- {
		if n.Kids[i].Key == token {
			return &n.Kids[i]
		}
	}
	return nil
}

// index makes the map of names, which belongs to one goroutine.
func (n *Node) index() {
	n.names = make(map[string]int, len(n.Kids))
	for i := range n.Kids {
		n.names[n.Kids[i].Key] = i
	}
}

// IndexAll makes every map that child would make, so that from then on any number
// of goroutines may read: a schema is used by many, a text by one.
func (n *Node) IndexAll() {
	if len(n.Kids) > manyNames && n.Kids[0].KeyOff >= 0 {
		n.index()
	}
	for i := range n.Kids {
		n.Kids[i].IndexAll()
	}
}

// Find walks a path as far as the text goes.
func (n *Node) Find(path []string) *Node {
	for _, token := range path {
		kid := n.Child(token)
		if kid == nil {
			return n
		}
		n = kid
	}
	return n
}

// Pointer writes a path as RFC 6901 has it.
func Pointer(path []string) string {
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

// Locator turns ascending byte offsets into lines and columns, reading the text
// once however many offsets there are.
type Locator struct {
	text   []byte
	off    int
	line   int
	column int
}

// NewLocator begins at the start of text.
func NewLocator(text []byte) *Locator { return &Locator{text: text, line: 1, column: 1} }

// At gives the one-based line and column of off, which must not be smaller than
// the offset of the call before. A line ends with a line feed; a column is a
// character, whatever its width on a screen.
func (l *Locator) At(off int) (line, column int) {
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
