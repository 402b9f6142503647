package aws

import (
	"errors"
	"strings"
	"testing"
)

func TestInventoryFiltersByPrefixAndTags(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x").worker("p-x", "mail", "prod", "nodejs20.x").
		queue("orders-in", "", 0).function("intake", "python3.13", "orders-in", nil).
		queue("orders-lost", "", 1).queue("p-x-lost-prod", "", 1)
	f.tags = map[string]map[string]string{
		queueARN("p-x-echo-prod"):              {"team": "ops", "env": "prod"},
		functionARN("p-x-prod-workerMail"):     {"team": "ops", "env": "test"},
		functionARN("intake"):                  {"team": "shop"},
		queueARN("p-x-lost-prod"):              {"team": "ops"},
		queueARN("deleted-but-still-reported"): {"team": "ops"},
	}
	for _, tt := range []struct {
		name   string
		target Target
		want   []string
	}{
		{"prefix of queues, with those nobody reads", Target{Prefix: "orders-"}, []string{"orders-in", "orders-lost"}},
		{"prefix of a function's name", Target{Prefix: "intake"}, []string{"orders-in"}},
		{"prefix within a service", Target{Prefix: "p-x-e", Service: "p-x"}, []string{"echo"}},
		{"tag, on the queue or the function", Target{Tags: "team=ops"}, []string{"echo", "mail", "p-x-lost-prod"}},
		{"every tag", Target{Tags: "team=ops, env=prod"}, []string{"echo"}},
		{"either value of a key", Target{Tags: "team=shop,team=dev"}, []string{"orders-in"}},
		{"a key alone", Target{Tags: "env"}, []string{"echo", "mail"}},
		{"tag and prefix", Target{Tags: "team=ops", Prefix: "p-x-l"}, []string{"p-x-lost-prod"}},
		{"tag that nothing has", Target{Tags: "team=nobody"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantIDs(t, mustInventory(t, f.stage(tt.target, Options{})), tt.want...)
		})
	}
	t.Run("what workers/config lists is filtered too", func(t *testing.T) {
		t.Parallel()
		api := newWorkersAPI(t, configFor("echo", "mail"))
		wantIDs(t, mustInventory(t, f.stage(Target{BaseURL: api.URL, Prefix: "p-x-mail"}, Options{})), "mail")
		wantIDs(t, mustInventory(t, f.stage(Target{BaseURL: api.URL, Tags: "env=test"}, Options{})), "mail")
	})
}

func TestTagsThatCannotBeReadAreAWarning(t *testing.T) {
	t.Parallel()
	f := newFakeAWS().worker("p-x", "echo", "prod", "nodejs20.x")
	f.fail["GetResources"] = apiError("Resource Groups Tagging API", "GetResources", "AccessDeniedException",
		"User: arn:aws:sts::1:assumed-role/ops-read/me is not authorized to perform: tag:GetResources because no identity-based policy allows it")
	inv := mustInventory(t, f.stage(Target{Tags: "team=ops", Stage: "prod"}, Options{}))
	wantIDs(t, inv, "echo") // and not an empty list that looks like an answer
	if len(inv.Warnings) != 1 {
		t.Fatalf("Warnings = %v, want one", inv.Warnings)
	}
	kind, hint := Classify(inv.Warnings[0])
	if kind != KindDenied || !strings.Contains(hint, "tag:GetResources is missing from role ops-read") {
		t.Errorf("Classify = %q, %q", kind, hint)
	}
	wantIn(t, inv.Warnings[0].Error(), "whatever their tags")
}

func TestTagsAreCheckedWhenAStageIsOpened(t *testing.T) {
	t.Parallel()
	for _, tags := range []string{"=x", "a=b,,c=d", strings.Repeat("k", 129) + "=v"} {
		_, err := Open(t.Context(), Target{EndpointURL: "http://127.0.0.1:1", Tags: tags}, Options{Getenv: noEnv})
		if !errors.Is(err, ErrTag) {
			t.Errorf("Open with tags %q: %v, want ErrTag", tags, err)
		}
	}
}

func TestTargetTakesFiltersFromTheEnvironment(t *testing.T) {
	t.Parallel()
	env := envOf(map[string]string{"AIWCTL_PREFIX": "orders-", "AIWCTL_TAGS": "a=b", "AIWCTL_MANIFEST": "m.json"})
	if got := (Target{}).Resolve(env); got.Prefix != "orders-" || got.Tags != "a=b" || got.Manifest != "m.json" {
		t.Errorf("resolved to %+v", got)
	}
	if got := (Target{Prefix: "p", Tags: "c", Manifest: "-"}).Resolve(env); got.Prefix != "p" || got.Tags != "c" || got.Manifest != "-" {
		t.Errorf("resolved to %+v, want what was asked for", got)
	}
}
