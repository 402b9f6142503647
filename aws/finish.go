package aws

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// finish turns candidates into workers: dead-letter queues that happen to be
// read by a function are left out, ids are made unique, and what is wrong is
// said.
func (d *discovery) finish() {
	owners := make(map[string][]string) // DLQ's ARN -> workers whose policy names it
	for _, c := range d.cands {
		if c.Queue != nil && c.Queue.DeadLetterARN != "" {
			owners[c.Queue.DeadLetterARN] = append(owners[c.Queue.DeadLetterARN], c.ID)
		}
	}
	kept := slices.DeleteFunc(d.cands, func(c *candidate) bool {
		return !c.listed && c.Queue != nil && len(owners[c.Queue.ARN]) > 0
	})
	uniqueIDs(kept)
	for _, c := range kept {
		d.attach(c)
		d.judge(c, owners)
		sortProblems(c.Problems)
	}
	d.learnStage(kept)
	slices.SortFunc(kept, func(a, b *candidate) int { return cmp.Compare(a.ID, b.ID) })
	d.inv.Workers = make([]Worker, len(kept))
	for i, c := range kept {
		d.inv.Workers[i] = c.Worker
	}
}

// learnStage takes the stage's name from the functions' environments, when
// nothing else says it and they all say the same.
func (d *discovery) learnStage(kept []*candidate) {
	if d.configRead || d.t.Stage != "" {
		return
	}
	said := make(map[string]bool)
	for _, c := range kept {
		for _, m := range c.mappings {
			said[d.functions[m.function.key()].stage] = true
		}
	}
	stages := slices.Collect(maps.Keys(said))
	d.s.mu.Lock()
	d.s.learned.stage = ""
	if len(stages) == 1 {
		d.s.learned.stage = stages[0]
	}
	d.s.mu.Unlock()
}

// uniqueIDs falls back on the queue's name, then on its ARN, where two workers
// would have one id. What workers/config says stays.
func uniqueIDs(cands []*candidate) {
	for _, other := range []func(*candidate) string{
		func(c *candidate) string { return c.ref.name },
		func(c *candidate) string { return c.ref.arn() },
	} {
		count := make(map[string]int)
		for _, c := range cands {
			count[c.ID]++
		}
		for _, c := range cands {
			if count[c.ID] > 1 && !c.listed {
				c.ID = other(c)
			}
		}
	}
}

// attach gives a worker its mapping, its function and what follows from them.
func (d *discovery) attach(c *candidate) {
	if len(c.mappings) > 0 {
		m := &c.mappings[0]
		for i := range c.mappings {
			if c.mappings[i].State == "Enabled" {
				m = &c.mappings[i]
				break
			}
		}
		mapping := m.Mapping
		c.Mapping = &mapping
		if f, ok := d.functions[m.function.key()]; ok {
			c.Function = &f.Function
		} else if !d.gone[m.function.key()] {
			// Lambda names the function here even when it may not be read.
			c.Function = &Function{Name: m.function.name, ARN: m.function.arn, LogGroup: "/aws/lambda/" + m.function.name, Derived: true}
		}
	} else if !d.mappingsRead && c.name.service != "" {
		name := dispatch.FunctionName(c.name.service, c.name.stage, c.name.id)
		c.Function = &Function{Name: name, LogGroup: "/aws/lambda/" + name, Derived: true}
	}
	// The TypeScript system and ours publish schemas in the same document; only
	// the function tells which of them wrote it.
	c.TolerantSchema = c.InputSchema != nil && (c.Function == nil || !ownRuntime(c.Function.Runtime))
}

// judge says what is wrong with a worker's deployment.
func (d *discovery) judge(c *candidate, owners map[string][]string) {
	d.judgeQueue(c, owners)
	d.judgeMapping(c)
	if c.Function != nil && c.Function.State == "Failed" {
		c.problem(SeverityError, ProblemFunctionFailed, "function %s is in state Failed: Lambda cannot run it", c.Function.Name)
	}
	if d.configRead && !c.listed {
		c.problem(SeverityWarning, ProblemUnlisted, "workers/config does not list this worker: it has no schema here, and the workers API may not find its queue")
	}
}

