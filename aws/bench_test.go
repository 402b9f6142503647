package aws

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// BenchmarkInventoryJoin is everything Inventory does for 500 workers but the
// calls themselves: what is read of workers/config, mappings, functions and
// 1,000 queues is in memory.
//
//	go test ./aws -run '^$' -bench InventoryJoin -benchmem
func BenchmarkInventoryJoin(b *testing.B) {
	const workers = 500
	f := newFakeAWS()
	var ids []string
	for i := range workers {
		id := fmt.Sprintf("worker-%03d", i)
		ids = append(ids, id)
		f.worker("p-x", id, "prod", "nodejs20.x")
	}
	for _, bm := range []struct {
		name   string
		target Target
	}{
		{"workers-config", Target{BaseURL: newWorkersAPI(b, configFor(ids...)).URL}},
		{"AWS-alone", Target{Service: "p-x", Stage: "prod"}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			s := f.stage(bm.target, Options{})
			b.ReportAllocs()
			for b.Loop() {
				inv, err := s.Inventory(b.Context())
				if err != nil || len(inv.Workers) != workers {
					b.Fatalf("%d workers, %v", len(inv.Workers), err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/workers, "ns/worker")
		})
	}
}

// BenchmarkRefresh is the cost of one refresh of 500 workers with their DLQs,
// again without the network.
func BenchmarkRefresh(b *testing.B) {
	_, s, workers := refreshable(b, 500)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Refresh(b.Context(), workers); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPlanDispatch validates and builds one message with a schema that is
// compiled already.
func BenchmarkPlanDispatch(b *testing.B) {
	s := newFakeAWS().stage(Target{}, Options{})
	r := DispatchRequest{Worker: echoWorker(), Input: []byte(`{"text":"hi"}`), Mode: dispatch.ModeAuto}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.PlanDispatch(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInventoryCalls is Inventory of 500 workers with their dead-letter queues
// over HTTP, beside a bare program that makes the same calls with the SDK, as many at
// once. They share the cores with the endpoint.
//
//	go test ./aws -run '^$' -bench InventoryCalls -benchtime 5x
func BenchmarkInventoryCalls(b *testing.B) {
	const workers = 500
	url, names := lambdaStage(b, workers)
	s, err := Open(b.Context(), Target{EndpointURL: url, Stage: "prod"}, Options{Getenv: noEnv, AuditPath: NoAudit})
	if err != nil {
		b.Fatal(err)
	}
	// The first one looks for a stack's outputs besides, which is remembered for a while.
	if _, err := s.Inventory(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Run("inventory", func(b *testing.B) {
		for b.Loop() {
			before := s.Calls()
			inv, err := s.Inventory(b.Context())
			if err != nil || len(inv.Workers) != workers || len(inv.Warnings) > 0 {
				b.Fatalf("%d workers, %v", len(inv.Workers), err)
			}
			// Each queue and dead-letter queue once, mappings by the hundred, functions by fifty, and the
			// list of the service's queues.
			if n := s.Calls() - before; n != 2*workers+workers/100+workers/50+1 {
				b.Fatalf("%d calls", n)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		cfg := localConfig(Target{Region: localRegion}, noEnv)
		cfg.HTTPClient = dispatch.StableHTTPClient(cfg.HTTPClient)
		cfg.BaseEndpoint = &url
		queues, functions := sqs.NewFromConfig(cfg), lambda.NewFromConfig(cfg)
		for b.Loop() {
			maps := lambda.NewListEventSourceMappingsPaginator(functions, &lambda.ListEventSourceMappingsInput{MaxItems: awssdk.Int32(100)})
			for maps.HasMorePages() {
				if _, err := maps.NextPage(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			fns := lambda.NewListFunctionsPaginator(functions, &lambda.ListFunctionsInput{MaxItems: awssdk.Int32(50)})
			for fns.HasMorePages() {
				if _, err := fns.NextPage(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := queues.ListQueues(b.Context(), &sqs.ListQueuesInput{MaxResults: awssdk.Int32(1000)}); err != nil {
				b.Fatal(err)
			}
			var wg sync.WaitGroup
			next := make(chan string)
			for range queueWidth {
				wg.Go(func() {
					for name := range next {
						if _, err := queues.GetQueueAttributes(b.Context(), &sqs.GetQueueAttributesInput{
							QueueUrl: awssdk.String(url + "/" + testAccount + "/" + name), AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
						}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for _, name := range names {
				next <- name
			}
			close(next)
			wg.Wait()
		}
	})
}

// lambdaStage serves n workers with their dead-letter queues, and Lambda's lists of
// them. The names are those of all queues.
func lambdaStage(b *testing.B, n int) (url string, names []string) {
	b.Helper()
	broker := queues.New(queues.Config{Region: localRegion, Account: testAccount, BaseURL: func() string { return url }})
	arn := func(service, name string) string {
		return "arn:aws:" + service + ":" + localRegion + ":" + testAccount + ":" + name
	}
	var mappings, functions []map[string]any
	for i := range n {
		queue, fn := fmt.Sprintf("p-x-w%03d-prod", i), fmt.Sprintf("p-x-prod-workerW%03d", i)
		dead := queue + "-dead"
		policy := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":3}`, arn("sqs", dead))
		for _, q := range []struct {
			name       string
			attributes map[string]string
		}{{dead, nil}, {queue, map[string]string{"VisibilityTimeout": "60", "RedrivePolicy": policy}}} {
			if _, _, err := broker.CreateQueue(q.name, q.attributes); err != nil {
				b.Fatal(err)
			}
		}
		names = append(names, queue, dead)
		mappings = append(mappings, map[string]any{
			"UUID": fn, "EventSourceArn": arn("sqs", queue), "FunctionArn": arn("lambda", "function:"+fn), "State": "Enabled", "BatchSize": 1,
			"FunctionResponseTypes": []string{"ReportBatchItemFailures"},
		})
		functions = append(functions, map[string]any{
			"FunctionName": fn, "FunctionArn": arn("lambda", "function:"+fn), "Runtime": "nodejs20.x", "Timeout": 30, "MemorySize": 256,
			"LastModified": "2026-01-02T03:04:05.000+0000",
		})
	}
	mux := http.NewServeMux()
	list := func(path, field string, all []map[string]any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			marker, size := r.URL.Query().Get("Marker"), atoi(r.URL.Query().Get("MaxItems"))
			from, to, next := page(&marker, len(all), size)
			_ = json.NewEncoder(w).Encode(map[string]any{field: all[from:to], "NextMarker": next})
		})
	}
	list("/2015-03-31/event-source-mappings", "EventSourceMappings", mappings)
	list("/2015-03-31/event-source-mappings/", "EventSourceMappings", mappings)
	list("/2015-03-31/functions", "Functions", functions)
	list("/2015-03-31/functions/", "Functions", functions)
	mux.Handle("/", broker.Handler())
	server := httptest.NewServer(mux)
	url = server.URL
	b.Cleanup(func() { server.Close(); broker.Close() })
	return url, names
}
