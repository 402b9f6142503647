package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/settings"
)

// targetReport is what `config` prints; the field names are part of the interface.
type targetReport struct {
	// File is the config file that was read; empty when there is none. Entry is the
	// stage of it that is used.
	File        string                 `json:"file,omitempty"`
	Entry       string                 `json:"entry,omitempty"`
	Values      []settings.Value       `json:"values"`
	Protection  aws.Protected          `json:"protection"`
	Credentials *aws.CredentialsSource `json:"credentials,omitempty"`
	// Audit is the trail of writes that `history` reads.
	Audit string `json:"audit,omitempty"`
	// Identity and ExpiresAt are AWS's answer to --check.
	Identity  *aws.Identity `json:"identity,omitempty"`
	ExpiresAt *time.Time    `json:"expiresAt,omitempty"`
	// BoundKeys is how many actions of the console the file binds to other keys, KeyFaults
	// what is wrong with that: the console leaves it out.
	BoundKeys int      `json:"boundKeys,omitempty"`
	KeyFaults []string `json:"keyFaults,omitempty"`
	// Problem is what keeps the target from being used.
	Problem string `json:"problem,omitempty"`
}

func (a *App) newConfig() *cobra.Command {
	check := false
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show which stage is meant, and where each value comes from",
		Long: "Show which stage is meant, and where each value comes from: a flag, AIWCTL_*, a stage of the config file, the file's own " +
			"values, AWS's variables, AWS's files, or a default, in this order. No call is made; --check asks AWS who you are, and fails when the console's keys are not as the file has them.\n\n" +
			"The config file holds stages under names for --stage:\n\n" +
			"  default: checkout\n  protected: [\"prod*\"]\n  stages:\n    checkout:\n      profile: ops\n      region: eu-west-1\n      stage: prod\n" +
			"      service: checkout\n      baseUrl: https://api.example.com/prod\n      protected: true\n      readOnly: false\n\n" +
			"and the console's keys (`aiwctl config keys`):\n\n  keys:\n    everywhere: {help: f1}",
		Example: "aiwctl config\naiwctl config --stage checkout --check\naiwctl config stages",
		Args:    subcommands,
		RunE:    a.run(func(ctx context.Context, _ []string) error { return a.showConfig(ctx, check) }),
	}
	cmd.Flags().BoolVar(&check, "check", false, "ask AWS who you are, and how long the credentials are good for; look at the keys of the config file")
	cmd.AddCommand(
		a.newConfigKeys(),
		&cobra.Command{
			Use: "stages", Short: "List the stages of the config file", Args: takes(0, 0, ""),
			RunE: a.run(func(context.Context, []string) error { return a.configStages() }),
		},
		&cobra.Command{
			Use: "path", Short: "Print where the config file is looked for", Args: takes(0, 0, ""),
			RunE: a.run(func(context.Context, []string) error { return a.configPath() }),
		})
	return cmd
}

func (a *App) showConfig(ctx context.Context, check bool) error {
	r, file, err := a.resolve()
	if err != nil {
		return err
	}
	keymap, faults := keysOf(file)
	o := a.options(r)
	d, problem := aws.Describe(ctx, r.Target, o)
	out := targetReport{File: r.File, Entry: r.Entry, Values: fillFromFiles(r, d), Protection: r.Protection.Of(d.Target)}
	if d.Credentials.Kind != "" {
		out.Credentials = &d.Credentials
	}
	if path, err := aws.DefaultAuditPath(a.Getenv); err == nil {
		out.Audit = path
	}
	if check && problem == nil {
		var id aws.Identity
		if id, out.ExpiresAt, problem = aws.Check(ctx, r.Target, o); problem == nil {
			out.Identity = &id
		}
	}
	if problem != nil {
		out.Problem = problem.Error()
	}
	if out.KeyFaults = texts(faults); !check {
		a.warnings(out.KeyFaults)
		faults = nil
	}
	if keymap != nil {
		for _, actions := range keymap.Bound {
			out.BoundKeys += len(actions)
		}
	}
	return errors.Join(a.print(out, func(t *tableWriter) { a.configTable(t, &out) }), problem, faultyKeys(faults))
}

// fillFromFiles adds what AWS's files say to what was resolved without them.
func fillFromFiles(r settings.Resolved, d aws.Description) []settings.Value {
	values := r.Values
	for i := range values {
		v := &values[i]
		switch {
		case v.Field == settings.Region && d.RegionFrom != "":
			v.Value, v.Origin = d.Target.Region, d.RegionFrom
		case v.Field == settings.EndpointURL && d.EndpointFrom != "":
			v.Value, v.Origin = d.Target.EndpointURL, d.EndpointFrom
		case v.Field == settings.Stage && v.Value == "":
			v.Origin = "not named: what the stage says of itself, else " + aws.DefaultStage
		}
	}
	return values
}

