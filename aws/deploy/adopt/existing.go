package adopt

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// Kind is what an Existing is.
type Kind string

// The kinds, which have their names for themselves in an account and region.
const (
	KindQueue    Kind = "queue"
	KindDLQ      Kind = "dead-letter queue"
	KindFunction Kind = "function"
	KindStack    Kind = "stack"
)

// Existing is something in the account that has one of the project's names and is not the
// project's own.
type Existing struct {
	Kind Kind
	Name string
	// ARN is empty for a stack.
	ARN string
	// Worker is the id of the worker whose name it has; empty for a stack, and for the
	// function of the workers API.
	Worker string
	// Stack is the CloudFormation stack that owns it, as its tags say; empty when they say
	// of none. Tool is who made it, in words.
	Stack, Tool string
	// Mappings are what reads the queue.
	Mappings []Mapping
	// Depth is how much is in the queue.
	Depth aws.Depth
	// Layout is how the name was come by, for a queue that has the worker's name under
	// another layout of the TypeScript system. It is in nobody's way: it is where the jobs
	// of the worker go at present, and may be adopted.
	Layout string

	facts *facts
}

// Collides reports whether it is in the way of a deployment.
func (e *Existing) Collides() bool { return e.Layout == "" }

// Mapping is an event source mapping that reads a queue.
type Mapping struct {
	UUID     string
	Function string // the function's name
	State    string // Lambda's word: Enabled, Disabled, Disabling, ...
}

// enabled is whether it reads the queue, or is about to.
func (m Mapping) enabled() bool {
	return m.State != "Disabled" && m.State != "Deleting"
}

// queueFacts are a queue's attributes that adopting it depends on.
type queueFacts struct {
	name, url, arn string
	fifo           bool
	setting        project.QueueSetting
	retention      time.Duration
	dlqARN         string // of its redrive policy; empty without one
	redrivePolicy  string // as SQS has it
	kmsKey         string
	depth          aws.Depth
}

// facts are a queue and what reads it.
type facts struct {
	queueFacts
	mappings []Mapping
	stack    string
}

// String says what it is, whose, and what feeds on it.
func (e *Existing) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s exists already", e.Kind, e.Name)
	fmt.Fprintf(&b, ", %s", cmp.Or(e.Tool, "made by nobody known"))
	if e.Kind == KindStack {
		return b.String()
	}
	if e.Stack != "" {
		fmt.Fprintf(&b, " (stack %s)", e.Stack)
	}
	for _, m := range e.Mappings {
		fmt.Fprintf(&b, "; function %s reads it (%s)", m.Function, strings.ToLower(m.State))
	}
	if n := e.Depth.Total(); n > 0 {
		fmt.Fprintf(&b, "; it holds %s", messages(n))
	}
	return b.String()
}

func messages(n int) string {
	if n == 1 {
		return "1 message"
	}
	return fmt.Sprintf("%d messages", n)
}

// The tags that say who made something.
const (
	tagCloudFormation = "aws:cloudformation:stack-name"
	tagSAM            = "lambda:createdBy"
)

// toolOf is who made something with such tags, in words; empty when they do not say.
func toolOf(tags map[string]string) string {
	switch {
	case tags[project.TagProject] != "":
		return "made by aiwctl for project " + tags[project.TagProject]
	case tags[tagSAM] == "SAM":
		return "made by AWS SAM"
	case tags[tagCloudFormation] != "" && tags[project.TagStage] != "":
		return "made by the Serverless Framework, as the TypeScript tools deploy"
	case tags[tagCloudFormation] != "":
		return "made by CloudFormation"
	case tags["terraform"] != "" || strings.EqualFold(tags["ManagedBy"], "terraform"):
		return "made by Terraform"
	}
	return ""
}
