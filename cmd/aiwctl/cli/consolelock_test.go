package cli

import (
	"testing"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/settings"
)

// TestTheConsoleLooksFirst says on which stages the console has to be allowed to write.
func TestTheConsoleLooksFirst(t *testing.T) {
	t.Parallel()
	file, err := settings.Parse("config.yaml", []byte("stages:\n  open: {region: eu-west-1, readOnly: false}\n  shut: {region: eu-west-1, readOnly: true}\n  other: {region: eu-west-1}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		target aws.Target
		env    map[string]string
		write  bool
		locked bool
	}{
		"a stage in AWS":               {target: aws.Target{Stage: "dev", Region: "eu-west-1"}, locked: true},
		"with --write":                 {target: aws.Target{Stage: "dev", Region: "eu-west-1"}, write: true},
		"AIWCTL_READ_ONLY=0":           {target: aws.Target{Stage: "dev", Region: "eu-west-1"}, env: map[string]string{"AIWCTL_READ_ONLY": "0"}},
		"an endpoint on this machine":  {target: aws.Target{Stage: "dev", EndpointURL: "http://127.0.0.1:4566"}},
		"readOnly: false in the file":  {target: aws.Target{Stage: "open"}},
		"readOnly: true in the file":   {target: aws.Target{Stage: "shut"}},
		"a named stage without a word": {target: aws.Target{Stage: "other"}, locked: true},
		"an endpoint somewhere in AWS": {target: aws.Target{Stage: "dev", Region: "eu-west-1", EndpointURL: "https://vpce.example.com"}, locked: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			getenv := func(name string) string { return tt.env[name] }
			a := &App{Getenv: getenv, write: tt.write}
			r := file.Resolve(settings.Flags{Target: tt.target}, getenv)
			if got := a.looksFirst(r); got != tt.locked {
				t.Errorf("locked: %v, want %v (%+v)", got, tt.locked, r.Value(settings.ReadOnly))
			}
		})
	}
}
