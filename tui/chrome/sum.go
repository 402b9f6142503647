package chrome

import (
	"strings"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Sum is a whole stage in numbers.
type Sum struct {
	screen.Counts
	// Workers are all, Failing those in a state that is an error.
	Workers, Failing int
}

// SumOf adds up the last reading; without one everything is zero.
func SumOf(data *screen.Snapshot) Sum {
	var sum Sum
	if data.Inventory == nil {
		return sum
	}
	sum.Workers = len(data.Inventory.Workers)
	for i := range data.Inventory.Workers {
		w := &data.Inventory.Workers[i]
		c := screen.CountsOf(w)
		sum.Visible += c.Visible
		sum.Delayed += c.Delayed
		sum.InFlight += c.InFlight
		sum.Dead += c.Dead
		if v := data.Health[w.ID]; v != nil && v.Severity == aws.SeverityError {
			sum.Failing++
		}
	}
	return sum
}

// WindowTitle is what the terminal's tab says: which stage, and what is wrong with it.
func WindowTitle(stage *screen.StageInfo, data *screen.Snapshot) string {
	title := "aiwctl " + cell.Clean(stage.Called())
	sum := SumOf(data)
	var wrong []string
	switch {
	case data.Err != nil && data.Inventory == nil:
		wrong = append(wrong, "not connected")
	case data.Err != nil:
		wrong = append(wrong, "old data")
	}
	if sum.Failing > 0 {
		wrong = append(wrong, cell.Count(sum.Failing)+" failing")
	}
	if sum.Dead > 0 {
		wrong = append(wrong, cell.Count(sum.Dead)+" dead")
	}
	if len(wrong) > 0 {
		title += ": " + strings.Join(wrong, ", ")
	}
	return title
}
