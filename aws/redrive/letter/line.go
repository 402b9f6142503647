package letter

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// A line is one JSON object:
//
//	id, jobId, workerId   who it is; jobId and workerId repeat what the body says
//	sentAt, firstReceivedAt, receiveCount, source   what SQS says of it
//	attributes   {"name": {"type": "Number", "value": "7"}, "b": {"type": "Binary", "base64": "AAE="}}
//	system       SQS's own attributes
//	body         the message; parseError says why it is no job
//
// A body that is a JSON object or array stands in the line as it is, so that an
// editor or a program such as jq can change a field of it. Every other body, one
// with white space around it or characters in it that act on a terminal or a line,
// and one that is nested absurdly deep, is a JSON string. Either way reading the
// line gives the body back byte for byte.

// Field is something more to say of a letter in its line.
type Field struct {
	Name string
	// Value is anything that encoding/json can write.
	Value any
}

// AppendLine appends the letter's line, without a newline at its end. Reading it
// with ParseLine gives the same letter; what extra says is not read back. The
// line is free of control characters.
func (l *Letter) AppendLine(dst []byte, extra ...Field) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendString(dst, l.ID)
	dst = appendText(dst, "jobId", l.JobID())
	dst = appendText(dst, "workerId", l.WorkerID())
	dst = appendTime(dst, "sentAt", l.SentAt)
	dst = appendTime(dst, "firstReceivedAt", l.FirstReceived)
	dst = strconv.AppendInt(append(dst, `,"receiveCount":`...), int64(l.ReceiveCount), 10)
	dst = appendText(dst, "source", l.Source)
	for _, f := range extra {
		dst = appendValue(dst, f.Name, f.Value)
	}
	var names [16]string // of most letters: SQS allows ten attributes and has about as many of its own
	if len(l.Attributes) > 0 {
		dst = append(dst, `,"attributes":{`...)
		for i, name := range sorted(names[:0], l.Attributes) {
			a := l.Attributes[name]
			dst = appendAttribute(appendKey(dst, i, name), &a)
		}
		dst = append(dst, '}')
	}
	if len(l.System) > 0 {
		dst = append(dst, `,"system":{`...)
		for i, name := range sorted(names[:0], l.System) {
			dst = appendString(appendKey(dst, i, name), l.System[name])
		}
		dst = append(dst, '}')
	}
	if l.ParseErr != nil {
		dst = appendText(dst, "parseError", l.ParseErr.Error())
	}
	dst = append(dst, `,"body":`...)
	if standsAlone(l.Body) {
		dst = append(dst, l.Body...)
	} else {
		dst = appendString(dst, l.Body)
	}
	return append(dst, '}')
}

// sorted appends a map's keys to an empty slice, sorted.
func sorted[V any](to []string, m map[string]V) []string {
	for name := range m {
		to = append(to, name)
	}
	slices.Sort(to)
	return to
}

