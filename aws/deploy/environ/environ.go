// Package environ finds the values of the variables that workers declare: in the shell, in
// .env.<stage> and in .env. Values that are secret leave it as references and as Secrets,
// which show themselves to nobody who does not ask.
package environ

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
)

// baseFile is the file that is read for every stage.
const baseFile = ".env"

// shellName is where a value is from that no file has.
const shellName = "the shell"

// Files are the shell's variables and those of the files, the first that has a name winning:
// the shell, then .env.<stage>, then .env.
type Files struct {
	// Warnings say what is wrong with the files and forbids nothing: one that other users of
	// the machine can read, a name that stands in one twice.
	Warnings []string

	shell map[string]string
	files []file // the first wins
}

// file is one that was read, or looked for.
type file struct {
	name    string // as errors call it
	missing bool
	entries map[string]entry
}

// entry is a variable of a file.
type entry struct {
	value string
	line  int
}

// Read reads .env and .env.<stage> in a directory. A file that is not there is no error;
// everything else is, and the errors name file and line and show no value. environ is the
// shell's environment, as os.Environ returns it.
func Read(dir, stage string, environ []string) (*Files, error) {
	if stage == "" || strings.ContainsAny(stage, `/\:`) || strings.HasPrefix(stage, ".") {
		return nil, fmt.Errorf("the stage %q cannot be a part of a file's name, as in .env.prod", stage)
	}
	f := &Files{shell: variables(environ)}
	var errs []error
	for _, name := range []string{baseFile + "." + stage, baseFile} {
		errs = append(errs, f.add(filepath.Join(dir, name), name, true))
	}
	return f, errors.Join(errs...)
}

// ReadFiles reads the named files instead of those that Read looks for. They must be there,
// and of two that have a name the later one wins.
func ReadFiles(paths, environ []string) (*Files, error) {
	f := &Files{shell: variables(environ)}
	var errs []error
	for _, path := range slices.Backward(paths) {
		errs = append(errs, f.add(path, path, false))
	}
	return f, errors.Join(errs...)
}

// variables are those of an environment. Windows has names that begin with =, which are no
// variables of anybody.
func variables(environ []string) map[string]string {
	out := make(map[string]string, len(environ))
	for _, kv := range environ {
		if name, value, found := strings.Cut(kv, "="); found && name != "" {
			out[name] = value
		}
	}
	return out
}

// maxFile bounds what is read of a file that is called like one of variables.
const maxFile = 1 << 20

func (f *Files) add(path, name string, optional bool) error {
	info, err := os.Stat(path)
	if optional && errors.Is(err, fs.ErrNotExist) {
		f.files = append(f.files, file{name: name, missing: true})
		return nil
	}
	switch {
	case err != nil:
		return fmt.Errorf("read the variables: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("read the variables: %s is no file", name)
	case info.Size() > maxFile:
		return fmt.Errorf("read the variables: %s has %d bytes, and %d are read at most", name, info.Size(), maxFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the variables: %w", err)
	}
	entries, doubles, err := parse(name, string(text))
	if err != nil {
		return err
	}
	f.files = append(f.files, file{name: name, entries: entries})
	f.Warnings = append(f.Warnings, doubles...)
	// The bits mean nothing on Windows.
	if mode := info.Mode().Perm(); mode&0o004 != 0 && goruntime.GOOS != "windows" && len(entries) > 0 {
		f.Warnings = append(f.Warnings, fmt.Sprintf("%s can be read by every user of this machine: chmod 600 %s", name, name))
	}
	return nil
}

// Lookup is a variable's value and where it is from: "the shell", or a file and a line.
func (f *Files) Lookup(name string) (value, from string, found bool) {
	if value, found := f.shell[name]; found {
		return value, shellName, true
	}
	for _, file := range f.files {
		if e, found := file.entries[name]; found {
			return e.value, fmt.Sprintf("%s:%d", file.name, e.line), true
		}
	}
	return "", "", false
}

// Names are the variables of the files, without those that only the shell has, sorted.
func (f *Files) Names() []string {
	all := map[string]bool{}
	for _, file := range f.files {
		for name := range file.entries {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// places are where a variable was looked for.
func (f *Files) places() string {
	words := []string{shellName}
	for _, file := range f.files {
		if file.missing {
			words = append(words, file.name+" (there is no such file)")
		} else {
			words = append(words, file.name)
		}
	}
	return strings.Join(words, ", ")
}

// best is the file that a value belongs into.
func (f *Files) best() string {
	if len(f.files) == 0 {
		return baseFile
	}
	return f.files[0].name
}
