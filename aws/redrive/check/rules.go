package check

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/dispatch"
)

const (
	// queueField marks the input or the metadata of a job that is a step of a queue run
	// of the TypeScript system.
	queueField = "__workerQueue"
	// callbackField marks a message of this project's runtime that carries a completion
	// webhook and no job. Known here by name: aws does not import runtime.
	callbackField = "webhookDelivery"
)

func (c *Checker) tooLarge(l *letter.Letter) (Problem, bool) {
	size := l.Size()
	if size <= c.opts.DestinationMaxBytes {
		return Problem{}, false
	}
	return Problem{
		Kind: KindTooLarge, Blocks: true,
		Text: fmt.Sprintf("with its attributes it has %d bytes, and the queue takes %d", size, c.opts.DestinationMaxBytes),
		Hint: HintEditMessage,
	}, true
}

func (c *Checker) notAJob(l *letter.Letter) (Problem, bool) {
	p := Problem{Kind: KindNotAJob, Blocks: true, Hint: HintEditMessage}
	switch {
	case !isObject(l.Body):
		// JSON.parse, or reading context of what it gives, throws in one runtime; the other
		// says for good that the message is not a job. Other programs may want it so.
		p.Blocks = c.runtime != unknown
		p.Text = "its body is not a JSON object: every worker fails at it, and it would die again"
		if !p.Blocks {
			p.Text = "its body is not a JSON object, and so not a job of this system"
		}
	case c.runtime == ours:
		p.Text = "its jobId or workerId is neither a text nor a number: the worker refuses it, and it would die again"
	default:
		// JavaScript makes a text of any value.
		p.Blocks = false
		p.Text = "its jobId or workerId is neither a text nor a number: " +
			c.ifTypeScript("the job would run and be recorded under an id that no other job should have")
	}
	return p, true
}

func isObject(body string) bool {
	trimmed := strings.TrimLeft(body, " \t\r\n")
	return strings.HasPrefix(trimmed, "{") && json.Valid([]byte(trimmed))
}

func (c *Checker) isCallback(m *dispatch.Message) bool {
	_, is := m.Extra[callbackField]
	return is && c.runtime != typescript
}

// callback is a webhook that is to be tried again. Its job id is sealed.
func (c *Checker) callback(is bool, f Facts) (Problem, bool) {
	return Problem{
		Kind: KindCallback, Blocks: true,
		Text: "it carries the webhook of a job that has ended, which a replay tries to deliver again: under another job id the worker refuses it, and it would die again",
		Hint: "send it without --new-job-id",
	}, is && f.NewJobID
}

func (c *Checker) wrongWorker(m *dispatch.Message) (Problem, bool) {
	id := short(m.WorkerID)
	p := Problem{Kind: KindWrongWorker, Hint: "send it to that worker's queue"}
	switch {
	case m.WorkerID == "" && c.runtime == ours && c.serves == "":
		return Problem{
			Kind: KindNoWorkerID, Blocks: true, Hint: HintEditMessage,
			Text: "it names no worker, and the function runs whichever worker the message names: the worker refuses it, and it would die again",
		}, true
	case m.WorkerID == "" || c.serves == m.WorkerID:
		return p, false
	case c.runtime == ours && c.serves != "":
		p.Blocks = true
		p.Text = fmt.Sprintf("it is for worker %q, and this is the queue of worker %q: the worker refuses it, and it would die again", id, short(c.serves))
	case c.runtime == ours:
		// The function runs whom the message names, if the program has it.
		if m.WorkerID == c.worker.ID {
			return p, false
		}
		p.Text = fmt.Sprintf("it is for worker %q, and this is the queue of worker %q: the function runs it as that worker, or refuses it when its program has none of that name", id, short(c.worker.ID))
	case c.serves == "":
		return p, false // what the worker's id is, nobody says
	default:
		p.Text = fmt.Sprintf("it is for worker %q, and this is the queue of worker %q: ", id, short(c.serves)) +
			c.ifTypeScript("it would run as this worker all the same, and be recorded under the other's name")
	}
	return p, true
}

func (c *Checker) noContext(m *dispatch.Message) (Problem, bool) {
	// Of a context that is no object the TypeScript runtime reads a property, finds none
	// and goes on.
	if _, other := m.Extra["context"]; m.Context != nil || other || c.runtime == ours {
		return Problem{}, false
	}
	return Problem{
		Kind: KindNoContext, Blocks: c.runtime == typescript && c.isOfSystem(m),
		Text: "it has no context: " + c.ifTypeScript("the runtime fails before it has logged or recorded the job, and the message would die again"),
		Hint: `add "context":{} to the message: aiwctl dlq export`,
	}, true
}

