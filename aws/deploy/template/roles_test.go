package template_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

var queueInPolicy = regexp.MustCompile(`:sqs:[^"]*:([^":]+)`)

// A worker's role names its own queues and those of the workers that it calls, and nothing else.
func TestRolesNameOwnQueuesAndCallsOnly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := randomStage(t)
		queues, dlqs := map[string]string{}, map[string]string{}
		for _, s := range p.Stacks() {
			for _, w := range s.Workers {
				queues[w.ID], dlqs[w.ID] = project.QueueName(s.Service, p.Stage, w.ManifestWorker), project.DLQName(s.Service, p.Stage, w.ManifestWorker)
				if a, adopted := p.Adopted[w.ID]; adopted {
					queues[w.ID], dlqs[w.ID] = a.Queue, a.DLQ
				}
			}
		}
		docs := documents(t, p)
		for i, s := range p.Stacks() {
			for _, w := range s.Workers {
				role := docs[i].Resources[project.LogicalID(w.ID, "Role")].Properties
				allowed := map[string][]string{}
				for _, statement := range statements(role) {
					for _, resource := range statement.resources {
						m := queueInPolicy.FindStringSubmatch(resource)
						for _, action := range statement.actions {
							switch {
							case m != nil:
								allowed[action] = append(allowed[action], m[1])
							case !strings.Contains(resource, ":logs:"):
								t.Fatalf("worker %s may %s on %s", w.ID, action, resource)
							}
						}
					}
				}
				sends := []string{queues[w.ID]}
				if dlqs[w.ID] != "" {
					sends = append(sends, dlqs[w.ID])
				}
				for _, id := range w.Calls {
					sends = append(sends, queues[id])
				}
				want := map[string][]string{"sqs:SendMessage": slices.Compact(slices.Sorted(slices.Values(sends)))}
				for _, action := range []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"} {
					want[action] = []string{queues[w.ID]}
				}
				for action := range allowed {
					slices.Sort(allowed[action])
				}
				if fmt.Sprint(allowed) != fmt.Sprint(want) {
					t.Fatalf("worker %s may\n%v, want\n%v", w.ID, allowed, want)
				}
			}
		}
	})
}

type statement struct{ actions, resources []string }

// statements are those of a role's policies, each resource as text.
func statements(properties map[string]any) []statement {
	var out []statement
	for _, policy := range properties["Policies"].([]any) {
		for _, s := range policy.(map[string]any)["PolicyDocument"].(map[string]any)["Statement"].([]any) {
			var st statement
			for _, a := range s.(map[string]any)["Action"].([]any) {
				st.actions = append(st.actions, a.(string))
			}
			for _, r := range s.(map[string]any)["Resource"].([]any) {
				text, isText := r.(string)
				if !isText {
					text = r.(map[string]any)["Fn::Sub"].(string)
				}
				st.resources = append(st.resources, text)
			}
			out = append(out, st)
		}
	}
	return out
}

// A function may read the secrets that it is given, and no others.
func TestSecretsInRoles(t *testing.T) {
	t.Parallel()
	const secret = "arn:aws:secretsmanager:eu-west-1:1:secret:"
	for _, tt := range []struct{ ref, want string }{
		{"ssm:/shop/prod/TOKEN", "[{[ssm:GetParameters] [arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/shop/prod/TOKEN]}]"},
		{"ssm:TOKEN", "[{[ssm:GetParameters] [arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/TOKEN]}]"},
		{"ssm:arn:aws:ssm:eu-west-1:1:parameter/a", "[{[ssm:GetParameters] [arn:aws:ssm:eu-west-1:1:parameter/a]}]"},
		{"secretsmanager:mail#token", "[{[secretsmanager:GetSecretValue] [arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:mail-??????]}]"},
		{"secretsmanager:" + secret + "mail", "[{[secretsmanager:GetSecretValue] [" + secret + "mail-??????]}]"},
		{"secretsmanager:" + secret + "mail-AbCdE1", "[{[secretsmanager:GetSecretValue] [" + secret + "mail-AbCdE1 " + secret + "mail-AbCdE1-??????]}]"},
	} {
		r, err := project.ParseRef(tt.ref)
		if err != nil {
			t.Fatal(err)
		}
		p := stage(worker("echo"))
		p.Variables = map[string]map[string]project.Value{"echo": {"TOKEN": {Ref: r}, "AGAIN": {Ref: r}}}
		doc := documents(t, p)[0]
		var got []statement
		for _, s := range statements(doc.Resources["WorkerEchoRole"].Properties) {
			if strings.HasPrefix(s.actions[0], "s") && !strings.HasPrefix(s.actions[0], "sqs:") {
				got = append(got, s)
			}
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%s: %v, want %s", tt.ref, got, tt.want)
		}
		variables := doc.Resources["WorkerEchoLambdaFunction"].Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
		if variables["AIWORKER_SECRET_TOKEN"] != tt.ref || variables["TOKEN"] != nil {
			t.Errorf("variables %v", variables)
		}
	}
}
