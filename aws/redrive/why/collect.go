package why

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/logs"
)

// The bounds of what is remembered between lines. An invocation lasts 15 minutes
// at most, so what is forgotten for others is long over, unless a log is made to
// be hostile.
const (
	maxRuns    = 16_384 // requests that run wanted jobs
	maxOrphans = 1_024  // ends of requests that run none, as far as is known
	maxWords   = 4_096  // log streams and the error printed last
	maxTexts   = 4_096  // texts that several failures share
	// maxBatch is SQS's largest batch for a function.
	maxBatch = 10_000
)

// lastWordsAge is how long before the end of an invocation an error may have
// been printed that names no request and is still taken for its cause.
const lastWordsAge = 10 * time.Second

// collector joins lines to the jobs that are asked for, in memory that grows
// with these jobs only.
type collector struct {
	ids      []string // in the order asked for, each once
	nameless int
	from, to time.Time // the earliest and the latest that matters; a zero from: no bound
	asked    struct{ from, to time.Time }

	mu      sync.Mutex
	jobs    map[string]*jobState // by the id as it stands in a Line
	runs    recent[*run]         // by request id
	orphans recent[finding]      // by request id
	words   recent[lastWords]    // by log stream
	texts   map[string]string
}

// run is an invocation and the wanted jobs of it.
type run struct{ jobs []*jobState }

// lastWords is an error that was printed, and might be what ends the invocation.
type lastWords struct {
	finding
	requestID string
}

func newCollector(jobs []Job, now time.Time) *collector {
	c := &collector{
		jobs: make(map[string]*jobState, len(jobs)), texts: map[string]string{},
		runs: recent[*run]{most: maxRuns}, orphans: recent[finding]{most: maxOrphans}, words: recent[lastWords]{most: maxWords},
	}
	first := true
	for _, j := range jobs {
		key := oneLine(j.ID)
		if key == "" {
			c.nameless++
			continue
		}
		to := j.To
		if to.IsZero() || to.After(now) {
			to = now
		}
		from := j.From
		if from.After(to) {
			from = to
		}
		if first || from.Before(c.asked.from) {
			c.asked.from = from
		}
		if first || to.After(c.asked.to) {
			c.asked.to = to
		}
		first = false
		if !from.IsZero() {
			from = from.Add(-skew)
		}
		c.want(key, j.ID, from, to.Add(skew))
	}
	if c.from = c.asked.from; !c.from.IsZero() {
		c.from = c.from.Add(-skew)
	}
	c.to = c.asked.to.Add(skew)
	return c
}

// want adds a job. Several letters may be of one job.
func (c *collector) want(key, id string, from, to time.Time) {
	j := c.jobs[key]
	if j == nil {
		j = &jobState{from: from, to: to}
		c.jobs[key] = j
	}
	if from.Before(j.from) {
		j.from = from
	}
	if to.After(j.to) {
		j.to = to
	}
	if !slices.Contains(j.ids, id) {
		j.ids = append(j.ids, id)
		c.ids = append(c.ids, id)
	}
}

// observe takes lines in, those of one log group in order of time.
func (c *collector) observe(lines []logs.Line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range lines {
		c.line(&lines[i])
	}
}

func (c *collector) line(l *logs.Line) {
	j := c.jobs[l.JobID]
	if j != nil && !j.covers(l.Time) {
		j = nil
	}
	if j != nil {
		j.seen = true
		if l.Runs() && l.RequestID != "" {
			c.runsIn(j, l.RequestID)
		}
	}
	e, tells := l.Ending()
	switch {
	case !tells:
	case e.How == logs.HowThrew:
		c.threw(l, &e)
	case e.Whole:
		c.whole(l, &e)
	case j != nil:
		c.own(j, l, &e)
	}
	if j != nil && l.Event != nil && l.Event.Attempt > 0 {
		j.attempted(l.RequestID, l.Event.Attempt)
	}
}

// runsIn notes that a request runs a job.
func (c *collector) runsIn(j *jobState, requestID string) {
	if j.run == requestID {
		return
	}
	requestID = strings.Clone(requestID)
	j.run = requestID
	r, ok := c.runs.get(requestID)
	if !ok {
		r = &run{}
		c.runs.put(requestID, r)
	}
	if len(r.jobs) < maxBatch {
		r.jobs = append(r.jobs, j)
	}
	// Within one millisecond CloudWatch may turn lines around.
	if f, ok := c.orphans.get(requestID); ok {
		j.fail(&f, j.over == requestID)
	}
}

// own is what a line says of its own job.
func (c *collector) own(j *jobState, l *logs.Line, e *logs.Ending) {
	if e.Stored != "" && !l.Time.Before(j.statusAt) {
		j.status, j.statusAt = e.Stored, l.Time
	}
	switch e.How {
	case logs.HowFailed:
		f := c.finding(l, e, KindError, rankOwn)
		j.fail(&f, false)
	case logs.HowCompleted, logs.HowDeferred, logs.HowSkipped:
		if l.RequestID != "" {
			j.over = strings.Clone(l.RequestID)
		}
		if e.Error.Message != "" {
			f := c.finding(l, e, KindError, rankOwn)
			j.fail(&f, true)
		}
	case logs.HowUnsaid, logs.HowTimedOut, logs.HowCrashed, logs.HowThrew:
	}
}

