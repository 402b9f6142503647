// Package options is what a dispatch is sent with beside its input: job id, metadata,
// webhook, delay, mode. Each is a text that a person types, checked before anything is
// sent.
package options

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/jsonedit"
	"github.com/microfox-ai/aiwctl/tui/compose/form"
)

// The IDs of the rows.
const (
	JobID    = "job-id"
	Metadata = "metadata"
	Webhook  = "webhook-url"
	Delay    = "delay"
	Mode     = "mode"
)

// Options are the options as typed. The zero value sends a job with none.
type Options struct {
	JobID, Metadata, Webhook, Delay, Mode string
}

// Set changes an option by the ID of its row.
func (o *Options) Set(id, value string) {
	switch id {
	case JobID:
		o.JobID = value
	case Metadata:
		o.Metadata = value
	case Webhook:
		o.Webhook = value
	case Delay:
		o.Delay = value
	case Mode:
		o.Mode = value
	}
}

// Any is whether something is set that is not standard.
func (o *Options) Any() bool {
	return strings.TrimSpace(o.JobID+o.Metadata+o.Webhook+o.Delay) != "" || o.mode() != dispatch.ModeAuto
}

func (o *Options) mode() dispatch.Mode {
	if o.Mode == "" {
		return dispatch.ModeAuto
	}
	return dispatch.Mode(o.Mode)
}

// Rows are the options as rows of the form, for a worker.
func (o *Options) Rows(w aws.Worker) []form.Extra {
	says := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	}
	_, metadata := o.metadata()
	_, delay := o.delay(w)
	return []form.Extra{
		{
			ID: JobID, Label: "job id", Value: o.JobID, Empty: "a new one", Problem: says(o.jobID()),
			Help: "An id of your own. A job store takes only the first job with an id.",
		},
		{ID: Metadata, Label: "metadata", Value: o.Metadata, Empty: "none", Problem: says(metadata), Help: `A JSON object that goes along with the job, such as {"ticket": "OPS-1"}.`},
		{ID: Webhook, Label: "webhook", Value: o.Webhook, Empty: "none", Problem: says(o.webhook()), Help: "An http or https URL that is called when the job has ended. It is not kept on this machine."},
		{ID: Delay, Label: "delay", Value: o.Delay, Empty: "none", Problem: says(delay), Help: "Deliver it later: seconds, or 90s, 5m; at most 15m. The job then goes straight to the queue."},
		{
			ID: Mode, Label: "mode", Value: string(o.mode()), Choices: []string{string(dispatch.ModeAuto), string(dispatch.ModeLocal), string(dispatch.ModeRemote)},
			Help: "auto: as the stage is set up. local: only to this machine. remote: never to this machine.",
		},
	}
}

// Wrong is the ID of the first option that cannot be sent, empty when all can, and why.
func (o *Options) Wrong(w aws.Worker) (id, why string) {
	for _, row := range o.Rows(w) {
		if row.Problem != "" {
			return row.ID, row.Problem
		}
	}
	return "", ""
}

// Fill puts the options into a request. It fails on the first that cannot be sent.
func (o *Options) Fill(r *aws.DispatchRequest) error {
	if id, why := o.Wrong(r.Worker); id != "" {
		return fmt.Errorf("%s: %s", strings.ReplaceAll(id, "-", " "), why)
	}
	r.JobID, r.WebhookURL, r.Mode = strings.TrimSpace(o.JobID), strings.TrimSpace(o.Webhook), o.mode()
	r.Metadata, _ = o.metadata() // checked above
	r.Delay, _ = o.delay(r.Worker)
	return nil
}

// Flags are the options as flags of `aiwctl dispatch`.
func (o *Options) Flags() []string {
	var out []string
	add := func(flag, value string) {
		if value = strings.TrimSpace(value); value != "" {
			out = append(out, flag, value)
		}
	}
	add("--job-id", o.JobID)
	if strings.TrimSpace(o.Metadata) != "" {
		add("--metadata", compact(o.Metadata))
	}
	add("--webhook-url", o.Webhook)
	if d, err := parseDelay(o.Delay); err == nil && d > 0 {
		add("--delay", d.String())
	}
	if o.mode() != dispatch.ModeAuto {
		add("--mode", string(o.mode()))
	}
	return out
}

func compact(text string) string {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return text
	}
	return b.String()
}

func (o *Options) jobID() error {
	if strings.ContainsFunc(strings.TrimSpace(o.JobID), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return errors.New("an id has neither blanks nor control characters")
	}
	if len(o.JobID) > 256 {
		return errors.New("an id has at most 256 bytes")
	}
	return nil
}

func (o *Options) metadata() (map[string]any, error) {
	if strings.TrimSpace(o.Metadata) == "" {
		return nil, nil
	}
	if _, err := jsonedit.Parse(o.Metadata); err != nil {
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	dec := json.NewDecoder(strings.NewReader(o.Metadata))
	dec.UseNumber() // nothing is rounded
	var out map[string]any
	if err := dec.Decode(&out); err != nil && !errors.Is(err, io.EOF) || out == nil {
		return nil, errors.New(`must be a JSON object, such as {"ticket": "OPS-1"}`)
	}
	return out, nil
}

func (o *Options) webhook() error {
	text := strings.TrimSpace(o.Webhook)
	if text == "" {
		return nil
	}
	if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("must be an http or https URL")
	}
	return nil
}

func (o *Options) delay(w aws.Worker) (time.Duration, error) {
	d, err := parseDelay(o.Delay)
	switch {
	case err != nil || d == 0:
		return 0, err
	case w.Queue != nil && w.Queue.FIFO:
		return 0, errors.New("a FIFO queue has no delay for one message")
	case w.Queue == nil && w.ID != "":
		return 0, errors.New("only a queue can delay, and this worker's was not found")
	}
	return d, nil
}

func parseDelay(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if n, nerr := strconv.Atoi(text); nerr == nil && n <= 1<<20 {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil {
		return 0, errors.New("want seconds, or a duration such as 90s or 5m")
	}
	if d < 0 || d > dispatch.MaxDelay {
		return 0, fmt.Errorf("SQS allows 0 to %d seconds", int(dispatch.MaxDelay.Seconds()))
	}
	return d, nil
}
