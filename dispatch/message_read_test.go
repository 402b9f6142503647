package dispatch

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzReadQuickly: the two ways of reading a message come to the same.
func FuzzReadQuickly(f *testing.F) {
	for _, body := range []string{
		`{"workerId":"w","jobId":"j","input":{"a":[1,2.50,"x\n"]},"context":{"userId":7,"n":1e400,"deep":[{"a":null}]},"metadata":{"a":"b","a":"c"},"timestamp":"2026-01-01T00:00:00.000Z","maxTokens":10}`,
		` { "workerId" : 12 , "jobId":null,"input":null,"context":[],"metadata":{},"timestamp":"x","userId":"","extra":"\ud800", "extra": true } `,
		`{"workerId":"a","workerId":"b","context":{"a":1},"context":5,"webhookUrl":{}}`,
		`{"\u0069nput":1}`, `{"workerId":[]}`, `{"maxTokens":1e99}`, "{\"userId\":\"\xff\"}", `{"userId":"\u00e9\uD83D\uDE00"}`,
		`{}`, `[]`, ``, `{"a":{"b":[[],{}]},"jobId":"` + "\u2028" + `"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var quickly, slowly Message
		done, err := quickly.readQuickly(body)
		if !done {
			return
		}
		other := slowly.readSlowly(body)
		if (err == nil) != (other == nil) {
			t.Fatalf("%q: %v, and slowly %v", body, err, other)
		}
		if err == nil && !reflect.DeepEqual(quickly, slowly) {
			t.Fatalf("%q: %+v, and slowly %+v", body, quickly, slowly)
		}
	})
}

// FuzzDecodeObject: context and metadata are what encoding/json would make of them.
func FuzzDecodeObject(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"a":[1,2.50,"x\n",{"b":null,"b":true}],"a":false}`, "{\"ÿ\":\"ÿ\"}", `{"\ud800":[[],{}, ""]}`, ` { "a" : -0.0e+1 } `,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var want map[string]any
		if !json.Valid(text) || d.Decode(&want) != nil || want == nil {
			return
		}
		got, err := decodeObject(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %#v, %v; want %#v", text, got, err, want)
		}
	})
}
