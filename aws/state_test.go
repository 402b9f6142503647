package aws

import (
	"slices"
	"testing"
)

func TestSeveritiesAreInOrder(t *testing.T) {
	t.Parallel()
	list := []Severity{SeverityError, SeverityOK, SeverityWarning, SeverityInfo, ""}
	slices.SortStableFunc(list, func(a, b Severity) int { return a.Rank() - b.Rank() })
	if want := []Severity{SeverityOK, "", SeverityInfo, SeverityWarning, SeverityError}; !slices.Equal(list, want) {
		t.Errorf("order: %q", list)
	}
}
