package redrive

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// deleted deletes in one of the ways to choose.
func deleted(ctx context.Context, t *testing.T, e *Engine, selection bool, d Delete) (out ran, err error) {
	t.Helper()
	if selection {
		d.Selection = selected(t, e, Choice{})
	} else {
		d.Worker, d.All = orders(), true
	}
	d.OnResult = func(r Result) { out.Results = append(out.Results, r) }
	out.Report, err = e.Delete(ctx, d)
	return out, err
}

// exported are the letters of an export by their ids. What follows the last whole
// line is another batch that is being written.
func exported(t *testing.T, path string) map[string]*letter.Letter {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return nil
	}
	f := bytes.NewReader(text[:bytes.LastIndexByte(text, '\n')+1])
	out := map[string]*letter.Letter{}
	for l, err := range letter.ReadLines(f) {
		if err != nil {
			t.Error(err)
			return out
		}
		if out[l.ID] != nil {
			t.Errorf("%s is twice in the export", l.ID)
		}
		out[l.ID] = l
	}
	return out
}

// A message is in the file before it is deleted.
func TestDelete(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, selection bool) {
		w := newWorld()
		w.put(dlqURL, 75)
		path := filepath.Join(t.TempDir(), "out.jsonl")
		w.done = func(op string) {
			if op != "delete" {
				return
			}
			there := map[string]bool{}
			for _, m := range w.queue(dlqURL).messages {
				there[m.id] = true
			}
			out := exported(t, path)
			for _, id := range ids(1, 75) {
				if !there[id] && out[id] == nil {
					t.Errorf("%s is deleted and not exported", id)
				}
			}
		}
		rep, err := deleted(t.Context(), t, engine(w), selection, Delete{Export: path})
		if err != nil || rep.Replayed != 75 || rep.Export != path || len(rep.Results) != 75 || rep.Results[0].Status != StatusDeleted {
			t.Errorf("%+v %v", rep.Report, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info, err)
		}
		left, _ := w.bodies(dlqURL)
		if out := exported(t, path); len(left) != 0 || len(out) != 75 || out["m-00007"].Body != `{"workerId":"orders","jobId":"job-7","input":{"n":7}}` {
			t.Errorf("%d left, %d in the file", len(left), len(out))
		}
		if a := w.actions[0]; a.Name != "dlq.delete" || a.Object != "orders-dlq" || a.Count != 75 || w.calls["send"] != 0 {
			t.Errorf("the guard was told %+v, %v", a, w.calls)
		}
	})
}

func TestDeleteSome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 40)
		path := filepath.Join(t.TempDir(), "out.jsonl")
		rep, err := engine(w).Delete(t.Context(), Delete{Worker: orders(), IDs: []string{"m-00030", "m-00002", "gone"}, Export: path})
		p, ok := errors.AsType[*PartialError](err)
		if !ok || rep.Replayed != 2 || rep.Failed != 1 || p.Report.Export != path || !strings.Contains(err.Error(), `delete "orders-dlq": 2 messages deleted, 1 not found (gone)`) {
			t.Errorf("%+v %v", rep, err)
		}
		left, hidden := w.bodies(dlqURL)
		if out := exported(t, path); len(out) != 2 || len(left) != 38 || hidden != 0 {
			t.Errorf("%d in the file, %d left, %d hidden", len(out), len(left), hidden)
		}
		s := selected(t, engine(w), Choice{Where: filter(t, "input.n < 5")})
		rep, err = engine(w).Delete(t.Context(), Delete{Selection: s, Export: NoExport})
		if left, hidden := w.bodies(dlqURL); err != nil || rep.Replayed != 3 || rep.Export != "" || len(left) != 35 || hidden != 0 {
			t.Errorf("%+v %v, %d left, %d hidden", rep, err, len(left), hidden)
		}
	})
}

