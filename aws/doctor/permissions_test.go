package doctor_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/doctor"
)

// Whoever teaches package aws a call has to say here what permission it needs.
func TestTheTableKnowsEveryCall(t *testing.T) {
	t.Parallel()
	ops := aws.Operations()
	if missing := doctor.UnknownCalls(ops); len(missing) > 0 {
		t.Errorf("package aws calls %q, of which permissions() knows no action", missing)
	}
	for _, want := range []aws.Operation{
		{Service: "sqs", Name: "ReceiveMessage"},
		{Service: "sqs", Name: "SendMessageBatch", Write: true},
		{Service: "cloudwatch", Name: "GetMetricData"},
		{Service: "sts", Name: "GetCallerIdentity"},
		{Service: "cloudwatchlogs", Name: "FilterLogEvents"},
		{Service: "lambda", Name: "UpdateEventSourceMapping", Write: true},
	} {
		if !slices.Contains(ops, want) {
			t.Errorf("Operations() lacks %+v", want)
		}
	}
	if got := doctor.UnknownCalls([]aws.Operation{{Service: "sqs", Name: "DeleteQueue", Write: true}}); len(got) != 1 {
		t.Errorf("a call that nobody has entered is not noticed: %q", got)
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	f := newFake()
	r := run(t, f, nil)
	for _, c := range r.Checks {
		if c.Status != doctor.OK && c.Status != doctor.Info {
			t.Errorf("%s %s: %s %s", c.Section, c.Name, c.Status, c.Text)
		}
	}
	if r.Summary.Outcome != doctor.Fine || r.Summary.First != nil || r.MissingPolicy != nil {
		t.Errorf("summary %+v, missing %+v", r.Summary, r.MissingPolicy)
	}
	// Two of the kind at most, however large the stage.
	for range 100 {
		f.workers = append(f.workers, worker("w"+string(rune('a'+len(f.workers)%26))+string(rune('a'+len(f.workers)/26))))
	}
	clear(f.calls)
	r = run(t, f, nil)
	for operation, n := range f.calls {
		if n > 2 {
			t.Errorf("%s was called %d times", operation, n)
		}
	}
	if c := find(t, r, "logs:FilterLogEvents"); !strings.Contains(c.Text, "tried on 2 of 102") {
		t.Errorf("nothing is said of the sample: %q", c.Text)
	}
}

// Each action denied alone: its row says so, its remedy names it, and the policy
// that is missing allows it and nothing else.
func TestDeniedOneByOne(t *testing.T) {
	t.Parallel()
	for _, purpose := range []doctor.Purpose{doctor.Read, doctor.Act} {
		for _, action := range doctor.ActionsFor(purpose) {
			t.Run(action, func(t *testing.T) {
				t.Parallel()
				f := newFake()
				f.denied[action] = refusal(action, "because no identity-based policy allows the "+action+" action")
				r := run(t, f, nil)
				c := find(t, r, action)
				if c.Permission.Decision != doctor.DecisionDenied || c.Permission.Policy != "identity-based policy" || c.Permission.Explicit {
					t.Errorf("permission %+v", c.Permission)
				}
				if !strings.Contains(c.Remedy, "allow "+action+" to role ops-read") {
					t.Errorf("remedy %q", c.Remedy)
				}
				if r.MissingPolicy == nil || len(r.MissingPolicy.Statement) != 1 {
					t.Fatalf("missing policy %+v", r.MissingPolicy)
				}
				if s := r.MissingPolicy.Statement[0]; !slices.Equal(s.Action, []string{action}) {
					t.Errorf("missing policy allows %q", s.Action)
				}
				want, outcome := doctor.Error, doctor.Denied
				if purpose == doctor.Act || doctor.Optional(action) {
					want, outcome = doctor.Warning, doctor.Fine
				}
				if c.Status != want || r.Summary.Outcome != outcome {
					t.Errorf("status %s and outcome %s, want %s and %s", c.Status, r.Summary.Outcome, want, outcome)
				}
				if r.Summary.First == nil || r.Summary.First.Name != action {
					t.Errorf("the summary begins with %+v", r.Summary.First)
				}
				for _, other := range r.Checks {
					if other.Permission != nil && other.Name != action && other.Permission.Decision != doctor.DecisionAllowed {
						t.Errorf("%s is %s as well", other.Name, other.Permission.Decision)
					}
				}
			})
		}
	}
}

func TestWhichPolicyDenies(t *testing.T) {
	t.Parallel()
	const action = "logs:FilterLogEvents"
	for _, tt := range []struct {
		message, text, remedy string
		missing               bool
	}{
		{refusal(action, "because no identity-based policy allows the action"), "no identity-based policy allows it", "allow " + action, true},
		{"no words of AWS", "denied on ", "allow " + action, true},
		{refusal(action, "with an explicit deny in an identity-based policy"), "a statement of the identity-based policy denies it", "take the statement that denies " + action, false},
		{refusal(action, "with an explicit deny"), "a statement denies it", "find the statement that denies " + action, false},
		{refusal(action, "with an explicit deny in a service control policy"), "service control policy denies it", "the organisation's administrators have to let " + action, false},
		{refusal(action, "because no service control policy allows the action"), "no service control policy allows it", "the organisation's administrators", false},
		{refusal(action, "because no permissions boundary allows the action"), "no permissions boundary allows it", "the permissions boundary of role ops-read has to allow " + action, false},
		{refusal(action, "because no session policy allows the action"), "no session policy", "begin one without it", false},
		{refusal(action, "because no resource-based policy allows the action"), "no resource-based policy", "which is another account's, has to allow " + action, false},
		{refusal(action, "because no VPC endpoint policy allows the action"), "no VPC endpoint policy", "the policy of the VPC endpoint has to allow " + action, false},
	} {
		f := newFake()
		f.denied[action] = tt.message
		r := run(t, f, nil)
		c := find(t, r, action)
		if !strings.Contains(c.Text, tt.text) || !strings.Contains(c.Remedy, tt.remedy) || (r.MissingPolicy != nil) != tt.missing {
			t.Errorf("%s\ntext %q\nremedy %q\nmissing policy %v, want %v", tt.message, c.Text, c.Remedy, r.MissingPolicy != nil, tt.missing)
		}
	}

	// The simulator has its own way of saying it.
	f := newFake()
	f.denied["sqs:SendMessage"] = "service control policy"
	r := run(t, f, nil)
	if c := find(t, r, "sqs:SendMessage"); c.Permission.Policy != "service control policy" || c.Permission.How != doctor.HowSimulated || r.MissingPolicy != nil {
		t.Errorf("%+v, missing %+v", c.Permission, r.MissingPolicy)
	}
}

// Without the simulator, what would write is left out, which is no error.
func TestWithoutTheSimulator(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.simulator = false
	r := run(t, f, nil)
	for action, harm := range map[string]string{
		"sqs:ReceiveMessage": "it would hide a message and raise its receive count", "sqs:SendMessage": "it would write", "lambda:UpdateEventSourceMapping": "it would write",
	} {
		c := find(t, r, action)
		if c.Status != doctor.NotTried || !strings.Contains(c.Text, harm) || !strings.Contains(c.Text, "iam:SimulatePrincipalPolicy") {
			t.Errorf("%s: %s %q", action, c.Status, c.Text)
		}
	}
	if r.Summary.Outcome != doctor.Fine || r.Summary.NotTried < 6 {
		t.Errorf("summary %+v", r.Summary)
	}
}

// A read-only target is not going to act, so that nothing is wrong without it.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.target.ReadOnly = true
	f.denied["sqs:SendMessage"] = refusal("sqs:SendMessage", "")
	if c := find(t, run(t, f, nil), "sqs:SendMessage"); c.Status != doctor.Info || c.Permission.Decision != doctor.DecisionDenied {
		t.Errorf("%s %+v", c.Status, c.Permission)
	}
}

