package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/doctor"
)

type doctorFlags struct {
	policy string
}

func (a *App) newDoctor() *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out why a stage cannot be read or acted upon",
		Long: "Find out why a stage cannot be read or acted upon: the network and the clock, the credentials, every permission, " +
			"how the workers are set up, the workers API, and this machine.\n\n" +
			"It changes nothing: reads are tried on a few of the stage's resources, and what would write or receive a message is " +
			"asked of IAM's policy simulator instead, where iam:SimulatePrincipalPolicy is allowed. It ends within 15 seconds, " +
			"even when nothing answers.\n\n" +
			"What is denied is printed as an IAM policy. --policy prints the least policy for this stage and nothing else: `read` to " +
			"see it, `act` to see it and to dispatch, replay, delete and pause, `push` to deploy, roll back and remove it (with --service; each action is explained on standard error).\n\n" +
			"Exit codes: 0 nothing worse than a warning, 1 an error was found, 2 no region is named, 4 no valid credentials or a permission to read is " +
			"denied, 5 no error, but a check ended without an answer, 130 interrupted. What is left out on purpose (\"not tried\") " +
			"and what is missing only for acting do not count as errors.",
		Example: "aiwctl doctor\naiwctl doctor -o json\naiwctl doctor --policy read > policy.json",
		Args:    takes(0, 0, ""),
		RunE:    a.run(func(ctx context.Context, _ []string) error { return a.doctor(ctx, &f) }),
	}
	cmd.Flags().StringVar(&f.policy, "policy", "", "print only the least IAM policy: read, act or push")
	must(cmd.RegisterFlagCompletionFunc("policy", cobra.FixedCompletions(
		[]string{string(doctor.Read), string(doctor.Act), string(doctor.Push)}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func (a *App) doctor(ctx context.Context, f *doctorFlags) error {
	switch doctor.Purpose(f.policy) {
	case "", doctor.Read, doctor.Act, doctor.Push:
	default:
		return usagef("--policy takes read, act or push, not %q", oneLine(f.policy, 40))
	}
	s, err := a.openStage(ctx)
	if err != nil {
		return err
	}
	o := doctor.Options{Getenv: a.Getenv, Now: a.Now}
	if doctor.Purpose(f.policy) == doctor.Push {
		return a.pushPolicy(ctx, s)
	}
	if f.policy != "" {
		return a.doctorPolicy(ctx, s, o, doctor.Purpose(f.policy))
	}
	view := &doctorView{out: a.Out, colour: a.OutTTY && !a.global.noColor}
	if a.format() == formatTable {
		o.OnSection = view.section
	}
	report := doctor.Run(ctx, s, o)
	switch a.format() {
	case formatTable:
		view.end(report)
		err = view.err
	case formatJSONL:
		err = a.print(report.Checks, nil)
	default:
		err = a.print(report, nil)
	}
	if err != nil {
		return err
	}
	return doctorError(ctx, report)
}

// doctorPolicy prints a policy document, which is JSON whatever -o says.
func (a *App) doctorPolicy(ctx context.Context, s *aws.Stage, o doctor.Options, purpose doctor.Purpose) error {
	policy, info := doctor.PolicyFor(ctx, s, o, purpose)
	if err := ctx.Err(); err != nil {
		return err
	}
	switch {
	case info.Guessed != nil:
		a.warnings([]string{"the stage could not be read, so the policy has patterns where it would have names: " + aws.Brief(info.Guessed)})
	case info.Patterns:
		a.warnings([]string{"the stage has too many names for IAM's limit of 6,144 characters, so the policy has patterns, which may match more than the stage"})
	}
	return writeJSON(a.Out, policy, "  ")
}

// pushPolicy prints the policy of who deploys the stage, and says what each action is for.
func (a *App) pushPolicy(ctx context.Context, s *aws.Stage) error {
	t := s.Target()
	if t.Service == "" {
		return usagef("--policy push is made of the names of what is deployed: pass --service, as push does")
	}
	ctx, cancel := context.WithTimeout(ctx, policyPatience)
	defer cancel()
	id, err := s.Identity(ctx)
	if err != nil {
		a.warnings([]string{"which account it is for is not known, so the policy has * where its number would be: " + aws.Brief(err)})
	}
	policy, explained := doctor.PushPolicy(doctor.PushScope{Service: t.Service, Stage: t.Stage, Region: t.Region, Account: id.Account})
	for _, e := range explained {
		fmt.Fprintf(a.Err, "%s: to %s\n", e.Action, e.Use)
	}
	return writeJSON(a.Out, policy, "  ")
}

// policyPatience is how long STS may take to say which account it is.
const policyPatience = 4 * time.Second

// doctorError is a diagnosis as an error, for its exit code. The summary line has
// said the rest.
func doctorError(ctx context.Context, r *doctor.Report) error {
	if ctx.Err() != nil {
		return interruptedf("interrupted: %d checks ended without an answer", r.Summary.Unknown)
	}
	code := exitDone
	switch r.Summary.Outcome {
	case doctor.Denied:
		code = exitDenied
	case doctor.Failed:
		code = exitFailed
	case doctor.Incomplete:
		code = exitPartly
	case doctor.Fine:
		return nil
	}
	return &codeError{code, fmt.Errorf("%s", doctorSummary(r))}
}

// doctorSummary is a diagnosis in one line: how much, and what to do first.
func doctorSummary(r *doctor.Report) string {
	s := r.Summary
	var counts []string
	for _, c := range []struct {
		n         int
		one, many string
	}{
		{s.Errors, "1 error", "%d errors"},
		{s.Warnings, "1 warning", "%d warnings"},
		{s.Unknown, "1 without an answer", "%d without an answer"},
		{s.NotTried, "1 not tried", "%d not tried"},
		{s.OK, "1 ok", "%d ok"},
	} {
		switch {
		case c.n == 1:
			counts = append(counts, c.one)
		case c.n > 1:
			counts = append(counts, fmt.Sprintf(c.many, c.n))
		}
	}
	line := strings.Join(counts, ", ")
	if s.First != nil {
		line += fmt.Sprintf("; first: %s: %s", s.First.Name, s.First.Text)
		if s.First.Remedy != "" {
			line += ": " + s.First.Remedy
		}
	}
	return line
}

// doctorView prints sections as they come.
type doctorView struct {
	out    io.Writer
	colour bool
	err    error
}

// doctorMost is how many checks of the same section and text a person is shown;
// -o json has all.
const doctorMost = 8

func (v *doctorView) section(name doctor.Section, checks []doctor.Check) {
	if len(checks) == 0 || v.err != nil {
		return
	}
	width := 0
	for _, c := range checks {
		width = max(width, ansi.StringWidth(oneLine(c.Name, 40)))
	}
	var b strings.Builder
	b.WriteString(string(name) + "\n")
	// Five hundred workers tend to be wrong in the same way.
	seen := make(map[string]int)
	var shown []doctor.Check
	for _, c := range checks {
		key := string(c.Status) + c.Text
		if seen[key]++; seen[key] <= doctorMost {
			shown = append(shown, c)
		}
	}
	for i, c := range shown {
		cell := oneLine(c.Name, 40)
		fmt.Fprintf(&b, "  %s  %s%s  %s\n", v.mark(c.Status), cell, strings.Repeat(" ", width-ansi.StringWidth(cell)), oneLine(c.Text, 0))
		// What helps with the next, too, is said below it.
		if c.Remedy != "" && (i == len(shown)-1 || shown[i+1].Remedy != c.Remedy) {
			fmt.Fprintf(&b, "             -> %s\n", oneLine(c.Remedy, 0))
		}
	}
	for _, c := range shown {
		key := string(c.Status) + c.Text
		if more := seen[key] - doctorMost; more > 0 {
			fmt.Fprintf(&b, "  %s  and %d more: %s\n", v.mark(c.Status), more, oneLine(c.Text, 0))
			seen[key] = 0
		}
	}
	v.write(b.String() + "\n")
}

// mark is a status as a word of fixed width, coloured on a terminal.
func (v *doctorView) mark(s doctor.Status) string {
	word := fmt.Sprintf("%-9s", s)
	if !v.colour {
		return word
	}
	sgr := ""
	switch s {
	case doctor.OK:
		sgr = "32"
	case doctor.Warning, doctor.Unknown:
		sgr = "33"
	case doctor.Error:
		sgr = "1;31"
	case doctor.Info, doctor.NotTried:
		sgr = "2"
	}
	return "\x1b[" + sgr + "m" + word + "\x1b[0m"
}

// end prints what is missing, and the summary unless the error will say it.
func (v *doctorView) end(r *doctor.Report) {
	if r.MissingPolicy != nil {
		var b strings.Builder
		b.WriteString("missing from the caller's policies:\n")
		if err := writeJSON(&b, r.MissingPolicy, "  "); err != nil && v.err == nil {
			v.err = err
		}
		v.write(b.String() + "\n")
	}
	if r.Summary.Outcome == doctor.Fine {
		v.write(oneLine(doctorSummary(r), 0) + "\n")
	}
}

func (v *doctorView) write(s string) {
	if v.err != nil {
		return
	}
	_, v.err = io.WriteString(v.out, s)
}
