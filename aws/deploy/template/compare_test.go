package template_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/aws/deploy/template"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// base is the template of a stage's base stack.
func base(t testing.TB, p *project.Project) []byte {
	t.Helper()
	documents, err := template.CloudFormation(p)
	if err != nil {
		t.Fatal(err)
	}
	return documents[len(documents)-1].Body
}

func compare(t testing.TB, old, wanted []byte) template.Changes {
	t.Helper()
	changes, err := template.Compare(old, wanted)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

// What a person reads before a deployment.
func TestCompare(t *testing.T) {
	t.Parallel()
	mailer := worker("mailer", calls("echo"))
	before := stage(worker("echo"), mailer, worker("gone", schedule("rate(1 day)", "", false)))
	before.Variables = map[string]map[string]project.Value{"mailer": {
		"SENDER": {Text: "hunter2 old"}, "DROPPED": {Text: "hunter2 dropped"}, "SAME": {Text: "same"},
		"TOKEN": {Ref: project.Ref{Store: project.SSM, Name: "/shop/prod/OLD"}},
	}}
	after := stage(
		worker("echo", func(w *dispatch.ManifestWorker) { w.SQS.FIFO = true }),
		worker("mailer", schedule("rate(1 hour)", "", true), func(w *dispatch.ManifestWorker) {
			w.MemoryMB, w.SQS.MaxReceiveCount, w.SQS.BatchSize, w.ReservedConcurrency = 1024, 5, 10, 7
			w.Permissions = []dispatch.Permission{{Actions: []string{"s3:GetObject", "s3:PutObject"}, Resources: []string{"arn:aws:s3:::mail-${stage}/*"}}}
		}),
		worker("new"),
	)
	after.Programs[1].Artifact = artifact("mailer, changed")
	after.Variables = map[string]map[string]project.Value{"mailer": {
		"SENDER": {Text: "hunter2 new"}, "ADDED": {Text: "hunter2 added"}, "SAME": {Text: "same"},
		"TOKEN": {Ref: project.Ref{Store: project.SSM, Name: "/shop/prod/TOKEN"}},
	}}
	after.Alarms = &project.Alarms{}
	after.APIKey = project.Ref{Store: project.SSM, Name: "/shop/prod/WORKERS_API_KEY"}
	text := compare(t, base(t, before), base(t, after)).Text()
	if strings.Contains(text, "hunter2") {
		t.Errorf("a value is shown:\n%s", text)
	}
	golden(t, "compare/changes.txt", []byte(text))
	golden(t, "compare/created.txt", []byte(compare(t, nil, base(t, before)).Text()))
	golden(t, "compare/removed.txt", []byte(compare(t, base(t, before), nil).Text()))
}

// The switch of an adopted worker is one property.
func TestCompareTheSwitchOfAnAdoptedWorker(t *testing.T) {
	t.Parallel()
	before := projects()["adopted"]
	after := projects()["adopted"]
	live := after.Adopted["mailer"]
	live.Live = true
	after.Adopted["mailer"] = live
	golden(t, "compare/switched.txt", []byte(compare(t, base(t, before), base(t, after)).Text()))
}

func TestCompareFindsNothingInTheSame(t *testing.T) {
	t.Parallel()
	for name, p := range projects() {
		if changes := compare(t, base(t, p), base(t, p)); len(changes) > 0 || changes.Text() != "" {
			t.Errorf("%s: %s", name, changes.Text())
		}
	}
}

func TestCompareReplacements(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ kind, old, wanted, want string }{
		{"AWS::SQS::Queue", `{"QueueName":"a"}`, `{"QueueName":"b"}`, "stack\n  -/+ queue b (made anew; a is deleted)\n      QueueName: a -> b (replaces it)\n"},
		{"AWS::SQS::Queue", `{"QueueName":"a","DelaySeconds":1}`, `{"QueueName":"a","DelaySeconds":2}`, "stack\n  ~ queue a\n      DelaySeconds: 1 -> 2\n"},
		{"AWS::ApiGateway::RestApi", `{"Name":"a"}`, `{"Name":"b"}`, "stack\n  ~ REST API b\n      Name: a -> b\n"},
		{"AWS::EC2::Instance", `{"ImageId":"a"}`, `{"ImageId":"b"}`, "stack\n  ~ AWS::EC2::Instance X (may be made anew)\n      ImageId: a -> b (may replace it)\n"},
		{"AWS::SNS::Topic", `{"Tags":[{"Key":"a","Value":"1"}]}`, `{"Tags":[{"Key":"a","Value":"2"},{"Key":"b","Value":"3"}]}`, "stack\n  ~ AWS::SNS::Topic X\n      Tags.a: 1 -> 2\n      Tags.b: + 3\n"},
		{"AWS::Lambda::Permission", `{"Principal":"a"}`, `{"Principal":"b\u001b[2J\nx"}`, "stack\n  -/+ permission to call X (made anew; the one that is there is deleted)\n      Principal: a -> b\\x1b[2J\\nx (replaces it)\n"},
	} {
		doc := func(properties string) []byte {
			return []byte(`{"Resources":{"X":{"Type":"` + tt.kind + `","Properties":` + properties + `}}}`)
		}
		if got := compare(t, doc(tt.old), doc(tt.wanted)).Text(); got != tt.want {
			t.Errorf("%s %s -> %s\n%s\nwant\n%s", tt.kind, tt.old, tt.wanted, got, tt.want)
		}
	}
}

