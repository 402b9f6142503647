package template_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// worker is one as the runtime describes it when its author sets nothing.
func worker(id string, change ...func(*dispatch.ManifestWorker)) dispatch.ManifestWorker {
	w := dispatch.ManifestWorker{
		ID: id, Group: dispatch.DefaultGroup, TimeoutSeconds: 60, MemoryMB: 512,
		SQS: dispatch.SQSSetting{VisibilityTimeoutSeconds: 360, MaxReceiveCount: 3, RetentionSeconds: 1209600, DLQRetentionSeconds: 1209600, BatchSize: 1},
	}
	for _, f := range change {
		f(&w)
	}
	return w
}

func group(name string) func(*dispatch.ManifestWorker) {
	return func(w *dispatch.ManifestWorker) { w.Group = name }
}

func calls(ids ...string) func(*dispatch.ManifestWorker) {
	return func(w *dispatch.ManifestWorker) { w.Calls = ids }
}

func schedule(expression, input string, disabled bool) func(*dispatch.ManifestWorker) {
	return func(w *dispatch.ManifestWorker) {
		w.Schedules = append(w.Schedules, dispatch.ScheduleSetting{Expression: expression, Input: json.RawMessage(input), Disabled: disabled})
	}
}

func artifact(text string) project.Artifact {
	sum := sha256.Sum256([]byte(text))
	hash := hex.EncodeToString(sum[:])
	return project.Artifact{SHA256: hash, Size: int64(len(text)), Key: "shop/prod/artifacts/" + hash + ".zip"}
}

// stage is a project of one program for each worker.
func stage(workers ...dispatch.ManifestWorker) *project.Project {
	p := &project.Project{Service: "shop", Stage: "prod", Region: "eu-west-1", Account: "123456789012", Bucket: "artifacts", API: artifact("api")}
	for _, w := range workers {
		p.Programs = append(p.Programs, project.Program{
			Package:  "example.test/shop/workers/" + w.ID,
			Manifest: dispatch.Manifest{Version: dispatch.ManifestVersion, Workers: []dispatch.ManifestWorker{w}},
			Artifact: artifact(w.ID),
		})
	}
	return p
}

// projects are the stages that goldens and judges see, by name.
func projects() map[string]*project.Project {
	small := stage(worker("echo"))
	small.APIKey = project.Ref{Store: project.SSM, Name: "/shop/prod/WORKERS_API_KEY"}

	groups := stage(
		worker("orders", calls("thumbnails", "orders", "ledger")),
		worker("thumbnails", group("media"), calls("orders")),
		worker("video-processing", group("media"), func(w *dispatch.ManifestWorker) {
			w.SQS.BatchSize, w.SQS.MaximumBatchingWindowSeconds, w.SQS.MaximumConcurrency = 50, 5, 10
			w.ReservedConcurrency = 20
		}),
		worker("ledger", group("back-office-and-more")),
	)
	groups.Arch = project.AMD64

	full := stage(
		worker("digest", schedule("cron(0 9 ? * MON-FRI *)", `{ "text": "<b>a & b</b> ${x} \"q\"" }`, false), schedule("rate(5 minutes)", "", true)),
		worker("ledger", schedule("rate(1 hour)", `[1, 2]`, false), func(w *dispatch.ManifestWorker) { w.SQS.FIFO = true }),
		worker("mailer", calls("ledger"), func(w *dispatch.ManifestWorker) {
			w.Description = "Sends \"mail\": to whom it may concern"
			w.Layers = []string{"arn:aws:lambda:${aws:region}:${aws:accountId}:layer:fonts:3", "arn:aws:lambda:eu-west-1:123456789012:layer:tools:1"}
			w.Environment = []string{"SENDER", "TEMPLATE", "SMTP_PASSWORD", "API_TOKEN", "HOOK_SECRET"}
			w.Permissions = []dispatch.Permission{{
				Actions:   []string{"dynamodb:PutItem", "dynamodb:GetItem"},
				Resources: []string{"arn:aws:dynamodb:${aws:region}:${aws:accountId}:table/${service}-${stage}", "arn:aws:dynamodb:eu-west-1:123456789012:table/${aws:username}"},
			}}
		}),
	)
	// One program of two workers, as most are.
	full.Programs[0].Manifest.Workers = append(full.Programs[0].Manifest.Workers, full.Programs[1].Manifest.Workers...)
	full.Programs = slices.Delete(full.Programs, 1, 2)
	full.APIKey = project.Ref{Store: project.SecretsManager, Name: "shop/api-key"}
	full.Alarms = &project.Alarms{TopicARN: "arn:aws:sns:eu-west-1:123456789012:on-call"}
	full.LogRetentionDays = 90
	full.Variables = map[string]map[string]project.Value{"mailer": {
		"SENDER":        {Text: "shop@example.test"},
		"TEMPLATE":      {Text: `Dear ${name}, \${FIRST} ${self:service} ${env:HOME}: yes`},
		"FLAG":          {Text: "yes"},
		"DAY":           {Text: "2026-11-28"},
		"SMTP_PASSWORD": {Ref: project.Ref{Store: project.SSM, Name: "/shop/prod/SMTP_PASSWORD"}},
		"API_TOKEN":     {Ref: project.Ref{Store: project.SecretsManager, Name: "mail", Key: "token"}},
		"HOOK_SECRET":   {Ref: project.Ref{Store: project.SecretsManager, Name: "mail", Key: "hook"}},
	}}

	adopted := stage(worker("mailer", calls("echo"), schedule("rate(1 day)", `{"n":1}`, false)), worker("echo"))
	adopted.Bucket = ""
	adopted.Adopted = map[string]project.Adopted{"mailer": {
		Queue: "p-a1b2-mailer-prod", QueueARN: "arn:aws:sqs:eu-west-1:123456789012:p-a1b2-mailer-prod", QueueURL: "https://sqs.eu-west-1.amazonaws.com/123456789012/p-a1b2-mailer-prod",
		DLQ: "p-a1b2-mailer-dlq-prod", DLQARN: "arn:aws:sqs:eu-west-1:123456789012:p-a1b2-mailer-dlq-prod", DLQURL: "https://sqs.eu-west-1.amazonaws.com/123456789012/p-a1b2-mailer-dlq-prod",
		Mappings: []string{"11111111-2222-3333-4444-555555555555"}, Function: "p-a1b2-prod-workerMailer",
	}}
	return map[string]*project.Project{"small": small, "groups": groups, "full": full, "adopted": adopted}
}

// many is a stage of n workers in one group.
func many(n int, change ...func(*dispatch.ManifestWorker)) *project.Project {
	var workers []dispatch.ManifestWorker
	for i := range n {
		workers = append(workers, worker(fmt.Sprintf("worker-number-%04d", i), change...))
	}
	return stage(workers...)
}