// An export that cannot be begun: nothing is deleted, nothing overwritten.
func TestDeleteWithoutAnExport(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, selection bool) {
		w, dir := newWorld(), t.TempDir()
		w.put(dlqURL, 5)
		there := filepath.Join(dir, "there")
		if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		for path, is := range map[string]error{there: os.ErrExist, filepath.Join(dir, "no", "such"): os.ErrNotExist} {
			rep, err := deleted(t.Context(), t, engine(w), selection, Delete{Export: path})
			if !errors.Is(err, ErrExport) || !errors.Is(err, is) || !strings.Contains(err.Error(), "--no-export") || rep.Replayed != 0 || rep.Export != "" {
				t.Errorf("%+v %v", rep.Report, err)
			}
		}
		text, err := os.ReadFile(there)
		if left, hidden := w.bodies(dlqURL); err != nil || string(text) != "mine" || len(left) != 5 || hidden != 0 || w.calls["delete"] != 0 || len(w.actions) != 0 {
			t.Errorf("%q %v, %d left, %d hidden, %v", text, err, len(left), hidden, w.calls)
		}
	})
}

// Where nothing was deleted no file is left.
func TestDeleteNothing(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(w *world, cancel func()){
		"refused":     func(w *world, _ func()) { w.refused = errors.New("no") },
		"read-only":   func(w *world, _ func()) { w.readOnly = true },
		"interrupted": func(_ *world, cancel func()) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothWays(t, func(t *testing.T, selection bool) {
				w, dir := newWorld(), t.TempDir()
				w.put(dlqURL, 30)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				d := Delete{Worker: orders(), All: true, Export: filepath.Join(dir, "out.jsonl")}
				if selection {
					d.Selection, d.All = selected(t, engine(w), Choice{}), false
				}
				prepare(w, cancel)
				rep, err := engine(w).Delete(ctx, d)
				if err == nil || rep.Replayed != 0 || rep.Export != "" || len(filesIn(t, dir)) != 0 {
					t.Errorf("%+v %v, files %q", rep, err, filesIn(t, dir))
				}
				if left, hidden := w.bodies(dlqURL); len(left) != 30 || hidden != 0 {
					t.Errorf("%d left, %d hidden", len(left), hidden)
				}
			})
		})
	}
}

// A disk that goes away in the middle: what is not on it is not deleted.
func TestDeleteWhileTheDiskGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 45)
		e := engine(w)
		st, err := e.state(t.Context(), orders().DLQ)
		if err != nil {
			t.Fatal(err)
		}
		var told []Result
		r := Replay{Worker: orders(), All: true, Concurrency: 1, OnResult: func(r Result) { told = append(told, r) }}
		r.withDefaults()
		m := newMover(e, &r, r.Worker.DLQ, st)
		m.verb, m.success, m.writer = "delete", StatusDeleted, w
		x, err := e.beginExport(filepath.Join(t.TempDir(), "out.jsonl"), "orders-dlq", m)
		if err != nil {
			t.Fatal(err)
		}
		m.step = func(ctx context.Context, chosen []*letter.Letter) {
			if w.calls["delete"] == 2 {
				_ = x.file.Close() // as a disk that went away
			}
			m.discard(ctx, x, chosen)
		}
		err = m.run(t.Context())
		if !errors.Is(err, os.ErrClosed) || !strings.Contains(err.Error(), "export") || m.report.Replayed != 20 || w.calls["delete"] != 2 {
			t.Errorf("%+v %v %v", m.report, w.calls, err)
		}
		if left, hidden := w.bodies(dlqURL); len(left) != 25 || hidden != 0 {
			t.Errorf("%d left, %d hidden", len(left), hidden)
		}
	})
}

