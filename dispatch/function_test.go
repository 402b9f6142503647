package dispatch_test

import (
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestFunctionName(t *testing.T) {
	t.Parallel()
	// The first two are names of the deployed system.
	for id, want := range map[string]string{
		"results-aggregator": "p-x-prod-workerResultsAggregator",
		"smartDemo":          "p-x-prod-workerSmartdemo",
		"a_b--C9":            "p-x-prod-workerABC9",
		"":                   "p-x-prod-worker",
		"é!":                 "p-x-prod-worker",
		"s3-to-4":            "p-x-prod-workerS3To4",
		"grüße":              "p-x-prod-workerGrE",
	} {
		if got := dispatch.FunctionName("p-x", "prod", id); got != want {
			t.Errorf("FunctionName of %q = %q, want %q", id, got, want)
		}
	}
}
