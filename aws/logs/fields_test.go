package logs

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// readFields and readEvent agree with encoding/json about every text: what is an
// object, which members it has, and what event it is.
func FuzzFields(f *testing.F) {
	for _, s := range []string{
		`{}`, ` { "a" : 1 , "b":[1,-0.5e+3,{"c":null}] } `, `{"a":"x\u00e9\n\ud83d\ude00","a":2}`, `{"a":01}`, `{"a":1.}`, `{"a":-}`, `{"a":tru}`, `{"a" 1}`, `{"a":1,}`, `[1]`, `{"a":"\x"}`,
		"{\"a\":\"\t\"}", `{"":{}}x`, "{\"\xff\":\"\xff\"}", `{"event":"job.completed","jobId":"j","attempt":1,"durationMs":1.5,"output":null,"error":{"message":"m"}}`,
		`{"event":"job.failed","jobId":null,"attempt":"1","time":"2026-01-02T03:04:05Z","error":null}`, `{"attempt":1e0,"percent":1e999}`, `{"a":[[[[]]]]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Count(s, "[")+strings.Count(s, "{") >= fieldsDeep {
			return
		}
		var want map[string]json.RawMessage
		err := json.Unmarshal([]byte(s), &want)
		got, ok := readFields(s, nil)
		if ok != (err == nil && want != nil) {
			t.Fatalf("%q: ok %v, encoding/json says %v", s, ok, err)
		}
		if !ok {
			return
		}
		for name, v := range want {
			if got.get(name) != string(v) {
				t.Fatalf("%q: %q is %q, want %q", s, name, got.get(name), v)
			}
		}
		var names []string
		for _, one := range got {
			names = append(names, one.name)
		}
		slices.Sort(names)
		if len(got) <= fieldsOnce && !slices.Equal(slices.Sorted(maps.Keys(want)), names) {
			t.Fatalf("%q: members %q", s, names)
		}
		for name := range want { // encoding/json takes names in any case, which nobody writes
			for _, known := range []string{
				"time", "level", "msg", "event", "jobId", "workerId", "requestId", "attempt", "maxAttempts", "delayMs", "jobStatus", "durationMs", "percent", "note", "output", "outputBytes", "error",
			} {
				if name != known && strings.EqualFold(name, known) {
					return
				}
			}
		}
		var e, same dispatch.JobEvent
		err = json.Unmarshal([]byte(s), &same)
		if read := readEvent(got, &e); read != (err == nil) {
			t.Fatalf("%q: read as an event %v, encoding/json says %v", s, read, err)
		} else if !read {
			return
		}
		a, errA := json.Marshal(e)
		b, errB := json.Marshal(same)
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Fatalf("%q:\n%s %v\n%s %v", s, a, errA, b, errB)
		}
	})
}
