package schedule_test

import (
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch/schedule"
)

func ExampleParse() {
	s, err := schedule.Parse("cron(0 9 ? * MON-FRI *)")
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2026, time.May, 1, 12, 0, 0, 0, time.UTC) // a Friday
	for range 2 {
		at = s.Next(at)
		fmt.Println(at.Format("Monday, 15:04"))
	}

	_, err = schedule.Parse("rate(1 hours)")
	fmt.Println(err)
	// Output:
	// Monday, 09:00
	// Tuesday, 09:00
	// schedule "rate(1 hours)": the unit of the rate must be "hour" with the number 1: EventBridge wants the singular for 1 and the plural otherwise
}