func appendAttribute(dst []byte, a *types.MessageAttributeValue) []byte {
	dst = appendString(append(dst, `{"type":`...), text(a.DataType))
	if a.StringValue != nil {
		dst = appendString(append(dst, `,"value":`...), *a.StringValue)
	} else {
		dst = base64.StdEncoding.AppendEncode(append(dst, `,"base64":"`...), a.BinaryValue)
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

func appendKey(dst []byte, i int, name string) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return append(appendString(dst, name), ':')
}

func appendName(dst []byte, name string) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

func appendText(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendString(appendName(dst, name), value)
}

// maxYear is the last one that a time in a line can be of.
const maxYear = 9999

func appendTime(dst []byte, name string, at time.Time) []byte {
	at = at.UTC()
	if at.IsZero() || at.Year() > maxYear {
		return dst
	}
	dst = append(appendName(dst, name), '"')
	dst = at.AppendFormat(dst, time.RFC3339) // ends in Z; much faster than a layout of one's own
	ms := at.Nanosecond() / 1e6
	return fmt.Appendf(dst[:len(dst)-1], ".%03dZ\"", ms)
}

func appendValue(dst []byte, name string, value any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(value) != nil {
		return dst // only what a caller of ours gave can be no JSON
	}
	dst = appendName(dst, name)
	for _, r := range string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))) {
		if acts(r) { // in a string: elsewhere JSON has none
			dst = appendHex(dst, r)
			continue
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// line is what ParseLine reads. Times and base64 are read after encoding/json, whose
// errors quote what they cannot read.
type line struct {
	ID              string                   `json:"id"`
	SentAt          string                   `json:"sentAt"`
	FirstReceivedAt string                   `json:"firstReceivedAt"`
	ReceiveCount    int                      `json:"receiveCount"`
	Source          string                   `json:"source"`
	Attributes      map[string]lineAttribute `json:"attributes"`
	System          map[string]string        `json:"system"`
	Body            json.RawMessage          `json:"body"`
}

type lineAttribute struct {
	Type   string  `json:"type"`
	Value  *string `json:"value"`
	Base64 *string `json:"base64"`
}

// ParseLine reads a line of an export, edited or not. The body is an object or an
// array as it stands, or the text of a string. Fields that it does not know are
// ignored. Where sentAt and its like contradict what system says, system counts.
// The error says what is wrong with the line, and quotes none of it but the name of
// an attribute.
func ParseLine(raw []byte) (Letter, error) {
	// encoding/json would replace what is not UTF-8, and something else would be sent.
	if !utf8.Valid(raw) {
		return Letter{}, errors.New("it is not UTF-8 text")
	}
	var in line
	if err := json.Unmarshal(raw, &in); err != nil {
		return Letter{}, unreadable(err, len(raw))
	}
	if len(in.Body) == 0 || string(in.Body) == "null" {
		return Letter{}, errors.New("it has no body")
	}
	l := Letter{ID: in.ID}
	if len(in.System) > 0 {
		l.setSystem(in.System)
	}
	if err := in.times(&l); err != nil {
		return Letter{}, err
	}
	l.ReceiveCount, l.Source = cmp.Or(l.ReceiveCount, in.ReceiveCount), cmp.Or(l.Source, in.Source)
	var err error
	if l.Attributes, err = in.attributes(); err != nil {
		return Letter{}, err
	}
	body := string(in.Body)
	if in.Body[0] == '"' {
		if err := json.Unmarshal(in.Body, &body); err != nil {
			return Letter{}, fmt.Errorf("its body cannot be read: %w", err)
		}
	}
	l.SetBody(body)
	return l, nil
}

// times reads the line's times into a letter that has none of system.
func (in *line) times(l *Letter) error {
	for _, f := range []struct {
		name, text string
		to         *time.Time
	}{{"sentAt", in.SentAt, &l.SentAt}, {"firstReceivedAt", in.FirstReceivedAt, &l.FirstReceived}} {
		if f.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, f.text)
		if err != nil {
			return fmt.Errorf("its field %q is no time such as 2026-05-04T10:11:12.000Z", f.name)
		}
		if f.to.IsZero() {
			*f.to = at
		}
	}
	return nil
}

func (in *line) attributes() (map[string]types.MessageAttributeValue, error) {
	if len(in.Attributes) == 0 {
		return nil, nil
	}
	out := make(map[string]types.MessageAttributeValue, len(in.Attributes))
	for _, name := range sorted(nil, in.Attributes) { // so that the first error is always the same
		a := in.Attributes[name]
		if a.Type == "" || (a.Value == nil) == (a.Base64 == nil) {
			return nil, fmt.Errorf("its attribute %q needs a type, and either a value or base64", name)
		}
		v := types.MessageAttributeValue{DataType: &a.Type, StringValue: a.Value}
		if a.Base64 != nil {
			var err error
			if v.BinaryValue, err = base64.StdEncoding.DecodeString(*a.Base64); err != nil {
				return nil, fmt.Errorf("the base64 of its attribute %q cannot be read: %w", name, err)
			}
		}
		out[name] = v
	}
	return out, nil
}

// unreadable puts encoding/json's error into words that quote nothing.
func unreadable(err error, size int) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("it is not JSON at byte %d of %d", syntax.Offset, size)
	}
	typ, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	is, _, _ := strings.Cut(typ.Value, " ") // what follows is the number itself
	var must string
	switch typ.Type.Kind() {
	case reflect.Struct, reflect.Map:
		must = "an object"
	case reflect.Int:
		must = "a whole number"
	default:
		must = "a text"
	}
	if typ.Field == "" {
		return fmt.Errorf("it is JSON of type %s and must be %s", is, must)
	}
	return fmt.Errorf("its field %q is JSON of type %s and must be %s", typ.Field, is, must)
}
