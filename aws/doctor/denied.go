package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws"
)

// Decision is what is known of a permission.
type Decision string

// The decisions.
const (
	DecisionAllowed  Decision = "allowed"
	DecisionDenied   Decision = "denied"
	DecisionUnknown  Decision = "unknown"   // asked, and not answered
	DecisionNotTried Decision = "not tried" // left out on purpose
)

// How a decision was come by.
const (
	HowTried     = "tried"     // a harmless call was made
	HowSimulated = "simulated" // IAM's policy simulator was asked
)

// Permission is what a check of a permission found.
type Permission struct {
	Action   string   `json:"action"`
	Purpose  Purpose  `json:"purpose"`
	Decision Decision `json:"decision"`
	// How is HowTried, HowSimulated, or empty when it was not tried.
	How string `json:"how,omitempty"`
	// Resource is what it was tried on, as an ARN; "*" where IAM knows no resource.
	Resource string `json:"resource,omitempty"`
	// Policy is the type of the policy that stands in the way, when AWS says:
	// "identity-based policy", "service control policy", "permissions boundary".
	Policy string `json:"policy,omitempty"`
	// Explicit is true when a statement denies it, rather than none allowing it.
	Explicit bool `json:"explicit,omitempty"`
}

// policyTypes are the words of AWS's messages.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
var policyTypes = []string{
	"identity-based policy", "service control policy", "resource control policy", "permissions boundary",
	"session policy", "resource-based policy", "VPC endpoint policy",
}

// denial is why AWS refused.
type denial struct {
	policy   string
	explicit bool
}

// denialOf reads the message of a refusal. Not every service says why.
func denialOf(err error) denial {
	var d denial
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return d
	}
	message := api.ErrorMessage()
	d.explicit = strings.Contains(message, "explicit deny")
	for _, t := range policyTypes {
		if strings.Contains(message, t) {
			d.policy = t
			break
		}
	}
	return d
}

// helps is whether an Allow in the caller's own policies would.
func (d denial) helps() bool {
	return !d.explicit && (d.policy == "" || d.policy == policyTypes[0])
}

// words is the denial, for the text of a check.
func (d denial) words() string {
	switch {
	case d.explicit && d.policy != "":
		return fmt.Sprintf("denied: a statement of the %s denies it", d.policy)
	case d.explicit:
		return "denied: a statement denies it"
	case d.policy != "":
		return fmt.Sprintf("denied: no %s allows it", d.policy)
	}
	return "denied"
}

// remedy says who has to do what. who is the caller in a person's words.
func (d denial) remedy(action, who string) string {
	switch {
	case d.explicit && d.policy == "":
		return fmt.Sprintf("find the statement that denies %s to %s, and take it out: to allow it once more does not help", action, who)
	case d.policy == "service control policy", d.policy == "resource control policy":
		return fmt.Sprintf("the organisation's administrators have to let %s pass: nothing in this account can", action)
	case d.policy == "permissions boundary":
		return fmt.Sprintf("the permissions boundary of %s has to allow %s as well", who, action)
	case d.policy == "session policy":
		return fmt.Sprintf("the session was begun with a policy that leaves out %s: begin one without it", action)
	case d.policy == "VPC endpoint policy":
		return fmt.Sprintf("the policy of the VPC endpoint has to allow %s", action)
	case d.policy == "resource-based policy" && !d.explicit:
		return fmt.Sprintf("the policy of the queue or the key, which is another account's, has to allow %s to %s", action, who)
	case d.explicit:
		return fmt.Sprintf("take the statement that denies %s out of the %s: to allow it once more does not help", action, d.policy)
	}
	return fmt.Sprintf("allow %s to %s", action, who)
}

// judge sorts the outcome of a call that was made to see whether it is allowed.
func judge(action string, err error) (Decision, string, denial) {
	kind, hint := aws.Classify(err)
	service, _, _ := strings.Cut(action, ":")
	switch {
	case err == nil:
		return DecisionAllowed, "", denial{}
	case errors.Is(err, context.Canceled):
		return DecisionUnknown, "interrupted", denial{}
	case errors.Is(err, context.DeadlineExceeded):
		return DecisionUnknown, "no answer in time", denial{}
	case kind == aws.KindDenied:
		d := denialOf(err)
		return DecisionDenied, d.words(), d
	// These two decide on the permission first. SQS says of a queue that "it does not
	// exist or you do not have access to it".
	case kind == aws.KindNotFound && (service == "logs" || service == "lambda"):
		return DecisionAllowed, "the one that was asked for does not exist", denial{}
	case kind == aws.KindThrottled:
		return DecisionUnknown, "throttled: " + hint, denial{}
	}
	return DecisionUnknown, aws.Brief(err), denial{}
}
