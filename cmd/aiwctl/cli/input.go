package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// maxInput is how much input text is read: SQS takes 1 MiB per message, so
// anything longer is a mistake; the sender names the exact limit.
const maxInput = 2 << 20

// inputFlags are the three ways of giving a command JSON text.
type inputFlags struct{ file string }

func (f *inputFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "read the input from this file, - for standard input")
}

// readInput returns the text given as an argument, in a file or on standard
// input. ok is false when there is none. Text of nothing but white space is
// refused: it comes from a command that failed in front of the pipe more often
// than from somebody who means {}.
func (a *App) readInput(ctx context.Context, f inputFlags, args []string) (text []byte, ok bool, err error) {
	text, ok, err = a.inputText(ctx, f, args)
	if ok && err == nil && len(bytes.TrimSpace(text)) == 0 {
		err = usagef("the input is empty; an empty object is {}")
	}
	return text, ok, err
}

func (a *App) inputText(ctx context.Context, f inputFlags, args []string) (text []byte, ok bool, err error) {
	switch {
	case f.file != "" && len(args) > 0:
		return nil, false, usagef("the input is given twice: as an argument and with --file")
	case f.file != "" && f.file != "-":
		file, err := os.Open(f.file)
		if err != nil {
			return nil, false, usagef("read the input: %w", err)
		}
		defer func() { _ = file.Close() }()
		text, err := readLimited(ctx, file)
		return text, true, err
	case f.file == "-", len(args) > 0 && args[0] == "-":
		if a.global.target.Manifest == "-" || a.global.target.Manifest == "" && a.Getenv("AIWCTL_MANIFEST") == "-" {
			return nil, false, usagef("standard input cannot be both the input and the manifest: give one of them as a file")
		}
		text, err := readLimited(ctx, a.In)
		return text, true, err
	case len(args) > 0:
		return []byte(args[0]), true, nil
	}
	return nil, false, nil
}

func readLimited(ctx context.Context, r io.Reader) ([]byte, error) {
	text, err := interruptible(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(r, maxInput+1)) })
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, usageError(fmt.Errorf("read the input: %w", err))
	}
	if len(text) > maxInput {
		return nil, usagef("the input is longer than %d MiB; SQS takes 1 MiB", maxInput>>20)
	}
	return text, nil
}

// interruptible waits for a read that nothing can end, such as one from a
// terminal, until ctx ends; the read is then left to the end of the process.
func interruptible[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := read()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}
