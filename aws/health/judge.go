package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/metrics"
)

// judge is one judgement under way.
type judge struct {
	Input
	w       *aws.Worker
	m       *metrics.Worker // nil when there is none that counts
	fresh   bool            // m says what is going on now
	samples []Sample        // clean, the worker's own last
	stale   bool            // the depths are not known
	reasons []Reason
	verdict Verdict
}

func (j *judge) add(r Reason) { j.reasons = append(j.reasons, r) }

func (j *judge) missing(text string) {
	if !slices.Contains(j.verdict.Missing, text) {
		j.verdict.Missing = append(j.verdict.Missing, text)
	}
}

// was picks a threshold: end when the condition was there before.
func was[T int | float64 | time.Duration](j *judge, k Kind, begin, end T) T {
	if j.Previous.Has(k) {
		return end
	}
	return begin
}

// readings are the samples of the last minutes in order, each time once. A clock
// that was put back leaves readings of the future, and they are dropped.
func (j *judge) readings() []Sample {
	from := j.Now.Add(-max(trendWindow, deadWindow))
	out := make([]Sample, 0, len(j.Samples)+1)
	for _, s := range j.Samples {
		if s.At.Before(from) || s.At.After(j.Now) {
			continue
		}
		out = append(out, s)
	}
	if s, ok := SampleOf(j.w); ok && !s.At.Before(from) {
		out = slices.DeleteFunc(out, func(o Sample) bool { return !o.At.Before(s.At) })
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b Sample) int { return a.At.Compare(b.At) })
	return slices.CompactFunc(out, func(a, b Sample) bool { return a.At.Equal(b.At) })
}

// paused is whether the mapping feeds nothing to the function.
func (j *judge) paused() bool {
	if j.w.Mapping == nil {
		return false
	}
	switch strings.ToLower(j.w.Mapping.State) {
	case "disabled", "disabling":
		return true
	}
	return false
}

// deployment is what discovery found wrong. What is judged by itself is left out.
func (j *judge) deployment() {
	warned := false
	for _, p := range j.w.Problems {
		switch {
		case p.Kind == aws.ProblemMappingDisabled && j.paused(), p.Kind == aws.ProblemQueueUnread, p.Kind == aws.ProblemDLQUnread:
		case aws.Severity(p.Severity) == aws.SeverityError:
			kind, severity := Broken, aws.SeverityError
			if p.Kind == aws.ProblemDLQGone || p.Kind == aws.ProblemDLQKind {
				kind, severity = Unguarded, aws.SeverityWarning // its jobs run all the same
			}
			j.add(Reason{kind, cmp.Or(string(p.Kind), string(kind)), severity, p.Text, "aiwctl workers describe " + j.w.ID})
		case aws.Severity(p.Severity) == aws.SeverityWarning && !warned:
			warned = true
			j.add(Reason{Check, "check: " + cmp.Or(string(p.Kind), "deployment"), aws.SeverityInfo, p.Text, "aiwctl workers describe " + j.w.ID})
		}
	}
	hasError := slices.ContainsFunc(j.reasons, func(r Reason) bool { return r.Kind == Broken })
	switch {
	case hasError:
	case j.w.Queue == nil:
		j.add(Reason{Broken, string(aws.ProblemNoQueue), aws.SeverityError, "its queue was not found: nothing can be sent to it", "aiwctl workers describe " + j.w.ID})
	case j.w.Function != nil && strings.EqualFold(j.w.Function.State, "failed"):
		j.add(Reason{Broken, string(aws.ProblemFunctionFailed), aws.SeverityError, "its function is in the state Failed", "deploy it again"})
	}
}

// known is whether the depths are.
func (j *judge) known() {
	if j.w.Queue == nil {
		j.stale = true
		return
	}
	why := func(k aws.ProblemKind, otherwise string) string {
		for _, p := range j.w.Problems {
			if p.Kind == k {
				return p.Text
			}
		}
		return otherwise
	}
	switch at := j.w.Queue.Depth.At; {
	case at.IsZero():
		j.stale = true
		j.add(Reason{Unknown, "unknown: queue not read", aws.SeverityWarning, why(aws.ProblemQueueUnread, "its queue could not be read yet"), "aiwctl doctor"})
	case j.Now.Sub(at) > j.StaleAfter:
		j.stale = true
		j.add(Reason{Unknown, "unknown: read " + span(j.Now.Sub(at)) + " ago", aws.SeverityWarning, "its queue was last read " + span(j.Now.Sub(at)) + " ago; the numbers are of then", ""})
	}
	if j.w.DLQ != nil && j.w.DLQ.Depth.At.IsZero() {
		j.add(Reason{Unknown, "unknown: dead letters not read", aws.SeverityWarning, why(aws.ProblemDLQUnread, "its dead-letter queue could not be read yet"), "aiwctl doctor"})
	}
	switch {
	case j.Metrics == nil:
		j.missing("CloudWatch was not asked: failures, throttles and the oldest age are not judged")
	case j.m == nil:
		j.missing("CloudWatch's answer is old: failures, throttles and the oldest age are not judged")
	}
}