func TestKeysOfEncryptedQueues(t *testing.T) {
	t.Parallel()
	for key, resource := range map[string]string{
		"1234abcd": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd",
		"arn:aws:kms:eu-west-1:444455556666:key/5678": "arn:aws:kms:eu-west-1:444455556666:key/5678",
		"alias/jobs": "arn:aws:kms:eu-west-1:111122223333:key/*",
	} {
		f := newFake()
		f.key = key
		f.denied["kms:GenerateDataKey"] = "no"
		r := run(t, f, nil)
		if c := find(t, r, "kms:Decrypt"); c.Section != doctor.SectionRead || c.Status != doctor.OK {
			t.Errorf("%s: kms:Decrypt is %+v", key, c)
		}
		if r.MissingPolicy == nil {
			t.Fatalf("%s: nothing is missing", key)
		}
		s := r.MissingPolicy.Statement[0]
		if !slices.Equal(s.Resource, []string{resource}) || !slices.Equal(s.Action, []string{"kms:GenerateDataKey"}) ||
			!slices.Equal(s.Condition["StringEquals"]["kms:ViaService"], []string{"sqs.eu-west-1.amazonaws.com"}) {
			t.Errorf("%s: statement %+v", key, s)
		}
	}
	f := newFake()
	f.key = "alias/aws/sqs" // everybody who may use SQS may use it
	for _, c := range run(t, f, nil).Checks {
		if strings.HasPrefix(c.Name, "kms:") {
			t.Errorf("SQS's own key wants %s", c.Name)
		}
	}
}