// whole is the failure of an invocation: of each of its jobs.
func (c *collector) whole(l *logs.Line, e *logs.Ending) {
	if l.RequestID == "" {
		return
	}
	kind, rank := KindError, rankPrinted
	named := e.Error.Name != ""
	switch {
	case e.How == logs.HowTimedOut && l.Kind == logs.KindReport:
		kind, rank = KindTimeout, rankReport
	case e.How == logs.HowTimedOut:
		kind, rank = KindTimeout, rankTimeout
	case e.How == logs.HowCrashed && l.Kind == logs.KindReport:
		kind, rank = KindCrash, rankReport
	case e.How == logs.HowCrashed && !named:
		kind, rank = KindCrash, rankCrash
	case e.How == logs.HowCrashed:
		kind = KindCrash
	}
	r, ok := c.runs.get(l.RequestID)
	f := c.finding(l, e, kind, rank)
	if kind == KindCrash && rank < rankPrinted {
		c.explain(l, &f)
	}
	if !ok {
		c.orphans.put(f.RequestID, f)
		return
	}
	for _, j := range r.jobs {
		if j.covers(l.Time) {
			j.fail(&f, j.over == l.RequestID)
		}
	}
}

// threw remembers an error that a stream shows: the latest, but of panics in a row
// the first, since what a program prints while it goes down follows from that.
func (c *collector) threw(l *logs.Line, e *logs.Ending) {
	key := l.Group + "\x00" + l.Stream
	was, ok := c.words.get(key)
	if ok && was.Name == "" && was.requestID == l.RequestID && l.Time.Sub(was.At) < lastWordsAge {
		return
	}
	f := c.finding(l, e, KindCrash, rankPrinted)
	c.words.put(key, lastWords{finding: f, requestID: f.RequestID})
}

// explain gives the end of an invocation the error that was printed before it.
func (c *collector) explain(l *logs.Line, f *finding) {
	w, ok := c.words.get(l.Group + "\x00" + l.Stream)
	switch {
	case !ok, w.At.After(l.Time):
	case w.requestID == l.RequestID, w.requestID == "" && l.Time.Sub(w.At) <= lastWordsAge:
		f.Name, f.Message, f.Stack, f.rank = w.Name, w.Message, w.Stack, rankPrinted
	}
}

// finding is what a line tells, with texts of their own: a line is long, and
// must not be kept for a word of it.
func (c *collector) finding(l *logs.Line, e *logs.Ending, kind Kind, rank int) finding {
	if kind == KindError {
		kind = kindOf(e.Error.Name)
	}
	return finding{rank: rank, outOfMemory: e.OutOfMemory, Failure: Failure{
		Kind: kind, Name: c.text(oneLine(e.Error.Name), MaxName), Message: c.text(e.Error.Message, MaxMessage),
		Stack: c.text(e.Error.Stack, MaxStack), RequestID: strings.Clone(l.RequestID), Attempt: e.Attempt, At: l.Time, Via: ViaLogs,
	}}
}

// text cuts a text, and returns the same memory for the same text.
func (c *collector) text(s string, most int) string {
	s = cut(s, most)
	if same, ok := c.texts[s]; ok {
		return same
	}
	s = strings.Clone(s)
	if len(c.texts) < maxTexts {
		c.texts[s] = s
	}
	return s
}

// outOfMemoryHint stands behind the message of a process that was killed.
const outOfMemoryHint = " (all of its memory was in use)"

// found is the outcome of all lines.
func (c *collector) found() Found {
	out := Found{Failures: map[string]Failure{}, Status: map[string]string{}}
	for _, j := range c.jobs {
		f := j.best
		if f.rank == 0 {
			f = j.spare
		}
		if f.outOfMemory && f.Kind == KindCrash && f.rank < rankPrinted {
			f.Message = c.text(f.Message+outOfMemoryHint, MaxMessage)
		}
		for _, id := range j.ids {
			if f.rank > 0 {
				f.JobID = oneLine(id)
				out.Failures[id] = f.Failure
			}
			if j.status == StatusCompleted || j.status == StatusFailed {
				out.Status[id] = j.status
			}
		}
	}
	return out
}

// notes say which jobs the logs know nothing of. read is false when no log group
// could be read, early true when the search ended before its end.
func (c *collector) notes(read, early bool) []string {
	if !read {
		return nil
	}
	unseen, unsaid := 0, 0
	for _, j := range c.jobs {
		switch {
		case !j.seen:
			unseen++
		case j.best.rank == 0 && j.spare.rank == 0:
			unsaid++
		}
	}
	between := "before " + moment(c.asked.to)
	if !c.asked.from.IsZero() {
		between = "between " + moment(c.asked.from) + " and " + moment(c.asked.to)
	}
	of := count(len(c.jobs), "job")
	var notes []string
	if unseen > 0 {
		because := ": never started, or logged elsewhere, or its lines have expired"
		if early {
			because = ", in what was read"
		}
		notes = append(notes, fmt.Sprintf("no log line of %d of %s %s%s", unseen, of, between, because))
	}
	if unsaid > 0 {
		notes = append(notes, fmt.Sprintf("%d of %s left log lines %s, and none tells of a failure", unsaid, of, between))
	}
	return notes
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