// Without a name the export is beside the journals.
func TestDeleteNamesItsExport(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"state": "", "own": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, state := newWorld(), t.TempDir()
				w.put(dlqURL, 5)
				e := engineWith(w, w, Config{Dir: dir, Getenv: func(name string) string {
					return map[string]string{"XDG_STATE_HOME": state}[name]
				}})
				below := dir
				if dir == "" {
					below = filepath.Join(state, "aiwctl")
				}
				for range 2 {
					w.put(dlqURL, 5)
					rep, err := e.Delete(t.Context(), Delete{Worker: orders(), All: true})
					if err != nil || !strings.HasPrefix(rep.Export, below) || !strings.HasPrefix(filepath.Base(rep.Export), "orders-dlq-") {
						t.Errorf("%+v %v, want it below %s", rep, err, below)
					}
					if out := exported(t, rep.Export); len(out) != rep.Replayed {
						t.Errorf("%d in the file", len(out))
					}
				}
				if left, err := e.Unfinished(); err != nil || len(left) != 0 {
					t.Errorf("the exports are taken for journals: %v %v", left, err)
				}
			})
		})
	}
}

// nasty are bodies and attributes that a file has to bring back as they were.
func nasty() []*fakeMessage {
	text := func(v string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: new("String"), StringValue: &v}
	}
	var out []*fakeMessage
	for _, body := range []string{
		`{"workerId":"orders","jobId":"job-1","input":{}}`,
		" {\"workerId\" : \"orders\",\n\t\"jobId\":\"\\u006aob-2\"} ",
		`{"a":1,"a":2,"n":1.0e+2,"big":123456789012345678901234567890}`,
		"plain", "", " ", "null", `"text"`, "[1, 2 ]", "12", "{", "{}x", "\u202e<&>\u2028", "line\r\nline\ttab", `\`, `"\ud800"`, "\ufffd", "😀",
	} {
		out = append(out, &fakeMessage{body: body})
	}
	out[1].attributes = map[string]types.MessageAttributeValue{
		"bin": {DataType: new("Binary.png"), BinaryValue: []byte{0, 255, '\n'}}, "num": {DataType: new("Number.int"), StringValue: new("01.50")},
		"text": text("a\u2028\"\\\n"), "space": text(" "), "tab\u00e9": text("x"),
	}
	out[2].system = map[string]string{letter.SysTraceHeader: "Root=1-2-3;Sampled=1", letter.SysGroup: "tenant/ü"}
	for i, m := range out {
		m.id = ids(1, len(out))[i]
	}
	return out
}

// same is whether two messages are what a worker would see as the same.
func same(a, b *fakeMessage) bool {
	lines := [2]string{}
	for i, m := range []*fakeMessage{a, b} {
		l := letter.Letter{Attributes: m.attributes}
		lines[i] = m.body + string(l.AppendLine(nil)) + m.system[letter.SysTraceHeader] + m.system[letter.SysGroup]
	}
	return lines[0] == lines[1]
}

// Exported, deleted, imported and replayed, a message is what it was to its last byte.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, selection bool) {
		w := newWorld()
		want := nasty()
		w.queue(dlqURL).messages = nasty()
		e := journalled(w, t.TempDir())
		path := filepath.Join(t.TempDir(), "out.jsonl")
		rep, err := deleted(t.Context(), t, e, selection, Delete{Export: path})
		if err != nil || rep.Replayed != len(want) || len(w.queue(dlqURL).messages) != 0 {
			t.Fatalf("delete: %+v %v", rep.Report, err)
		}
		if n, err := CheckFile(path); err != nil || n != len(want) {
			t.Errorf("the file: %d %v", n, err)
		}
		in, err := e.Import(t.Context(), Import{Worker: orders(), Path: path})
		if err != nil || in.Replayed != len(want) || in.Unfinished {
			t.Fatalf("import: %+v %v", in, err)
		}
		again, err := e.Replay(t.Context(), Replay{Worker: orders(), All: true, Force: true})
		if err != nil || again.Replayed != len(want) {
			t.Fatalf("replay: %+v %v", again, err)
		}
		got := w.queue(srcURL).messages
		for _, m := range want {
			if !slices.ContainsFunc(got, func(x *fakeMessage) bool { return same(m, x) }) {
				t.Errorf("not as it was: %q %v %v", m.body, m.attributes, m.system)
			}
		}
		if a := w.actions[1]; a.Name != "dlq.import" || a.Object != "orders-dlq" || a.Count != len(want) || a.Journal != in.Journal {
			t.Errorf("the guard was told %+v", a)
		}
	})
}
