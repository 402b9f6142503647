package local

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/schedule"
)

// sentJobs are the jobs that a scheduler sends.
type sentJobs struct {
	mu   sync.Mutex
	jobs []*dispatch.Message
	err  error
}

func (s *sentJobs) send(_ scheduledWorker, m *dispatch.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs = append(s.jobs, m)
	return s.err
}

// after lets time pass and returns what has been sent meanwhile.
func (s *sentJobs) after(d time.Duration) []*dispatch.Message {
	<-time.After(d)
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	jobs := s.jobs
	s.jobs = nil
	return jobs
}

func entry(t *testing.T, worker, expression string) *scheduledWorker {
	t.Helper()
	parsed, err := schedule.Parse(expression)
	if err != nil {
		t.Fatal(err)
	}
	return &scheduledWorker{
		workerID: worker, schedule: parsed,
		run: dispatch.ScheduledRun{WorkerID: worker, Input: json.RawMessage(`{"text":"tick"}`)},
	}
}

func TestSchedulesRunByTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sent := &sentJobs{}
		s := newScheduler(sent.send, slog.New(slog.DiscardHandler))
		defer s.close()
		began := time.Now()
		s.set([]*scheduledWorker{entry(t, "tick", "rate(1 minute)"), entry(t, "once", "cron(0 3 ? * * *)")})

		if jobs := sent.after(59 * time.Second); len(jobs) != 0 {
			t.Fatalf("sent %v before it was due", jobs)
		}
		jobs := sent.after(time.Second)
		if len(jobs) != 1 || jobs[0].WorkerID != "tick" || string(jobs[0].Input) != `{"text":"tick"}` {
			t.Fatalf("after a minute: %+v", jobs)
		}
		if at := jobs[0].Timestamp; !at.Equal(began.Add(time.Minute)) {
			t.Errorf("the job is of %s, the schedule was due a minute after %s", at, began)
		}
		trigger, _ := jobs[0].Metadata["__trigger"].(map[string]any)
		if trigger["type"] != "schedule" || trigger["at"] == "" {
			t.Errorf("trigger %v", trigger)
		}
		first := jobs[0].JobID

		jobs = sent.after(2 * time.Hour)
		if len(jobs) != 120 || jobs[0].JobID == first || jobs[0].JobID == jobs[1].JobID {
			t.Fatalf("%d jobs in two hours of rate(1 minute)", len(jobs))
		}
		// The bubble's clock begins at midnight UTC.
		jobs = sent.after(time.Hour)
		var once []*dispatch.Message
		for _, j := range jobs {
			if j.WorkerID == "once" {
				once = append(once, j)
			}
		}
		if len(once) != 1 || once[0].Timestamp.Hour() != 3 || once[0].Timestamp.Minute() != 0 {
			t.Errorf("the cron schedule sent %+v", once)
		}
	})
}

func TestSchedulesAreReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sent := &sentJobs{}
		s := newScheduler(sent.send, slog.New(slog.DiscardHandler))
		defer s.close()
		s.set([]*scheduledWorker{entry(t, "a", "rate(1 hour)"), entry(t, "b", "rate(1 minute)")})
		sent.after(40*time.Minute + 30*time.Second)

		// The same program once more, without b: a is not put off.
		s.set([]*scheduledWorker{entry(t, "a", "rate(1 hour)"), entry(t, "c", "rate(1 day)")})
		if jobs := sent.after(20 * time.Minute); len(jobs) != 1 || jobs[0].WorkerID != "a" {
			t.Errorf("within the hour: %+v", jobs)
		}
		s.set([]*scheduledWorker{entry(t, "a", "rate(10 minutes)")})
		if jobs := sent.after(10 * time.Minute); len(jobs) != 1 {
			t.Errorf("a schedule that was changed to 10 minutes sent %d jobs in that time", len(jobs))
		}
		s.set(nil)
		if jobs := sent.after(48 * time.Hour); len(jobs) != 0 {
			t.Errorf("without schedules: %+v", jobs)
		}
	})
}

// What cannot be sent is logged, and the next run is tried all the same.
func TestScheduleGoesOnAfterAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		sent := &sentJobs{err: errors.New("the queue is gone")}
		s := newScheduler(sent.send, slog.New(slog.NewTextHandler(&text, nil)))
		s.set([]*scheduledWorker{entry(t, "a", "rate(1 minute)")})
		if jobs := sent.after(3 * time.Minute); len(jobs) != 3 {
			t.Errorf("%d tries in 3 minutes", len(jobs))
		}
		s.close()
		if !strings.Contains(text.String(), "the queue is gone") {
			t.Errorf("log: %s", text.String())
		}
		if jobs := sent.after(time.Hour); len(jobs) != 0 {
			t.Errorf("sent after close: %+v", jobs)
		}
	})
}

// A worker's schedules come from its manifest, and their jobs land in its queue.
func TestScheduledJobsLandInTheQueue(t *testing.T) {
	t.Parallel()
	for name, fifo := range map[string]bool{"standard": false, "fifo": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &Server{cfg: Config{Stage: "dev", Service: "aiw", Logger: slog.New(slog.DiscardHandler)}.withDefaults()}
				s.queues = queues.New(queues.Config{BaseURL: func() string { return "http://local" }})
				defer s.queues.Close()
				s.schedules = newScheduler(s.sendScheduled, s.cfg.Logger)
				defer s.schedules.close()
				m := dispatch.ManifestWorker{ID: "tick", TimeoutSeconds: 1, SQS: dispatch.SQSSetting{MaxReceiveCount: 3, FIFO: fifo}, Schedules: []dispatch.ScheduleSetting{
					{Expression: "rate(1 minute)", Input: json.RawMessage(`{"n":1}`)},
					{Expression: "rate(1 minute)", Disabled: true},
				}}
				d := deployment{Server: s, workers: []worker{{ManifestWorker: m}}, queues: map[string]queueAddress{}}
				if err := errors.Join(d.ensureQueues(t.Context()), d.putSchedules(t.Context())); err != nil {
					t.Fatal(err)
				}
				if url := d.queues["tick"].url; strings.HasSuffix(url, "/aiw-tick-dev.fifo") != fifo {
					t.Errorf("queue %s, FIFO: %v", url, fifo)
				}
				<-time.After(2*time.Minute + time.Second)
				synctest.Wait()
				var got []string
				for {
					list, err := s.queues.Receive(t.Context(), d.queues["tick"].arn, 10, 0)
					if err != nil {
						t.Fatal(err)
					}
					if len(list) == 0 {
						break
					}
					for _, rec := range list {
						msg, err := dispatch.ParseMessage([]byte(rec.Body))
						if err != nil {
							t.Fatal(err)
						}
						got = append(got, msg.JobID)
						if msg.WorkerID != "tick" || string(msg.Input) != `{"n":1}` {
							t.Errorf("message %s", rec.Body)
						}
					}
				}
				if len(got) != 2 || got[0] == got[1] {
					t.Errorf("jobs %v, want two", got)
				}
			})
		})
	}
}
