package dispatch

import (
	"cmp"
	"slices"
	"strconv"
)

// finding is a violation on its way, with the byte offset instead of a line.
type finding struct {
	off     int
	path    []string
	keyword string
	message string
	warning bool
	// expects says what was allowed when the value is of the wrong sort
	// altogether (type, const, enum): what a union needs to merge its branches.
	expects []string
}

// maxViolations is how many violations, and how many warnings, are reported one by
// one: a list of 100,000 items that are all of the wrong type is one mistake, and
// wording it 100,000 times takes longer than anybody waits.
const maxViolations = 100

// place gives findings their lines and columns, sorted, without repetitions and
// not too many of them; left are those that were not worded at all.
func place(text []byte, found []finding, left leftOut) []Violation {
	if len(found) == 0 {
		return nil
	}
	slices.SortFunc(found, func(a, b finding) int {
		return cmp.Or(
			cmp.Compare(a.off, b.off), slices.Compare(a.path, b.path),
			cmp.Compare(a.keyword, b.keyword), cmp.Compare(a.message, b.message),
		)
	})
	where := newLocator(text)
	out := make([]Violation, 0, min(len(found), maxViolations))
	var errs, warnings int
	for _, f := range found {
		reported, rest := &errs, &left.errors
		if f.warning {
			reported, rest = &warnings, &left.warnings
		}
		if *reported == maxViolations {
			rest.add(f.off, f.path, 1)
			continue
		}
		v := Violation{Pointer: jsonPointer(f.path), Keyword: f.keyword, Message: f.message, Warning: f.warning}
		v.Line, v.Column = where.at(f.off)
		if len(out) == 0 || out[len(out)-1] != v {
			out = append(out, v)
			*reported++
		}
	}
	return left.report(text, out)
}

// leftOut counts what is not reported one by one.
type leftOut struct{ errors, warnings surplus }

// surplus is how many violations there are beyond those reported, and where the
// first of them is.
type surplus struct {
	count int
	off   int
	path  []string
}

func (s *surplus) add(off int, path []string, count int) {
	if count > 0 && (s.count == 0 || off < s.off) {
		s.off, s.path = off, path
	}
	s.count += count
}

// report adds a violation that stands for each surplus.
func (l leftOut) report(text []byte, out []Violation) []Violation {
	for _, s := range []struct {
		surplus
		warning bool
	}{{l.errors, false}, {l.warnings, true}} {
		if s.count == 0 {
			continue
		}
		v := Violation{
			Pointer: jsonPointer(s.path), Keyword: keywordMore, Warning: s.warning, More: s.count,
			Message: "is the first of " + strconv.Itoa(s.count) + " more that are not listed one by one",
		}
		v.Line, v.Column = newLocator(text).at(s.off)
		out = append(out, v)
	}
	return out
}
