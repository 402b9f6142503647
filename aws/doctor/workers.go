package doctor

import (
	"errors"
	"fmt"

	"github.com/microfox-ai/aiwctl/aws"
)

// checkWorkers are discovery's findings: a check for each problem of a worker, and
// for each source that could not be read.
func (d *diagnosis) checkWorkers() []Check {
	found := d.inventory()
	if found.err != nil {
		if errors.Is(found.err, errRefused) || errors.Is(found.err, errUnreachable) {
			return []Check{{Name: "discovery", Status: NotTried, Text: found.err.Error()}}
		}
		return []Check{failed("discovery", found.err)}
	}
	var checks []Check
	for _, w := range found.inv.Warnings {
		c := failed("discovery", w)
		if c.Status == Error {
			c.Status = Warning // the rest was read
		}
		checks = append(checks, c)
	}
	n := len(found.inv.Workers)
	if n == 0 {
		return append(checks, Check{
			Name: "workers", Status: Warning, Text: "none found",
			Remedy: "check --stage, --service, --region and --profile, and pass --base-url when there is a workers API",
		})
	}
	sound := 0
	var problems []Check
	for i := range found.inv.Workers {
		w := &found.inv.Workers[i]
		if len(w.Problems) == 0 {
			sound++
		}
		for _, p := range w.Problems {
			problems = append(problems, Check{
				Name: w.ID, Status: severity(p.Severity), Text: p.Text,
				Remedy: fmt.Sprintf("`aiwctl workers describe %s` shows how it is set up", w.ID),
			})
		}
	}
	for _, p := range found.inv.Findings {
		problems = append(problems, Check{Name: p.Object, Status: severity(p.Severity), Text: p.Text})
	}
	checks = append(checks, Check{Name: "workers", Status: OK, Text: fmt.Sprintf("%d found, %d of them with nothing wrong in how they are set up", n, sound)})
	return append(checks, problems...)
}

func severity(s string) Status {
	switch aws.Severity(s) {
	case aws.SeverityError:
		return Error
	case aws.SeverityWarning:
		return Warning
	case aws.SeverityOK, aws.SeverityInfo:
	}
	return Info
}
