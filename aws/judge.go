package aws

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// judge says what is wrong with a worker's deployment.
func (d *discovery) judge(c *candidate, owners map[string][]string) {
	d.judgeQueue(c, owners)
	d.judgeMapping(c)
	c.judgeFunction()
	c.judgeManifest()
	if d.configDecides() && !c.listed && c.hasRef && c.Mapping != nil {
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
	c.judgeDLQ()
	if c.Queue.DeadLetterARN != "" && c.Queue.MaxReceiveCount == 1 {
		c.problem(SeverityWarning, ProblemSingleAttempt, "maxReceiveCount of queue %s is 1: the first failure, timeout or throttled delivery sends a job to the dead-letter queue; AWS advises at least 5 behind Lambda", c.ref.name)
	}
}

// judgeDLQ judges the queue that the RedrivePolicy names. SQS itself refuses a
// policy across accounts, regions or kinds, but not every endpoint is SQS.
func (c *candidate) judgeDLQ() {
	switch {
	case c.Queue.DeadLetterARN == "":
		c.problem(SeverityWarning, ProblemNoDLQ, "no dead-letter queue: a job that keeps failing is tried again until the queue's retention of %s is over, and is then lost", days(c.Queue.Retention))
		return
	case c.DLQ == nil:
		c.problem(SeverityWarning, ProblemDLQUnread, "the dead-letter queue's ARN %q cannot be understood", clean(c.Queue.DeadLetterARN))
		return
	}
	if where := c.elsewhere(); where != "" {
		c.problem(SeverityWarning, ProblemDLQElsewhere, "dead-letter queue %s is in %s and queue %s is not: SQS moves messages within one account and region only", c.DLQ.Name, where, c.Queue.Name)
	}
	if c.dlqErr != nil {
		if kind, _ := Classify(c.dlqErr); kind == KindNotFound {
			c.problem(SeverityError, ProblemDLQGone, "dead-letter queue %s does not exist: a job that keeps failing is tried until its queue's retention is over, and is then lost", c.DLQ.Name)
			return
		}
		where := c.elsewhere()
		if where != "" {
			where = " (" + where + ")"
		}
		c.problem(SeverityWarning, ProblemDLQUnread, "dead-letter queue %s%s could not be read: %s", c.DLQ.Name, where, inWords(c.dlqErr))
		return
	}
	if c.Queue.FIFO != c.DLQ.FIFO {
		c.problem(SeverityError, ProblemDLQKind, "queue %s is %s and its dead-letter queue %s is %s: SQS moves nothing between the two kinds",
			c.Queue.Name, queueKind(c.Queue), c.DLQ.Name, queueKind(c.DLQ))
	}
	c.judgeRetention()
}

// judgeRetention knows that a message in a standard queue keeps its age when it
// becomes a dead letter; in a FIFO queue it begins anew. Source: SQS developer
// guide, "Setting-up dead-letter queue retention".
func (c *candidate) judgeRetention() {
	own, dead := c.Queue.Retention, c.DLQ.Retention
	switch {
	case c.Queue.FIFO || own == 0 || dead == 0 || dead > own:
	case dead < longestRetention:
		c.problem(SeverityWarning, ProblemDLQRetention, "dead letters keep the age they had as jobs, and %s keeps them %s where %s keeps jobs %s: a job that waited long dies out of the dead-letter queue at once; make its retention longer, 14 days is the most",
			c.DLQ.Name, days(dead), c.Queue.Name, days(own))
	default:
		// Both at the longest, as the TypeScript system deploys them: no setting of the
		// dead-letter queue would be better.
		c.note(NoteRetention, "dead letters keep the age they had as jobs: one that waited for 13 of the 14 days in %s is gone from %s a day after it came there", c.Queue.Name, c.DLQ.Name)
	}
}

// longestRetention is the longest that SQS allows.
const longestRetention = 14 * 24 * time.Hour

func queueKind(q *Queue) string {
	if q.FIFO {
		return "a FIFO queue"
	}
	return "a standard queue"
}

// elsewhere names the account and region of a dead-letter queue when they are
// not the worker's.
func (c *candidate) elsewhere() string {
	ref, ok := queueFromARN(c.Queue.DeadLetterARN)
	own, _ := queueFromARN(c.Queue.ARN)
	if !ok || ref.account == own.account && ref.region == own.region {
		return ""
	}
	return "account " + ref.account + ", " + ref.region
}

// readers are the functions of the mappings that read the queue. One that is off next to one
// that is on is what taking a queue over leaves behind: that is a note.
func (c *candidate) readers() (n int, names []string) {
	on := slices.ContainsFunc(c.mappings, func(m mapped) bool { return m.State != "Disabled" })
	for i := range c.mappings {
		m := &c.mappings[i]
		if m.State == "Disabled" && on {
			c.note(NoteMappingOff, "an event source mapping by which function %s would read queue %s is disabled", m.function.key(), c.ref.name)
			continue
		}
		names = append(names, m.function.key())
	}
	return len(names), names
}

func (d *discovery) judgeMapping(c *candidate) {
	if !d.mappingsRead || !c.hasRef {
		return
	}
	if c.Mapping == nil {
		if c.queueErr == nil || !c.unclaimed {
			d.judgeUnmapped(c)
		}
		return
	}
	m := c.Mapping
	switch m.State {
	case "Enabled", "":
	case "Disabled", "Disabling":
		c.problem(SeverityError, ProblemMappingDisabled, "the event source mapping is %s%s: nothing reads queue %s; `aiwctl workers resume %s` enables it",
			strings.ToLower(m.State), m.why(), c.ref.name, c.ID)
	default:
		c.problem(SeverityWarning, ProblemMappingState, "the event source mapping is %s%s", strings.ToLower(clean(m.State)), m.why())
	}
	if n, names := c.readers(); n > 1 {
		c.problem(SeverityWarning, ProblemSeveralMappings, "%d event source mappings read queue %s: each job goes to any one of %s", n, c.ref.name, strings.Join(names, ", "))
	}
	if len(m.Filters) > 0 {
		c.problem(SeverityWarning, ProblemMappingFilters, "the event source mapping has filters: Lambda deletes every job of queue %s that does not match %s", c.ref.name, clean(strings.Join(m.Filters, " or ")))
	}
	if m.MaximumConcurrency > 0 {
		c.note(NoteConcurrency, "the event source mapping runs at most %d batches at once, whatever waits", m.MaximumConcurrency)
	}
	if c.Function == nil {
		c.problem(SeverityError, ProblemFunctionGone, "the function %s that the event source mapping names does not exist: nothing runs the jobs of queue %s; deploy it again", c.mappings[0].function.key(), c.ref.name)
		return
	}
	if !m.ReportsBatchItemFailures {
		switch {
		case ownRuntime(c.Function.Runtime):
			c.problem(SeverityError, ProblemPartialFailures, "ReportBatchItemFailures is not set on the event source mapping: AWS ignores the handler's list of failed jobs and deletes them")
		case m.BatchSize > 1:
			c.problem(SeverityWarning, ProblemPartialFailures, "ReportBatchItemFailures is not set and up to %d jobs come at once: when one of them fails, all are run again", m.BatchSize)
		}
	}
	if c.queueErr == nil && !c.Function.Derived {
		c.judgeVisibility()
	}
}

// judgeUnmapped is about a queue that no event source mapping reads.
func (d *discovery) judgeUnmapped(c *candidate) {
	if c.ref.region != d.t.Region && d.t.EndpointURL == "" {
		return // its mappings are there
	}
	if !c.unclaimed || c.Function != nil {
		but := ""
		if c.Function != nil && !c.Function.Derived {
			but = fmt.Sprintf(", though its function %s is there", c.Function.Name)
		}
		c.problem(SeverityError, ProblemNoMapping, "no event source mapping: nothing reads queue %s%s", c.ref.name, but)
		return
	}
	switch depth := c.Queue.Depth; {
	case depth.InFlight > 0:
		c.problem(SeverityWarning, ProblemNoFunction, "no event source mapping reads queue %s, and it has %s in flight: something other than Lambda reads it", c.ref.name, messages(depth.InFlight))
	case depth.Total() > 0:
		c.problem(SeverityError, ProblemNoFunction, "no event source mapping reads queue %s, and it holds %s, lost %s after sending; deploy its worker again, or delete the queue", c.ref.name, messages(depth.Total()), days(c.Queue.Retention))
	default:
		c.problem(SeverityWarning, ProblemNoFunction, "no event source mapping reads queue %s: a job sent to it would never run in Lambda; it is empty", c.ref.name)
	}
}

// judgeVisibility compares the time for which a message is hidden with the time
// that its function may take. AWS refuses a mapping whose function may take
// longer, and asks for six times the function's timeout and the batching window,
// which leaves room for throttled deliveries. The TypeScript system deploys the
// timeout and a minute. Below six times is worth a note and no warning: a worker
// that is never throttled does not miss it, and a warning at every worker of every
// stage would be read by nobody. Source: Lambda developer guide, "Creating and
// configuring an Amazon SQS event source mapping".
func (c *candidate) judgeVisibility() {
	timeout, hidden := c.Function.Timeout, c.Queue.VisibilityTimeout
	need := timeout + c.Mapping.BatchingWindow
	switch advised := 6*timeout + c.Mapping.BatchingWindow; {
	case hidden < timeout:
		c.problem(SeverityWarning, ProblemShortVisibility, "the function may run for %s but queue %s shows a message again after %s: a long job is run twice", short(timeout), c.ref.name, short(hidden))
	case hidden < need:
		c.problem(SeverityWarning, ProblemShortVisibility, "messages are gathered for up to %s and the function may run for %s, but queue %s shows a message again after %s: a long job is run twice", short(c.Mapping.BatchingWindow), short(timeout), c.ref.name, short(hidden))
	case hidden < advised:
		c.note(NoteVisibility, "the visibility timeout of queue %s is %s; AWS advises %s, six times the function's timeout, so that throttled deliveries do not use up attempts", c.ref.name, short(hidden), short(advised))
	}
}

// judgeFunction judges what the function says of itself, as far as it was asked.
func (w *Worker) judgeFunction() {
	f := w.Function
	if f == nil {
		return
	}
	switch f.State {
	case "Failed":
		w.problem(SeverityError, ProblemFunctionFailed, "function %s is in state Failed: Lambda cannot run it%s", f.Name, because(f.StateReason))
	case "Inactive":
		w.problem(SeverityWarning, ProblemFunctionState, "function %s is Inactive, since it was idle for weeks: the first jobs fail while Lambda makes it ready%s", f.Name, because(f.StateReason))
	case "Pending":
		w.problem(SeverityWarning, ProblemFunctionState, "function %s is Pending: Lambda is still making it%s", f.Name, because(f.StateReason))
	}
	switch f.LastUpdate {
	case "Failed":
		w.problem(SeverityWarning, ProblemUpdateFailed, "the last update of function %s failed, and the version before it runs%s", f.Name, because(f.LastUpdateReason))
	case "InProgress":
		w.note(NoteUpdating, "function %s is being updated", f.Name)
	}
	switch n := f.ReservedConcurrency; {
	case n == nil:
	case *n == 0:
		w.problem(SeverityError, ProblemFunctionStopped, "reserved concurrency of function %s is 0: Lambda refuses to run it, each delivery counts as an attempt, and jobs end in the dead-letter queue without having run", f.Name)
	default:
		w.note(NoteReserved, "function %s has a reserved concurrency of %d: it never runs more at once", f.Name, *n)
		if m := w.Mapping; m != nil && w.Queue != nil && w.Queue.VisibilityTimeout < 6*f.Timeout && (m.MaximumConcurrency == 0 || m.MaximumConcurrency > *n) {
			w.problem(SeverityWarning, ProblemOutrun, "reserved concurrency of function %s is %d and its event source mapping may ask for %s: what is throttled uses up attempts, since queue %s shows it again after %s; set the mapping's maximum concurrency to %d",
				f.Name, *n, cmp.Or(limit(m.MaximumConcurrency), "more"), w.Queue.Name, short(w.Queue.VisibilityTimeout), max(2, *n))
		}
	}
}

func limit(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// why is who or what put a mapping into its state, and when.
func (m *Mapping) why() string {
	var parts []string
	switch m.Reason {
	case "":
	case "USER_INITIATED", "User action":
		parts = append(parts, "by a user")
	default:
		parts = append(parts, clean(m.Reason))
	}
	if !m.LastModified.IsZero() {
		parts = append(parts, "last changed "+m.LastModified.UTC().Format("2006-01-02 15:04 UTC"))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + clean(reason)
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

// short is a duration without the zeros that Go puts at its end: 6m, not 6m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