// isOfSystem is whether a message for a Node function is a job of the TypeScript
// system, and not something that another program sends to a function of its own.
func (c *Checker) isOfSystem(m *dispatch.Message) bool {
	return m.WorkerID != "" || m.JobID != "" || c.worker.InputSchema != nil
}

func (c *Checker) noJobID(m *dispatch.Message, f Facts) (Problem, bool) {
	if m.JobID != "" || f.NewJobID {
		return Problem{}, false
	}
	p := Problem{Kind: KindNoJobID, Hint: HintNewJobID}
	if c.runtime == ours {
		p.Text = "it has no job id: the job would run under the id of its new message, which nothing links with this letter"
	} else {
		p.Blocks = c.runtime == typescript && c.isOfSystem(m)
		p.Text = "it has no job id: " + c.ifTypeScript(`the job is recorded under the name "undefined", as all such jobs are, and skipped when one of them has ended before`)
	}
	return p, true
}

// recorded is a job that has come to its end, as far as is known.
func (c *Checker) recorded(m *dispatch.Message, f Facts) (Problem, bool) {
	if f.NewJobID || m.JobID == "" {
		return Problem{}, false
	}
	switch f.Status {
	case StatusFailed:
		// This project's runtime claims a failed job again: see runtime/jobstore.
		return Problem{
			Kind: KindSwallowed, Blocks: c.runtime == typescript, Hint: HintNewJobID,
			Text: "its job is recorded as failed: " + c.ifTypeScript("the runtime skips a job with such a record, and SQS deletes the message as if it had run"),
		}, c.runtime != ours
	case StatusCompleted:
		p := Problem{Kind: KindCompleted, Blocks: true, Hint: HintRunAgain}
		p.Text = "its job is recorded as completed: the worker skips it, and SQS deletes the message"
		if c.runtime == ours && m.WebhookURL != "" {
			p.Text = "its job is recorded as completed: the worker does not run it, sends its webhook if that was never delivered, and SQS deletes the message"
		}
		return p, true
	}
	return Problem{}, false
}

// shownViolations is how many are spelt out.
const shownViolations = 2

// invalidInput judges as aws.Stage does before a dispatch.
func (c *Checker) invalidInput(m *dispatch.Message) (Problem, bool) {
	input := m.Input
	if len(input) == 0 {
		input = json.RawMessage("{}")
	}
	var said []string
	total, onlyUnknown := 0, true
	for _, v := range c.schema.Validate(input) {
		if v.Warning {
			continue
		}
		total += max(v.More, 1)
		onlyUnknown = onlyUnknown && v.Keyword == "additionalProperties"
		if v.More == 0 && len(said) < shownViolations {
			said = append(said, violation(v))
		}
	}
	if total == 0 {
		return Problem{}, false
	}
	if left := total - len(said); left > 0 {
		said = append(said, fmt.Sprintf("and %d more", left))
	}
	p := Problem{
		Kind: KindInvalidInput, Blocks: true, Hint: HintEditInput,
		Text: "its input does not fit the schema: " + strings.Join(said, "; "),
	}
	switch {
	case c.runtime == typescript:
		p.Text += "; the runtime does not check it, and the handler would get it as it is"
	case c.runtime == ours && onlyUnknown:
		// A schema that was inferred from a type is published closed, and applied open.
		p.Blocks = false
		p.Text += "; a worker whose schema follows from its types drops what it does not know and runs"
	}
	return p, true
}

func violation(v dispatch.Violation) string {
	if v.Pointer == "" {
		return v.Message
	}
	return short(clean(v.Pointer)) + ": " + v.Message
}

// queueStep is a job of a queue run, whose row knows it by its job id.
func (c *Checker) queueStep(l *letter.Letter, f Facts) (Problem, bool) {
	return Problem{
		Kind: KindQueueStep,
		Text: "it is a step of a queue run: under a new job id it runs, and the run's row for this step keeps the old one",
	}, f.NewJobID && isQueueStep(l)
}

func isQueueStep(l *letter.Letter) bool {
	if _, is := l.Message.Metadata[queueField]; is {
		return true
	}
	// Reading the input costs more than all else here; few have the word in it.
	if !strings.Contains(string(l.Message.Input), queueField) {
		return false
	}
	var input map[string]json.RawMessage
	if json.Unmarshal(l.Message.Input, &input) != nil {
		return false
	}
	_, is := input[queueField]
	return is
}

// short keeps an id of somebody else's from filling the screen.
func short(id string) string {
	const most = 100
	if r := []rune(id); len(r) > most {
		return string(r[:most]) + "..."
	}
	return id
}

// clean takes out what acts on a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
