package tui

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/aws/redrive"
)

// openCloud is the console on the cloud's stage, which has one worker with seven
// jobs and two dead letters.
func openCloud(t *testing.T, c *cloud, p profile) *console {
	t.Helper()
	c.send(t, cloudQueue, 7)
	c.send(t, "shop-orders-dlq-live", 2)
	s := c.stage(t, p)
	return open(t, Config{Backend: Backend{Stage: s, Logs: logs.For(s), Redrive: redrive.New(s, redrive.Config{Dir: redrive.NoJournal})}}, 100, 30)
}

// says fails when the frame lacks one of the texts, which a person looks for.
func (c *console) says(when string, texts ...string) {
	c.t.Helper()
	frame := ansi.Strip(c.frame())
	flat := strings.Join(strings.Fields(frame), " ")
	for _, text := range texts {
		if !strings.Contains(flat, text) {
			c.t.Errorf("%s the screen does not say %q:\n%s", when, text, frame)
		}
	}
}

func (c *console) silentAbout(when string, texts ...string) {
	c.t.Helper()
	frame := ansi.Strip(c.frame())
	for _, text := range texts {
		if strings.Contains(frame, text) {
			c.t.Errorf("%s the screen still says %q:\n%s", when, text, frame)
		}
	}
}

// Whatever befalls all calls, what was read stays on the screen with its age,
// beside what is wrong and what to do about it; and when it is over, the screen is
// fresh again by itself. AWS may also have been away when the console was opened.
func TestChaosEverything(t *testing.T) {
	t.Parallel()
	for name, chaos := range map[string]struct {
		wrong wrong
		says  string
	}{
		"failing":      {fails, "InternalFailure"},
		"throttled":    {throttles, "refresh less often"},
		"denied":       {denies, "access denied: "},
		"unreachable":  {refused, "connection refused"},
		"no answer":    {silent, "no answer in time"},
		"keys expired": {expired, "the AWS credentials have expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cloud, p := newCloud(t), newProfile(t)
				c := openCloud(t, cloud, p)
				c.pass(5 * time.Second)
				c.says("at first", "orders", "dead letters")
				cloud.set("*", chaos.wrong)
				c.pass(10 * time.Minute)
				c.says("while it lasts", "orders", "dead letters", chaos.says)
				if age := time.Since(c.m.env.Data.At); age < 9*time.Minute {
					t.Errorf("the data is said to be %v old", age)
				}
				c.says("while it lasts", "10m") // the data's age
				cloud.set("*", "")
				c.pass(2 * time.Minute)
				c.silentAbout("when it is over", chaos.says)
				if age := time.Since(c.m.env.Data.At); age > time.Minute {
					t.Errorf("it is over and the data is %v old", age)
				}
			})
			synctest.Test(t, func(t *testing.T) {
				cloud, p := newCloud(t), newProfile(t)
				cloud.set("*", chaos.wrong)
				c := openCloud(t, cloud, p)
				c.pass(2 * time.Minute)
				c.says("from the beginning", chaos.says)
				cloud.set("*", "")
				c.pass(2 * time.Minute)
				c.silentAbout("when it is over", chaos.says)
				c.says("when it is over", "orders", "dead letters")
			})
		})
	}
}

// A permission that is missing costs what it is for and nothing else: it is named,
// the rest is shown, and once it is there the console notices.
func TestChaosDeniedOneByOne(t *testing.T) {
	t.Parallel()
	var calls []string
	synctest.Test(t, func(t *testing.T) {
		cloud, p := newCloud(t), newProfile(t)
		c := openCloud(t, cloud, p)
		c.pass(2 * time.Minute)
		calls = cloud.calls()
	})
	if len(calls) < 4 {
		t.Fatalf("the console makes these calls only: %v", calls)
	}
	for _, call := range calls {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cloud, p := newCloud(t), newProfile(t)
				cloud.set(call, denies)
				c := openCloud(t, cloud, p)
				c.pass(10 * time.Second)
				c.says("denied", "orders")
				// Where another call gives the same, nothing is missing.
				if replaced := map[string]string{"lambda:ListFunctions": "30s 256 MB", "sts:GetCallerIdentity": "eu-west-1", "cloudformation:DescribeStacks": "dead letters"}; replaced[call] != "" {
					c.says("denied", replaced[call])
				} else {
					c.says("denied", call)
				}
				cloud.set(call, "")
				c.pass(3 * time.Minute)
				c.silentAbout("when it is granted", call, "access denied")
				c.says("when it is granted", "orders", "dead letters")
			})
		})
	}
}

// Keys that expire while the console is open are renewed by another tool, and the
// console goes on.
func TestChaosKeysRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cloud, p := newCloud(t), newProfile(t)
		c := openCloud(t, cloud, p)
		c.pass(5 * time.Second)
		cloud.mu.Lock()
		cloud.key = "SECOND"
		cloud.mu.Unlock()
		c.pass(5 * time.Minute)
		c.says("with keys that have expired", "orders", "the AWS credentials have expired")
		p.renew(t, "SECOND")
		c.pass(2 * time.Minute)
		c.silentAbout("with renewed keys", "expired")
		if age := time.Since(c.m.env.Data.At); age > time.Minute {
			t.Errorf("the data is %v old", age)
		}
	})
}
