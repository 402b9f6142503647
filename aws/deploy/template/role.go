package template

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// workerRole adds what a worker's function may do: take from its own queue, send to it, to
// its dead-letter queue and to those of the workers that it calls, write its own log, read the
// secrets that it is given, and what its author asks for.
func (b *builder) workerRole(w project.Worker) {
	own := b.queueOf(w.ID)
	sends := list{own.arn}
	if own.dlq != "" {
		sends = append(sends, own.dlqARN)
	}
	for _, callee := range uniq(w.Calls) {
		if _, known := b.workers[callee]; known && callee != w.ID {
			sends = append(sends, b.queueOf(callee).arn)
		}
	}
	statements := list{
		allow("OwnQueue", []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"}, list{own.arn}),
		allow("SendJobs", []string{"sqs:SendMessage"}, sends),
		b.writeLog(b.functionName(w.ManifestWorker)),
	}
	statements = append(statements, readSecrets(b.refs(w))...)
	for i, permission := range w.Permissions {
		var resources list
		for _, r := range permission.Resources {
			resources = append(resources, b.substituted(r))
		}
		statements = append(statements, allow(fmt.Sprintf("Permission%d", i+1), permission.Actions, resources))
	}
	id := project.LogicalID(w.ID, partRole)
	b.add(id, b.role("What worker "+w.ID+" may do", w.ID, statements))
	if size := b.policySize(statements); size > maxRolePolicies {
		b.problem(w.ID, "the policy of its role is %d characters long, and IAM allows %d: drop permissions, or allow several resources by one pattern", size, maxRolePolicies)
	}
}

// role is a role that Lambda takes on, with one policy.
func (b *builder) role(description, id string, statements list) entry {
	return resource("AWS::IAM::Role", object{
		"Description": shorten(description, maxRoleDescription),
		"AssumeRolePolicyDocument": policy(list{object{
			"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": object{"Service": "lambda.amazonaws.com"},
		}}),
		"Policies": list{object{"PolicyName": "function", "PolicyDocument": policy(statements)}},
		"Tags":     b.tags(id),
	})
}

func policy(statements list) object { return object{"Version": "2012-10-17", "Statement": statements} }

func allow(sid string, actions []string, resources list) object {
	return object{"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
}

func (b *builder) writeLog(function string) object {
	return allow("OwnLog", []string{"logs:CreateLogStream", "logs:PutLogEvents"},
		list{sub(arn("logs", "log-group:"+literal(project.LogGroup(function))+":*"))})
}

// refs are the secrets that a worker's function is given, each once.
func (b *builder) refs(w project.Worker) []project.Ref {
	var out []project.Ref
	for _, v := range b.p.Variables[w.ID] {
		if !v.Ref.IsZero() {
			out = append(out, v.Ref)
		}
	}
	return out
}

// readSecrets allows reading exactly those secrets. Keys of one's own for encryption want
// kms:Decrypt beside it, which is a permission of the worker; AWS's own want nothing.
func readSecrets(refs []project.Ref) list {
	names := map[project.Store][]string{}
	for _, r := range refs {
		if !slices.Contains(names[r.Store], r.Name) {
			names[r.Store] = append(names[r.Store], r.Name)
		}
	}
	var out list
	for _, store := range []project.Store{project.SSM, project.SecretsManager} {
		var resources list
		slices.Sort(names[store])
		for _, name := range names[store] {
			resources = append(resources, secretARNs(store, name)...)
		}
		switch {
		case len(resources) == 0:
		case store == project.SSM:
			out = append(out, allow("Parameters", []string{"ssm:GetParameters"}, resources))
		default:
			out = append(out, allow("Secrets", []string{"secretsmanager:GetSecretValue"}, resources))
		}
	}
	return out
}

// secretSuffix is what Secrets Manager adds to a secret's name in its ARN.
var secretSuffix = regexp.MustCompile(`-[A-Za-z0-9]{6}$`)

// secretARNs are the ARNs that a secret may have. Secrets Manager's end in six characters that
// nobody knows before; an ARN may be given without them, and a name may look as if it had some.
func secretARNs(store project.Store, name string) list {
	switch {
	case store == project.SSM && strings.HasPrefix(name, "arn:"):
		return list{name}
	case store == project.SSM:
		return list{sub(arn("ssm", "parameter/"+literal(strings.TrimPrefix(name, "/"))))}
	case !strings.HasPrefix(name, "arn:"):
		return list{sub(arn("secretsmanager", "secret:"+literal(name)+"-??????"))}
	case secretSuffix.MatchString(name):
		return list{name, name + "-??????"}
	}
	return list{name + "-??????"}
}

func uniq(ids []string) []string { return slices.Compact(slices.Sorted(slices.Values(ids))) }

// apiRole adds what the function of the workers API may do: send to the queues of the stage's
// workers, and look at them.
func (b *builder) apiRole() {
	var queues list
	for _, w := range b.p.Workers() {
		queues = append(queues, b.queueOf(w.ID).arn)
	}
	actions := []string{"sqs:SendMessage", "sqs:GetQueueUrl", "sqs:GetQueueAttributes"}
	statements := list{b.writeLog(project.APIFunctionName(b.p.Service, b.p.Stage))}
	if !b.p.APIKey.IsZero() {
		statements = append(statements, readSecrets([]project.Ref{b.p.APIKey})...)
	}
	// Policies of their own for the queues of a large stage: the ones within a role are
	// limited all together.
	chunks := b.chunks(queues)
	if len(chunks) == 1 {
		statements = append(statements, allow("Queues", actions, chunks[0]))
		chunks = nil
	}
	role := b.role("What the workers API of "+b.p.Service+" may do", "", statements)
	var managed list
	for i, chunk := range chunks {
		id := fmt.Sprintf("ApiQueuesPolicy%d", i+1)
		b.add(id, resource("AWS::IAM::ManagedPolicy", object{
			"Description":    "Queues that the workers API of " + b.p.Service + " sends to",
			"PolicyDocument": policy(list{allow("Queues", actions, chunk)}),
		}))
		managed = append(managed, ref(id))
	}
	if len(managed) > 0 {
		role.Properties["ManagedPolicyArns"] = managed
	}
	if len(managed) > maxManagedPolicies {
		b.problem("", "the workers API would need %d policies for the queues of %d workers, and IAM allows %d: deploy some of the workers as a service of their own", len(managed), len(queues), maxManagedPolicies)
	}
	b.add("ApiRole", role)
}

// chunks divides resources so that a policy of each is within IAM's limit.
func (b *builder) chunks(resources list) []list {
	var out []list
	size := maxManagedPolicy
	for _, r := range resources {
		length := len(b.estimate(r)) + 3 // its quotes and the comma
		if size += length; size > maxManagedPolicy-policyOverhead {
			out, size = append(out, nil), length
		}
		out[len(out)-1] = append(out[len(out)-1], r)
	}
	return out
}
