package queues

import (
	"cmp"
	"crypto/md5" //nolint:gosec // SQS's protocol has MD5 sums; they protect nothing
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// MaxMessageSize is the largest message, and the largest sum of a batch: bodies
// and attributes (names, types, values) together, in bytes.
const MaxMessageSize = 1 << 20

const maxAttributes = 10

// attribute is a message attribute.
type attribute struct {
	name     string
	dataType string
	// value is a string or bytes; which of them the kind of the data type says.
	value string
}

// binary says whether the value travels as BinaryValue.
func (a attribute) binary() bool { return strings.HasPrefix(a.dataType, "Binary") }

// state is where a message is.
type state uint8

const (
	gone     state = iota // deleted, expired, or moved to another queue
	ready                 // can be received
	delayed               // waits for its delay to end
	inFlight              // received, hidden for its visibility timeout
)

// content is the part of a message that never changes after it was sent. It is
// read without a lock while answers are written.
type content struct {
	id         string
	body       string
	bodyMD5    string
	attributes []attribute // in order of name
	attrsMD5   string      // of all attributes; empty without any
	trace      string      // the system attribute AWSTraceHeader
	group      string
	dedup      string
	sequence   string // decimal, FIFO queues only
	source     string // ARN of the queue whose dead letter this is
	sentAt     int64  // Unix nanoseconds
}

// message is a message in one queue. All fields but content are guarded by the
// queue's lock. A message that goes to another queue is copied, so that a copy
// which somebody is still reading never changes.
type message struct {
	*content

	order   uint64 // FIFO: place within its group
	keptFor int64  // the time that the retention period is counted from
	arrived int64  // when it came into this queue, in Unix nanoseconds
	state   state
	// due is when a delayed or invisible message becomes visible, in Unix nanoseconds.
	due    int64
	heapAt int

	receives      int   // in this queue: what maxReceiveCount counts
	carried       int   // in queues before this one
	firstReceived int64 // Unix nanoseconds; 0 means never
	hiddenSince   int64 // the last receive, from which the limit of 12 hours counts

	slot       uint32
	serial     uint64 // 0 means no slot yet
	generation uint32 // of the receipt handle: grows with every receive
}

// size is what counts towards the limits.
func size(body string, attributes []attribute) int {
	n := len(body)
	for _, a := range attributes {
		n += len(a.name) + len(a.dataType) + len(a.value)
	}
	return n
}

func sumMD5(s string) string {
	sum := md5.Sum([]byte(s)) //nolint:gosec // see the import
	var text [2 * md5.Size]byte
	hex.Encode(text[:], sum[:])
	return string(text[:])
}

// attributesMD5 is the sum that SDKs check: for every attribute in order of name
// the length-prefixed name and type, a byte for the kind (1 text, 2 binary) and
// the length-prefixed value. Source: the developer guide, "Calculating the MD5
// message digest for message attributes".
func attributesMD5(attributes []attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	h := md5.New() //nolint:gosec // see the import
	for _, a := range attributes {
		writeSized(h, a.name)
		writeSized(h, a.dataType)
		kind := byte(1)
		if a.binary() {
			kind = 2
		}
		h.Write([]byte{kind})
		writeSized(h, a.value)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func writeSized(h hash.Hash, s string) {
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(s))) //nolint:gosec // at most the size of a request
	h.Write(n[:])
	h.Write([]byte(s))
}

func sortAttributes(attributes []attribute) {
	slices.SortFunc(attributes, func(a, b attribute) int { return cmp.Compare(a.name, b.name) })
}

const badCharacters = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"

// validText says whether s holds only characters that SQS takes.
func validText(s string) bool {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
				return false
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r == 0xfffe || r == 0xffff {
			return false
		}
		i += n
	}
	return true
}

func errContents() *wire.Error { return wire.NewError("InvalidMessageContents", badCharacters) }

// checkAttributes checks message attributes by the rules of the developer guide,
// "Amazon SQS message metadata".
func checkAttributes(attributes []attribute) error {
	if len(attributes) > maxAttributes {
		return invalid("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(attributes), maxAttributes)
	}
	for _, a := range attributes {
		if err := checkAttribute(a); err != nil {
			return err
		}
	}
	return nil
}

func checkAttribute(a attribute) error {
	if a.name == "" || len(a.name) > 256 {
		return invalid("Message (user) attribute names must be shorter than 256 Bytes")
	}
	for i := range len(a.name) {
		if c := a.name[i]; !nameChar(c) && c != '.' {
			return invalid("The message attribute name '%s' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters.", a.name)
		}
	}
	lower := strings.ToLower(a.name)
	if strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") || a.name[0] == '.' ||
		strings.HasSuffix(a.name, ".") || strings.Contains(a.name, "..") {
		return invalid("You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.'.")
	}
	kind, _, _ := strings.Cut(a.dataType, ".")
	switch {
	case a.dataType == "":
		return invalid("The message attribute '%s' must contain a non-empty message attribute type.", a.name)
	case kind != "String" && kind != "Number" && kind != "Binary":
		return invalid("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", a.name)
	case len(a.dataType) > 256:
		return invalid("Message (user) attribute types must be shorter than 256 Bytes")
	case a.value == "":
		return invalid("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", a.name, kind)
	case kind != "Binary" && !validText(a.value):
		return invalid("%s", badCharacters)
	case kind == "Number" && !isNumber(a.value):
		return invalid("Could not cast message attribute '%s' value to number.", a.name)
	}
	return nil
}

// isNumber says whether s is a decimal number as SQS takes it.
func isNumber(s string) bool {
	digits, rest := 0, strings.TrimLeft(s, "+-")
	if len(s)-len(rest) > 1 {
		return false
	}
	dot := false
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && !dot:
			dot = true
		case (c == 'e' || c == 'E') && digits > 0:
			exponent := strings.TrimLeft(rest[i+1:], "+-")
			return exponent != "" && strings.Trim(exponent, "0123456789") == ""
		default:
			return false
		}
	}
	return digits > 0
}
