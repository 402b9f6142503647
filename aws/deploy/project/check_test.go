package project_test

import (
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// worker is one as package runtime describes it.
func worker(id string, change ...func(*dispatch.ManifestWorker)) dispatch.ManifestWorker {
	w := dispatch.ManifestWorker{
		ID: id, Group: dispatch.DefaultGroup, TimeoutSeconds: 300, MemoryMB: 512, Source: "workers/" + id + "/main.go:20",
		SQS: dispatch.SQSSetting{VisibilityTimeoutSeconds: 1800, MaxReceiveCount: 3, RetentionSeconds: 1209600, DLQRetentionSeconds: 1209600, BatchSize: 1},
	}
	for _, c := range change {
		c(&w)
	}
	return w
}

// program is one whose package is called by its workers.
func program(name string, workers ...dispatch.ManifestWorker) project.Program {
	return project.Program{Package: "example.com/shop/" + name, Dir: "/src/shop/" + name, Manifest: dispatch.Manifest{Version: 1, Workers: workers}}
}

func shop(workers ...dispatch.ManifestWorker) *project.Project {
	return &project.Project{
		Service: "shop", Stage: "prod", Region: "eu-west-1", Account: "123456789012",
		Programs: []project.Program{program("workers", workers...)},
	}
}

func group(name string) func(*dispatch.ManifestWorker) {
	return func(w *dispatch.ManifestWorker) { w.Group = name }
}

func noSource(w *dispatch.ManifestWorker) { w.Source = "" }

// one is a project of one worker with something wrong.
func one(change func(w *dispatch.ManifestWorker)) *project.Project {
	return shop(worker("echo", change))
}

// of is a project of its own with something wrong.
func of(change func(p *project.Project)) *project.Project {
	p := shop(worker("echo"))
	change(p)
	return p
}

const atEcho = `workers/echo/main.go:20: worker "echo": `

// The whole text of every problem, so that a person can judge whether it says what to do.
func TestCheck(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 48)
	for _, tt := range []struct {
		name string
		p    *project.Project
		want string // lines; empty: nothing is wrong
	}{
		{"nothing", shop(worker("echo"), worker("smartDemo"), worker("two", group("scraper"))), ""},
		{"a worker with everything", shop(worker("a"), worker("b", group("media"), func(w *dispatch.ManifestWorker) {
			w.Environment, w.Secrets, w.Calls = []string{"BUCKET"}, []string{"OPENAI_API_KEY"}, []string{"a", "b"}
			w.Layers = []string{"arn:aws:lambda:${aws:region}:${aws:accountId}:layer:ffmpeg:3", "arn:aws:lambda:eu-west-1:123456789012:layer:x:1"}
			w.Permissions = []dispatch.Permission{{Actions: []string{"s3:Get*"}, Resources: []string{"arn:aws:s3:::${service}-${stage}/*"}}}
			w.ReservedConcurrency, w.SQS.MaximumConcurrency = 5, 5
			w.Schedules = []dispatch.ScheduleSetting{{Expression: "rate(5 minutes)"}}
		})), ""},

		// The stage.
		{"no programs", of(func(p *project.Project) { p.Programs = nil }), "there are no worker programs: name packages whose program calls runtime.Main"},
		{"no workers", of(func(p *project.Project) { p.Programs = append(p.Programs, program("empty")) }), "example.com/shop/empty: the program contains no workers: give them to runtime.Main"},
		{"a newer manifest", of(func(p *project.Project) { p.Programs[0].Manifest.Version = 2 }), "example.com/shop/workers: the program has a manifest of version 2, and this aiwctl knows up to 1: update aiwctl"},
		{"no service", of(func(p *project.Project) { p.Service = "" }), "the service has no name: name it with --service"},
		{"a service with _", of(func(p *project.Project) { p.Service = "my_shop" }), `the service "my_shop": CloudFormation allows letters, digits and - in the name of a stack, a letter first`},
		{"a service with a digit first", of(func(p *project.Project) { p.Service = "1shop" }), `the service "1shop": CloudFormation allows letters, digits and - in the name of a stack, a letter first`},
		{"a service of AWS", of(func(p *project.Project) { p.Service = "AWShop" }), `the service "AWShop": Systems Manager keeps names that begin with aws or ssm for itself, and the stage's secrets would have one`},
		{"no stage", of(func(p *project.Project) { p.Stage = "" }), "the stage has no name: name it with --stage"},
		{"a stage with a dot", of(func(p *project.Project) { p.Stage = "v1.2" }), `the stage "v1.2": CloudFormation allows letters, digits and - in the name of a stack`},
		{"a stage in another script", of(func(p *project.Project) { p.Stage = "prodů" }), `the stage "prodů": CloudFormation allows letters, digits and - in the name of a stack`},
		{"another processor", of(func(p *project.Project) { p.Arch = "riscv" }), `the architecture "riscv": Lambda has arm64 and x86_64`},
		{
			"a log retention between two", of(func(p *project.Project) { p.LogRetentionDays = 31 }),
			"a log retention of 31 days: CloudWatch Logs has 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 and 3653",
		},
		{"a log retention", of(func(p *project.Project) { p.LogRetentionDays = 365 }), ""},
		{"alarms", of(func(p *project.Project) {
			p.Alarms = &project.Alarms{TopicARN: "arn:aws:sns:eu-west-1:123456789012:ops"}
		}), ""},
		{"alarms before they are due", of(func(p *project.Project) { p.Alarms = &project.Alarms{AgeSeconds: -1} }), "alarms on an age of -1 s: it must be 1 or more, or 0 for 15 minutes"},
		{
			"a topic by name", of(func(p *project.Project) { p.Alarms = &project.Alarms{TopicARN: "ops"} }),
			`the alarms' topic "ops": CloudWatch wants the ARN of an SNS topic, arn:aws:sns:<region>:<account>:<name>`,
		},
		{
			"a topic elsewhere", of(func(p *project.Project) {
				p.Alarms = &project.Alarms{TopicARN: "arn:aws:sns:us-east-1:123456789012:ops"}
			}),
			"the alarms' topic is in us-east-1, and alarms in eu-west-1 can tell topics of their own region only",
		},

		// Ids.
		{"an id with a dot", shop(worker("a.b")), `workers/a.b/main.go:20: worker "a.b": the id may hold letters, digits, - and _ only, as SQS allows in a queue name`},
		{"an id of dashes", shop(worker("--")), `workers/--/main.go:20: worker "--": the id needs a letter or a digit: it names a Lambda function`},
		{"no id", shop(worker("", noSource)), `example.com/shop/workers: the id is empty: it names the queue, so choose a short one such as "resize-image"`},
		{"an id twice in a program", shop(worker("echo"), worker("echo")), atEcho + "there is another worker of this id in the same program: rename one"},
		{"an id in two programs", &project.Project{Service: "shop", Stage: "prod", Programs: []project.Program{
			program("one", worker("echo", noSource)), program("two", worker("echo", noSource)),
		}}, `example.com/shop/two: worker "echo": there is another worker of this id in example.com/shop/one: rename one`},
		{
			"a-b and a_b", shop(worker("a-b"), worker("a_b")),
			`workers/a_b/main.go:20: worker "a_b": it cannot be told from worker "a-b" (workers/a-b/main.go:20) when it is deployed, as both functions would end in workerAB: rename one`,
		},
		{
			"a-b and A-b", shop(worker("A-b"), worker("a-b", group("other"))),
			`workers/a-b/main.go:20: worker "a-b": it cannot be told from worker "A-b" (workers/A-b/main.go:20) when it is deployed, as both functions would end in workerAB: rename one`,
		},
		{
			"ab and a-b", shop(worker("a-b"), worker("ab", noSource)),
			`example.com/shop/workers: worker "ab": it cannot be told from worker "a-b" (workers/a-b/main.go:20) when it is deployed, as their ids differ in dashes and letter case only: rename one`,
		},

		// Names.
		{
			"a queue and a dead-letter queue", shop(worker("foo"), worker("foo-dlq")),
			`workers/foo-dlq/main.go:20: worker "foo-dlq": its queue would be called shop-foo-dlq-prod, as the dead-letter queue of worker "foo" (workers/foo/main.go:20) is: rename one`,
		},
		{
			"a queue and a dead-letter queue, one of them FIFO", shop(worker("foo", func(w *dispatch.ManifestWorker) { w.SQS.FIFO = true }), worker("foo-dlq")),
			`workers/foo-dlq/main.go:20: worker "foo-dlq": its queue would be called shop-foo-dlq-prod, as the dead-letter queue of worker "foo" (workers/foo/main.go:20) is: rename one`,
		},
		{
			"a worker and a worker of a group", shop(worker("scraper-two"), worker("two", group("scraper"))),
			`workers/two/main.go:20: worker "two": its dead-letter queue would be called shop-scraper-two-dlq-prod, as the dead-letter queue of worker "scraper-two" (workers/scraper-two/main.go:20) is: rename one of the workers or groups` + "\n" +
				`workers/two/main.go:20: worker "two": its queue would be called shop-scraper-two-prod, as the queue of worker "scraper-two" (workers/scraper-two/main.go:20) is: rename one of the workers or groups`,
		},
		{"an adopted queue of another name", of(func(p *project.Project) {
			p.Programs = []project.Program{program("workers", worker("foo"), worker("foo-dlq"))}
			p.Adopted = map[string]project.Adopted{"foo": {Queue: "jobs-foo", DLQ: "jobs-foo-dead"}}
		}), ""},
		{
			"a queue that another worker has adopted", of(func(p *project.Project) {
				p.Adopted = map[string]project.Adopted{"a": {Queue: "shop-echo-prod"}}
				p.Programs[0].Manifest.Workers = append(p.Programs[0].Manifest.Workers, worker("a"))
			}), atEcho + `its queue would be called shop-echo-prod, as the queue of worker "a" (workers/a/main.go:20) is: rename one`,
		},
		{"the longest names", shop(worker(strings.Repeat("x", 48))), ""},
		{
			"a function's name of 65", of(func(p *project.Project) {
				p.Programs[0].Manifest.Workers[0] = worker("echo", func(w *dispatch.ManifestWorker) { w.ID = long + "y" })
			}), `workers/echo/main.go:20: worker "` + long + `y": the name of its function, shop-prod-workerX` + long[1:] + `y, has 65 characters, and Lambda allows 64: use a shorter id, service or stage`,
		},
		{
			"an adopted worker's function of 65", of(func(p *project.Project) {
				p.Programs[0].Manifest.Workers[0] = worker("echo", func(w *dispatch.ManifestWorker) { w.ID = long[2:] })
				p.Adopted = map[string]project.Adopted{long[2:]: {Queue: "q", DLQ: "d"}}
			}), `workers/echo/main.go:20: worker "` + long[2:] + `": the name of its function, shop-prod-workerX` + long[3:] + `-go, has 65 characters, and Lambda allows 64: use a shorter id, service or stage`,
		},
		{
			"a queue's name of 81", shop(worker("echo", func(w *dispatch.ManifestWorker) { w.ID = strings.Repeat("a-", 33) + "b" })),
			`workers/echo/main.go:20: worker "` + strings.Repeat("a-", 33) + `b": the name of its dead-letter queue, shop-` + strings.Repeat("a-", 33) + `b-dlq-prod, has 81 characters, and SQS allows 80: use a shorter id, service or stage`,
		},
		{
			"a long service", of(func(p *project.Project) {
				p.Service, p.Programs[0].Manifest.Workers[0].ID = "s"+strings.Repeat("x", 123), "e"
			}),
			"the name of the function of the workers API, s" + strings.Repeat("x", 123) + "-prod-api, has 133 characters, and Lambda allows 64: use a shorter service or stage\n" +
				"the name of the stack s" + strings.Repeat("x", 123) + "-prod has 129 characters, and CloudFormation allows 128: use a shorter service or stage\n" +
				`workers/echo/main.go:20: worker "e": the name of its dead-letter queue, s` + strings.Repeat("x", 123) + `-e-dlq-prod, has 135 characters, and SQS allows 80: use a shorter id, service or stage` + "\n" +
				`workers/echo/main.go:20: worker "e": the name of its function, s` + strings.Repeat("x", 123) + `-prod-workerE, has 137 characters, and Lambda allows 64: use a shorter id, service or stage`,
		},

		// Groups.
		{"the group core", one(group("Co-re")), atEcho + `group "Co-re" is taken: it is the deployment's own group for the workers API`},
		{"a long group", one(group("thirteenchars")), atEcho + `group "thirteenchars" has 13 characters; at most 12 fit into a service name`},
		{"a group with a space", one(group("a b")), atEcho + `group "a b": letters, digits and - only, a letter or digit first`},
		{
			"groups that become one service", shop(worker("one", group("ab-c")), worker("three", group("ABC")), worker("two", group("abc")), worker("too", group("abc"))),
			`workers/three/main.go:20: worker "three": its group "ABC" and group "ab-c" of worker "one" (workers/one/main.go:20) would both be the service shop-ABC: rename one` + "\n" +
				`workers/too/main.go:20: worker "too": its group "abc" and group "ab-c" of worker "one" (workers/one/main.go:20) would both be the service shop-abc: rename one`,
		},

		// Settings.
		{"no timeout", one(func(w *dispatch.ManifestWorker) { w.TimeoutSeconds = 0 }), atEcho + "it has a timeout of 0 s: it must be 1 to 900"},
		{"a long timeout", one(func(w *dispatch.ManifestWorker) { w.TimeoutSeconds = 901 }), atEcho + "it has a timeout of 901 s: it must be 1 to 900"},
		{"little memory", one(func(w *dispatch.ManifestWorker) { w.MemoryMB = 64 }), atEcho + "it has 64 MB of memory: it must be 128 to 10240"},
		{"no receives", one(func(w *dispatch.ManifestWorker) { w.SQS.MaxReceiveCount = 0 }), atEcho + "it has a maxReceiveCount of 0: it must be 1 to 1000"},
		{"a short visibility timeout", one(func(w *dispatch.ManifestWorker) { w.SQS.VisibilityTimeoutSeconds = 299 }), atEcho + "it has a visibility timeout of 299 s: it must be 300 to 43200"},
		{"no visibility timeout", one(func(w *dispatch.ManifestWorker) { w.SQS.VisibilityTimeoutSeconds = 0 }), atEcho + "it has a timeout of 300 s and no visibility timeout: SQS's default of 30 s is too short for it"},
		{"a short retention", one(func(w *dispatch.ManifestWorker) { w.SQS.RetentionSeconds = 59 }), atEcho + "it has a retention of 59 s: it must be 60 to 1209600"},
		{"a short retention of dead letters", one(func(w *dispatch.ManifestWorker) { w.SQS.DLQRetentionSeconds = 59 }), atEcho + "it has a retention of 59 s in its dead-letter queue: it must be 60 to 1209600"},
		{"a large batch", one(func(w *dispatch.ManifestWorker) { w.SQS.BatchSize, w.SQS.MaximumBatchingWindowSeconds = 10001, 1 }), atEcho + "it has a batch size of 10001: it must be 1 to 10000"},
		{"a batch without a window", one(func(w *dispatch.ManifestWorker) { w.SQS.BatchSize = 11 }), atEcho + "it has a batch size of 11 and no batching window: above 10 Lambda wants one of at least 1 s"},
		{"a long window", one(func(w *dispatch.ManifestWorker) { w.SQS.MaximumBatchingWindowSeconds = 301 }), atEcho + "it has a batching window of 301 s: it must be 0 to 300"},
		{"FIFO with a window", one(func(w *dispatch.ManifestWorker) { w.SQS.FIFO, w.SQS.MaximumBatchingWindowSeconds = true, 1 }), atEcho + "it has a batching window of 1 s, and Lambda allows none for a FIFO queue"},
		{"FIFO in large batches", one(func(w *dispatch.ManifestWorker) { w.SQS.FIFO, w.SQS.BatchSize = true, 11 }), atEcho + "it has a batch size of 11: it must be 1 to 10"},
		{"one at a time", one(func(w *dispatch.ManifestWorker) { w.SQS.MaximumConcurrency = 1 }), atEcho + "it has a maximum concurrency of 1: it must be 2 to 1000"},
		{"negative reserved concurrency", one(func(w *dispatch.ManifestWorker) { w.ReservedConcurrency = -1 }), atEcho + "it has a reserved concurrency of -1: it must be 1 or more, or 0 for none"},
		{
			"less reserved than used", one(func(w *dispatch.ManifestWorker) { w.ReservedConcurrency, w.SQS.MaximumConcurrency = 4, 5 }),
			atEcho + "it has a reserved concurrency of 4 below its maximum concurrency of 5: Lambda would throttle deliveries, and each of those counts as a receive: reserve at least 5",
		},
		{
			"a schedule that is none", one(func(w *dispatch.ManifestWorker) { w.Schedules = []dispatch.ScheduleSetting{{Expression: "hourly"}} }),
			atEcho + `it has a schedule that EventBridge refuses: schedule "hourly"`,
		},
		{"a long input of a schedule", one(func(w *dispatch.ManifestWorker) {
			w.Schedules = []dispatch.ScheduleSetting{{Expression: "rate(1 day)", Input: []byte(`"` + strings.Repeat("x", 7999) + `"`)}}
		}), atEcho + "it has a schedule whose input has 8001 bytes: EventBridge takes 7936"},

		// What it declares.
		{"six layers", one(func(w *dispatch.ManifestWorker) {
			w.Layers = strings.Fields(strings.Repeat("arn:aws:lambda:eu-west-1:123456789012:layer:x:1 ", 6))
		}), atEcho + "it has 6 layers: Lambda allows 5"},
		{
			"a layer by name", one(func(w *dispatch.ManifestWorker) { w.Layers = []string{"ffmpeg"} }),
			atEcho + `layer "ffmpeg": Lambda wants the ARN of a layer's version, arn:aws:lambda:<region>:<account>:layer:<name>:<version>, in which ${aws:region} and ${aws:accountId} may stand`,
		},
		{
			"a layer elsewhere", one(func(w *dispatch.ManifestWorker) {
				w.Layers = []string{"arn:aws:lambda:us-east-1:123456789012:layer:x:1"}
			}),
			atEcho + `layer "arn:aws:lambda:us-east-1:123456789012:layer:x:1" is in us-east-1, and a function in eu-west-1 can use layers of its own region only: write ${aws:region} if it is there too`,
		},
		{
			"a variable with a dash", one(func(w *dispatch.ManifestWorker) { w.Environment = []string{"A-KEY"} }),
			atEcho + `environment variable "A-KEY": Lambda allows letters, digits and _ only, a letter first, and at least two characters`,
		},
		{
			"a variable of Lambda", one(func(w *dispatch.ManifestWorker) { w.Secrets = []string{"AWS_SECRET_ACCESS_KEY"} }),
			atEcho + `environment variable "AWS_SECRET_ACCESS_KEY": Lambda reserves names that begin with AWS_ and LAMBDA_ for itself`,
		},
		{
			"a variable of the deployment", one(func(w *dispatch.ManifestWorker) { w.Environment = []string{"STAGE"} }),
			atEcho + `environment variable "STAGE": a deployment sets it by itself, so that the worker need not ask for it`,
		},
		{
			"a variable that is a secret too", one(func(w *dispatch.ManifestWorker) { w.Environment, w.Secrets = []string{"A_KEY"}, []string{"A_KEY"} }),
			atEcho + `environment variable "A_KEY" is in both WithEnvironment and WithSecrets: leave it in WithSecrets if its value is secret, else in WithEnvironment`,
		},
		{
			"a call to nobody", one(func(w *dispatch.ManifestWorker) { w.Calls = []string{"ehco"} }),
			atEcho + `it calls worker "ehco", which is in none of the programs: correct runtime.WithCalls, or push the package that has it too`,
		},
		{
			"a permission without actions, and one without resources", one(func(w *dispatch.ManifestWorker) {
				w.Permissions = []dispatch.Permission{{Resources: []string{"*"}}, {Actions: []string{"s3:GetObject", "s3:PutObject"}}}
			}),
			atEcho + "a permission for s3:GetObject, s3:PutObject without resources: name their ARNs, or * where the actions have none\n" +
				atEcho + "a permission without actions: name them, such as dynamodb:PutItem",
		},
		{
			"a permission for everything on a name", one(func(w *dispatch.ManifestWorker) {
				w.Permissions = []dispatch.Permission{{Actions: []string{"*"}, Resources: []string{"media", "arn:aws:s3:::${bucket}"}}}
			}),
			atEcho + `a permission for "*": IAM wants a service and its action, such as dynamodb:PutItem or s3:Get*` + "\n" +
				atEcho + `a permission on "arn:aws:s3:::${bucket}": of ${...} only ${aws:region}, ${aws:accountId}, ${service} and ${stage} are filled in` + "\n" +
				atEcho + `a permission on "media": IAM wants an ARN, arn:aws:<service>:<region>:<account>:<resource>, or *`,
		},
		{"variables that fit", of(func(p *project.Project) {
			p.Variables = map[string]map[string]project.Value{"echo": {"TEXT": {Text: strings.Repeat("x", 3800)}}}
		}), ""},
		{"too many variables", of(func(p *project.Project) {
			p.Variables = map[string]map[string]project.Value{"echo": {
				"PEM": {Text: strings.Repeat("hunter2", 550)}, "KEY": {Ref: project.Ref{Store: project.SSM, Name: "/shop/prod/" + strings.Repeat("K", 80)}},
			}}
		}), atEcho + "its variables have 4107 bytes with their names, and Lambda allows 4096; the longest is PEM with 3850: keep long values in Systems Manager or Secrets Manager, and declare their names with WithSecrets"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			problems := project.Check(tt.p)
			got := ""
			if problems != nil {
				got = problems.Error()
			}
			if tt.want == "" && got != "" || !strings.HasPrefix(got, tt.want) || strings.Count(got, "\n") != strings.Count(tt.want, "\n") || strings.Contains(got, "hunter2") {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// Whoever has made five mistakes hears of all five, in the order of the files.
func TestCheckSaysEverythingAtOnceInOrder(t *testing.T) {
	t.Parallel()
	at := func(place string) func(*dispatch.ManifestWorker) {
		return func(w *dispatch.ManifestWorker) { w.Source, w.MemoryMB = place, 1 }
	}
	p := shop(worker("z", at("a.go:100")), worker("y", at("a.go:9")), worker("x", at("b.go:1")), worker("w", at("")))
	p.Service, p.LogRetentionDays = "1", 2
	var places []string
	for _, problem := range project.Check(p) {
		places = append(places, problem.Place+"/"+problem.Worker)
	}
	if got := strings.Join(places, " "); got != "/ / a.go:9/y a.go:100/z b.go:1/x example.com/shop/workers/w" {
		t.Errorf("in the order %s", got)
	}
}

// What programs refuse of their own workers is told together with what is wrong with the others.
func TestCheckPart(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 60)
	p := shop(worker("echo", func(w *dispatch.ManifestWorker) { w.Calls = []string{"slow"} }), worker("Echo"))
	p.Programs = append(p.Programs, program("more", worker("echo", func(w *dispatch.ManifestWorker) { w.Source = "more/main.go:3" })))
	got := project.CheckPart(p, project.Problems{
		{Place: "a.go:9", Worker: "slow", Text: "timeout 20m"},
		{Place: "a.go:10", Worker: long, Text: "memory 1"},
		{Place: "b.go:1", Worker: "a b", Text: "the id"},
		{Place: "example.com/shop/broken", Text: "it does not compile"},
	}).Error()
	want := `a.go:9: worker "slow": timeout 20m
a.go:10: worker "` + long + `": memory 1
a.go:10: worker "` + long + `": the name of its function, shop-prod-workerX` + long[1:] + `, has 76 characters, and Lambda allows 64: use a shorter id, service or stage
b.go:1: worker "a b": the id
example.com/shop/broken: it does not compile
more/main.go:3: worker "echo": there is another worker of this id in workers/echo/main.go:20: rename one
workers/echo/main.go:20: worker "echo": it cannot be told from worker "Echo" (workers/Echo/main.go:20) when it is deployed, as both functions would end in workerEcho: rename one`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
