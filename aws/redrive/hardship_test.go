package redrive_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
)

// bodiesOf drains a queue and counts its bodies.
func bodiesOf(t *testing.T, c *sqs.Client, url string) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, m := range drain(t, c, url) {
		out[*m.Body]++
	}
	return out
}

// depth is how many messages a queue says it has.
func depth(t *testing.T, c *sqs.Client, url string) int {
	t.Helper()
	a, err := c.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
		i, err := strconv.Atoi(a.Attributes[name])
		if err != nil {
			t.Fatal(err)
		}
		n += i
	}
	return n
}

// childEnv names the worker that a child process of TestReplayKilled replays.
const childEnv = "REDRIVE_TEST_CHILD"

// A process that is killed in the middle of a replay leaves a journal. Who goes on
// with it deletes what was sent and sends the rest: nothing is lost, and at most
// the batches that were under way are there twice, in a FIFO queue none.
func TestReplayKilled(t *testing.T) {
	if text := os.Getenv(childEnv); text != "" {
		replayAsChild(t, text)
		return
	}
	t.Parallel()
	for suffix, tt := range map[string]struct{ n, most int }{
		"":      {3000, redrive.DefaultConcurrency * 10},
		".fifo": {600, 0},
	} {
		t.Run("orders"+suffix, func(t *testing.T) {
			t.Parallel()
			killed(t, suffix, tt.n, tt.most)
		})
	}
}

