package redrive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// export makes a file of n jobs, of several message groups when groups is not zero.
func exportFile(t *testing.T, n, groups int) string {
	t.Helper()
	var text []byte
	for i := 1; i <= n; i++ {
		l := letter.Letter{ID: ids(i, i)[0], Body: fmt.Sprintf(`{"workerId":"orders","jobId":"job-%d"}`, i)}
		if groups > 0 {
			l.System = map[string]string{letter.SysGroup: fmt.Sprintf("g%d", i%groups)}
		}
		text = append(l.AppendLine(text), '\n')
	}
	path := filepath.Join(t.TempDir(), "in.jsonl")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is wrong with a file is said before anything is sent.
func TestImportOfAWrongFile(t *testing.T) {
	t.Parallel()
	good := exportFile(t, 3, 0)
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		text string
		says string
	}{
		"not JSON":        {string(text) + "x\n", "line 4: "},
		"no body":         {`{"messageId":"m"}` + "\n" + string(text), "line 1: "},
		"cut off":         {string(text[:len(text)-9]), "line 3: "},
		"nothing at all":  {"", ""},
		"only empty ones": {"\n\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, dir := newWorld(), t.TempDir()
				path := filepath.Join(t.TempDir(), "in")
				if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
					t.Fatal(err)
				}
				rep, err := journalled(w, dir).Import(t.Context(), Import{Worker: orders(), Path: path})
				f, ok := errors.AsType[*FileError](err)
				if tt.says != "" && (!ok || f.Path != path || !strings.Contains(err.Error(), path+": "+tt.says)) {
					t.Errorf("%v", err)
				}
				if tt.says == "" && err != nil {
					t.Errorf("%v", err)
				}
				if rep.Replayed != 0 || w.calls["send"] != 0 || len(filesIn(t, dir)) != 0 {
					t.Errorf("%+v %v", rep, w.calls)
				}
			})
		})
	}
	w := newWorld()
	if _, err := engine(w).Import(t.Context(), Import{Worker: orders(), Path: filepath.Join(t.TempDir(), "none")}); !errors.Is(err, fs.ErrNotExist) ||
		strings.Count(err.Error(), "none") != 1 {
		t.Error(err)
	}
	if _, err := engine(w).Import(t.Context(), Import{Worker: aws.Worker{ID: "x"}, Path: good}); !errors.Is(err, ErrNoQueue) {
		t.Error(err)
	}
	w.readOnly = true
	if _, err := journalled(w, t.TempDir()).Import(t.Context(), Import{Worker: orders(), Path: good}); !errors.Is(err, aws.ErrReadOnly) {
		t.Error(err)
	}
	w.readOnly = false
	if _, err := journalled(w, good).Import(t.Context(), Import{Worker: orders(), Path: good}); !errors.Is(err, ErrJournal) {
		t.Error(err)
	}
	if len(w.calls) != 0 {
		t.Errorf("%v", w.calls)
	}
}

// Killed at any call, and gone on with.
func TestImportResumed(t *testing.T) {
	t.Parallel()
	const n = 35
	for _, to := range []string{"", "http://sqs/x.fifo"} {
		path := exportFile(t, n, 3)
		var all *[]cut
		synctest.Test(t, func(t *testing.T) {
			w, dir := newWorld(), t.TempDir()
			all = cuts(t, w, dir)
			rep, err := journalled(w, dir).Import(t.Context(), Import{Worker: orders(), Path: path, To: to, Concurrency: 2})
			if err != nil || rep.Replayed != n || rep.Unfinished || rep.Journal == "" {
				t.Fatalf("%+v %v", rep, err)
			}
		})
		if len(*all) < 8 {
			t.Errorf("%d cuts", len(*all))
		}
		if to == "" {
			to = dlqURL
		}
		for i := range *all {
			c := &(*all)[i]
			synctest.Test(t, func(t *testing.T) {
				dir, journal := c.thaw(t, time.Minute)
				maybe := underWay(t, journal)
				if isFIFO(to) {
					maybe = 0
				}
				var told []Result
				rep, err := journalled(c.w, dir).Resume(t.Context(), Resume{Path: journal, OnResult: func(r Result) { told = append(told, r) }})
				if err != nil || rep.Before+rep.Replayed != n || len(told) != rep.Replayed || rep.Unfinished {
					t.Errorf("%s: %+v %v", c.name, rep, err)
				}
				sent, _ := c.w.bodies(to)
				twice := len(sent)
				if sent = slices.Compact(sent); len(sent) != n || twice-n > maybe {
					t.Errorf("%s: %d of %d, %d twice, %d could be", c.name, len(sent), n, twice-n, maybe)
				}
			})
		}
	}
}