// dead judges the dead letters.
func (j *judge) dead() {
	if j.w.DLQ == nil || j.w.DLQ.Depth.At.IsZero() {
		return
	}
	n := j.w.DLQ.Depth.Total()
	if n <= 0 {
		return
	}
	look := "aiwctl dlq why " + j.w.ID
	if rise, over := j.rise(n); rise > 0 {
		j.add(Reason{
			Rising, fmt.Sprintf("dead letters +%s in %s", count(rise), span(over)), aws.SeverityError,
			fmt.Sprintf("%s, %s there were %s", plural(n, "dead letter"), span(over)+" ago", count(n-rise)), look,
		})
		return
	}
	text := plural(n, "dead letter")
	for _, s := range j.samples {
		if over := j.Now.Sub(s.At); s.Dead >= 0 && over >= time.Minute {
			text += ", none new in " + span(over)
			break
		}
	}
	j.add(Reason{Dead, "dead letters: " + count(n), aws.SeverityWarning, text, look})
}

// rise is by how much the dead letters rose within the window, and over what time.
// Counts flap until they have settled: one reading that is lower than both of its
// neighbours is none to count from.
func (j *judge) rise(now int) (rise int, over time.Duration) {
	var seen []Sample
	for _, s := range j.samples {
		if s.Dead >= 0 && !s.At.Before(j.Now.Add(-deadWindow)) {
			seen = append(seen, s)
		}
	}
	for i, s := range seen {
		low := s.Dead
		if i > 0 && i < len(seen)-1 {
			low = max(low, min(seen[i-1].Dead, seen[i+1].Dead))
		}
		if r := now - low; r > rise {
			rise, over = r, j.Now.Sub(s.At)
		}
	}
	return rise, over
}

// stalled judges whether anything takes what waits.
func (j *judge) stalled() {
	if j.w.Queue == nil {
		return
	}
	d := j.w.Queue.Depth
	waiting := d.Visible
	if j.stale {
		waiting = 0
	}
	if j.paused() {
		resume := "aiwctl workers resume " + j.w.ID
		if waiting > 0 {
			j.add(Reason{Stalled, "stalled: mapping disabled", aws.SeverityError, plural(waiting, "message") + " wait, and the event source mapping that would run them is " + strings.ToLower(j.w.Mapping.State), resume})
			return
		}
		j.add(Reason{Paused, "paused: mapping disabled", aws.SeverityWarning, "its event source mapping is " + strings.ToLower(j.w.Mapping.State) + "; nothing waits", resume})
		return
	}
	if waiting == 0 || d.InFlight > 0 {
		return
	}
	// The least that all readings of the span have in common.
	var seen []Sample
	for _, s := range slices.Backward(j.samples) {
		if s.Visible < 0 {
			continue
		}
		if s.Visible == 0 || s.InFlight > 0 {
			break
		}
		seen = append(seen, s)
		if j.Now.Sub(s.At) >= stallSpan {
			break
		}
	}
	if len(seen) < stallPoints || seen[0].At.Sub(seen[len(seen)-1].At) < stallSpan-30*time.Second || seen[0].Visible < seen[len(seen)-1].Visible {
		return
	}
	told := seen[len(seen)-1].InFlight >= 0
	if j.fresh {
		since := j.m.At.Add(-failWindow / 3)
		if n, known := j.m.Queue.Deleted.Sum(since); known {
			if n > 0 {
				return
			}
			told = true
		}
		if n, known := j.m.Function.Invocations.Sum(since); known {
			if n > 0 {
				return
			}
			told = true
		}
	}
	if !told {
		return // depths of which only the visible part is known
	}
	over := j.Now.Sub(seen[len(seen)-1].At)
	j.add(Reason{
		Stalled, "stalled: nothing is taken although " + count(waiting) + " wait", aws.SeverityError,
		"in " + span(over) + " nothing was in flight while " + count(seen[len(seen)-1].Visible) + " to " + count(waiting) + " messages waited", "aiwctl workers describe " + j.w.ID,
	})
}

// invocations judges what the function did.
func (j *judge) invocations() {
	if j.m == nil || j.w.Function == nil {
		return
	}
	f := &j.m.Function
	since := j.m.At.Add(-failWindow)
	if j.m.Since.After(since) {
		since = j.m.Since
	}
	over := span(j.m.At.Sub(since))
	n, known1 := f.Invocations.Sum(since)
	bad, known2 := f.Errors.Sum(since)
	if !known1 || !known2 {
		j.missing("CloudWatch did not tell of every invocation: failures are not judged")
	} else {
		j.failures(number(n), min(number(bad), number(n)), over, since)
	}

	since = j.m.At.Add(-throttleWindow)
	n, known1 = f.Invocations.Sum(since)
	held, known2 := f.Throttles.Sum(since)
	if !known1 || !known2 {
		j.missing("CloudWatch did not tell of every throttle: they are not judged")
		return
	}
	refused, all := number(held), number(n)+number(held)
	if refused < throttleCount || float64(refused) < was(j, Throttled, throttleShare, throttleShareEnd)*float64(all) {
		return
	}
	severity := aws.SeverityWarning
	if refused == all {
		severity = aws.SeverityError
	}
	j.add(Reason{
		Throttled, fmt.Sprintf("throttled: %s of %s invocations in %s", count(refused), count(all), span(throttleWindow)), severity,
		fmt.Sprintf("Lambda refused %s of %s in the last %s: the concurrency of the function or of the account is used up", count(refused), plural(all, "invocation"), span(throttleWindow)),
		"raise the function's reserved concurrency, or set the mapping's MaximumConcurrency below it",
	})
}