// A resource without tags is told with its own worker, whatever else is called like it.
func TestCompareKnowsWhoseItIs(t *testing.T) {
	t.Parallel()
	p := stage(worker("echo", schedule("rate(1 day)", "", false)), worker("echo-queue"), worker("echo-queue-policy"))
	owner := ""
	for _, c := range compare(t, nil, base(t, p)) {
		if c.Type == "AWS::SQS::QueuePolicy" {
			owner = c.Worker
		}
	}
	if owner != "echo" {
		t.Errorf("the policy of echo's queue is told with %q", owner)
	}
}

func TestCompareRefusesWhatIsNoTemplate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ old, wanted, want string }{
		{"{", "{}", "read the template that is deployed: "},
		{"{}", "[]", "read the template that is to be deployed: "},
		{"{} {}", "{}", "more than one JSON value"},
	} {
		if _, err := template.Compare([]byte(tt.old), []byte(tt.wanted)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s, %s: %v, want %q", tt.old, tt.wanted, err, tt.want)
		}
	}
}

// Whatever a variable held, its value is not told.
func TestCompareNeverTellsAValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Z][A-Z_]{0,8}(KEY|URL|NAME)`).Draw(t, "name")
		text := rapid.StringMatching(`sesame[a-z0-9]{6,10}`)
		value := rapid.OneOf(
			rapid.Custom(func(t *rapid.T) any { return text.Draw(t, "plain") }),
			rapid.Custom(func(t *rapid.T) any { return map[string]any{"Fn::Sub": text.Draw(t, "sub")} }),
			rapid.Custom(func(t *rapid.T) any {
				return map[string]any{"Fn::Join": []any{"", []any{text.Draw(t, "joined")}}}
			}),
			rapid.Just[any](nil),
		)
		doc := func(label string) []byte {
			environment := map[string]any{"Variables": map[string]any{name: value.Draw(t, label)}}
			out, err := json.Marshal(map[string]any{"Resources": map[string]any{"F": map[string]any{
				"Type": "AWS::Lambda::Function", "Properties": map[string]any{"Environment": environment},
			}}})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		changes, err := template.Compare(doc("old"), doc("new"))
		if err != nil {
			t.Fatal(err)
		}
		all, err := json.Marshal(changes)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(all)+changes.Text(), "sesame") {
			t.Fatalf("told: %s", all)
		}
	})
}

func FuzzCompare(f *testing.F) {
	// Small ones: of a whole template the fuzzer makes little.
	f.Add([]byte(`{"Resources":{"WorkerAQueue":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"a","Tags":[{"Key":"aiwctl:worker","Value":"a"}]}},"M":{"Type":"AWS::Lambda::EventSourceMapping","Properties":{"EventSourceArn":{"Fn::GetAtt":["WorkerAQueue","Arn"]}}}}}`),
		[]byte(`{"Resources":{"WorkerAQueue":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"b"}},"M":{"Type":"AWS::Lambda::EventSourceMapping","Properties":{"EventSourceArn":{"Fn::GetAtt":"WorkerAQueue.Arn"}}}},"Outputs":{"O":{"Value":{"Ref":"M"}}}}`))
	f.Add([]byte(`{"Resources":{"F":{"Type":"AWS::Lambda::Function","Properties":{"Code":{"S3Key":"a"},"Environment":{"Variables":{"A":"1"}}}}}}`),
		[]byte(`{"Resources":{"F":{"Type":"AWS::Lambda::Function","Properties":{"Code":{"S3Key":"b"},"Environment":{"Variables":{"A":{"Fn::Sub":"${F.Arn}"}}}}}}}`))
	f.Add([]byte(`{"Resources":{"A":{"Type":"AWS::IAM::Role","Properties":{"Policies":[{"PolicyDocument":{"Statement":{"Action":"*","Resource":{"Ref":"B"}}}}]}}}}`),
		[]byte(`{"Resources":{"A":{"Type":"AWS::IAM::Role","Properties":{"Policies":"x","Tags":{"a":1}}},"B":{"Properties":{"X":{"Fn::GetAtt":[]}}}}}`))
	f.Fuzz(func(t *testing.T, old, wanted []byte) {
		changes, err := template.Compare(old, wanted)
		if err != nil {
			return
		}
		text := changes.Text()
		for i, r := range text {
			if r != '\n' && r < ' ' || r == 0x7f {
				t.Fatalf("control character %q at %d of\n%s", r, i, text)
			}
		}
		if same, err := template.Compare(old, old); err != nil || len(same) > 0 {
			t.Fatalf("a template differs from itself: %v %v", err, same)
		}
		again, err := template.Compare(old, wanted)
		if err != nil || again.Text() != text {
			t.Fatalf("it is told otherwise the second time: %v\n%s\n%s", err, text, again.Text())
		}
	})
}
