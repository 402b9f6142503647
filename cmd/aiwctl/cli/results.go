package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/redrive"
)

// resultsMost is how many problems a table shows; it shows successes too when there
// are few results.
const (
	resultsMost = 50
	resultsFew  = 20
)

// results prints what becomes of messages while it becomes known: a line each with
// -o jsonl, an element each with -o json; a table at the end shows the first few,
// those before others that are no success.
type results struct {
	a       *App
	verb    string // "replayed", "deleted", "imported"
	success string
	n       int
	kept    []redrive.Result // for a table or YAML
	failed  error            // of the output; the moving goes on
}

func (a *App) newResults(verb string) *results { return &results{a: a, verb: verb, success: verb} }

func (r *results) write(text string) {
	if r.failed == nil {
		_, r.failed = io.WriteString(r.a.Out, text)
	}
}

// add takes one result; it is called from one goroutine at a time.
func (r *results) add(res redrive.Result) {
	r.n++
	switch r.a.format() {
	case formatJSONL, formatJSON:
		line, err := compactJSON(res)
		if err != nil {
			r.failed = err
			return
		}
		switch {
		case r.a.format() == formatJSONL:
			r.write(string(line) + "\n")
		case r.n == 1:
			r.write("{\n  \"results\": [\n    " + string(line))
		default:
			r.write(",\n    " + string(line))
		}
	case formatYAML:
		r.kept = append(r.kept, res)
	case formatTable:
		if r.n <= resultsFew || res.Status != r.success {
			r.kept = append(r.kept, res)
		}
		if len(r.kept) > resultsFew+resultsMost {
			r.kept = r.shown()
		}
	}
}

// shown are the results that a table shows.
func (r *results) shown() []redrive.Result {
	var out []redrive.Result
	for _, res := range r.kept {
		if len(out) < resultsMost && (r.n <= resultsFew || res.Status != r.success) {
			out = append(out, res)
		}
	}
	return out
}

// end prints the report. With -o jsonl the summary goes to standard error, since
// every line of the output is a message.
func (r *results) end(report redrive.Report) error {
	summary := r.summary(report)
	switch r.a.format() {
	case formatJSONL:
		fmt.Fprintln(r.a.Err, "aiwctl: "+summary)
	case formatJSON:
		body, err := compactJSON(report)
		if err != nil {
			return err
		}
		if r.n == 0 {
			r.write("{\n  \"results\": [")
		} else {
			r.write("\n  ")
		}
		r.write("],\n  " + strings.TrimPrefix(string(body), "{") + "\n")
	case formatYAML:
		if r.failed == nil {
			r.failed = r.a.print(struct {
				Results []redrive.Result `json:"results"`
				redrive.Report
			}{append([]redrive.Result{}, r.kept...), report}, nil)
		}
	case formatTable:
		if r.failed == nil {
			r.failed = r.a.print(nil, func(t *tableWriter) { r.table(t, summary, report.Failed+report.Skipped) })
		}
	}
	if r.failed != nil {
		return fmt.Errorf("%s, but the output could not be written: %w", summary, r.failed)
	}
	return nil
}

func (r *results) table(t *tableWriter, summary string, bad int) {
	shown := r.shown()
	if len(shown) > 0 {
		t.row("MESSAGE", "JOB", "STATUS", "NEW MESSAGE", "NEW JOB", "ERROR")
	}
	for _, res := range shown {
		t.row(res.ID, orDash(res.JobID), res.Status, orDash(res.NewID), orDash(res.NewJobID), oneLine(res.Error, 160))
	}
	if more := bad - len(shown); more > 0 && r.n > resultsFew {
		t.line(fmt.Sprintf("and %d more that were not %s; -o jsonl has them all", more, r.verb))
	}
	t.line(summary)
}

// summary is the report in a sentence.
func (r *results) summary(report redrive.Report) string {
	text := fmt.Sprintf("%d %s, %d failed", report.Replayed, r.verb, report.Failed)
	if report.Skipped > 0 {
		text += fmt.Sprintf(", %d skipped", report.Skipped)
	}
	if report.Before > 0 {
		text += fmt.Sprintf(", %d %s before", report.Before, r.verb)
	}
	if report.Unseen > 0 {
		text += fmt.Sprintf(", %d not seen", report.Unseen)
	}
	if report.CameBack != nil {
		text += fmt.Sprintf(", %d came back", *report.CameBack)
	}
	if report.Export != "" {
		text += "; they are in " + plain(report.Export)
	}
	return text
}
