package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// verdict is what `validate` prints.
type verdict struct {
	WorkerID   string               `json:"workerId"`
	Valid      bool                 `json:"valid"`
	Checked    bool                 `json:"checked"` // false: the worker has no known schema
	Violations []dispatch.Violation `json:"violations"`
	// Warnings are parts of the schema that could not be used.
	Warnings []string `json:"schemaWarnings,omitempty"`
}

func (a *App) newValidate() *cobra.Command {
	var in inputFlags
	var skeleton bool
	cmd := &cobra.Command{
		Use:   "validate WORKER [JSON | -f FILE | -]",
		Short: "Check a job's input against the worker's schema",
		Long: "Check a job's input against the worker's schema, without sending anything. " +
			"Exits 0 when it fits and 2 when it does not.",
		Example:           "aiwctl validate echo '{\"text\":\"hi\"}'\naiwctl validate echo -f input.json -o json\naiwctl validate echo --skeleton > input.json",
		Args:              takes(1, 2, "the worker"),
		ValidArgsFunction: a.completeWorker,
		RunE: a.run(func(ctx context.Context, args []string) error {
			return a.validate(ctx, args[0], in, args[1:], skeleton)
		}),
	}
	in.register(cmd)
	cmd.Flags().BoolVar(&skeleton, "skeleton", false, "print a starting input made from the schema instead")
	return cmd
}

func (a *App) validate(ctx context.Context, name string, in inputFlags, args []string, skeleton bool) error {
	text, given, err := a.readInput(ctx, in, args)
	if err != nil {
		return err
	}
	if !given && !skeleton {
		return usagef("no input: give it as an argument, with --file, or as - for standard input; --skeleton prints one to begin with")
	}
	_, w, err := a.findWorker(ctx, name)
	if err != nil {
		return err
	}
	schema, err := w.Schema()
	if err != nil {
		return err
	}
	if skeleton {
		_, err := fmt.Fprintln(a.Out, plain(string(schema.Skeleton())))
		return err
	}
	v := verdict{WorkerID: w.ID, Checked: schema != nil, Violations: []dispatch.Violation{}}
	v.Violations = append(v.Violations, schema.Validate(text)...)
	v.Warnings = schema.Warnings()
	v.Valid = dispatch.Valid(v.Violations)
	err = a.print(v, func(t *tableWriter) {
		switch {
		case !v.Valid:
		case v.Checked:
			t.line("valid input for " + plain(w.ID))
		default:
			t.line("valid JSON; " + plain(w.ID) + " has no known schema")
		}
		for _, warning := range v.Warnings {
			t.line("warning: " + plain(warning))
		}
		if v.Valid {
			for _, violation := range v.Violations {
				t.line("warning: " + plain(violation.String()))
			}
		}
	})
	if err == nil && !v.Valid {
		err = &dispatch.ValidationError{WorkerID: w.ID, Violations: v.Violations}
	}
	return err
}

// indentJSON pretty-prints JSON and leaves anything else as it is.
func indentJSON(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return string(raw)
	}
	return b.String()
}
