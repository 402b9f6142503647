package template_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/aws/deploy/template"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// document is a template as it is read.
type document struct {
	Resources map[string]struct {
		Type       string
		DependsOn  []string
		Properties map[string]any
	}
	Outputs map[string]struct{ Value any }
}

func documents(t interface{ Fatal(...any) }, p *project.Project) []document {
	all, err := template.CloudFormation(p)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]document, len(all))
	for i := range all {
		if err := json.Unmarshal(all[i].Body, &out[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// randomStage is a stage of workers of any kind.
func randomStage(t *rapid.T) *project.Project {
	ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,5}){0,2}`), 1, 4, dispatch.FunctionKey).Draw(t, "ids")
	var workers []dispatch.ManifestWorker
	for _, id := range ids {
		workers = append(workers, worker(id, func(w *dispatch.ManifestWorker) {
			w.Group = rapid.SampledFrom([]string{"default", "media", "back-office"}).Draw(t, "group")
			w.SQS.FIFO = rapid.Bool().Draw(t, "fifo")
			w.Calls = rapid.SliceOfN(rapid.SampledFrom(ids), 0, 3).Draw(t, "calls")
			for range rapid.IntRange(0, 2).Draw(t, "schedules") {
				schedule("rate(1 day)", `{}`, false)(w)
			}
		}))
	}
	p := stage(workers...)
	p.Bucket = rapid.SampledFrom([]string{"artifacts", ""}).Draw(t, "bucket")
	if rapid.Bool().Draw(t, "alarms") {
		p.Alarms = &project.Alarms{}
	}
	p.Adopted = map[string]project.Adopted{}
	for _, id := range ids {
		if rapid.IntRange(0, 3).Draw(t, "adopted") == 0 {
			p.Adopted[id] = project.Adopted{Queue: "old-" + id, QueueARN: "arn:aws:sqs:eu-west-1:1:old-" + id, QueueURL: "https://old/" + id}
		}
	}
	return p
}

// Every reference leads somewhere, and no two resources of a stage have one name.
func TestReferencesResolveAndNamesAreUnique(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := map[string]bool{}
		for _, doc := range documents(t, randomStage(t)) {
			look := func(where string, v any) {
				for _, id := range referred(v) {
					_, resource := doc.Resources[id]
					if !resource && !strings.HasPrefix(id, "AWS::") && id != template.BucketParameter {
						t.Fatalf("%s refers to %s, which is not there", where, id)
					}
				}
			}
			for id, r := range doc.Resources {
				look(id, r.Properties)
				for _, other := range r.DependsOn {
					if _, there := doc.Resources[other]; !there {
						t.Fatalf("%s depends on %s, which is not there", id, other)
					}
				}
				for _, key := range []string{"QueueName", "FunctionName", "LogGroupName", "AlarmName"} {
					name, ok := r.Properties[key].(string)
					if !ok {
						continue
					}
					if names[r.Type+name] {
						t.Fatalf("two of %s are called %s", r.Type, name)
					}
					names[r.Type+name] = true
				}
			}
			for id, o := range doc.Outputs {
				look(id, o.Value)
			}
		}
	})
}

var inSub = regexp.MustCompile(`\$\{([A-Za-z0-9:]+)`)

// referred are the logical ids in a value.
func referred(v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			text, isText := value.(string)
			parts, isList := value.([]any)
			switch {
			case key == "Ref" && isText:
				out = append(out, text)
			case key == "Fn::GetAtt" && isList:
				out = append(out, parts[0].(string))
			case key == "Fn::Sub" && isText:
				for _, m := range inSub.FindAllStringSubmatch(text, -1) {
					out = append(out, m[1])
				}
			default:
				out = append(out, referred(value)...)
			}
		}
	case []any:
		for _, e := range v {
			out = append(out, referred(e)...)
		}
	}
	return out
}

// EventBridge makes of a schedule's target a message that workers take.
func TestScheduledMessages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ id, input, want string }{
		{"digest", `{"text":"<b> & <id> ${x}"}`, `{"text":"<b> & <id> ${x}"}`},
		{"line", "", "{}"},
	} {
		w := worker(tt.id, schedule("rate(1 day)", tt.input, false))
		doc := documents(t, stage(w))[0]
		rule := doc.Resources[project.LogicalID(tt.id, "Schedule1")].Properties
		transformer := rule["Targets"].([]any)[0].(map[string]any)["InputTransformer"].(map[string]any)
		text := strings.NewReplacer("<id>", "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "<time>", "2026-10-08T16:53:06Z").Replace(transformer["InputTemplate"].(string))
		msg, err := dispatch.ParseMessage([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var got, want any
		if json.Unmarshal(msg.Input, &got) != nil || json.Unmarshal([]byte(tt.want), &want) != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("input %s, want %s", msg.Input, tt.want)
		}
		trigger, _ := msg.Metadata["__trigger"].(map[string]any)
		if msg.WorkerID != tt.id || msg.JobID != "job-schedule-53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa" || trigger["type"] != "schedule" || msg.Timestamp.IsZero() {
			t.Errorf("message %s", text)
		}
	}
}

// The queue of an adopted worker is another tool's: its schedule calls the function, which
// reads there what to do.
func TestScheduleOfAnAdoptedWorker(t *testing.T) {
	t.Parallel()
	doc := documents(t, projects()["adopted"])[0]
	rule := doc.Resources["WorkerMailerSchedule1"].Properties
	target := rule["Targets"].([]any)[0].(map[string]any)
	if got := fmt.Sprint(target["Arn"]); got != "map[Fn::GetAtt:[WorkerMailerLambdaFunction Arn]]" {
		t.Errorf("the target is %s", got)
	}
	text := strings.NewReplacer("<id>", "e1", "<time>", "2026-10-08T16:53:06Z").Replace(target["InputTransformer"].(map[string]any)["InputTemplate"].(string))
	var event map[string]dispatch.ScheduledRun
	if err := json.Unmarshal([]byte(text), &event); err != nil {
		t.Fatal(err)
	}
	if run := event[dispatch.ScheduledRunField]; run.WorkerID != "mailer" || string(run.Input) != `{"n":1}` || run.ID != "e1" || run.At.IsZero() {
		t.Errorf("%+v of %s", run, text)
	}
	if doc.Resources["WorkerMailerSchedulePermission1"].Properties["Principal"] != "events.amazonaws.com" {
		t.Error("EventBridge may not call the function")
	}
	for id, r := range doc.Resources {
		if r.Type == "AWS::SQS::Queue" && strings.HasPrefix(id, "WorkerMailer") || r.Type == "AWS::SQS::QueuePolicy" {
			t.Errorf("%s is made, or changed, though another tool has made it", id)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	value := func(text string) map[string]map[string]project.Value {
		return map[string]map[string]project.Value{"echo": {"NAME": {Text: text}}}
	}
	for _, tt := range []struct {
		name string
		p    *project.Project
		want string
	}{
		{"resources", many(84), "stack shop-prod has 517 resources, and CloudFormation allows 500: move some of its workers into deployment groups (runtime.WithGroup), which are stacks of their own"},
		{"outputs", many(101), "stack shop-prod has 203 outputs, and CloudFormation allows 200: move some of its workers into deployment groups (runtime.WithGroup), which are stacks of their own"},
		{"variables", &project.Project{Variables: value(strings.Repeat("x", 4000))}, `example.test/shop/workers/echo: worker "echo": the worker's variables are 4306 bytes long with their names, and Lambda allows 4096: keep long values in Systems Manager or in a bucket, and hand on where they are`},
		{"dynamic reference", &project.Project{Variables: value("{{resolve:secretsmanager:x}}")}, `worker "echo": the value of NAME holds {{resolve:...}}, which CloudFormation would replace by what is kept there`},
		{"role", stage(worker("echo", func(w *dispatch.ManifestWorker) {
			w.Permissions = []dispatch.Permission{{Actions: []string{"s3:GetObject"}, Resources: slices.Repeat([]string{"arn:aws:s3:::" + strings.Repeat("b", 60)}, 140)}}
		})), `worker "echo": the policy of its role is 11334 characters long, and IAM allows 10240: drop permissions, or allow several resources by one pattern`},
		{"schedule", stage(worker("echo", schedule("rate(1 day)", `"`+strings.Repeat("x", 8200)+`"`, false))), `worker "echo": the input of schedule 1 (rate(1 day)) makes a message of`},
		{"unknown call", stage(worker("echo", calls("nobody"))), `worker "echo": it calls worker "nobody", which is not in this stage: deploy that one too, or drop the call`},
		{"the same name twice", stage(worker("a-b"), worker("a_b")), "are both called WorkerAB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := tt.p
			if p.Service == "" {
				p = stage(worker("echo"))
				p.Variables = tt.p.Variables
			}
			_, err := template.CloudFormation(p)
			if _, ok := errors.AsType[project.Problems](err); !ok || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v\nwant %s", err, tt.want)
			}
			// The same is known before anything is built.
			p.API, p.Programs[0].Artifact = project.Artifact{}, project.Artifact{}
			if problems := template.Check(p); problems == nil || problems.Error() != err.Error() {
				t.Errorf("before the build: %v\nwant %v", problems, err)
			}
		})
	}
}

