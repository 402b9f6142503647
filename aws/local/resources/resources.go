// Package resources is the types of resources that stacks of the local endpoint can have:
// queues, functions, mappings and log groups are the endpoint's own, in the same namespaces as
// what else is there; roles, policies, permissions and alarms are kept and have no effect.
//
// What the types and their properties mean is said in CloudFormation's reference
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/).
package resources

import (
	"crypto/rand"
	"log/slog"
	"maps"
	"os"

	"github.com/microfox-ai/aiwctl/aws/local/cwlogs"
	"github.com/microfox-ai/aiwctl/aws/local/functions"
	"github.com/microfox-ai/aiwctl/aws/local/gateway"
	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/aws/local/rules"
	"github.com/microfox-ai/aiwctl/aws/local/stacks"
)

// Config configures New. All of it must be set.
type Config struct {
	Region, Account string
	Queues          *queues.Broker
	Functions       *functions.Manager
	Logs            *cwlogs.Service
	APIs            *gateway.APIs
	Rules           *rules.Service
	// Open opens an object of S3.
	Open func(bucket, key string) (*os.File, error)
	// Dir is where the archives of functions are unpacked; it is made when it is needed.
	Dir    string
	Logger *slog.Logger
}

// Resources makes resources. It is safe for concurrent use.
type Resources struct {
	cfg   Config
	code  *archives
	names names
}

// New makes none yet.
func New(cfg Config) *Resources {
	return &Resources{cfg: cfg, code: newArchives(cfg.Dir, cfg.Open), names: names{taken: map[string]bool{}}}
}

// Kinds are the types, by name.
func (r *Resources) Kinds() map[string]stacks.Kind {
	kinds := map[string]stacks.Kind{
		"AWS::SQS::Queue":                 r.queue(),
		"AWS::Lambda::Function":           r.function(),
		"AWS::Lambda::EventSourceMapping": r.mapping(),
		"AWS::Logs::LogGroup":             r.logGroup(),
		"AWS::IAM::Role":                  r.role(),
		"AWS::CloudWatch::Alarm":          r.alarm(),
		"AWS::Events::Rule":               r.rule(),
		"AWS::IAM::ManagedPolicy":         r.managedPolicy(),
	}
	maps.Copy(kinds, r.apiKinds())
	maps.Copy(kinds, r.kept())
	return kinds
}

// owner is what functions and mappings of a stack belong to.
func owner(s stacks.Resource) string { return s.StackID }

// nameOf is the name that a property gives, or one made of the stack's name and the logical
// id, of at most so many characters.
func nameOf(s stacks.Resource, property string, most int) string {
	if name := text(s.Properties[property]); name != "" {
		return name
	}
	return madeName(s, most)
}

func madeName(s stacks.Resource, most int) string {
	tail := "-" + randomText(12)
	head := s.Stack + "-" + s.LogicalID
	return head[:min(len(head), most-len(tail))] + tail
}

// randomText is of capital letters and digits, as CloudFormation makes names of.
func randomText(n int) string { return rand.Text()[:n] }

// tagsOf are the tags that a resource gets: those of the stack, its own, and CloudFormation's.
func tagsOf(s stacks.Resource) map[string]string {
	tags := map[string]string{}
	maps.Copy(tags, s.StackTags)
	for _, one := range list(s.Properties["Tags"]) {
		tags[text(object(one)["Key"])] = text(object(one)["Value"])
	}
	tags["aws:cloudformation:stack-name"] = s.Stack
	tags["aws:cloudformation:stack-id"] = s.StackID
	tags["aws:cloudformation:logical-id"] = s.LogicalID
	return tags
}
