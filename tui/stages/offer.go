package stages

import (
	"context"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/tui/screen"
)

// Offer is what can be chosen from: the stages that somebody has named, and the
// profiles of AWS's files.
type Offer struct {
	Stages   []Stage
	Profiles []Profile
	// File is where the config file is, or where it would be looked for; empty when
	// there is no such place. Exists is whether it is there.
	File   string
	Exists bool
}

// Stage is a named stage, and where it leads. What nobody says is empty.
type Stage struct {
	Choice screen.Choice
	// Name is what people call it.
	Name string
	// Begun is set on the stage that the console was begun on.
	Begun bool
	// Default is the stage that is used when none is named.
	Default bool

	Stage, Profile, Region, Service, Endpoint string
	// Account is known where AWS's files tell it.
	Account             string
	Protected, ReadOnly bool
	// Problem is why it cannot be connected to, where that is plain without a call.
	Problem string
}

// Profile is a profile of AWS's files.
type Profile struct{ Name, Region, Account string }

// Config is what the picker is given.
type Config struct {
	// Offers reads what there is to choose from; nil means the one stage that is
	// shown.
	Offers func(context.Context) (Offer, error)
	// Current is the stage that is shown. Fixed is set when there is no other.
	Current screen.Choice
	Fixed   bool
	// Accounts are those that AWS has told of stages that were shown.
	Accounts map[screen.Choice]string
}

// regions are those that have Lambda and SQS, of the partitions that anybody can have
// an account in.
// https://docs.aws.amazon.com/general/latest/gr/rande.html
const regions = `us-east-1 us-east-2 us-west-1 us-west-2 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2
	eu-west-1 eu-west-2 eu-west-3 eusc-de-east-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2
	ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 af-south-1 ca-central-1
	ca-west-1 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-gov-east-1 us-gov-west-1 cn-north-1 cn-northwest-1`

// regionsFirst are the regions, those that are in use on this machine before the
// others.
func regionsFirst(o Offer) []string {
	var all []string
	add := func(name string) {
		if name != "" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	for _, s := range o.Stages {
		add(s.Region)
	}
	for _, p := range o.Profiles {
		add(p.Region)
	}
	for name := range strings.FieldsSeq(regions) {
		add(name)
	}
	return all
}
