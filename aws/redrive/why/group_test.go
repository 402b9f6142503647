package why_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/microfox-ai/aiwctl/aws/redrive/why"
)

func TestGrouper(t *testing.T) {
	t.Parallel()
	var g why.Grouper
	if got := g.Groups(); len(got) != 0 {
		t.Errorf("groups of nothing: %+v", got)
	}
	f := &why.Failure{JobID: "j1", Message: "order 17 failed"}
	g.Add(f.Signature(), start.Add(time.Hour), "j1", f)
	g.Add("", start, "j2", &why.Failure{JobID: "j2", Message: "order 18 failed"})
	g.Add("", time.Time{}, "j3", nil)
	for i := range 9 {
		g.Add("b", start, fmt.Sprint("k", i/2), nil)
		g.Add("a", start, "", nil)
	}
	got := g.Groups()
	var names []string
	for _, x := range got {
		names = append(names, fmt.Sprintf("%s %d %v", x.Signature, x.Count, x.JobIDs))
	}
	want := []string{"a 9 []", "b 9 [k0 k1 k2 k3 k4]", "order <n> failed 2 [j1 j2]", why.Unknown + " 1 [j3]"}
	if !slices.Equal(names, want) {
		t.Errorf("got  %q\nwant %q", names, want)
	}
	if x := got[2]; !x.First.Equal(start) || !x.Last.Equal(start.Add(time.Hour)) || x.Example.JobID != "j1" {
		t.Errorf("group %+v", x)
	}
	if x := got[3]; !x.First.IsZero() || !x.Last.IsZero() || x.Example != (why.Failure{}) {
		t.Errorf("group %+v", x)
	}
}

func TestGrouperIsBounded(t *testing.T) {
	t.Parallel()
	var g why.Grouper
	for i := range 5000 {
		g.Add(strings.Repeat("x", i), start, "j", nil)
		g.Add("", start, "j", nil)
	}
	groups, count := g.Groups(), 0
	for _, x := range groups {
		count += x.Count
		if len(x.Signature) > 4*why.MaxSignature {
			t.Errorf("a signature of %d bytes", len(x.Signature))
		}
	}
	if count != 10_000 || len(groups) > 1002 || groups[0].Signature != why.Unknown {
		t.Errorf("%d letters in %d groups, the first %q", count, len(groups), groups[0].Signature)
	}
}
