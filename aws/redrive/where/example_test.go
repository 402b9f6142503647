package where_test

import (
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
	"github.com/microfox-ai/aiwctl/aws/redrive/where"
)

func Example() {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	l := &letter.Letter{SentAt: now.Add(-3 * time.Hour), ReceiveCount: 4}
	l.SetBody(`{"jobId":"job-1","workerId":"orders","input":{"order":13,"items":[{"sku":"B-1"}]},"metadata":{"source":"shop"}}`)
	for _, text := range []string{
		`age > "2h" and error contains "timeout"`,
		`input.order in [13, 14] or any(input.items, .sku startsWith "B-")`,
		`not (jobId matches "^job-17") and receiveCount > 3`,
		`attributes.tenant == "acme" and metadata.source != "console"`,
		`sentAt > date("2026-03-01") and sentAt < now() - "1h"`,
		`input.customer.vip ?? false ? age > "5m" : age > "1d12h"`,
		`input.amount > 100`,
	} {
		f, err := where.Compile(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(f.Match(l, where.Facts{Error: "timeout after 30s", Now: now}))
	}
	_, err := where.Compile(`jobid == "job-1"`)
	fmt.Println(err)
	// Output:
	// true <nil>
	// true <nil>
	// true <nil>
	// false <nil>
	// true <nil>
	// false <nil>
	// false column 14: null cannot be compared with a number (>)
	// column 1: unknown name "jobid": did you mean jobId? the names are jobId, workerId, input, metadata, error, group, age, sentAt, receiveCount, attributes, source, messageGroup, id, body; a text stands in quotes
}
