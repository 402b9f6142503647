package workersapi

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

const awsQueue = "https://sqs.eu-west-1.amazonaws.com/123456789012/"

func policyOf(dlq, count string) string {
	return fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:%s","maxReceiveCount":%s}`, dlq, count)
}

func configOf(t *testing.T, s stage, target string, header map[string]string) dispatch.WorkersConfig {
	t.Helper()
	w := s.do(t, "GET", target, "", header)
	var cfg dispatch.WorkersConfig
	if err := json.Unmarshal(w.Body.Bytes(), &cfg); err != nil || w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", target, w.Code, w.Body)
	}
	return cfg
}

func TestConfigTellsAllOfAWorker(t *testing.T) {
	t.Parallel()
	m := dispatch.Manifest{Workers: []dispatch.ManifestWorker{
		{
			ID: "echo", Description: "says it again", OutputSchema: json.RawMessage(`{"type":"string"}`),
			TimeoutSeconds: 60, MemoryMB: 256, SQS: dispatch.SQSSetting{MaxReceiveCount: 3},
		},
		{ID: "text-count", SQS: dispatch.SQSSetting{MaxReceiveCount: 3}},
		{ID: "env", Group: "media", SQS: dispatch.SQSSetting{MaxReceiveCount: 3}},
		{ID: "elsewhere", SQS: dispatch.SQSSetting{MaxReceiveCount: 3}},
		{ID: "no-policy", SQS: dispatch.SQSSetting{MaxReceiveCount: 3}},
		{ID: "refused", SQS: dispatch.SQSSetting{MaxReceiveCount: 3}},
		{ID: "lost-dlq", SQS: dispatch.SQSSetting{MaxReceiveCount: 3}},
		{ID: "odd-policy", SQS: dispatch.SQSSetting{MaxReceiveCount: 3}},
	}}
	fake := &fakeSQS{
		urls: map[string]string{"123456789012/elsewhere-dead": "http://proxy/elsewhere-dead"},
		policies: map[string]string{
			// The name of a dead-letter queue is whatever its policy says.
			awsQueue + "aiw-echo-demo":       policyOf("graveyard", "5"),
			awsQueue + "aiw-text-count-demo": policyOf("aiw-text-count-dlq-demo", `"7"`),
			"http://proxy/elsewhere":         policyOf("elsewhere-dead", "2"),
			awsQueue + "aiw-refused-demo":    "error",
			"http://proxy/lost":              policyOf("nowhere", "4"),
			awsQueue + "aiw-odd-policy-demo": "[]",
		},
	}
	for _, w := range m.Workers {
		fake.urls["aiw-"+w.ID+"-demo"] = awsQueue + "aiw-" + w.ID + "-demo"
	}
	fake.urls["aiw-elsewhere-demo"], fake.urls["aiw-lost-dlq-demo"] = "http://proxy/elsewhere", "http://proxy/lost"
	s := newStage(demoConfig(m), fake, map[string]string{
		"WORKERS_API_KEY": "k1", "WORKER_QUEUE_URL_ENV": awsQueue + "aiw-media-env-demo", "WORKER_DLQ_URL_ENV": awsQueue + "dead",
	})
	cfg := configOf(t, s, "/workers/config?debug=1", map[string]string{"x-workers-config-key": "k1"})

	entry := func(queue, function, dlq string, count int) dispatch.WorkersConfigEntry {
		return dispatch.WorkersConfigEntry{QueueURL: queue, Region: "eu-west-1", Group: "default", DLQURL: dlq, FunctionName: function, MaxReceiveCount: count}
	}
	echo := entry(awsQueue+"aiw-echo-demo", "aiw-demo-workerEcho", awsQueue+"graveyard", 5)
	echo.TimeoutSeconds, echo.MemoryMB, echo.Description, echo.OutputSchema = 60, 256, "says it again", json.RawMessage(`{"type":"string"}`)
	// A worker of a group: the service is the group's, as its queue's name says.
	env := entry(awsQueue+"aiw-media-env-demo", "aiw-media-demo-workerEnv", awsQueue+"dead", 3)
	env.Group = "media"
	want := map[string]dispatch.WorkersConfigEntry{
		"echo":       echo,
		"text-count": entry(awsQueue+"aiw-text-count-demo", "aiw-demo-workerTextCount", awsQueue+"aiw-text-count-dlq-demo", 7),
		"env":        env,
		"elsewhere":  entry("http://proxy/elsewhere", "aiw-demo-workerElsewhere", "http://proxy/elsewhere-dead", 2),
		// SQS delivers without end from a queue without a policy.
		"no-policy":  entry(awsQueue+"aiw-no-policy-demo", "aiw-demo-workerNoPolicy", "", 0),
		"refused":    entry(awsQueue+"aiw-refused-demo", "aiw-demo-workerRefused", "", 3),
		"lost-dlq":   entry("http://proxy/lost", "aiw-demo-workerLostDlq", "", 4),
		"odd-policy": entry(awsQueue+"aiw-odd-policy-demo", "aiw-demo-workerOddPolicy", "", 3),
	}
	for id, w := range want {
		if !reflect.DeepEqual(cfg.Workers[id], w) {
			t.Errorf("worker %s\n got %+v\nwant %+v", id, cfg.Workers[id], w)
		}
	}
	if len(cfg.Workers) != len(want) {
		t.Errorf("workers: %v", slices.Sorted(maps.Keys(cfg.Workers)))
	}
	errs := []string{}
	for _, e := range cfg.Errors {
		errs = append(errs, e.WorkerID+" "+e.QueueName+" "+e.Name+" "+e.Message)
	}
	for i, says := range []string{
		"refused aiw-refused-demo RequestThrottled read the redrive policy of aiw-refused-demo: ",
		"lost-dlq aiw-lost-dlq-demo QueueDoesNotExist find the dead-letter queue nowhere: ",
		"odd-policy aiw-odd-policy-demo  read the redrive policy of aiw-odd-policy-demo: ",
	} {
		if i >= len(errs) || !strings.HasPrefix(errs[i], says) {
			t.Errorf("errors %q, want number %d to start with %q", errs, i, says)
		}
	}
	if len(errs) != 3 {
		t.Errorf("errors %q", errs)
	}
	if !strings.Contains(s.log.text(), "config finds no dead-letter queue") {
		t.Errorf("log = %s", s.log.text())
	}
}