// seen says when CloudWatch was asked, where that is long ago.
func (j *judge) seen() string {
	if j.fresh {
		return ""
	}
	return ", as CloudWatch said " + span(j.Now.Sub(j.m.At)) + " ago"
}

func (j *judge) failures(n, bad int, over string, since time.Time) {
	share := 0.0
	if n > 0 {
		share = float64(bad) / float64(n)
	}
	severity := aws.SeverityWarning
	if share >= failMost {
		severity = aws.SeverityError
	}
	timeout := j.w.Function.Timeout
	if longest, ok := j.m.Function.DurationMax.Max(since); ok && bad > 0 && timeout > 0 && longest >= atTimeout*float64(timeout/time.Millisecond) {
		j.add(Reason{
			TimingOut, "timing out at " + span(timeout), severity,
			fmt.Sprintf("the longest invocation of the last %s took its whole timeout of %s; %s of %s failed", over, span(timeout), count(bad), plural(n, "invocation")),
			"aiwctl logs " + j.w.ID + " --level error",
		})
	}
	least := failCount
	if share >= failMost {
		least = failCountMany
	}
	if j.Previous.Has(Failing) {
		least = 1
	}
	if bad >= least && share >= was(j, Failing, failShare, failShareEnd) {
		j.add(Reason{
			Failing, fmt.Sprintf("failing: %s of %s invocations", count(bad), count(n)), severity,
			fmt.Sprintf("%s of %s failed in the last %s%s", count(bad), plural(n, "invocation"), over, j.seen()), "aiwctl logs " + j.w.ID + " --level error",
		})
	}
}

// age judges how long the oldest message has waited.
func (j *judge) age() {
	if j.m == nil || j.w.Queue == nil {
		return
	}
	p, ok := j.m.Queue.Oldest.Last(j.m.At.Add(-ageWindow))
	if !ok || p.Value < 0 || p.Value > 1e9 {
		return
	}
	age := time.Duration(p.Value) * time.Second
	j.verdict.Oldest = &age
	d := j.w.Queue.Depth
	if j.stale || d.Visible == 0 || age < was(j, Overdue, overdue, overdueEnd) {
		return
	}
	r := Reason{
		Overdue, "oldest waits " + span(age), aws.SeverityWarning,
		fmt.Sprintf("the oldest of %s came %s ago", plural(d.Total(), "message"), span(age)), "aiwctl logs " + j.w.ID,
	}
	if keep := j.w.Queue.Retention; keep > 0 && float64(age) >= overdueLost*float64(keep) {
		r.Severity = aws.SeverityError
		r.Evidence += fmt.Sprintf("; SQS drops messages after %s", span(keep))
	}
	j.add(r)
}

// calm says how a worker is that has nothing the matter.
func (j *judge) calm() Reason {
	d := j.w.Queue.Depth
	ran := ""
	if j.fresh {
		if n, known := j.m.Function.Invocations.Sum(j.m.At.Add(-throttleWindow)); known && number(n) > 0 {
			ran = plural(number(n), "invocation") + " in the last " + span(throttleWindow)
		} else if n, known := j.m.Queue.Deleted.Sum(j.m.At.Add(-throttleWindow)); known && number(n) > 0 {
			ran = plural(number(n), "message") + " done in the last " + span(throttleWindow)
		}
	}
	switch {
	case d.InFlight > 0:
		text := plural(d.InFlight, "message") + " in flight"
		if d.Visible > 0 {
			text += ", " + count(d.Visible) + " waiting"
		}
		return Reason{Kind: Healthy, State: "healthy", Severity: aws.SeverityOK, Evidence: join(text, ran)}
	case d.Visible > 0 && ran != "":
		return Reason{Kind: Healthy, State: "healthy", Severity: aws.SeverityOK, Evidence: join(plural(d.Visible, "message")+" waiting", ran)}
	case d.Visible > 0:
		return Reason{Kind: Waiting, State: "waiting", Severity: aws.SeverityInfo, Evidence: plural(d.Visible, "message") + " waiting"}
	case d.Delayed > 0:
		return Reason{Kind: Delayed, State: "delayed", Severity: aws.SeverityInfo, Evidence: join(plural(d.Delayed, "message")+" delayed", ran)}
	case ran != "":
		return Reason{Kind: Healthy, State: "healthy", Severity: aws.SeverityOK, Evidence: ran}
	}
	return Reason{Kind: Idle, State: "idle", Severity: aws.SeverityOK, Evidence: "nothing to do"}
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + ", " + b
}