func TestProjectThatIsNotBuilt(t *testing.T) {
	t.Parallel()
	p := stage(worker("echo"))
	p.Programs[0].Artifact = project.Artifact{}
	if problems := template.Check(p); problems != nil || p.Programs[0].Artifact != (project.Artifact{}) {
		t.Errorf("before the build: %v, %+v", problems, p.Programs[0].Artifact)
	}
	want := "write the templates of shop: program example.test/shop/workers/echo is not built: it has no artifact"
	if _, err := template.CloudFormation(p); err == nil || err.Error() != want {
		t.Error(err)
	}
	if _, err := template.Serverless(p); err == nil || err.Error() != want {
		t.Error(err)
	}
}

// A stage of many workers: the API may send to all of them, by policies that IAM takes.
func TestQueuesOfALargeStage(t *testing.T) {
	t.Parallel()
	var workers []dispatch.ManifestWorker
	for i := range 120 {
		workers = append(workers, worker(fmt.Sprintf("worker-number-%04d", i), group(fmt.Sprintf("group%d", i%2))))
	}
	docs := documents(t, stage(workers...))
	seen := 0
	for id, r := range docs[len(docs)-1].Resources {
		if r.Type != "AWS::IAM::ManagedPolicy" {
			continue
		}
		text, err := json.Marshal(r.Properties["PolicyDocument"])
		if err != nil {
			t.Fatal(err)
		}
		filled := strings.NewReplacer("${AWS::Partition}", "aws", "${AWS::Region}", "eu-west-1", "${AWS::AccountId}", "123456789012", `{"Fn::Sub":`, "", `prod"}`, `prod"`).Replace(string(text))
		if len(filled) > 6144 {
			t.Errorf("policy %s has %d characters", id, len(filled))
		}
		seen += strings.Count(filled, "-prod")
	}
	if seen != 120 {
		t.Errorf("%d queues in policies", seen)
	}
}