// interruptedImport imports until some were sent, and says where the journal is.
func interruptedImport(t *testing.T, w *world, dir, path string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.fault = func(op string) fault {
		if op == "send" && w.calls[op] == 2 {
			cancel()
		}
		return fault{}
	}
	rep, err := journalled(w, dir).Import(ctx, Import{Worker: orders(), Path: path, Concurrency: 1})
	w.fault = nil
	p, ok := errors.AsType[*PartialError](err)
	if !ok || !errors.Is(err, context.Canceled) || !rep.Unfinished || p.Report.Journal != rep.Journal || rep.Replayed < 20 || rep.Replayed > 30 {
		t.Fatalf("%+v %v", rep, err)
	}
	return rep.Journal
}

// The file must be what it was: else nobody knows which of its lines were sent.
func TestImportOfAChangedFile(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(path string) error{
		"changed": func(path string) error {
			return errors.Join(os.WriteFile(path, []byte(`{"messageId":"x","body":{}}`+"\n"), 0o600))
		},
		"gone": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, dir, path := newWorld(), t.TempDir(), exportFile(t, 95, 0)
				there := interruptedImport(t, w, dir, path)
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := change(path); err != nil {
					t.Fatal(err)
				}
				sends := w.calls["send"]
				for range 2 {
					rep, err := journalled(w, dir).Resume(t.Context(), Resume{Path: there})
					if f, ok := errors.AsType[*FileError](err); !ok || f.Path != path || w.calls["send"] != sends {
						t.Errorf("%+v %v", rep, err)
					}
				}
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
				w.readOnly = true
				if _, err := journalled(w, dir).Resume(t.Context(), Resume{Path: there}); !errors.Is(err, aws.ErrReadOnly) {
					t.Error(err)
				}
				w.readOnly = false
				rep, err := journalled(w, dir).Resume(t.Context(), Resume{Path: there})
				if sent, _ := w.bodies(dlqURL); err != nil || rep.Before+rep.Replayed != 95 || len(sent) != 95 {
					t.Errorf("%+v %v, %d sent", rep, err, len(sent))
				}
			})
		})
	}
}

// To a FIFO queue: in order within each group, and a message that is brought back
// twice is there twice.
func TestImportFIFO(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, path := newWorld(), exportFile(t, 40, 3)
		lost := 0
		w.fault = func(op string) fault {
			if lost++; op == "send" && lost == 2 {
				return fault{after: errLost}
			}
			return fault{}
		}
		for run := 1; run <= 2; run++ {
			rep, err := engine(w).Import(t.Context(), Import{Worker: orders(), Path: path, To: "http://sqs/x.fifo"})
			sent := w.queue("http://sqs/x.fifo").messages
			if err != nil || rep.Replayed != 40 || len(sent) != 40*run {
				t.Fatalf("%+v %v, %d sent", rep, err, len(sent))
			}
			last := map[string]int{}
			for _, m := range sent[40*(run-1):] {
				var i int
				if _, err := fmt.Sscanf(jobIDs([]string{m.body})[0], "job-%d", &i); err != nil {
					t.Fatal(err)
				}
				g := m.system["MessageGroupId"]
				if want := fmt.Sprintf("g%d", i%3); g != want || i < last[g] {
					t.Errorf("job %d in group %s after %d", i, g, last[g])
				}
				last[g] = i
			}
			time.Sleep(time.Second)
		}
		// One that is refused keeps back those behind it, in whichever batch they are.
		w = newWorld()
		w.refuse = func(body string) bool { return jobIDs([]string{body})[0] == "job-4" }
		rep, err := engine(w).Import(t.Context(), Import{Worker: orders(), Path: path, To: "http://sqs/x.fifo"})
		if rep.Replayed != 27 || rep.Failed != 13 || err == nil {
			t.Errorf("%d imported, %d failed, %v", rep.Replayed, rep.Failed, err)
		}
	})
}

