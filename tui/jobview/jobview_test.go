package jobview_test

import (
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/jobview"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// errorState is a tail that is throttled.
func errorState() logs.State {
	return logs.State{Err: &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded"}, RetryIn: 8 * time.Second, Throttled: true}
}

// unread is a screen of a stage whose workers are not known yet.
func unread(c *console) *console {
	env := *c.env
	env.ID = 7
	env.Data = &screen.Snapshot{}
	s := jobview.New(env, c.w, c.w, screen.OpenJob{JobID: jobID})
	c.t.Cleanup(s.Close)
	c.Screen.Close()
	out := &console{Screen: s, t: c.t, w: c.w, env: &env, msgs: c.msgs}
	out.do(s.Init())
	out.settle()
	return out
}

var _ = aws.Worker{}

func TestX(t *testing.T) {}
