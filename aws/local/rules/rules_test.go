package rules_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/rules"
)

func TestRuleRunsWhenItIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sent := make(chan string, 10)
		s := rules.New(rules.Config{Region: "us-east-1", Account: "000000000000", Send: func(target, group, text string) error {
			sent <- target + " " + group + " " + text
			return nil
		}})
		defer s.Close()
		rule := rules.Rule{
			ARN: "arn:aws:events:us-east-1:000000000000:rule/hourly", Schedule: "rate(1 hour)",
			Targets: []rules.Target{{
				ARN: "arn:aws:sqs:us-east-1:000000000000:jobs.fifo", Group: "g",
				Paths: map[string]string{"id": "$.id", "time": "$.time"}, Template: `{"jobId":"job-<id>","at":<time>,"text":"a <b> \"<time>\""}`,
			}},
		}
		if err := s.Put(rule); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2*time.Hour + time.Minute)
		synctest.Wait()
		if len(sent) != 2 {
			t.Fatalf("it ran %d times in two hours, want 2", len(sent))
		}
		want := regexp.MustCompile(`^arn:aws:sqs:us-east-1:000000000000:jobs\.fifo g \{"jobId":"job-[0-9a-f-]{36}","at":"2000-01-01T01:00:00Z","text":"a <b> \\"2000-01-01T01:00:00Z\\""\}$`)
		if got := <-sent; !want.MatchString(got) {
			t.Errorf("it sent %s", got)
		}
		rule.Disabled = true
		if err := s.Put(rule); err != nil {
			t.Fatal(err)
		}
		<-sent
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if len(sent) != 0 {
			t.Errorf("a disabled rule ran: %s", <-sent)
		}
		if err := s.Put(rules.Rule{ARN: "x", Schedule: "hourly"}); err == nil || !strings.Contains(err.Error(), "Parameter ScheduleExpression is not valid.") {
			t.Errorf("a schedule that is none: %v", err)
		}
	})
}
