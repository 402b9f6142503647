package recall_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/recall"
)

var target = aws.Target{Stage: "prod", Region: "eu-west-1", Profile: "ops"}

type stage struct{}

func (stage) Target() aws.Target { return target }

func sent(n int) recall.Job {
	return recall.Job{
		At: time.Date(2026, 3, 4, 5, 0, n, 0, time.UTC), JobID: fmt.Sprint("job-", n), Input: fmt.Sprintf("{\n  \"n\": %d\n}", n),
		Metadata: json.RawMessage(`{"by":"hand"}`), Delay: 5 * time.Second, Mode: "local", Unchecked: n == 2,
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ids(jobs []recall.Job) string {
	var out []string
	for _, j := range jobs {
		out = append(out, j.JobID+j.Name)
	}
	return strings.Join(out, " ")
}

func TestSentJobsAreKeptNewestFirstAndBounded(t *testing.T) {
	t.Parallel()
	s := recall.New(t.TempDir(), target, 3)
	for _, n := range []int{1, 4, 2, 3} {
		must(t, s.Keep("orders", sent(n)))
	}
	must(t, s.Keep("other/../worker", sent(9)))
	jobs, err := s.Recent("orders")
	must(t, err)
	if got := ids(jobs); got != "job-4 job-3 job-2" {
		t.Errorf("kept %s", got)
	}
	if got, want := fmt.Sprintf("%+v", jobs[2]), fmt.Sprintf("%+v", sent(2)); got != want {
		t.Errorf("read back %s, want %s", got, want)
	}
	if j, err := s.Sent("orders", ""); err != nil || j.JobID != "job-4" {
		t.Errorf("the last is %v, %v", j, err)
	}
	if j, err := s.Sent("orders", "job-3"); err != nil || j.JobID != "job-3" {
		t.Errorf("job-3 is %v, %v", j, err)
	}
	if _, err := s.Sent("orders", "job-1"); !errors.Is(err, recall.ErrNotFound) {
		t.Errorf("what was let go of gives %v", err)
	}
	must(t, s.Forget("orders"))
	if jobs, err := s.Recent("orders"); err != nil || len(jobs) != 0 {
		t.Errorf("after Forget: %v, %v", jobs, err)
	}
	if jobs, _ := s.Recent("other/../worker"); ids(jobs) != "job-9" {
		t.Errorf("another worker has %s", ids(jobs))
	}
}

func TestStagesAreKeptApart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, recall.New(dir, target, 3).Keep("w", sent(1)))
	for _, other := range []aws.Target{
		{Stage: "prod", Region: "eu-west-1", Profile: "other"},
		{Stage: "prod", Region: "us-east-1", Profile: "ops"},
		{Stage: "dev", Region: "eu-west-1", Profile: "ops"},
		{Stage: "prod", EndpointURL: "http://127.0.0.1:4566"},
	} {
		if jobs, err := recall.New(dir, other, 3).Recent("w"); err != nil || len(jobs) != 0 {
			t.Errorf("%+v has %v, %v", other, jobs, err)
		}
	}
	// Endpoints on this machine change their ports; the stage stays.
	must(t, recall.New(dir, aws.Target{Stage: "demo", EndpointURL: "http://127.0.0.1:4566"}, 3).Keep("w", sent(2)))
	if jobs, _ := recall.New(dir, aws.Target{Stage: "demo", EndpointURL: "http://127.0.0.1:9"}, 3).Recent("w"); ids(jobs) != "job-2" {
		t.Errorf("at another port: %s", ids(jobs))
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	s := recall.New(t.TempDir(), target, 0)
	for _, name := range []string{"zebra", "a/b: ü", "Smoke", "smoke"} {
		j := sent(1)
		j.Name = name
		must(t, s.Save("orders", j))
	}
	again := recall.Job{Name: "smoke", Input: `{"again":true}`}
	must(t, s.Save("orders", again))
	jobs, err := s.Templates("orders")
	must(t, err)
	if got := ids(jobs); got != "Smoke a/b: ü smoke zebra" {
		t.Errorf("templates are %s", got)
	}
	if j, err := s.Template("orders", "smoke"); err != nil || j.Input != again.Input {
		t.Errorf("%v, %v", j, err)
	}
	must(t, s.Delete("orders", "smoke"))
	if _, err := s.Template("orders", "smoke"); !errors.Is(err, recall.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if err := s.Delete("orders", "smoke"); !errors.Is(err, recall.ErrNotFound) {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"", " a", "a\x1b[2J", strings.Repeat("x", 101), "\xff"} {
		if err := s.Save("orders", recall.Job{Name: name}); !errors.Is(err, recall.ErrName) {
			t.Errorf("%q was taken: %v", name, err)
		}
	}
}

func TestOnlyThisPersonCanRead(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "er")
	s := recall.New(dir, target, 3)
	must(t, s.Keep("w", sent(1)))
	must(t, s.Save("w", recall.Job{Name: "x"}))
	must(t, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", path, info.Mode())
		}
		return err
	}))
}

func TestWhatIsDamagedIsToldOfBesideTheRest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := recall.New(dir, target, 3)
	must(t, s.Keep("w", sent(1)))
	must(t, s.Keep("w", sent(2)))
	found, err := filepath.Glob(filepath.Join(dir, "*", "w", "sent", "*.json"))
	must(t, err)
	must(t, os.WriteFile(found[0], []byte("{"), 0o600))
	jobs, err := s.Recent("w")
	if ids(jobs) != "job-2" || err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("%s, %v", ids(jobs), err)
	}
}

func TestManyWriteAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			s := recall.New(dir, target, 10)
			if err := s.Keep("w", sent(n)); err != nil {
				t.Error(err)
			}
			if _, err := s.Recent("w"); err != nil {
				t.Error(err)
			}
			if err := s.Save("w", recall.Job{Name: "t", Input: fmt.Sprint(n)}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := recall.New(dir, target, 10)
	must(t, s.Keep("w", sent(50)))
	if jobs, err := s.Recent("w"); err != nil || len(jobs) != 10 {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
	if jobs, err := s.Templates("w"); err != nil || len(jobs) != 1 {
		t.Errorf("%d templates, %v", len(jobs), err)
	}
}

func TestTheEnvironmentSaysHowMany(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]int{"": recall.DefaultMost, "off": 0, "0": 0, " 7 ": 7} {
		env := map[string]string{"XDG_STATE_HOME": t.TempDir(), recall.EnvMost: value}
		s, err := recall.For(stage{}, func(k string) string { return env[k] })
		must(t, err)
		if s.Keeps() != want {
			t.Errorf("%q keeps %d, want %d", value, s.Keeps(), want)
		}
		must(t, s.Keep("w", sent(1)))
		if jobs, err := s.Recent("w"); err != nil || len(jobs) != min(want, 1) {
			t.Errorf("%q kept %d, %v", value, len(jobs), err)
		}
	}
	if _, err := recall.For(stage{}, func(string) string { return "many" }); err == nil {
		t.Error("many is no number")
	}
	var none *recall.Store
	must(t, none.Keep("w", sent(1)))
	if jobs, err := none.Recent("w"); err != nil || jobs != nil {
		t.Errorf("a nil store has %v, %v", jobs, err)
	}
}