func TestMetadataIsReadAgain(t *testing.T) {
	t.Parallel()
	p := projects()["adopted"]
	m, found, err := template.ReadMetadata(base(t, p))
	if err != nil || !found || m.Service != "shop" || m.Stage != "prod" || m.Group != "" || m.Adopted["mailer"].Queue != "p-a1b2-mailer-prod" {
		t.Errorf("%+v %v %v", m, found, err)
	}
	if _, found, err := template.ReadMetadata([]byte(`{"Metadata":{"other":1}}`)); found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	if _, _, err := template.ReadMetadata([]byte(`{"Metadata":{"aiwctl":{"version":9,"service":"s","stage":"t"}}}`)); err == nil || !strings.Contains(err.Error(), "deployed by a later aiwctl") {
		t.Error(err)
	}
}

// The same project gives the same bytes.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	for name := range maps.Keys(projects()) {
		for range 3 {
			if a, b := base(t, projects()[name]), base(t, projects()[name]); string(a) != string(b) {
				t.Errorf("%s differs from run to run", name)
			}
		}
	}
}

// A template is a small part of a deployment.
func BenchmarkCloudFormation50(b *testing.B) {
	p := many(50)
	for b.Loop() {
		if _, err := template.CloudFormation(p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompare50(b *testing.B) {
	old, wanted := base(b, many(49)), base(b, many(50))
	for b.Loop() {
		if _, err := template.Compare(old, wanted); err != nil {
			b.Fatal(err)
		}
	}
}
