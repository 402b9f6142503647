package cli

import (
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

// read returns the text given as an argument, in a file or on standard input.
// ok is false when there is none.
func (a *App) readInput(f inputFlags, args []string) (text []byte, ok bool, err error) {
	switch {
	case f.file != "" && len(args) > 0:
		return nil, false, usagef("the input is given twice: as an argument and with --file")
	case f.file != "" && f.file != "-":
		file, err := os.Open(f.file)
		if err != nil {
			return nil, false, usagef("read the input: %w", err)
		}
		defer func() { _ = file.Close() }()
		text, err := readLimited(file)
		return text, true, err
	case f.file == "-", len(args) > 0 && args[0] == "-":
		text, err := readLimited(a.In)
		return text, true, err
	case len(args) > 0:
		return []byte(args[0]), true, nil
	}
	return nil, false, nil
}

func readLimited(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return nil, usageError(fmt.Errorf("read the input: %w", err))
	}
	if len(text) > maxInput {
		return nil, usagef("the input is longer than %d MiB; SQS takes 1 MiB", maxInput>>20)
	}
	return text, nil
}