func (a *App) configTable(t *tableWriter, out *targetReport) {
	t.row("WHAT", "VALUE", "FROM")
	for _, v := range out.Values {
		value := v.Value
		if v.Field == settings.ReadOnly {
			value = yesNo(value == "true")
		}
		t.row(string(v.Field), orDash(value), orDash(v.Origin))
	}
	t.row("protected", yesNo(out.Protection.Needed), out.Protection.Why)
	if c := out.Credentials; c != nil {
		expires := ""
		if c.Expires != nil {
			expires = a.until(*c.Expires)
			if c.Expires.Before(a.Now()) {
				expires += ": " + c.Renew
			}
		}
		t.row("credentials", c.Kind, joinNonEmpty(c.Text, expires))
	}
	if id := out.Identity; id != nil {
		expires := ""
		if out.ExpiresAt != nil {
			expires = a.until(*out.ExpiresAt)
		}
		t.row("account", id.Account, "AWS")
		t.row("identity", id.ARN, joinNonEmpty("AWS", expires))
	}
	t.row("config file", orDash(out.File), "")
	if out.BoundKeys > 0 {
		t.row("keys", fmt.Sprintf("%d bound", out.BoundKeys), "aiwctl config keys")
	}
	t.row("audit trail", orDash(out.Audit), "")
}

// until says when something ends.
func (a *App) until(t time.Time) string {
	at := t.Local().Format("2006-01-02 15:04:05")
	if left := t.Sub(a.Now()); left > 0 {
		return fmt.Sprintf("good for %s, until %s", span(left), at)
	}
	return fmt.Sprintf("ended %s ago, at %s", span(a.Now().Sub(t)), at)
}

func joinNonEmpty(a, b string) string {
	if a != "" && b != "" {
		return a + "; " + b
	}
	return a + b
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// stageRow is a stage of the config file as `config stages` prints it.
type stageRow struct {
	Name        string `json:"name"`
	Default     bool   `json:"default"`
	Profile     string `json:"profile,omitempty"`
	Region      string `json:"region,omitempty"`
	Stage       string `json:"stage"`
	Service     string `json:"service,omitempty"`
	BaseURL     string `json:"baseUrl,omitempty"`
	EndpointURL string `json:"endpointUrl,omitempty"`
	Protected   bool   `json:"protected"`
	ReadOnly    bool   `json:"readOnly"`
}

func (a *App) configStages() error {
	_, file, err := a.resolve()
	if err != nil {
		return err
	}
	rows := []stageRow{}
	for i := range file.Stages {
		name := file.Stages[i].Name
		// As the file alone has it: what a variable says would be said of every one.
		r := file.Resolve(settings.Flags{Target: aws.Target{Stage: name}}, func(string) string { return "" })
		rows = append(rows, stageRow{
			Name: name, Default: name == file.Default, Profile: r.Target.Profile, Region: r.Target.Region, Stage: r.Target.Stage,
			Service: r.Target.Service, BaseURL: r.Target.BaseURL, EndpointURL: r.Target.EndpointURL,
			Protected: r.Protection.Of(r.Target).Needed, ReadOnly: r.Target.ReadOnly,
		})
	}
	err = a.print(rows, func(t *tableWriter) {
		t.row("NAME", "PROFILE", "REGION", "STAGE", "SERVICE", "PROTECTED", "READ-ONLY", "ENDPOINT")
		for _, r := range rows {
			name := r.Name
			if r.Default {
				name += " (default)"
			}
			t.row(name, orDash(r.Profile), orDash(r.Region), r.Stage, orDash(r.Service), yesNo(r.Protected), yesNo(r.ReadOnly), orDash(r.EndpointURL))
		}
	})
	if err == nil && len(rows) == 0 {
		path, _, _ := settings.Path(a.global.config, a.Getenv) // it was found a moment ago
		err = nothingf("no stages are named in %s; `aiwctl config --help` shows how", plain(path))
	}
	return err
}

func (a *App) configPath() error {
	path, _, err := settings.Path(a.global.config, a.Getenv)
	if err != nil {
		return err
	}
	_, err = os.Stat(path)
	out := struct {
		Path   string `json:"path"`
		Exists bool   `json:"exists"`
	}{path, err == nil}
	return a.print(out, func(t *tableWriter) { t.line(plain(path)) })
}
