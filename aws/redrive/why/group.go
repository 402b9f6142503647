package why

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// The signatures of the groups that stand for no one failure.
const (
	// Unknown is the group of the letters of which no failure is known.
	Unknown = "no reason found"
	// Others is the group of what came when a Grouper was full.
	Others = "other reasons"
)

// The bounds of a Grouper.
const (
	maxGroups   = 1000
	maxGroupIDs = 5
)

// Group is dead letters that died of the same thing.
type Group struct {
	// Signature is that of their failures, or Unknown or Others.
	Signature string
	// Count is how many letters there are.
	Count int
	// First and Last are the earliest and the latest time among them; zero when
	// none is known.
	First, Last time.Time
	// JobIDs are some of their jobs, at most five, in the order they came in.
	JobIDs []string
	// Example is the first known failure; its zero value: none is.
	Example Failure
}

// Grouper counts dead letters by what they died of, one at a time and in
// bounded memory. The zero value is ready. It is not safe for concurrent use.
type Grouper struct {
	groups map[string]*Group
}

// Add counts a letter. The signature is that of its failure; empty: no failure
// is known, unless f has one. at is when the letter died or was sent, zero when
// unknown; f may be nil.
func (g *Grouper) Add(signature string, at time.Time, jobID string, f *Failure) {
	if signature == "" && f != nil {
		signature = f.Signature()
	}
	signature = cmp.Or(signature, Unknown)
	// Four bytes are the longest character.
	if len(signature) > 4*MaxSignature {
		signature = Signature(signature)
	}
	if g.groups == nil {
		g.groups = map[string]*Group{}
	}
	at = at.Round(0)
	group := g.groups[signature]
	if group == nil && len(g.groups) >= maxGroups && signature != Unknown {
		signature = Others
		group = g.groups[signature]
	}
	if group == nil {
		group = &Group{Signature: strings.Clone(signature)}
		g.groups[group.Signature] = group
	}
	group.add(at, jobID, f)
}

func (g *Group) add(at time.Time, jobID string, f *Failure) {
	g.Count++
	if !at.IsZero() {
		if g.First.IsZero() || at.Before(g.First) {
			g.First = at
		}
		if at.After(g.Last) {
			g.Last = at
		}
	}
	if jobID != "" && len(g.JobIDs) < maxGroupIDs && !slices.Contains(g.JobIDs, jobID) {
		g.JobIDs = append(g.JobIDs, strings.Clone(jobID))
	}
	if f != nil && g.Example == (Failure{}) {
		g.Example = *f
	}
}

// Groups are the groups so far, the largest first, those of one size by
// signature. The caller owns them.
func (g *Grouper) Groups() []Group {
	out := make([]Group, 0, len(g.groups))
	for _, group := range g.groups {
		own := *group
		own.JobIDs = slices.Clone(group.JobIDs)
		out = append(out, own)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Signature, b.Signature))
	})
	return out
}