func (d *discovery) judgeQueue(c *candidate, owners map[string][]string) {
	if !c.hasRef {
		return // said when the candidate was made
	}
	if others := d.byQueue[d.key(c.ref)]; len(others) > 1 {
		ids := make([]string, 0, len(others))
		for _, o := range others {
			if o != c {
				ids = append(ids, o.ID)
			}
		}
		c.problem(SeverityError, ProblemSameQueue, "queue %s is also that of worker %s: each gets the other's jobs", c.ref.name, strings.Join(ids, ", "))
	}
	if kind, _ := Classify(c.queueErr); kind == KindNotFound {
		c.problem(SeverityError, ProblemQueueGone, "queue %s does not exist", c.ref.name)
		return
	}
	if c.queueErr != nil {
		c.problem(SeverityWarning, ProblemQueueUnread, "queue %s could not be read: %s", c.ref.name, inWords(c.queueErr))
		return
	}
	if by := owners[c.Queue.ARN]; len(by) > 0 {
		c.problem(SeverityError, ProblemQueueIsDLQ, "queue %s is the dead-letter queue of %s: this worker takes its dead letters for jobs", c.ref.name, strings.Join(by, ", "))
	}
	switch {
	case c.Queue.DeadLetterARN == "":
		c.problem(SeverityWarning, ProblemNoDLQ, "no dead-letter queue: a job that keeps failing is tried again until the queue's retention of %s is over, and is then lost", days(c.Queue.Retention))
	case c.DLQ == nil:
		c.problem(SeverityWarning, ProblemDLQUnread, "the dead-letter queue's ARN %q cannot be understood", clean(c.Queue.DeadLetterARN))
	case c.dlqErr != nil:
		if kind, _ := Classify(c.dlqErr); kind == KindNotFound {
			c.problem(SeverityError, ProblemDLQGone, "dead-letter queue %s does not exist", c.DLQ.Name)
			break
		}
		c.problem(SeverityWarning, ProblemDLQUnread, "dead-letter queue %s%s could not be read: %s", c.DLQ.Name, elsewhere(c), inWords(c.dlqErr))
	}
	if c.Queue.DeadLetterARN != "" && c.Queue.MaxReceiveCount == 1 {
		c.problem(SeverityWarning, ProblemSingleAttempt, "maxReceiveCount is 1: the first failure, timeout or throttled delivery sends a job to the dead-letter queue")
	}
}

// elsewhere names the account and region of a dead-letter queue when they are
// not the worker's, as for the reader of "could not be read".
func elsewhere(c *candidate) string {
	ref, ok := queueFromARN(c.Queue.DeadLetterARN)
	own, _ := queueFromARN(c.Queue.ARN)
	if !ok || ref.account == own.account && ref.region == own.region {
		return ""
	}
	return " (account " + ref.account + ", " + ref.region + ")"
}

func (d *discovery) judgeMapping(c *candidate) {
	if !d.mappingsRead || !c.hasRef {
		return
	}
	if c.Mapping == nil {
		if c.ref.region == d.t.Region || d.t.EndpointURL != "" {
			c.problem(SeverityError, ProblemNoMapping, "no event source mapping: nothing reads queue %s", c.ref.name)
		}
		return
	}
	switch c.Mapping.State {
	case "Enabled", "":
	case "Disabled", "Disabling":
		c.problem(SeverityError, ProblemMappingDisabled, "the event source mapping is %s: nothing reads queue %s", strings.ToLower(c.Mapping.State), c.ref.name)
	default:
		c.problem(SeverityWarning, ProblemMappingState, "the event source mapping is %s", strings.ToLower(clean(c.Mapping.State)))
	}
	if n := len(c.mappings); n > 1 {
		c.problem(SeverityWarning, ProblemSeveralMappings, "%d event source mappings read queue %s: each job goes to any one of their functions", n, c.ref.name)
	}
	if c.Function == nil {
		c.problem(SeverityError, ProblemFunctionGone, "the function that the event source mapping names does not exist")
		return
	}
	if !c.Mapping.ReportsBatchItemFailures {
		switch {
		case ownRuntime(c.Function.Runtime):
			c.problem(SeverityError, ProblemPartialFailures, "ReportBatchItemFailures is not set on the event source mapping: AWS ignores the handler's list of failed jobs and deletes them")
		case c.Mapping.BatchSize > 1:
			c.problem(SeverityWarning, ProblemPartialFailures, "ReportBatchItemFailures is not set and up to %d jobs come at once: when one of them fails, all are run again", c.Mapping.BatchSize)
		}
	}
	if c.queueErr == nil && !c.Function.Derived && c.Function.Timeout > c.Queue.VisibilityTimeout {
		c.problem(SeverityWarning, ProblemShortVisibility, "the function may run for %s but the queue shows a message again after %s: a long job is run twice", c.Function.Timeout, c.Queue.VisibilityTimeout)
	}
}

// inWords is an error's remedy, else the error itself.
func inWords(err error) string {
	if _, hint := Classify(err); hint != "" {
		return hint
	}
	return clean(err.Error())
}

func days(d time.Duration) string {
	if d >= 24*time.Hour && d%(24*time.Hour) == 0 {
		if n := int(d / (24 * time.Hour)); n > 1 {
			return strconv.Itoa(n) + " days"
		}
		return "1 day"
	}
	return d.String()
}
