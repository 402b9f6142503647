package aws

import "testing"

func TestQueueFromURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]queueRef{
		"https://sqs.eu-west-1.amazonaws.com/111122223333/jobs":                    {region: "eu-west-1", account: "111122223333", name: "jobs"},
		"https://sqs.cn-north-1.amazonaws.com.cn/111122223333/jobs":                {region: "cn-north-1", account: "111122223333", name: "jobs"},
		"https://eu-west-2.queue.amazonaws.com/111122223333/jobs.fifo":             {region: "eu-west-2", account: "111122223333", name: "jobs.fifo"},
		"https://sqs-fips.us-east-2.amazonaws.com/111122223333/jobs":               {region: "us-east-2", account: "111122223333", name: "jobs"},
		"https://vpce-1-a.sqs.ap-south-1.vpce.amazonaws.com/111122223333/jobs":     {region: "ap-south-1", account: "111122223333", name: "jobs"},
		"https://queue.amazonaws.com/111122223333/jobs":                            {region: "fallback", account: "111122223333", name: "jobs"},
		"http://127.0.0.1:4566/000000000000/jobs":                                  {region: "fallback", account: "000000000000", name: "jobs"},
		"http://localhost.localstack.cloud:4566/queue/eu-west-1/000000000000/jobs": {region: "fallback", account: "000000000000", name: "jobs"},
		"local://echo": {},
		"https://sqs.eu-west-1.amazonaws.com/jobs": {},
		"":            {},
		"http://[bad": {},
	} {
		got, ok := queueFromURL(raw, "fallback")
		if want.name != "" {
			want.url = raw
		}
		if got != want || ok != (want.name != "") {
			t.Errorf("queueFromURL(%q) = %+v, %t, want %+v", raw, got, ok, want)
		}
	}
}

func TestQueueURLOfARN(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ arn, endpoint, want string }{
		{"arn:aws:sqs:eu-west-1:111122223333:jobs", "", "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"},
		{"arn:aws-cn:sqs:cn-north-1:111122223333:jobs", "", "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/jobs"},
		{"arn:aws-us-gov:sqs:us-gov-west-1:111122223333:jobs", "", "https://sqs.us-gov-west-1.amazonaws.com/111122223333/jobs"},
		{"arn:aws:sqs:eu-west-1:111122223333:jobs", "http://127.0.0.1:4566/", "http://127.0.0.1:4566/111122223333/jobs"},
	} {
		ref, ok := queueFromARN(tt.arn)
		if got := (Target{EndpointURL: tt.endpoint}).urlFor(ref); !ok || got != tt.want {
			t.Errorf("%s at %q = %q, want %q", tt.arn, tt.endpoint, got, tt.want)
		}
		if ref.arn() != tt.arn {
			t.Errorf("ARN %s came back as %s", tt.arn, ref.arn())
		}
	}
	for _, other := range []string{"", "arn:aws:sns:eu-west-1:111122223333:topic", "arn:aws:sqs:eu-west-1:111122223333:", "jobs"} {
		if ref, ok := queueFromARN(other); ok {
			t.Errorf("queueFromARN(%q) = %+v, want none", other, ref)
		}
	}
}

func TestNameAgrees(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		queue, function, service, stage string
		want                            deployedName
	}{
		{"p-x-echo-prod", "p-x-prod-workerEcho", "", "prod", deployedName{"p-x", "echo", "prod"}},
		{"p-x-scraper-two-prod", "p-x-prod-workerScraperTwo", "p-x", "prod", deployedName{"p-x", "scraper-two", "prod"}},
		{"p-x-scraper-two-prod", "p-x-scraper-prod-workerTwo", "p-x", "prod", deployedName{"p-x-scraper", "two", "prod"}},
		{"p-x-scraper-two-prod", "p-x-scraper-prod-workerTwo", "p-y", "prod", deployedName{}},
		// Without a project id the stage stands twice in the names.
		{"ai-router-workers-dev-echo-dev", "ai-router-workers-dev-dev-workerEcho", "", "dev", deployedName{"ai-router-workers-dev", "echo", "dev"}},
		{"p-prod-workerx-echo-prod", "p-prod-workerx-prod-workerEcho", "", "prod", deployedName{"p-prod-workerx", "echo", "prod"}},
		{"p-x-echo-prod", "p-x-prod-workerOther", "", "prod", deployedName{}},
		{"p-x-echo-prod", "p-x-prod-workerEcho", "", "staging", deployedName{}},
		{"p-x-echo-prod", "p-x-prod-workerEcho", "", "", deployedName{}},
		{"orders", "consumer", "", "prod", deployedName{}},
		{"p-x-prod", "p-x-prod-worker", "", "prod", deployedName{}},
	} {
		got, ok := nameAgrees(tt.queue, tt.function, tt.service, tt.stage)
		if got != tt.want || ok != (tt.want.id != "") {
			t.Errorf("nameAgrees(%q, %q, %q, %q) = %+v, %t, want %+v", tt.queue, tt.function, tt.service, tt.stage, got, ok, tt.want)
		}
	}
}
