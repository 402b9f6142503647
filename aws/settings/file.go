// Package settings reads the file in which people keep their stages, and decides
// for every part of a target where its value comes from: a flag, the environment,
// the file, AWS's own variables and files, or a default.
//
//	default: checkout           # the stage when nothing names one
//	region: eu-west-1           # for every stage that has none of its own
//	protected: ["prod*", live]  # whose name has to be typed before a write
//	stages:
//	  checkout:                 # aiwctl --stage checkout
//	    profile: ops
//	    stage: prod             # default: the entry's name
//	    service: checkout
//	    baseUrl: https://api.example.com/prod
//	    protected: true
//	  mine:
//	    endpointUrl: http://127.0.0.1:4566
//	keys:                       # of the console, instead of its own
//	  dead-letters: {replay: ctrl+r, mark: [space, m]}
//
// The file holds no keys: one that has any is refused.
package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strconv"
)

// Field names a part of a target, as the file spells it.
type Field string

// The fields, in the order in which people think of them.
const (
	Stage       Field = "stage"
	Profile     Field = "profile"
	Region      Field = "region"
	Service     Field = "service"
	Prefix      Field = "prefix"
	Tags        Field = "tags"
	Manifest    Field = "manifest"
	BaseURL     Field = "baseUrl"
	EndpointURL Field = "endpointUrl"
	ReadOnly    Field = "readOnly"
	Protected   Field = "protected"
)

// value is a text of the file and its line.
type value struct {
	text string
	line int
}

// isTrue reads a value that was checked to be true or false.
func (v value) isTrue() bool { return v.text == "true" }

// Entry is a named stage of the file.
type Entry struct {
	Name string
	line int
	// values are what the entry says, by the field.
	values map[Field]value
}

// Get is what the entry says of a field.
func (e *Entry) Get(f Field) (text string, ok bool) {
	v, ok := e.values[f]
	return v.text, ok
}

// File is a file of stages. The zero value is one that says nothing.
type File struct {
	// Path is empty when there is no file.
	Path string
	// Default names the entry that is used when no stage is named.
	Default string
	// Stages are the entries, in the file's order.
	Stages []Entry
	// Keys are the console's, in the file's order.
	Keys []Binding
	// KeyFaults is what could not be read of the section keys; the rest of it was.
	KeyFaults []*Error

	defaultAt value
	// top are the file's own values, for entries that have none.
	top map[Field]value
	// patterns is nil when the file has none.
	patterns   []string
	patternsAt int
}

// Entry finds a named stage; nil when there is none of that name.
func (f *File) Entry(name string) *Entry {
	for i := range f.Stages {
		if f.Stages[i].Name == name {
			return &f.Stages[i]
		}
	}
	return nil
}

// Error is what is wrong with the file, and where.
type Error struct {
	Path         string
	Line, Column int // zero when no place says it
	Text         string
	secret       bool // it is about a secret, and has to be told
}

// Error is path:line:column: text.
func (e *Error) Error() string {
	at := e.Path
	if e.Line > 0 {
		at += ":" + strconv.Itoa(e.Line) + ":" + strconv.Itoa(max(1, e.Column))
	}
	return at + ": " + e.Text
}

// Path is where the file is: flag, else AIWCTL_CONFIG, else config.yaml in
// $XDG_CONFIG_HOME/aiwctl, which is below ~/.config when that variable is not set.
// Named is true for the first two: then it has to exist.
// https://specifications.freedesktop.org/basedir-spec/latest/
func Path(flag string, getenv func(string) string) (path string, named bool, err error) {
	if flag != "" {
		return flag, true, nil
	}
	if path := getenv("AIWCTL_CONFIG"); path != "" {
		return path, true, nil
	}
	dir := getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) { // a relative one is to be ignored, says the specification
		home := getenv("HOME")
		if home == "" {
			if home, err = os.UserHomeDir(); err != nil {
				return "", false, fmt.Errorf("no home directory to look for a config file in: set XDG_CONFIG_HOME, or pass --config: %w", err)
			}
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "aiwctl", "config.yaml"), false, nil
}

// Load finds the file and reads it. A default one that does not exist says nothing;
// one that was named and does not exist is an error, and so is what Parse refuses,
// and a file that others may write to.
func Load(flag string, getenv func(string) string) (*File, error) {
	path, named, err := Path(flag, getenv)
	if err != nil {
		if flag == "" {
			return &File{}, nil // no home, no file
		}
		return nil, err
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return &File{}, nil
	}
	if err != nil {
		// The system's word names the file.
		return nil, fmt.Errorf("the config file: %w: check --config and AIWCTL_CONFIG", err)
	}
	// Who can write it can have an endpoint of theirs called with these credentials.
	if info, err := os.Stat(path); err == nil && goruntime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o002 != 0 {
		return nil, &Error{Path: path, Text: "everybody on this machine may write to it, and so choose where your credentials are sent: run `chmod o-w` on it"}
	}
	return Parse(path, text)
}