// What clients of the deployed system read stands where it stood, before
// everything new.
func TestConfigKeepsItsForm(t *testing.T) {
	t.Parallel()
	m := dispatch.Manifest{Workers: []dispatch.ManifestWorker{{ID: "echo", MemoryMB: 128, InputSchema: json.RawMessage(`{}`)}}}
	s := newStage(demoConfig(m), &fakeSQS{}, map[string]string{"WORKER_QUEUE_URL_ECHO": "http://q/e", "WORKER_DLQ_URL_ECHO": "http://q/d"})
	got := s.do(t, "GET", "/workers/config", "", nil).Body.String()
	const want = `{"version":"1.0.0","stage":"demo","region":"eu-west-1","workers":{"echo":{"queueUrl":"http://q/e","region":"eu-west-1","group":"default",` +
		`"dlqUrl":"http://q/d","functionName":"aiw-demo-workerEcho","memoryMB":128}},"schemas":{"echo":{}},"queues":[]}`
	if got != want {
		t.Errorf("config\n got %s\nwant %s", got, want)
	}
	if calls := s.sqs.taken(); len(calls) != 0 {
		t.Errorf("SQS was asked although the environment says everything: %v", calls)
	}
	// Without a service nobody knows the function's name.
	cfg := demoConfig(m)
	cfg.Service = ""
	s = newStage(cfg, &fakeSQS{}, map[string]string{"WORKER_QUEUE_URL_ECHO": "http://q/e", "WORKER_DLQ_URL_ECHO": "http://q/d"})
	if got := s.do(t, "GET", "/workers/config", "", nil).Body.String(); strings.Contains(got, "functionName") {
		t.Errorf("config = %s", got)
	}
}

func TestConfigRemembers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := dispatch.Manifest{Workers: []dispatch.ManifestWorker{{ID: "echo"}}}
		fake := &fakeSQS{
			urls:     map[string]string{"aiw-echo-demo": awsQueue + "aiw-echo-demo", "aiw-echo-other": awsQueue + "aiw-echo-other"},
			policies: map[string]string{awsQueue + "aiw-echo-demo": policyOf("dead", "5")},
		}
		s := newStage(demoConfig(m), fake, nil)
		both := []string{"url aiw-echo-demo", "attributes " + awsQueue + "aiw-echo-demo"}
		ask := func(when string, want []string) {
			t.Helper()
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() { configOf(t, s, "/workers/config", nil) })
			}
			wg.Wait()
			if calls := fake.taken(); !slices.Equal(calls, want) {
				t.Errorf("%s: SQS was asked %v, want %v", when, calls, want)
			}
		}
		ask("first", both)
		time.Sleep(factsAge - time.Second)
		ask("within the minute", nil)
		time.Sleep(2 * time.Second)
		fake.policies[awsQueue+"aiw-echo-demo"] = "error"
		ask("after the minute", both)
		time.Sleep(failureAge - time.Second)
		ask("right after a failure", nil)
		time.Sleep(2 * time.Second)
		fake.policies[awsQueue+"aiw-echo-demo"] = policyOf("dead", "6")
		ask("a while after a failure", both)
		if got := configOf(t, s, "/workers/config", nil).Workers["echo"]; got.MaxReceiveCount != 6 || got.DLQURL != awsQueue+"dead" {
			t.Errorf("worker = %+v", got)
		}

		// Another stage has queues of its own.
		answer, err := s.invoke(t, `{"httpMethod":"GET","path":"/workers/config","requestContext":{"stage":"other"}}`)
		if err != nil || !strings.Contains(answer.Body, `"stage":"other"`) || !strings.Contains(answer.Body, "aiw-other-workerEcho") {
			t.Errorf("answer = %+v, %v", answer, err)
		}
		if calls := fake.taken(); len(calls) != 2 {
			t.Errorf("SQS was asked %v", calls)
		}
	})
}

// A client that has gone away is no reason to tell the next one that there is no
// queue.
func TestConfigForgetsWhatWasCutOff(t *testing.T) {
	t.Parallel()
	fake := &fakeSQS{urls: map[string]string{"aiw-echo-demo": awsQueue + "aiw-echo-demo"}}
	s := newStage(demoConfig(dispatch.Manifest{Workers: []dispatch.ManifestWorker{{ID: "echo"}}}), fake, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/workers/config", nil))
	if strings.Contains(w.Body.String(), "queueUrl") {
		t.Fatalf("config = %s: the request was not cut off", w.Body)
	}
	if got := configOf(t, s, "/workers/config", nil).Workers["echo"].QueueURL; got != awsQueue+"aiw-echo-demo" {
		t.Errorf("queue = %q", got)
	}
}

func TestConfigKeepsOnlySoMuch(t *testing.T) {
	t.Parallel()
	var l lookups
	for i := range maxFacts + 10 {
		l.of(lookupKey{stage: fmt.Sprint(i)})
	}
	if len(l.known) > maxFacts {
		t.Errorf("%d look-ups are kept", len(l.known))
	}
	first, again := l.of(lookupKey{stage: "s"}), l.of(lookupKey{stage: "s"})
	if first != again {
		t.Error("a look-up is not kept")
	}
}