// A queue that takes nothing, or some: the results say which, and it can be gone on
// with.
func TestImportFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault  func(w *world) func(op string) fault
		sent   int
		failed int
		then   int
	}{
		"denied":  {fault: func(*world) func(string) fault { return func(string) fault { return fault{before: aws.ErrReadOnly} } }, failed: 10, then: 35},
		"one bad": {fault: nil, sent: 34, failed: 1, then: 35},
		"throttled": {fault: func(w *world) func(string) fault {
			return func(string) fault {
				if w.calls["send"]%2 == 1 {
					return fault{before: throttled()}
				}
				return fault{}
			}
		}, sent: 35},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, dir, path := newWorld(), t.TempDir(), exportFile(t, 35, 0)
				if tt.fault != nil {
					w.fault = tt.fault(w)
				} else {
					w.refuse = func(body string) bool { return jobIDs([]string{body})[0] == "job-7" }
				}
				results := 0
				rep, err := journalled(w, dir).Import(t.Context(), Import{Worker: orders(), Path: path, Concurrency: 1, OnResult: func(Result) { results++ }})
				if rep.Replayed != tt.sent || rep.Failed < tt.failed || rep.Failed > 2*tt.failed || results != rep.Replayed+rep.Failed || (err == nil) != (tt.failed == 0) || rep.Unfinished != (tt.failed > 0) {
					t.Errorf("%+v %v", rep, err)
				}
				w.fault, w.refuse = nil, nil
				if tt.then == 0 {
					return
				}
				again, err := journalled(w, dir).Resume(t.Context(), Resume{Path: rep.Journal})
				if sent, _ := w.bodies(dlqURL); err != nil || again.Before+again.Replayed != tt.then || len(sent) != tt.then {
					t.Errorf("gone on with: %+v %v, %d sent", again, err, len(sent))
				}
			})
		})
	}
}

// A disk that goes away: nothing is sent whose line is not on it.
func TestImportWithoutItsJournal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, dir := newWorld(), t.TempDir()
		e := journalled(w, dir)
		i := newImporter(e, Import{Worker: orders(), Path: exportFile(t, 95, 0), To: dlqURL, Concurrency: 1})
		i.count = 95
		if err := i.begin(dir, ""); err != nil {
			t.Fatal(err)
		}
		w.fault = func(string) fault {
			if w.calls["send"] == 3 {
				if err := i.journal.Close(); err != nil {
					t.Error(err)
				}
			}
			return fault{}
		}
		rep, err := i.run(t.Context())
		if !errors.Is(err, os.ErrClosed) || w.calls["send"] != 3 || rep.Replayed != 30 || !rep.Unfinished {
			t.Errorf("%+v %v %v", rep, w.calls, err)
		}
		if st, err := journal.Read(rep.Journal); err != nil || st.Count(func(m *journal.Message) bool { return m.Sent }) != 20 {
			t.Errorf("%v", err)
		}
	})
}

func TestImportRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		at := pace(w)
		rep, err := engine(w).Import(t.Context(), Import{Worker: orders(), Path: exportFile(t, 100, 0), Rate: 5})
		if took := (*at)[99]; err != nil || rep.Replayed != 100 || took < 19*time.Second || took > 21*time.Second || most(*at, time.Second) > 6 {
			t.Errorf("%d imported in %v, %d a second at most, %v", rep.Replayed, took, most(*at, time.Second), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		rep, err = journalled(w, t.TempDir()).Import(ctx, Import{Worker: orders(), Path: exportFile(t, 100, 0), Rate: 5})
		if !errors.Is(err, context.DeadlineExceeded) || rep.Replayed < 19 || rep.Replayed > 22 || !rep.Unfinished {
			t.Errorf("within a deadline: %+v %v", rep, err)
		}
	})
}
