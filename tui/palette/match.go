package palette

import "unicode"

// pattern is what was typed, as it is compared: in lower case, its words apart by one
// space each.
type pattern []rune

// name is a text that patterns are compared with.
type name struct {
	lower []rune
	bonus []int16 // what a match is worth at each place, above any other
}

// What a match is worth. A letter that begins a word says more than one inside it, and
// letters that follow each other more than scattered ones.
const (
	perLetter   = 16
	atStart     = 12
	atWord      = 10
	afterOther  = 8
	inARow      = 9
	gapBegins   = 6
	gapGoesOn   = 1
	farthest    = 10
	nothingLike = -1 << 20

	exactly   = 4000
	beginning = 300
)

func newName(text string) name {
	n := name{}
	before := ' '
	for i, r := range []rune(text) {
		n.lower = append(n.lower, unicode.ToLower(r))
		bonus := 0
		switch {
		case i == 0:
			bonus = atStart
		case before == ' ':
			bonus = atWord
		case separates(before), unicode.IsUpper(r) && unicode.IsLower(before), unicode.IsDigit(r) && !unicode.IsDigit(before):
			bonus = afterOther
		}
		n.bonus = append(n.bonus, int16(bonus))
		before = r
	}
	return n
}

func separates(r rune) bool {
	switch r {
	case ' ', '-', '_', '.', '/', ':':
		return true
	}
	return false
}

func newPattern(text string) pattern {
	var p pattern
	space := false
	for _, r := range text {
		if unicode.IsSpace(r) {
			space = len(p) > 0
			continue
		}
		if space {
			p, space = append(p, ' '), false
		}
		p = append(p, unicode.ToLower(r))
	}
	return p
}

// same is whether a letter of a pattern stands for one of a name: a space does for all
// that separates words, so that "send email" finds send-email.
func same(p, n rune) bool { return p == n || p == ' ' && separates(n) }

// matcher compares one name after the other and keeps the memory it needs for it.
type matcher struct{ before, now []int }

// score says how well a pattern, whose letters have to come in this order, fits a
// name; ok is false when it does not. It takes time in proportion to the product of
// their lengths.
func (m *matcher) score(p pattern, n name) (score int, ok bool) {
	if len(p) == 0 {
		return 0, true
	}
	if !within(p, n) {
		return 0, false
	}
	m.before, m.now = grown(m.before, len(n.lower)), grown(m.now, len(n.lower))
	best := nothingLike
	for i, r := range p {
		best = nothingLike
		jump := nothingLike // the best end of the part before, less the gap since
		for j, c := range n.lower {
			if i > 0 && j > 1 {
				jump = max(jump-gapGoesOn, m.before[j-2]-gapBegins)
			}
			m.now[j] = nothingLike
			if !same(r, c) {
				continue
			}
			worth := perLetter + int(n.bonus[j])
			switch {
			case i == 0:
				m.now[j] = worth + first(int(n.bonus[j]), j)
			case j > 0:
				m.now[j] = max(m.before[j-1]+inARow, jump) + worth
			}
			best = max(best, m.now[j])
		}
		m.before, m.now = m.now, m.before
	}
	if best < nothingLike/2 {
		return 0, false
	}
	switch {
	case starts(p, n) && len(p) == len(n.lower):
		best += exactly
	case starts(p, n):
		best += beginning
	}
	return best - min(len(n.lower)-len(p), 30)/4, true
}

// first is what the place of the first letter is worth: the beginning of a word, or
// else one near the beginning of the name.
func first(bonus, at int) int {
	if bonus > 0 {
		return bonus
	}
	return -min(at, farthest)
}

func grown(s []int, n int) []int {
	if cap(s) < n {
		return make([]int, n, 2*n)
	}
	return s[:n]
}

func within(p pattern, n name) bool {
	i := 0
	for _, c := range n.lower {
		if same(p[i], c) {
			if i++; i == len(p) {
				return true
			}
		}
	}
	return false
}

func starts(p pattern, n name) bool {
	if len(p) > len(n.lower) {
		return false
	}
	for i, r := range p {
		if !same(r, n.lower[i]) {
			return false
		}
	}
	return true
}

// places are the letters of a name that score counted: for the few names that are
// drawn. It is nil when the pattern does not fit.
func places(p pattern, n name) []int {
	if len(p) == 0 || !within(p, n) {
		return nil
	}
	width := len(n.lower)
	worth := make([]int, len(p)*width)
	from := make([]int, len(p)*width)
	for i, r := range p {
		jump, jumpFrom := nothingLike, -1
		for j, c := range n.lower {
			if i > 0 && j > 1 {
				jump -= gapGoesOn
				if fresh := worth[(i-1)*width+j-2] - gapBegins; fresh >= jump {
					jump, jumpFrom = fresh, j-2
				}
			}
			at := i*width + j
			worth[at] = nothingLike
			if !same(r, c) {
				continue
			}
			here := perLetter + int(n.bonus[j])
			switch {
			case i == 0:
				worth[at] = here + first(int(n.bonus[j]), j)
			case j > 0:
				row := worth[(i-1)*width+j-1] + inARow
				worth[at], from[at] = row+here, j-1
				if jump > row {
					worth[at], from[at] = jump+here, jumpFrom
				}
			}
		}
	}
	last, best := -1, nothingLike/2
	for j := range width {
		if w := worth[(len(p)-1)*width+j]; w > best {
			last, best = j, w
		}
	}
	if last < 0 {
		return nil
	}
	found := make([]int, len(p))
	for i := len(p) - 1; i >= 0; i-- {
		found[i] = last
		last = from[i*width+last]
	}
	return found
}
