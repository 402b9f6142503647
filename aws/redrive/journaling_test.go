package redrive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// filesIn are the names of a directory's files.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// onlyJournal is the journal in a directory.
func onlyJournal(t *testing.T, dir string) *journal.State {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) != 1 {
		t.Errorf("journals: %q %v", files, err)
		return nil
	}
	st, err := journal.Read(files[0])
	if err != nil {
		t.Error(err)
	}
	return st
}

// Ids are on disk before they are sent, and that they were accepted before they are
// deleted.
func TestJournalIsAheadOfTheCalls(t *testing.T) {
	t.Parallel()
	for _, choice := range []*Choice{nil, {IDs: ids(1, 40)}} {
		synctest.Test(t, func(t *testing.T) {
			w, dir := newWorld(), t.TempDir()
			w.put(dlqURL, 75)
			r := Replay{Worker: orders(), All: true}
			total := 75
			if choice != nil {
				r, total = Replay{Selection: selected(t, engine(w), *choice)}, 40
			}
			// Called with the world locked, so that no other call is under way.
			in := func(url string) map[string]bool {
				ids := map[string]bool{}
				for _, m := range w.queue(url).messages {
					ids[m.id] = true
				}
				return ids
			}
			w.fault = func(op string) fault {
				if op != "send" && op != "delete" {
					return fault{}
				}
				st := onlyJournal(t, dir)
				copies := in(srcURL)
				tried := 0
				for m := range st.Messages() {
					if m.Tried || m.Sent {
						tried++
					}
					if m.Tried && m.Receipt == "" || m.Sent && !copies[m.NewID] {
						t.Errorf("at a %s: %+v", op, m)
					}
				}
				if op == "send" && tried <= len(copies) {
					t.Errorf("%d were sent, %d tried, at another send", len(copies), tried)
				}
				if st.End != nil || st.Header.Count != total || len(st.Chosen) != total && choice != nil || st.Chosen != nil && choice == nil {
					t.Errorf("%+v", st)
				}
				return fault{}
			}
			w.done = func(op string) {
				if op != "delete" {
					return
				}
				st, there := onlyJournal(t, dir), in(dlqURL)
				for _, id := range ids(1, total) {
					if m := st.Of(id); !there[id] && !m.Sent {
						t.Errorf("%s is deleted, and the journal has %+v", id, m)
					}
				}
			}
			rep, err := journalled(w, dir).Replay(t.Context(), r)
			if err != nil || rep.Replayed != total || rep.Unfinished || rep.Journal == "" {
				t.Fatalf("%+v %v", rep, err)
			}
			st := onlyJournal(t, dir)
			if st.End == nil || st.End.Moved != total || st.Count(func(m *journal.Message) bool { return m.Deleted }) != total {
				t.Errorf("in the end: %+v", st.End)
			}
			if a := w.actions[0]; a.Journal != rep.Journal || a.Count != total || len(a.IDs) > 0 == (choice == nil) {
				t.Errorf("the guard was told %+v", a)
			}
			if left, err := journalled(w, dir).Unfinished(); err != nil || len(left) != 0 {
				t.Errorf("unfinished: %v %v", left, err)
			}
		})
	}
}

// A journal that cannot be written any more: nothing is sent from then on, and what
// was accepted is deleted.
func TestJournalBreaks(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"send", "delete"} {
		for n := 1; n <= 4; n++ {
			t.Run(fmt.Sprint(at, n), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w, dir := newWorld(), t.TempDir()
					w.put(dlqURL, 45)
					e := journalled(w, dir)
					st, err := e.state(t.Context(), orders().DLQ)
					if err != nil {
						t.Fatal(err)
					}
					r := Replay{Worker: orders(), All: true, Concurrency: 1}
					r.withDefaults()
					m := newMover(e, &r, r.Worker.DLQ, st)
					w.fault = func(op string) fault {
						if op == at && w.calls[op] == n {
							if err := m.journal.Close(); err != nil { // as a disk that went away
								t.Error(err)
							}
						}
						return fault{}
					}
					rep, err := e.moving(t.Context(), m)
					// The next batch is under way while one is deleted.
					sends := w.calls["send"]
					want := min(sends*10, 45)
					if sends != n && (at == "send" || sends != n+1) || rep.Replayed != want || !rep.Unfinished {
						t.Errorf("%d sends, %d replayed, unfinished %v, want %d", w.calls["send"], rep.Replayed, rep.Unfinished, want)
					}
					if want < 45 && (!errors.Is(err, os.ErrClosed) || !strings.Contains(err.Error(), "journal")) {
						t.Errorf("err = %v", err)
					}
					left, hidden := w.bodies(dlqURL)
					if sent, _ := w.bodies(srcURL); len(sent) != want || len(left) != 45-want || hidden != 0 {
						t.Errorf("%d sent, %d left, %d hidden", len(sent), len(left), hidden)
					}
				})
			})
		}
	}
}

func TestJournalCannotBeBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(dlqURL, 5)
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s := selected(t, engine(w), Choice{})
		calls := w.calls["receive"]
		for name, r := range map[string]Replay{"all": {Worker: orders(), All: true}, "selection": {Selection: s}} {
			rep, err := journalled(w, filepath.Join(file, "journals")).Replay(t.Context(), r)
			if !errors.Is(err, ErrJournal) || !strings.Contains(err.Error(), "--no-journal") || rep.Replayed != 0 {
				t.Errorf("%s: %+v %v", name, rep, err)
			}
		}
		if w.calls["receive"] != calls || w.calls["send"] != 0 || len(w.actions) != 0 || len(w.hiddenIDs(dlqURL)) != 0 {
			t.Errorf("%v, %v, hidden %q", w.calls, w.actions, w.hiddenIDs(dlqURL))
		}
	})
}

