package logs

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// MomentKind is what a line tells of a job beside its beginning and its ends.
type MomentKind int

// The kinds of moment.
const (
	// MomentTry: the handler failed and is called again within the same delivery.
	MomentTry MomentKind = iota + 1
	// MomentWebhook: the completion callback was tried, or given up.
	MomentWebhook
	// MomentStep: a step of the queue (TypeScript) that the job belongs to changed.
	MomentStep
)

// Moment is such a thing. Its texts are free of control characters.
type Moment struct {
	Kind MomentKind
	// Try of Tries failed (MomentTry): the next one begins after Delay. Zero: unknown.
	Try, Tries int
	Delay      time.Duration
	// Delivered, Pending (it will be tried again) and the rest belong to MomentWebhook.
	// URL is without its secrets; Status zero: no answer, or unknown.
	Delivered, Pending bool
	URL                string
	Status, Attempts   int
	// Error is why, as far as the line says.
	Error dispatch.JobError
	// Text is the line in words.
	Text string
}

// Moment tells what the line says of its job beside its beginning and its ends; ok is
// false for most lines.
func (l *Line) Moment() (m Moment, ok bool) {
	switch {
	case l.Event != nil && l.Event.Event == dispatch.EventWebhook:
		return l.webhookMoment(), true
	case l.Event != nil:
		return Moment{}, false
	case strings.HasPrefix(l.Text, "[Worker] Webhook callback "):
		return l.callbackMoment(), true
	case strings.HasPrefix(l.Text, "[Worker] Queue job step updated"):
		_, dump, _ := strings.Cut(l.Text, "{")
		f := inspectFields(dump, "queueId", "queueJobId", "status")
		return Moment{Kind: MomentStep, Text: Sanitize("queue "+f["queueId"]+", run "+f["queueJobId"]+": the step is "+f["status"], false)}, true
	}
	if m, ok = l.retryMoment(); ok {
		return m, true
	}
	return l.tryMoment()
}

// webhookMoment reads an event of ours, whose fields beside dispatch.JobEvent's stand
// in the line.
func (l *Line) webhookMoment() Moment {
	var f struct {
		URL      string `json:"webhookUrl"`
		Status   int    `json:"webhookStatus"`
		Attempts int    `json:"webhookAttempts"`
	}
	_ = json.Unmarshal([]byte(l.Raw), &f) // what cannot be read stays zero
	m := Moment{
		Kind: MomentWebhook, URL: Sanitize(f.URL, false), Status: f.Status, Attempts: f.Attempts, Text: l.Event.Message,
		Delivered: l.Event.Message == "webhook delivered",
		Pending:   strings.HasPrefix(l.Event.Message, "webhook not delivered yet") || strings.HasPrefix(l.Event.Message, "webhook put off"),
	}
	if l.Event.Error != nil {
		m.Error = *l.Event.Error
	}
	return m
}

// callbackMoment reads the TypeScript runtime's line; it tries once.
func (l *Line) callbackMoment() Moment {
	sentence, dump, _ := strings.Cut(strings.TrimPrefix(l.Text, "[Worker] "), "{")
	f := inspectFields(dump, "error", "statusText", "webhookUrl")
	m := Moment{
		Kind: MomentWebhook, Attempts: 1, URL: Sanitize(f["webhookUrl"], false), Error: dispatch.JobError{Message: Sanitize(f["error"], true)},
		Text: strings.TrimSuffix(strings.TrimSpace(sentence), ":"),
	}
	m.Delivered = strings.HasPrefix(m.Text, "Webhook callback successful")
	if m.Error.Message == "" && !m.Delivered {
		m.Error.Message = Sanitize(f["statusText"], true)
	}
	if _, after, found := strings.Cut(dump, "status: "); found {
		n := 0
		for n < len(after) && n < 3 && after[n] >= '0' && after[n] <= '9' {
			n++
		}
		m.Status, _ = strconv.Atoi(after[:n]) // not a number: zero
	}
	return m
}

// retryMoment reads "[worker-retry] Retrying handler (attempt 2/3): boom delayMs=1000"
// of the TypeScript runtime, which names the try that is to come.
func (l *Line) retryMoment() (Moment, bool) {
	_, rest, ok := strings.Cut(l.Text, " (attempt ")
	if !ok || !strings.HasPrefix(l.Text, "[worker-retry] Retrying ") && !strings.HasPrefix(l.Text, "[queue-retry] Retrying ") {
		return Moment{}, false
	}
	which, why, ok := strings.Cut(rest, "): ")
	n, of, ok2 := strings.Cut(which, "/")
	try, err := strconv.Atoi(n)
	if !ok || !ok2 || err != nil {
		return Moment{}, false
	}
	m := Moment{Kind: MomentTry, Try: try - 1}
	m.Tries, _ = strconv.Atoi(of) // not a number: unknown
	why, delay, found := cutLast(why, " delayMs=")
	if ms, err := strconv.ParseFloat(delay, 64); found && err == nil && ms >= 0 && ms < 1e9 {
		m.Delay = time.Duration(ms * float64(time.Millisecond))
	}
	m.Error.Message, m.Text = why, why
	return m, true
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// tryMoment reads our "try 1 of 4 failed (busy), the next one starts in 1s: ...".
func (l *Line) tryMoment() (Moment, bool) {
	if !strings.HasPrefix(l.Text, "try ") || !strings.HasPrefix(l.Raw, "{") || l.JobID == "" {
		return Moment{}, false
	}
	var f struct {
		Message string             `json:"msg"`
		Pattern string             `json:"pattern"`
		Try     int                `json:"try"`
		DelayMS float64            `json:"delayMs"`
		Error   *dispatch.JobError `json:"error"`
	}
	if json.Unmarshal([]byte(l.Raw), &f) != nil || f.Pattern == "" || f.Try < 1 || f.DelayMS < 0 || f.DelayMS > 1e9 {
		return Moment{}, false
	}
	m := Moment{Kind: MomentTry, Try: f.Try, Delay: time.Duration(f.DelayMS * float64(time.Millisecond)), Text: Sanitize(f.Message, false)}
	if _, rest, ok := strings.Cut(f.Message, " of "); ok {
		n, _, _ := strings.Cut(rest, " ")
		m.Tries, _ = strconv.Atoi(n) // not a number: unknown
	}
	if f.Error != nil {
		m.Error = dispatch.JobError{Name: Sanitize(f.Error.Name, false), Message: Sanitize(f.Error.Message, true)}
	}
	return m, true
}
