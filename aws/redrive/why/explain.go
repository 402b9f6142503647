package why

import "github.com/microfox-ai/aiwctl/aws/logs"

// Explain is what lines that were read already say of why a job failed: of one
// attempt, when they are that attempt's. ok is false when they tell of no failure.
func Explain(jobID string, lines []logs.Line) (f Failure, ok bool) {
	if len(lines) == 0 {
		return Failure{}, false
	}
	latest := lines[0].Time
	for i := range lines {
		if lines[i].Time.After(latest) {
			latest = lines[i].Time
		}
	}
	c := newCollector([]Job{{ID: jobID}}, latest)
	c.observe(lines)
	f, ok = c.found().Failures[jobID]
	return f, ok
}
