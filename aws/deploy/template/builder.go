package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch"
)

type (
	object = map[string]any
	list   = []any
)

// The parts of a worker, by which its resources are called: LogicalID(id, partQueue). They are
// those of the Serverless Framework where that makes the part. None ends like another one, so
// that no part of one worker can be called like that of another.
const (
	partFunction   = "LambdaFunction"
	partLogGroup   = "LogGroup"
	partRole       = "Role"
	partQueue      = "Queue"
	partDLQ        = "Dlq"
	partMapping    = "EventSourceMapping"
	partSchedule   = "Schedule" // followed by its number, from 1
	partSender     = "QueuePolicy"
	partPermission = "SchedulePermission"
	partDepthAlarm = "DepthAlarm"
	partAgeAlarm   = "AgeAlarm"
)

// builder gathers what is in the template of one stack.
type builder struct {
	p     *project.Project
	stack project.Stack
	// of finds the stack of a worker of the stage.
	of        map[string]project.Stack
	workers   map[string]project.Worker
	resources map[string]entry
	outputs   object
	problems  project.Problems
	// queueNames are the names of the stack's queues by logical id, when somebody has asked.
	queueNames map[string]string
}

func newBuilder(p *project.Project, stack project.Stack) *builder {
	b := &builder{p: p, stack: stack, of: map[string]project.Stack{}, workers: map[string]project.Worker{}, resources: map[string]entry{}, outputs: object{}}
	for _, s := range p.Stacks() {
		for _, w := range s.Workers {
			b.of[w.ID], b.workers[w.ID] = s, w
		}
	}
	return b
}

// problem notes why the stage cannot be deployed; id is empty for what is of no worker.
func (b *builder) problem(id, format string, args ...any) {
	place := ""
	if w, found := b.workers[id]; found && w.Program != nil {
		place = w.Program.Package
	}
	b.problems = append(b.problems, project.Problem{Place: place, Worker: id, Text: fmt.Sprintf(format, args...)})
}

// add puts a resource into the template.
func (b *builder) add(id string, e entry) {
	if _, taken := b.resources[id]; taken {
		b.problem("", "two resources of stack %s are both called %s: give one of the workers an id that differs by more than case and punctuation", b.stack.Name, id)
		return
	}
	b.resources[id] = e
}

func (b *builder) output(id, description string, value any) {
	b.outputs[id] = object{"Description": description, "Value": value}
}

// entry is a resource of a template.
type entry struct {
	Type string
	// DependsOn are the resources that must be there before, beside those that Properties refer to.
	DependsOn  []string `json:",omitempty"`
	Properties object
}

func resource(kind string, properties object, dependsOn ...string) entry {
	return entry{Type: kind, DependsOn: dependsOn, Properties: properties}
}

// tags are those of a resource, of a worker's when id is not empty, as a list.
func (b *builder) tags(id string) list {
	var out list
	tags := b.tagMap(id)
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, object{"Key": key, "Value": tags[key]})
	}
	return out
}

func (b *builder) tagMap(id string) map[string]string {
	tags := map[string]string{project.TagStage: b.p.Stage, project.TagProject: b.p.Service, project.TagService: b.stack.Service}
	if id != "" {
		tags[project.TagWorker] = id
	}
	return tags
}

// queue is what the stage's parts need to know of a worker's queues.
type queue struct {
	name, dlq string // dlq is empty for an adopted worker that has none
	arn, url  any    // as a template has them
	dlqARN    any
	dlqURL    any
	adopted   bool
}

// queueOf is a worker's queue as seen from this stack. That of another stack, and the ARN in a
// policy, is known by its name, so that no stack waits for another one's outputs.
func (b *builder) queueOf(id string) queue {
	w, stack := b.workers[id], b.of[id]
	if a, found := b.p.Adopted[id]; found {
		q := queue{name: a.Queue, dlq: a.DLQ, arn: a.QueueARN, url: a.QueueURL, adopted: true}
		if a.DLQ != "" {
			q.dlqARN, q.dlqURL = a.DLQARN, a.DLQURL
		}
		return q
	}
	q := queue{
		name: project.QueueName(stack.Service, b.p.Stage, w.ManifestWorker),
		dlq:  project.DLQName(stack.Service, b.p.Stage, w.ManifestWorker),
	}
	q.arn, q.dlqARN = queueARN(q.name), queueARN(q.dlq)
	if stack.Name == b.stack.Name {
		q.url, q.dlqURL = ref(project.LogicalID(id, partQueue)), ref(project.LogicalID(id, partDLQ))
	} else {
		q.url, q.dlqURL = queueURL(q.name), queueURL(q.dlq)
	}
	return q
}

func ref(id string) object { return object{"Ref": id} }

func attribute(id, name string) object { return object{"Fn::GetAtt": []string{id, name}} }

// sub is a text in which ${AWS::Region} and the like are replaced.
func sub(text string) object { return object{"Fn::Sub": text} }

// literal is a text for use within sub: what looks like a variable there is none.
func literal(text string) string { return strings.ReplaceAll(text, "${", "${!") }

func arn(service, resource string) string {
	return "arn:${AWS::Partition}:" + service + ":${AWS::Region}:${AWS::AccountId}:" + resource
}

func queueARN(name string) object { return sub(arn("sqs", literal(name))) }

func queueURL(name string) object {
	return sub("https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}/" + literal(name))
}

// substituted is a text of a manifest, in which the variables of that exist: those that
// AWS knows become CloudFormation's, the others are known here.
func (b *builder) substituted(text string) any {
	text = strings.NewReplacer("${service}", b.stack.Service, "${stage}", b.p.Stage).Replace(text)
	out := strings.NewReplacer(
		"${aws:region}", "${AWS::Region}", "${aws:accountId}", "${AWS::AccountId}", "${aws:partition}", "${AWS::Partition}", "${", "${!",
	).Replace(text)
	if !strings.Contains(out, "${AWS::") {
		return text
	}
	return sub(out)
}

// functionName is what a worker's function is called.
func (b *builder) functionName(w dispatch.ManifestWorker) string {
	_, adopted := b.p.Adopted[w.ID]
	return project.FunctionName(b.stack.Service, b.p.Stage, w.ID, adopted)
}
