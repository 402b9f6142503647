package aws

import "testing"

func TestTargetResolve(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		in   Target
		env  map[string]string
		want Target
	}{
		{name: "nothing"},
		{
			name: "what is given wins",
			in:   Target{Profile: "p", Region: "r", Stage: "s", Service: "v", BaseURL: "https://b.example", EndpointURL: "https://e.example"},
			env: map[string]string{
				"AIWCTL_PROFILE": "x", "AWS_PROFILE": "x", "AIWCTL_REGION": "x", "AWS_REGION": "x", "AIWCTL_STAGE": "x", "AIWCTL_SERVICE": "x",
				"AIWCTL_BASE_URL": "https://x.example", "WORKER_BASE_URL": "https://x.example", "AIWCTL_ENDPOINT_URL": "https://x.example", "AWS_ENDPOINT_URL": "https://x.example",
			},
			want: Target{Profile: "p", Region: "r", Stage: "s", Service: "v", BaseURL: "https://b.example", EndpointURL: "https://e.example"},
		},
		{
			name: "ours before AWS's",
			env: map[string]string{
				"AIWCTL_PROFILE": "p", "AWS_PROFILE": "x", "AIWCTL_REGION": "r", "AWS_REGION": "x", "AIWCTL_STAGE": "s", "AIWCTL_SERVICE": "v",
				"AIWCTL_BASE_URL": "https://b.example", "WORKER_BASE_URL": "https://x.example", "AIWCTL_ENDPOINT_URL": "https://e.example", "AWS_ENDPOINT_URL": "https://x.example",
				"AIWCTL_READ_ONLY": "1",
			},
			want: Target{Profile: "p", Region: "r", Stage: "s", Service: "v", BaseURL: "https://b.example", EndpointURL: "https://e.example", ReadOnly: true},
		},
		{
			name: "AWS's and the workers' own",
			env:  map[string]string{"AWS_PROFILE": "p", "AWS_DEFAULT_REGION": "r", "WORKER_BASE_URL": "https://b.example", "AWS_ENDPOINT_URL": "https://e.example"},
			want: Target{Profile: "p", Region: "r", BaseURL: "https://b.example", EndpointURL: "https://e.example", ambientProfile: true},
		},
		{
			name: "AWS's switch for its own variable",
			env:  map[string]string{"AWS_ENDPOINT_URL": "https://e.example", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
		},
		{
			name: "a local endpoint does not mix with a deployed stage",
			in:   Target{EndpointURL: "http://127.0.0.1:4566"},
			env:  map[string]string{"AWS_PROFILE": "prod-admin", "WORKER_BASE_URL": "https://prod.example"},
			want: Target{EndpointURL: "http://127.0.0.1:4566"},
		},
		{
			name: "a local endpoint with its own API",
			env:  map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "WORKER_BASE_URL": "http://localhost:4566"},
			want: Target{EndpointURL: "http://127.0.0.1:4566", BaseURL: "http://localhost:4566"},
		},
		{name: "read-only stays", in: Target{ReadOnly: true}, env: map[string]string{"AIWCTL_READ_ONLY": "0"}, want: Target{ReadOnly: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.in.Resolve(envOf(tt.env)); got != tt.want {
				t.Errorf("Resolve =\n%+v, want\n%+v", got, tt.want)
			}
		})
	}
}

func TestTargetLoopback(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"":                                    false,
		"http://127.0.0.1:4566":               true,
		"http://127.8.9.10":                   true,
		"http://localhost:4566/x":             true,
		"http://LOCALHOST.":                   true,
		"http://sqs.localhost:4566":           true,
		"http://[::1]:4566":                   true,
		"http://0.0.0.0:4566":                 false,
		"http://10.0.0.1:4566":                false,
		"https://localhost.example":           false,
		"https://sqs.eu-west-1.amazonaws.com": false,
		"http://127.0.0.1.example":            false,
		"://":                                 false,
	} {
		if got := (Target{EndpointURL: url}).Loopback(); got != want {
			t.Errorf("Loopback of %q = %t, want %t", url, got, want)
		}
	}
}
