package screen

import "time"

// Choice names a stage to look at, as the flags of the command line do: what is empty
// was not said, and is for the environment, the config file and AWS's files to say. It
// is comparable.
type Choice struct {
	// Begun is the stage that the console was begun on, with all the flags it was
	// begun with; the other fields describe it then.
	Begun bool
	// Stage is a named stage of the config file, or a deployment stage.
	Stage                                 string
	Profile, Region, Service, EndpointURL string
}

// Key tells stages apart, whatever describes them.
func (c Choice) Key() Choice {
	if c.Begun {
		return Choice{Begun: true}
	}
	return c
}

// Args are the flags that say the same to any command.
func (c Choice) Args() []string {
	var args []string
	for _, flag := range []struct{ name, value string }{
		{"--stage", c.Stage}, {"--profile", c.Profile}, {"--region", c.Region}, {"--service", c.Service}, {"--endpoint-url", c.EndpointURL},
	} {
		if flag.value != "" {
			args = append(args, flag.name, flag.value)
		}
	}
	return args
}

// Name is what to call it: its stage, else where it is.
func (c Choice) Name() string {
	for _, name := range []string{c.Stage, c.Profile, c.EndpointURL, c.Region} {
		if name != "" {
			return name
		}
	}
	return "the stage that AWS's files name"
}

// SwitchStage asks for another stage. The root connects to it, and leaves the one that
// is shown only when that has succeeded; then the same screens are open on the new one.
// A second SwitchStage takes the first one's place.
type SwitchStage struct{ Choice Choice }

// CancelSwitch gives up connecting to another stage; the one that is shown stays.
type CancelSwitch struct{}

// Switching tells every screen how going over to another stage goes. The screens of
// the stage that was left hear nothing of its end: they are closed.
type Switching struct {
	Choice Choice
	// Since is when connecting began; zero when nothing is being connected to.
	Since time.Time
	// Err is why it failed; nil while it goes on and when it was given up.
	Err error
}
