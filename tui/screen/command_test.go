package screen_test

import (
	"testing"

	"github.com/microfox-ai/aiwctl/tui/screen"
)

func TestCommandQuotesForAShell(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`aiwctl job job_1`:                               {"job", "job_1"},
		`aiwctl dispatch orders '{"n": 1}'`:              {"dispatch", "orders", `{"n": 1}`},
		`aiwctl dlq replay o --where 'job == '\''a'\'''`: {"dlq", "replay", "o", "--where", "job == 'a'"},
		`aiwctl logs ''`:                                 {"logs", ""},
		"aiwctl logs '$(rm -rf ~)'":                      {"logs", "$(rm -rf ~)"},
	} {
		if got := screen.Command(args...); got != want {
			t.Errorf("Command(%q) = %s, want %s", args, got, want)
		}
	}
}
