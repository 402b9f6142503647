package replay

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/tui/cell"
)

// options are how a replay, or a deletion, is done.
type options struct {
	rate      float64 // messages a second; zero: no limit
	canary    int
	watch     time.Duration
	newJobIDs bool
	to        string // a queue's URL; empty: the queue they came from
	force     bool
	native    bool // by AWS's move task
	noCopy    bool // of a deletion
}

func (o options) replay(w aws.Worker) redrive.Replay {
	return redrive.Replay{Worker: w, To: o.to, NewJobIDs: o.newJobIDs, Force: o.force, Rate: o.rate, Canary: o.canary, Watch: o.watch}
}

// option is a line of the plan that can be changed in place.
type option struct {
	name, value, help string
	// step changes it to the next value, or the one before.
	step func(by int)
	// set takes a typed value; nil: it has only those that step goes through.
	set func(text string) error
	// rechecks: what a check found depends on it.
	rechecks bool
}

// options are the lines of the plan.
func (s *Screen) optionLines() []option {
	o := &s.options
	if s.ask.Delete {
		return []option{{
			name: "keep a copy", value: yesNo(!o.noCopy), help: "in a file, from which dlq import brings it back",
			step: func(int) { o.noCopy = !o.noCopy },
		}}
	}
	rate := option{name: "rate", value: "no limit", help: "messages a second at most", step: func(by int) { o.rate = stepped(rates, o.rate, by) }, set: s.setRate}
	if o.rate > 0 {
		rate.value = rateText(o.rate)
	}
	to := option{name: "to", value: "the queue they came from", help: "another queue: nothing but the size is checked then", rechecks: true, step: s.stepTo, set: s.setTo}
	if o.to != "" {
		to.value = cell.Clean(lastPart(o.to))
	}
	native := option{name: "by AWS", value: yesNo(o.native), help: "AWS moves everything itself, unedited and unchecked: for very many", step: func(int) { o.native = !o.native; s.fitNative() }}
	if o.native {
		return []option{native, rate, to}
	}
	canary := option{name: "canary", value: "none", help: "so many first, the others when these have completed", step: func(by int) { o.canary = stepped(canaries, o.canary, by) }, set: func(text string) error {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 0 {
			return errors.New("a canary is a number of messages")
		}
		o.canary = n
		return nil
	}}
	if o.canary > 0 {
		canary.value = cell.Plural(o.canary, "message")
	}
	watch := option{name: "watch", value: "no", help: "look so long afterwards for messages that come back", step: func(by int) { o.watch = stepped(watches, o.watch, by) }, set: func(text string) error {
		d, err := time.ParseDuration(strings.TrimSpace(text))
		if err != nil || d < 0 {
			return errors.New("write it as 90s or 2m")
		}
		o.watch = d
		return nil
	}}
	if o.watch > 0 {
		watch.value = o.watch.String()
	}
	lines := []option{
		rate, canary, watch,
		{name: "new job ids", value: yesNo(o.newJobIDs), help: "each job runs under a new id, its metadata names the old one", rechecks: true, step: func(int) { o.newJobIDs = !o.newJobIDs }},
		to,
		{name: "force", value: yesNo(o.force), help: "send also what is certain to die again, or to be swallowed", step: func(int) { o.force = !o.force }},
	}
	if s.ask.All && len(s.ask.Edited) == 0 {
		lines = append(lines, native)
	}
	return lines
}

// fitNative keeps what AWS's move task knows.
func (s *Screen) fitNative() {
	if s.options.native {
		s.options.rate = min(s.options.rate, redrive.MoveTaskRateMost)
		s.choice = 0
		return
	}
	s.choice = 6
}

var (
	rates    = []float64{0, 1, 5, 10, 50, 100, 500}
	canaries = []int{0, 1, 2, 5, 10, 50}
	watches  = []time.Duration{0, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute}
)

// stepped is the next value of a list, or the one before; it ends where the list
// does.
func stepped[T cmp.Ordered](values []T, now T, by int) T {
	at, found := slices.BinarySearch(values, now)
	if !found && by > 0 {
		at-- // between two
	}
	return values[max(0, min(at+by, len(values)-1))]
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func rateText(rate float64) string { return strconv.FormatFloat(rate, 'g', 4, 64) + "/s" }

func (s *Screen) setRate(text string) error {
	number, unit, _ := strings.Cut(strings.TrimSpace(text), "/")
	n, err := strconv.ParseFloat(number, 64)
	per := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	if err != nil || per == 0 || !(n == 0 || n/per >= 0.001 && n/per <= 1e6) {
		return errors.New("write it as 50/s or 600/m")
	}
	if s.options.native && (n/per > redrive.MoveTaskRateMost || n/per > 0 && n/per < 1) {
		return fmt.Errorf("AWS moves 1 to %d messages a second", redrive.MoveTaskRateMost)
	}
	s.options.rate = n / per
	return nil
}

// queues are those of the stage that messages can be sent to, by URL; the first is
// the one they came from.
func (s *Screen) queues() []string {
	list := []string{""}
	if s.env.Data.Inventory == nil {
		return list
	}
	for i := range s.env.Data.Inventory.Workers {
		w := &s.env.Data.Inventory.Workers[i]
		if w.Queue != nil && w.ID != s.worker.ID && !slices.Contains(list, w.Queue.URL) {
			list = append(list, w.Queue.URL)
		}
	}
	return list
}

func (s *Screen) stepTo(by int) {
	list := s.queues()
	at := max(0, slices.Index(list, s.options.to))
	s.options.to = list[((at+by)%len(list)+len(list))%len(list)]
}

func (s *Screen) setTo(text string) error {
	text = strings.TrimSpace(text)
	if text == "" || strings.Contains(text, "://") {
		s.options.to = text
		return nil
	}
	if s.env.Data.Inventory != nil {
		for i := range s.env.Data.Inventory.Workers {
			w := &s.env.Data.Inventory.Workers[i]
			for _, q := range []*aws.Queue{w.Queue, w.DLQ} {
				if q != nil && (q.Name == text || q == w.Queue && w.ID == text) {
					s.options.to = q.URL
					return nil
				}
			}
		}
	}
	return fmt.Errorf("the stage has no worker and no queue %q; a queue elsewhere is named by its URL", text)
}

// lastPart is a queue's name in its URL.
func lastPart(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }
