package aws

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/smithy-go/logging"
)

// What the SDK logs must never reach the terminal by itself: a console is on it.
func TestTheSDKLogsWhereItIsTold(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "" }
	for name, target := range map[string]Target{
		"AWS":      {Region: "eu-west-1"},
		"loopback": {EndpointURL: "http://127.0.0.1:1"},
	} {
		var out bytes.Buffer
		o := Options{Getenv: none, Logger: slog.New(slog.NewTextHandler(&out, nil))}.withDefaults()
		cfg, _, _, err := loadConfig(t.Context(), target.Resolve(none), o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if cfg.Logger == nil {
			t.Fatalf("%s: the SDK would log to standard error", name)
		}
		cfg.Logger.Logf(logging.Warn, "falling back %s\x1b[2J", "to IMDSv1")
		if got := out.String(); !strings.Contains(got, "falling back to IMDSv1") || !strings.Contains(got, "level=WARN") || strings.Contains(got, "\x1b") {
			t.Errorf("%s: log = %q", name, got)
		}

		o = Options{Getenv: none}.withDefaults()
		cfg, _, _, err = loadConfig(t.Context(), target.Resolve(none), o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		cfg.Logger.Logf(logging.Warn, "nobody listens")
	}
}