func killed(t *testing.T, suffix string, n, most int) {
	var ahead atomic.Int64
	s, plain, w, _ := stageAt(t, suffix, func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	send(t, plain, w.DLQ.URL, n, job)
	dir := t.TempDir()
	child, err := json.Marshal(map[string]any{"endpoint": s.Target().EndpointURL, "worker": w, "dir": dir})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestReplayKilled$")
	cmd.Env = append(os.Environ(), childEnv+"="+string(child), "XDG_STATE_HOME="+t.TempDir())
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for moved := 0; moved < n/10; {
		if moved = depth(t, plain, w.Queue.URL); ctx.Err() != nil {
			t.Fatalf("the child moves nothing: %s", &said)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatalf("the child had finished before it was killed: %s", &said)
	}
	// What a receive brought that was answered to nobody is hidden for a lease; the
	// command examples/replaychaos waits for it as well.
	ahead.Add(int64(2 * time.Minute))

	e := redrive.New(s, redrive.Config{Dir: dir})
	left, err := e.Unfinished()
	if err != nil || len(left) != 1 {
		t.Fatalf("%d journals, %v", len(left), err)
	}
	rep, err := e.Resume(t.Context(), redrive.Resume{Path: journal.Path(dir, left[0].Header.ID)})
	if err != nil || rep.Before+rep.Replayed != n {
		t.Errorf("gone on with: %d before, %d replayed of %d, %q, %v", rep.Before, rep.Replayed, n, rep.Warnings, err)
	}
	if left, err := e.Unfinished(); err != nil || len(left) != 0 {
		t.Errorf("the journal has not come to its end: %v", err)
	}
	if left := depth(t, plain, w.DLQ.URL); left != 0 {
		t.Errorf("%d messages are left", left)
	}
	got := bodiesOf(t, plain, w.Queue.URL)
	lost, doubled := 0, 0
	for i := range n {
		switch got[job(i)] {
		case 0:
			lost++
		case 1:
		default:
			doubled++
		}
	}
	if lost > 0 || doubled > most {
		t.Errorf("%d of %d are lost, %d doubled", lost, n, doubled)
	}
}

// Messages that a dead reader still hides are not seen, and not lost: the replay
// says so, and the one after their lease has them.
func TestReplayOfWhatADeadReaderHides(t *testing.T) {
	t.Parallel()
	const n, hidden = 100, 30
	var ahead atomic.Int64
	s, plain, w, _ := stageAt(t, "", func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	send(t, plain, w.DLQ.URL, n, job)
	for range hidden / 10 {
		out, err := plain.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &w.DLQ.URL, MaxNumberOfMessages: 10, VisibilityTimeout: 60})
		if err != nil || len(out.Messages) != 10 {
			t.Fatalf("%d messages, %v", len(out.Messages), err)
		}
	}
	got := map[string]int{}
	for _, want := range []int{n - hidden, hidden} {
		rep, err := engine(t, s).Replay(t.Context(), redrive.Replay{Worker: w, All: true})
		unseen := 0
		if want != hidden {
			unseen = hidden
		}
		if (err == nil) != (unseen == 0) || rep.Unseen != unseen || rep.Replayed != want || rep.Failed != 0 {
			t.Errorf("%d replayed, %d failed, %v; want %d replayed", rep.Replayed, rep.Failed, err, want)
		}
		if warned := len(rep.Warnings) > 0; warned != (want != hidden) {
			t.Errorf("warnings of the replay of %d: %q", want, rep.Warnings)
		}
		for body, n := range bodiesOf(t, plain, w.Queue.URL) {
			got[body] += n
		}
		ahead.Add(int64(2 * time.Minute)) // longer than any lease
	}
	for i := range n {
		if got[job(i)] != 1 {
			t.Errorf("%s is there %d times", job(i), got[job(i)])
		}
	}
	if left := depth(t, plain, w.DLQ.URL); left != 0 {
		t.Errorf("%d left in the dead-letter queue", left)
	}
}

func replayAsChild(t *testing.T, text string) {
	var in struct {
		Endpoint string     `json:"endpoint"`
		Worker   aws.Worker `json:"worker"`
		Dir      string     `json:"dir"`
	}
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		t.Fatal(err)
	}
	s, err := aws.Open(t.Context(), aws.Target{EndpointURL: in.Endpoint, Stage: "test"}, aws.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := redrive.New(s, redrive.Config{Dir: in.Dir}).Replay(t.Context(), redrive.Replay{Worker: in.Worker, All: true}); err != nil {
		t.Fatal(err)
	}
}

// Two people replay the same ten thousand at once: each message is sent once.
func TestTwoReplaysAtOnce(t *testing.T) {
	t.Parallel()
	const n = 1_000
	s, plain, w, _ := stage(t, "")
	send(t, plain, w.DLQ.URL, n, job)
	var wg sync.WaitGroup
	var reports [2]redrive.Report
	for i := range reports {
		wg.Go(func() {
			var err error
			if reports[i], err = engine(t, s).Replay(t.Context(), redrive.Replay{Worker: w, All: true}); err != nil {
				t.Errorf("replay %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if a, b := reports[0].Replayed, reports[1].Replayed; a+b != n || a == 0 || b == 0 {
		t.Errorf("%d and %d were replayed, want %d together", a, b, n)
	}
	got := bodiesOf(t, plain, w.Queue.URL)
	for i := range n {
		if got[job(i)] != 1 {
			t.Fatalf("%s is there %d times", job(i), got[job(i)])
		}
	}
	if left := depth(t, plain, w.DLQ.URL); left != 0 {
		t.Errorf("%d left", left)
	}
}

// Ten messages of 1 MiB do not fit a batch of 1 MiB; each goes by itself.
func TestReplayOfTheLargest(t *testing.T) {
	t.Parallel()
	const n = 12
	s, plain, w, _ := stage(t, "")
	for i := range n {
		body := fmt.Sprintf("%02d", i) + strings.Repeat("x", 1<<20-2)
		if _, err := plain.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &w.DLQ.URL, MessageBody: &body}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := engine(t, s).Peek(t.Context(), w, 0)
	if err != nil || len(list.Letters) != n || !list.Complete || list.Letters[0].ParseErr == nil {
		t.Fatalf("peek: %d letters, %v", len(list.Letters), err)
	}
	rep, err := engine(t, s).Replay(t.Context(), redrive.Replay{Worker: w, All: true})
	if err != nil || rep.Replayed != n {
		t.Fatalf("replay: %d, %v", rep.Replayed, err)
	}
	if got := bodiesOf(t, plain, w.Queue.URL); len(got) != n {
		t.Errorf("%d messages of %d", len(got), n)
	}
}

// A dead-letter queue with a redrive policy of its own passes messages on when
// it is looked at too often: that is warned of, and nothing is lost between the
// three queues.
func TestDLQWithADLQ(t *testing.T) {
	t.Parallel()
	const n = 25
	s, plain, w, _ := stage(t, "")
	onward, err := plain.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: new("orders-very-dead")})
	if err != nil {
		t.Fatal(err)
	}
	policy := `{"deadLetterTargetArn":"` + strings.ReplaceAll(w.DLQ.ARN, "orders-dlq", "orders-very-dead") + `","maxReceiveCount":2}`
	if _, err := plain.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &w.DLQ.URL, Attributes: map[string]string{"RedrivePolicy": policy}}); err != nil {
		t.Fatal(err)
	}
	send(t, plain, w.DLQ.URL, n, job)
	for look := range 2 {
		list, err := engine(t, s).Peek(t.Context(), w, 0)
		if err != nil || len(list.Letters) != n {
			t.Fatalf("look %d: %d letters, %v", look, len(list.Letters), err)
		}
		if len(list.Warnings) != 1 || !strings.Contains(list.Warnings[0], `received more than 2 times moves on to "orders-very-dead"`) {
			t.Errorf("look %d warns %q", look, list.Warnings)
		}
	}
	// The third receive is one too many for all of them.
	rep, err := engine(t, s).Replay(t.Context(), redrive.Replay{Worker: w, All: true})
	if err != nil {
		t.Error(err)
	}
	if rep.Replayed != 0 || len(rep.Warnings) < 2 {
		t.Errorf("%d replayed, warned of %q", rep.Replayed, rep.Warnings)
	}
	if left := depth(t, plain, w.DLQ.URL) + depth(t, plain, w.Queue.URL) + len(bodiesOf(t, plain, *onward.QueueUrl)); left != n {
		t.Errorf("%d of %d messages are left", left, n)
	}
}
