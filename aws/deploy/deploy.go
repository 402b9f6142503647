// Package deploy brings a stage in AWS to what its code says: it plans, which reads
// only, and applies a plan, through the guard. CloudFormation holds the state; what this
// package adds to it are artifacts, secrets, and a record of every deployment, all of
// which may be left half done at any moment: the next run takes up what is there.
package deploy

import (
	"crypto/rand"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// Options configures New. The zero value works.
type Options struct {
	// Bucket is where artifacts are; empty means project.BucketName.
	Bucket string
	// OnEvent is told what happens while a plan is applied, one event at a time; nil means
	// nobody is. It must not block for long.
	OnEvent func(Event)
	// Compare says how two templates differ, for StackPlan.Changes; nil leaves them unset.
	// The first is nil for a stack that is to be made, the second for one that is to be removed.
	Compare func(deployed, next []byte) (any, error)
	// Revision is the source's, as a version control system names it; Version this
	// program's. Both may be empty; they are put on record.
	Revision, Version string
	// Now is the clock of records and events; nil means time.Now.
	Now func() time.Time
	// Random makes the API key and the ids of deployments; nil means crypto/rand.
	Random func([]byte)
}

// Input is what a stage is brought to.
type Input struct {
	Project *project.Project
	// Documents are the templates of the project's stacks, in the order of their
	// deployment.
	Documents []Document
	// Secrets are those that push stores.
	Secrets []Secret
}

// Document is the template of a stack, as JSON.
type Document struct {
	Stack project.Stack
	Body  []byte
}

// Secret is a secret that is stored before functions that read it are deployed.
type Secret struct {
	// Ref is where; its store is SSM.
	Ref project.Ref
	// Reveal is the value; it is called when it is compared or stored, and never printed.
	Reveal func() string
	// Workers are the ids of those that read it.
	Workers []string
}

// Confirmed is what a person has agreed to.
type Confirmed struct {
	// Queues are the names of queues that may go although there are messages in them.
	Queues []string
	// SkipResources are resources, by stack name, that continuing a failed roll-back
	// leaves as they are; only for ContinueRollback.
	SkipResources map[string][]string
	// ContinueRollback agrees to continue the roll-back of stacks that are
	// UPDATE_ROLLBACK_FAILED. Without it they are a refusal.
	ContinueRollback bool
}

// Deployer deploys to one stage. It is for one plan at a time. Make one with New.
type Deployer struct {
	api  access
	opts Options
}

// New makes a deployer of a stage.
func New(stage *aws.Stage, o Options) *Deployer {
	return newDeployer(stageAccess{stage, stage.Guard()}, o)
}

func newDeployer(api access, o Options) *Deployer {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	if o.Random == nil {
		o.Random = func(b []byte) { _, _ = rand.Read(b) } // it never fails
	}
	return &Deployer{api: api, opts: o}
}
