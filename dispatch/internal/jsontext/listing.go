package jsontext

import (
	"cmp"
	"slices"
	"strconv"
)

// Finding is a violation on its way, with the byte offset instead of a line.
type Finding struct {
	Off     int
	Path    []string
	Keyword string
	Message string
	Warning bool
	// Expects says what was allowed when the value is of the wrong sort
	// altogether (type, const, enum): what a union needs to merge its branches.
	Expects []string
}

// MaxFindings is how many violations, and how many warnings, are reported one by
// one: a list of 100,000 items that are all of the wrong type is one mistake, and
// wording it 100,000 times takes longer than anybody waits.
const MaxFindings = 100

// Place gives findings their lines and columns, sorted, without repetitions and
// not too many of them; left are those that were not worded at all.
func Place(text []byte, found []Finding, left LeftOut) []Located {
	if len(found) == 0 {
		return nil
	}
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Off, b.Off), slices.Compare(a.Path, b.Path),
			cmp.Compare(a.Keyword, b.Keyword), cmp.Compare(a.Message, b.Message),
		)
	})
	where := NewLocator(text)
	out := make([]Located, 0, min(len(found), MaxFindings))
	var errs, warnings int
	for _, f := range found {
		reported, rest := &errs, &left.Errors
		if f.Warning {
			reported, rest = &warnings, &left.Warnings
		}
		if *reported == MaxFindings {
			rest.Add(f.Off, f.Path, 1)
			continue
		}
		v := Located{Pointer: Pointer(f.Path), Keyword: f.Keyword, Message: f.Message, Warning: f.Warning}
		v.Line, v.Column = where.At(f.Off)
		if len(out) == 0 || out[len(out)-1] != v {
			out = append(out, v)
			*reported++
		}
	}
	return left.report(text, out)
}

// LeftOut counts what is not reported one by one.
type LeftOut struct{ Errors, Warnings Surplus }

// Surplus is how many violations there are beyond those reported, and where the
// first of them is.
type Surplus struct {
	count int
	off   int
	path  []string
}

// Add counts more of them, of which the first is at off.
func (s *Surplus) Add(off int, path []string, count int) {
	if count > 0 && (s.count == 0 || off < s.off) {
		s.off, s.path = off, path
	}
	s.count += count
}

// report adds a violation that stands for each surplus.
func (l LeftOut) report(text []byte, out []Located) []Located {
	for _, s := range []struct {
		Surplus
		warning bool
	}{{l.Errors, false}, {l.Warnings, true}} {
		if s.count == 0 {
			continue
		}
		v := Located{
			Pointer: Pointer(s.path), Keyword: KeywordMore, Warning: s.warning, More: s.count,
			Message: "is the first of " + strconv.Itoa(s.count) + " more that are not listed one by one",
		}
		v.Line, v.Column = NewLocator(text).At(s.off)
		out = append(out, v)
	}
	return out
}