// Where nothing was done there is no journal, and nothing beside it.
func TestJournalOfNothing(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(w *world, cancel func()){
		"refused":            func(w *world, _ func()) { w.refused = aws.ErrReadOnly },
		"read-only":          func(w *world, _ func()) { w.readOnly = true },
		"interrupted before": func(_ *world, cancel func()) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothWays(t, func(t *testing.T, selection bool) {
				w, dir := newWorld(), t.TempDir()
				w.put(dlqURL, 30)
				r := Replay{Worker: orders(), All: true}
				if selection {
					r = Replay{Selection: selected(t, engine(w), Choice{Edited: []letter.Letter{{ID: "m-00004", Body: "{}"}}})}
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				prepare(w, cancel)
				rep, err := journalled(w, dir).Replay(ctx, r)
				if err == nil || rep.Journal != "" || rep.Unfinished {
					t.Errorf("%+v %v", rep, err)
				}
				if files := filesIn(t, dir); len(files) != 0 {
					t.Errorf("%q stay", files)
				}
				if len(w.hiddenIDs(dlqURL)) != 0 || w.calls["send"] != 0 {
					t.Errorf("%v, hidden %q", w.calls, w.hiddenIDs(dlqURL))
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(), t.TempDir()
		rep, err := journalled(w, dir).Replay(t.Context(), Replay{Worker: orders(), All: true})
		if err != nil || rep.Journal != "" || len(filesIn(t, dir)) != 0 {
			t.Errorf("an empty queue: %+v %v", rep, err)
		}
	})
}

// A journal is gone on with where it is not known of a message in which queue it is.
func TestJournalUnfinished(t *testing.T) {
	t.Parallel()
	lost := func(w *world) {
		w.fault = func(op string) fault {
			if op == "send" {
				return fault{after: errLost}
			}
			return fault{}
		}
	}
	for name, tt := range map[string]struct {
		prepare    func(w *world)
		unfinished bool
	}{
		"all skipped":      {func(w *world) { w.queue(srcURL).maxBytes = 10 }, false},
		"refused":          {func(w *world) { w.refuse = func(string) bool { return true } }, false},
		"never answered":   {lost, true},
		"never deleted":    {func(w *world) { w.fault = func(op string) fault { return fault{entry: op == "delete"} } }, true},
		"nothing is wrong": {func(*world) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, dir := newWorld(), t.TempDir()
				w.put(dlqURL, 3)
				tt.prepare(w)
				rep, err := journalled(w, dir).Replay(t.Context(), Replay{Worker: orders(), All: true})
				st := onlyJournal(t, dir)
				if rep.Unfinished != tt.unfinished || (st.End == nil) != tt.unfinished || rep.Journal != journal.Path(dir, st.Header.ID) {
					t.Errorf("%+v, end %v, %v", rep, st.End, err)
				}
				p, _ := errors.AsType[*PartialError](err)
				if p != nil && (p.Report.Journal != rep.Journal || p.Report.Unfinished != rep.Unfinished) {
					t.Errorf("the error's report is not the report: %+v", p.Report)
				}
				w.fault = nil
				if !tt.unfinished {
					return
				}
				again, err := journalled(w, dir).Resume(t.Context(), Resume{Path: rep.Journal})
				if left, _ := w.bodies(dlqURL); err != nil || len(left) != 0 || again.Replayed+again.Before != 3 {
					t.Errorf("gone on with: %+v %v, %d left", again, err, len(left))
				}
			})
		})
	}
}

// What somebody typed is beside the journal until the replay is over, for nobody
// else to read.
func TestJournalHasTheEdits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(), t.TempDir()
		w.put(dlqURL, 3)
		s := selected(t, engine(w), Choice{Edited: []letter.Letter{{ID: "m-00002", Body: `{"edited":true}`}}})
		w.fault = func(op string) fault {
			if op == "send" {
				files := filesIn(t, dir)
				i := slices.IndexFunc(files, func(name string) bool { return strings.HasSuffix(name, editsEnding) })
				if len(files) != 2 || i < 0 {
					t.Fatalf("%q", files)
				}
				info, err := os.Stat(filepath.Join(dir, files[i]))
				if err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%v %v", info.Mode(), err)
				}
				text, err := os.ReadFile(filepath.Join(dir, files[i]))
				if err != nil || !strings.Contains(string(text), `"edited":true`) {
					t.Errorf("%s %v", text, err)
				}
			}
			return fault{}
		}
		rep, err := journalled(w, dir).Replay(t.Context(), Replay{Selection: s})
		if err != nil || rep.Replayed != 1 || len(filesIn(t, dir)) != 1 {
			t.Errorf("%+v %v, %q", rep, err, filesIn(t, dir))
		}
	})
}

func TestDir(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]string{"": "/state/aiwctl/replays", "/here": "/here", NoJournal: ""} {
		e := engineWith(nil, nil, Config{Dir: dir, Getenv: func(name string) string {
			return map[string]string{"XDG_STATE_HOME": "/state"}[name]
		}})
		if got, err := e.Dir(); err != nil || got != filepath.FromSlash(want) {
			t.Errorf("%q: %s %v, want %s", dir, got, err, want)
		}
	}
}
