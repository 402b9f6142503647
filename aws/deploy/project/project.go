// Package project describes a stage as its code says it should be: programs, workers
// and what AWS is to make of them. It is data, names and rules; it reads no file and
// makes no call. Packages scan and bundle make a Project, package template writes it
// down for AWS, package stack brings a stage to it.
package project

import (
	"cmp"
	"slices"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// Arch is the processor that functions run on, in Lambda's words.
type Arch string

// The processors of Lambda. The zero value of a Project's Arch is ARM64.
const (
	ARM64 Arch = "arm64"
	AMD64 Arch = "x86_64"
)

// GOARCH is Go's name of it.
func (a Arch) GOARCH() string {
	if a == AMD64 {
		return "amd64"
	}
	return "arm64"
}

// Project is a stage as the code says it should be.
type Project struct {
	// Service is the project's name, which names in AWS begin with.
	Service string
	// Stage is the deployment stage, such as prod.
	Stage string
	// Region and Account are where it goes; both may be empty where files are written
	// instead of deployed.
	Region, Account string
	// Arch is what functions run on; empty means ARM64.
	Arch Arch
	// Programs are the worker programs, sorted by package.
	Programs []Program
	// API is the artifact of the workers API's function: any program's bootstrap beside
	// the manifest of the whole stage, manifest.json.
	API Artifact
	// APIKey refers to the key that guards the workers API; zero leaves the API open.
	APIKey Ref
	// Bucket is where artifacts are.
	Bucket string
	// LogRetentionDays is how long log groups keep lines, as CloudWatch Logs allows it;
	// zero means DefaultLogRetentionDays.
	LogRetentionDays int
	// Alarms, when not nil, asks for alarms on every worker.
	Alarms *Alarms
	// Variables are the values of what the workers declare: by worker id, by name.
	Variables map[string]map[string]Value
	// Adopted are the workers whose queues another tool has made, by id: they are used and
	// never owned.
	Adopted map[string]Adopted
	// StackSuffix follows the name of every stack of the stage. It is empty, or
	// ForeignSuffix where another tool's stack has one of the names; package adopt decides.
	StackSuffix string
}

// ForeignSuffix sets a stage's stacks apart from those of another tool, which have the same
// names.
const ForeignSuffix = "-aiwctl"

// DefaultLogRetentionDays is how long log groups keep lines unless somebody says
// otherwise. Lambda's own is for ever.
const DefaultLogRetentionDays = 30

// Program is a worker program: a main package that calls runtime.Main.
type Program struct {
	// Package is its import path, Dir its directory.
	Package, Dir string
	// Manifest is what it says of itself.
	Manifest dispatch.Manifest
	// Places are where its workers are made, as file:line seen from the directory that was
	// scanned, by the Source that the manifest has; what is missing is the Source itself.
	Places map[string]string
	// Artifact is what is deployed of it; zero before it is built.
	Artifact Artifact
}

// Artifact is a zip file for Lambda.
type Artifact struct {
	// File is where it is on this machine; empty when it is known by its hash only.
	File string
	// SHA256 is of the file's bytes, in lower-case hex; Size is their number.
	SHA256 string
	Size   int64
	// Key is its name in the bucket of artifacts; it contains SHA256, so that the same
	// bytes have the same key.
	Key string
}

// ArtifactKey is the name in the bucket of an artifact with that hash.
func (p *Project) ArtifactKey(sha256 string) string {
	return p.Service + "/" + p.Stage + "/artifacts/" + sha256 + ".zip"
}

// Value is what a variable of a function is set to: a text or a reference to a secret.
type Value struct {
	Text string
	// Ref, when not zero, is what the function reads the value from when it starts.
	Ref Ref
}

// Alarms are alarms on every worker's queues, as CloudWatch has them.
type Alarms struct {
	// TopicARN is the SNS topic that is told; empty tells nobody, and the console shows
	// alarms all the same.
	TopicARN string
	// AgeSeconds is how old the oldest message of a queue may get; zero means 15 minutes.
	AgeSeconds int
}

// Adopted are the queues of a worker that another tool has made.
type Adopted struct {
	Queue    string `json:"queue"` // the name
	QueueARN string `json:"queueArn"`
	QueueURL string `json:"queueUrl"`
	DLQ      string `json:"dlq,omitempty"`
	DLQARN   string `json:"dlqArn,omitempty"`
	DLQURL   string `json:"dlqUrl,omitempty"`
	// Mappings are the event source mappings that fed the worker before: they are disabled
	// before ours is enabled, and enabled again should ours be given up.
	Mappings []string `json:"mappings,omitempty"`
	// Function is what they fed.
	Function string `json:"function,omitempty"`
	// Stack is the CloudFormation stack that owns the queue; empty when none is known to.
	Stack string `json:"stack,omitempty"`
	// Live is whether our mapping reads the queue, which the template says of it
	// (Enabled). It is false from the deployment that brings our function until the old
	// mappings are off.
	Live bool `json:"live,omitempty"`
	// Was is what the queue was set to before it was fitted to the worker; nil when nothing
	// was changed.
	Was *QueueSetting `json:"was,omitempty"`
}

// QueueSetting is the part of a queue's attributes that taking it over may change.
type QueueSetting struct {
	VisibilityTimeoutSeconds int `json:"visibilityTimeoutSeconds"`
	MaxReceiveCount          int `json:"maxReceiveCount"`
}

// Worker is a worker in its program.
type Worker struct {
	dispatch.ManifestWorker
	Program *Program
}

// Workers are the workers of all programs, sorted by id.
func (p *Project) Workers() []Worker {
	var out []Worker
	for i := range p.Programs {
		for _, w := range p.Programs[i].Manifest.Workers {
			out = append(out, Worker{w, &p.Programs[i]})
		}
	}
	slices.SortFunc(out, func(a, b Worker) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Manifest is the manifest of the whole stage.
func (p *Project) Manifest() dispatch.Manifest {
	m := dispatch.Manifest{Version: dispatch.ManifestVersion, Workers: []dispatch.ManifestWorker{}}
	for _, w := range p.Workers() {
		m.Workers = append(m.Workers, w.ManifestWorker)
	}
	return m
}

// Stack is one CloudFormation stack of a stage.
type Stack struct {
	// Name is the stack's, Service what names of its workers' parts begin with.
	Name, Service string
	// Group is the deployment group; empty for the base stack.
	Group string
	// Workers are those of the group, sorted by id; the base stack's are those of the
	// default group, and may be none.
	Workers []Worker
}

// Base reports whether it is the base stack, which has the workers API and the
// default group's workers.
func (s Stack) Base() bool { return s.Group == "" }

// Stacks are the stacks of a stage in the order of their deployment: groups by name, then
// the base stack, so that the workers API lists no worker that is not there yet. A group
// that is added or goes away renames nothing of the others.
func (p *Project) Stacks() []Stack {
	groups := map[string][]Worker{}
	for _, w := range p.Workers() {
		group := w.Group
		if group == dispatch.DefaultGroup {
			group = ""
		}
		groups[group] = append(groups[group], w)
	}
	var out []Stack
	for group, workers := range groups {
		if group != "" {
			service := GroupService(p.Service, group)
			out = append(out, Stack{Name: StackName(service, p.Stage) + p.StackSuffix, Service: service, Group: group, Workers: workers})
		}
	}
	slices.SortFunc(out, func(a, b Stack) int { return cmp.Compare(a.Group, b.Group) })
	return append(out, Stack{Name: StackName(p.Service, p.Stage) + p.StackSuffix, Service: p.Service, Workers: groups[""]})
}
