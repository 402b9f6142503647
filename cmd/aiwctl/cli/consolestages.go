package cli

import (
	"context"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/settings"
	"github.com/microfox-ai/aiwctl/tui"
	"github.com/microfox-ai/aiwctl/tui/screen"
	"github.com/microfox-ai/aiwctl/tui/stages"
)

// profilesDescribed is how many profiles are described: each takes reading AWS's files.
const profilesDescribed = 100

// chosen decides which stage a choice of the console means. What the command line says
// of a stage is about the one that the console was begun on; what it says of the console
// stays: --read-only is in force everywhere, and --read-only=false nowhere else, for it
// was said of that one stage.
func (a *App) chosen(file *settings.File, c screen.Choice) settings.Resolved {
	if c.Begun {
		return file.Resolve(a.flags(), a.Getenv)
	}
	f := settings.Flags{Target: aws.Target{
		Stage: c.Stage, Profile: c.Profile, Region: c.Region, Service: c.Service, EndpointURL: c.EndpointURL,
	}}
	if a.global.readOnlySet && a.global.target.ReadOnly {
		f.ReadOnly = &a.global.target.ReadOnly
	}
	getenv := a.Getenv
	if c.Stage == "" {
		// Whoever leaves the stage open means the one that is there.
		open := *file
		open.Default, file = "", &open
		getenv = func(name string) string {
			if name == "AIWCTL_STAGE" {
				return ""
			}
			return a.Getenv(name)
		}
	}
	return file.Resolve(f, getenv)
}

// connect opens another stage for the console.
func (a *App) connect(ctx context.Context, c screen.Choice) (tui.Backend, error) {
	file, err := settings.Load(a.global.config, a.Getenv)
	if err != nil {
		return tui.Backend{}, err
	}
	r := a.chosen(file, c)
	s, err := a.openToLook(ctx, r)
	if err != nil {
		return tui.Backend{}, err
	}
	// Who we are tells whether the credentials are good and AWS can be reached. It needs
	// no permission; where a policy of the organisation denies it all the same, the
	// credentials are good.
	if _, err := s.Identity(ctx); err != nil {
		if kind, _ := aws.Classify(err); kind != aws.KindDenied {
			return tui.Backend{}, err
		}
	}
	records, err := a.openRecords(ctx, s)
	if err != nil {
		return tui.Backend{}, err
	}
	return a.backend(s, a.engine(s, records), records)
}

// choices are the stages of the config file and the profiles of AWS's files.
func (a *App) choices(ctx context.Context) (stages.Offer, error) {
	file, err := settings.Load(a.global.config, a.Getenv)
	if err != nil {
		return stages.Offer{}, err
	}
	offer := stages.Offer{File: file.Path, Exists: file.Path != ""}
	if !offer.Exists {
		offer.File, _, _ = settings.Path(a.global.config, a.Getenv) // without a home there is no place
	}
	begun := a.chosen(file, screen.Choice{Begun: true})
	named := false
	for i := range file.Stages {
		name := file.Stages[i].Name
		c := screen.Choice{Stage: name}
		row := a.offered(ctx, c, a.chosen(file, c))
		row.Name, row.Default = name, name == file.Default
		row.Begun = a.chosen(file, c).Target == begun.Target
		named = named || row.Begun
		offer.Stages = append(offer.Stages, row)
	}
	if !named {
		row := a.offered(ctx, screen.Choice{Begun: true}, begun)
		row.Begun = true
		row.Choice = screen.Choice{
			Begun: true, Stage: row.Stage, Profile: row.Profile, Region: row.Region, Service: row.Service, EndpointURL: begun.Target.EndpointURL,
		}
		offer.Stages = append([]stages.Stage{row}, offer.Stages...)
	}
	for i, name := range aws.Profiles(a.Getenv) {
		p := stages.Profile{Name: name}
		if i < profilesDescribed && ctx.Err() == nil {
			d, _ := aws.Describe(ctx, aws.Target{Profile: name}, a.options(settings.Resolved{})) // what is not known is not told
			p.Region, p.Account = d.Target.Region, d.Credentials.Account()
		}
		offer.Profiles = append(offer.Profiles, p)
	}
	return offer, ctx.Err()
}

// offered is where a choice leads, as far as it is known without a call.
func (a *App) offered(ctx context.Context, c screen.Choice, r settings.Resolved) stages.Stage {
	d, err := aws.Describe(ctx, r.Target, a.options(r))
	t := d.Target
	row := stages.Stage{
		Choice: c, Stage: t.Stage, Profile: t.Profile, Region: t.Region, Service: t.Service, Account: d.Credentials.Account(),
		Protected: r.Protection.Of(t).Needed, ReadOnly: t.ReadOnly,
	}
	if v := r.Value(settings.EndpointURL); v.Value != "" {
		row.Endpoint = v.Value // without a password
	}
	if err != nil {
		row.Problem = err.Error()
	}
	return row
}
