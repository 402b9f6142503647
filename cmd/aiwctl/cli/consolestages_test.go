package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/settings"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

const stagesFile = `default: checkout
region: eu-west-1
stages:
  checkout: {profile: ops, stage: prod, service: checkout}
  billing: {stage: prod, readOnly: true, profile: finance}
  mine: {endpointUrl: 'http://me:hunter2@127.0.0.1:1'}
`

// begun is an App as after its flags were read.
func begun(t *testing.T, set func(*globalFlags), vars ...string) (*App, *settings.File) {
	t.Helper()
	dir, env := place(t, map[string]string{
		"aws":         "[default]\nregion = us-east-2\n[profile ops]\nsso_start_url = https://x.example\nsso_region = eu-west-1\nsso_account_id = 111122223333\nsso_role_name = ops\n[profile finance]\nrole_arn = arn:aws:iam::444455556666:role/read\nsource_profile = ops\nregion = ap-south-1\n",
		"stages.yaml": strings.Replace(stagesFile, "me:hunter2@", "", 1),
	})
	for i := 0; i+1 < len(vars); i += 2 {
		env[vars[i]] = vars[i+1]
	}
	a, _, _ := testApp("", env)
	a.global.config = dir + "/stages.yaml"
	if set != nil {
		set(&a.global)
	}
	file, err := settings.Load(a.global.config, a.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	return a, file
}

// What flags say of a stage is of the one that was begun on; what they say of the
// console is for every one.
func TestChosenStage(t *testing.T) {
	t.Parallel()
	flags := func(g *globalFlags) {
		g.target = aws.Target{Profile: "sandbox", Region: "us-west-2", Stage: "live", Service: "s", Prefix: "p-", Tags: "a", BaseURL: "https://b.example", Manifest: "m.json"}
	}
	readOnly := func(on bool) func(*globalFlags) {
		return func(g *globalFlags) { flags(g); g.readOnlySet, g.target.ReadOnly = true, on }
	}
	for name, tt := range map[string]struct {
		set    func(*globalFlags)
		vars   []string
		choice screen.Choice
		want   aws.Target
	}{
		"the one that was begun on": {set: flags, choice: screen.Choice{Begun: true, Stage: "x", Region: "y"}, want: aws.Target{
			Profile: "sandbox", Region: "us-west-2", Stage: "live", Service: "s", Prefix: "p-", Tags: "a", BaseURL: "https://b.example", Manifest: "m.json",
		}},
		"a named one": {set: flags, choice: screen.Choice{Stage: "checkout"}, want: aws.Target{Profile: "ops", Region: "eu-west-1", Stage: "prod", Service: "checkout"}},
		"by hand":     {set: flags, choice: screen.Choice{Stage: "qa", Profile: "ops", Region: "eu-north-1"}, want: aws.Target{Profile: "ops", Region: "eu-north-1", Stage: "qa"}},
		"without a stage, which is not the default one": {
			choice: screen.Choice{Profile: "ops"}, vars: []string{"AIWCTL_STAGE", "billing"},
			want: aws.Target{Profile: "ops", Region: "eu-west-1"},
		},
		"--read-only stays":          {set: readOnly(true), choice: screen.Choice{Stage: "checkout"}, want: aws.Target{Profile: "ops", Region: "eu-west-1", Stage: "prod", Service: "checkout", ReadOnly: true}},
		"the file's stays":           {choice: screen.Choice{Stage: "billing"}, want: aws.Target{Profile: "finance", Region: "eu-west-1", Stage: "prod", ReadOnly: true}},
		"--read-only=false does not": {set: readOnly(false), choice: screen.Choice{Stage: "billing"}, want: aws.Target{Profile: "finance", Region: "eu-west-1", Stage: "prod", ReadOnly: true}},
		"variables are of the shell": {
			choice: screen.Choice{Stage: "checkout"}, vars: []string{"AIWCTL_REGION", "ca-central-1", "AIWCTL_READ_ONLY", "1", "AIWCTL_STAGE", "billing"},
			want: aws.Target{Profile: "ops", Region: "ca-central-1", Stage: "prod", Service: "checkout", ReadOnly: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, file := begun(t, tt.set, tt.vars...)
			if got := a.chosen(file, tt.choice).Target; got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if file.Default != "checkout" {
				t.Error("the file was changed")
			}
		})
	}
}

// The command that the picker shows opens the same stage.
func TestChoiceIsItsCommand(t *testing.T) {
	t.Parallel()
	for _, c := range []screen.Choice{
		{Stage: "checkout"}, {Stage: "billing"}, {Stage: "qa", Profile: "ops", Region: "eu-north-1", Service: "x"}, {Stage: "q", EndpointURL: "http://127.0.0.1:9"},
	} {
		a, file := begun(t, nil)
		want := a.chosen(file, c).Target
		root := a.newRoot()
		if err := root.ParseFlags(c.Args()); err != nil {
			t.Fatal(err)
		}
		if got := file.Resolve(a.flags(), a.Getenv).Target; got != want {
			t.Errorf("%v opens %+v, the choice %+v", c.Args(), got, want)
		}
	}
}

func TestChoices(t *testing.T) {
	t.Parallel()
	a, _ := begun(t, nil)
	offer, err := a.choices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range offer.Stages {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "checkout billing mine" || !offer.Exists {
		t.Errorf("stages %q", got)
	}
	checkout, billing, mine := offer.Stages[0], offer.Stages[1], offer.Stages[2]
	if !checkout.Begun || !checkout.Default || !checkout.Protected || checkout.ReadOnly || checkout.Account != "111122223333" {
		t.Errorf("checkout: %+v", checkout)
	}
	if billing.Begun || !billing.ReadOnly || billing.Account != "444455556666" || billing.Region != "eu-west-1" {
		t.Errorf("billing: %+v", billing)
	}
	if mine.Endpoint != "http://127.0.0.1:1" || mine.Protected || mine.Problem != "" {
		t.Errorf("mine: %+v", mine)
	}
	var profiles []string
	for _, p := range offer.Profiles {
		profiles = append(profiles, p.Name+" "+p.Region+" "+p.Account)
	}
	if !slices.Equal(profiles, []string{"default us-east-2 ", "finance ap-south-1 444455556666", "ops  111122223333"}) {
		t.Errorf("profiles %q", profiles)
	}

	// A stage that no entry names is offered too, so that there is a way back to it.
	a, _ = begun(t, func(g *globalFlags) { g.target.Stage, g.target.Profile = "live", "gone" })
	if offer, err = a.choices(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first := offer.Stages[0]; !first.Begun || first.Name != "" || first.Stage != "live" || !strings.Contains(first.Problem, "gone") {
		t.Errorf("begun on: %+v", first)
	}
}

func TestConnectSaysWhyItCannot(t *testing.T) {
	t.Parallel()
	a, _ := begun(t, nil)
	for want, c := range map[string]screen.Choice{
		`no AWS profile "nobody"`: {Profile: "nobody", Region: "eu-west-1", Stage: "x"},
		"connection refused":      {Stage: "x", EndpointURL: "http://127.0.0.1:1"},
	} {
		if _, err := a.connect(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
}

func TestConsoleWantsATerminalThatMoves(t *testing.T) {
	t.Parallel()
	for term, want := range map[string]string{"dumb": "TERM=dumb", "xterm-256color": ""} {
		a, _, stderr := testApp("", map[string]string{"TERM": term})
		a.OutTTY = true
		if want == "" {
			if err := a.needTerminal(); err != nil {
				t.Error(err)
			}
			continue
		}
		if code := a.Run(t.Context(), nil); code != exitUsage || !strings.Contains(stderr.String(), want) {
			t.Errorf("exit code %d, %s", code, stderr)
		}
	}
}
