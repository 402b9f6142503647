// Package early answers `aiwctl version` and `aiwctl --help` before the rest of
// the program is initialised. The SDK's clients, the JSON Schema library and the
// terminal's libraries make their tables when a program starts, which takes ten times
// as long as either answer.
//
// It works because it imports next to nothing: packages are initialised in the order
// of their paths as soon as what they import is, so this one comes before all that
// needs a network (https://go.dev/ref/spec#Program_initialization). It is imported for
// that effect alone, by package main. Whatever else stands on the command line is
// left to the commands, which answer the same.
package early

import (
	_ "embed" // the text of the help
	"os"

	"github.com/microfox-ai/aiwctl/cmd/aiwctl/version"
)

// help is what the commands print for --help where no terminal wants it in colour. A
// test of package cli holds the two together.
//
//go:embed help.txt
var help string

func init() {
	if len(os.Args) != 2 {
		return
	}
	text := ""
	switch os.Args[1] {
	case "version":
		text = "aiwctl " + version.Number + "\n"
	case "-h", "--help":
		if !plain(os.Stdout) {
			return
		}
		text = help
	default:
		return
	}
	if _, err := os.Stdout.WriteString(text); err != nil {
		return // the command fails in the same way, and says so
	}
	os.Exit(0)
}

// plain is whether nothing that is written to f is seen on a terminal.
func plain(f *os.File) bool {
	if os.Getenv("CLICOLOR_FORCE") != "" {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	if info.Mode()&os.ModeCharDevice == 0 {
		return true
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}
