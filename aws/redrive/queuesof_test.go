package redrive

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/redrive/journal"
)

// A replay that was killed is gone on with under the names that began it: those of
// every queue it writes to.
func TestQueuesOfAJournal(t *testing.T) {
	t.Parallel()
	worker := aws.Worker{ID: "orders", Queue: &aws.Queue{Name: "shop-orders-dev"}}
	for name, row := range map[string]struct {
		kind    string
		request any
		want    []string
	}{
		"back to its queue": {kindReplay, request{Worker: worker, All: true}, []string{"shop-orders-dlq-dev", "shop-orders-dev"}},
		"to another":        {kindReplay, request{Worker: worker, To: "https://sqs.eu-west-1.amazonaws.com/1/shop-orders-prod"}, []string{"shop-orders-dlq-dev", "https://sqs.eu-west-1.amazonaws.com/1/shop-orders-prod"}},
		"an import":         {kindImport, importRequest{Worker: worker, To: "https://sqs.eu-west-1.amazonaws.com/1/shop-x-prod"}, []string{"shop-orders-dlq-dev", "https://sqs.eu-west-1.amazonaws.com/1/shop-x-prod"}},
		"unreadable":        {kindReplay, "nonsense", []string{"shop-orders-dlq-dev"}},
	} {
		raw, err := json.Marshal(row.request)
		if err != nil {
			t.Fatal(err)
		}
		got := QueuesOf(&journal.State{Header: journal.Header{Kind: row.kind, Queue: "shop-orders-dlq-dev", Request: raw}})
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}
