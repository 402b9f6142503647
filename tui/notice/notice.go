// Package notice draws the states of a panel that has no data to show, or old
// data: waiting, empty, failed. Each says what is the matter and what to do.
package notice

import (
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/theme"
)

const margin = "  "

// Waiting says what is being waited for, and for how long already.
func Waiting(t *theme.Theme, what, detail string, since time.Duration, width, height int) string {
	head := t.Info.Render(theme.GlyphBusy) + " " + what
	if since >= 2*time.Second {
		head += t.Faint.Render("  " + cell.Age(since))
	}
	lines := []string{"", margin + head}
	for _, line := range cell.Wrap(detail, width-6) {
		lines = append(lines, margin+"  "+t.Dim.Render(line))
	}
	return cell.Box(lines, width, height)
}

// Empty says that there is nothing, and what can be done. Texts must be clean.
func Empty(t *theme.Theme, what string, advice []string, width, height int) string {
	lines := []string{"", margin + t.Bold.Render(what), ""}
	for _, text := range advice {
		for _, line := range cell.Wrap(text, width-4) {
			lines = append(lines, margin+t.Dim.Render(line))
		}
	}
	return cell.Box(lines, width, height)
}

// Failed says what could not be done, why, and what to do about it.
func Failed(t *theme.Theme, what string, err error, advice string, width, height int) string {
	kind, hint := aws.Classify(err)
	head := t.Bad.Render(theme.GlyphFailed + " " + what)
	if kind != aws.KindNone && kind != aws.KindOther {
		head += t.Dim.Render(" " + theme.GlyphDot + " " + string(kind))
	}
	lines := []string{"", margin + head, ""}
	for _, line := range cell.Wrap(cell.Clean(err.Error()), width-6) {
		lines = append(lines, margin+"  "+line)
	}
	if hint != "" {
		lines = append(lines, "")
		for _, line := range cell.Wrap(cell.Clean(hint), width-6) {
			lines = append(lines, margin+"  "+t.Warn.Render(line))
		}
	}
	if advice != "" {
		lines = append(lines, "")
		for _, line := range cell.Wrap(advice, width-6) {
			lines = append(lines, margin+"  "+t.Dim.Render(line))
		}
	}
	return cell.Box(lines, width, height)
}

// Lines says what failed while old data is still shown, in at most most lines,
// each width cells wide. What to do about it comes last and is not left out.
func Lines(t *theme.Theme, err error, width, most int) []string {
	kind, hint := aws.Classify(err)
	text := cell.Clean(err.Error())
	if kind != aws.KindNone && kind != aws.KindOther {
		text = string(kind) + ": " + text
	}
	var advice []string
	if hint != "" && most > 1 {
		advice = limited(cell.Clean(hint), width-4, max(1, (most-1)/2))
	}
	var lines []string
	for i, part := range limited(text, width-4, max(1, most-len(advice))) {
		head := "   "
		if i == 0 {
			head = " " + theme.GlyphFailed + " "
		}
		lines = append(lines, cell.Fit(t.Bad.Render(head+part), width))
	}
	for _, part := range advice {
		lines = append(lines, cell.Fit("   "+t.Warn.Render(part), width))
	}
	return lines
}

// limited wraps text into at most most lines; the last one says when something
// was left out.
func limited(text string, width, most int) []string {
	lines := cell.Wrap(text, width)
	if len(lines) > most {
		lines = append(lines[:most-1:most-1], cell.Cut(strings.Join(lines[most-1:], " "), width))
	}
	return lines
}
