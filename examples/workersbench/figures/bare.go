package figures

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// bareChild is the first argument with which the program starts itself as the bare
// SDK program.
const bareChild = "workersbench-bare"

// IsBare is whether a command line is that of the bare program.
func IsBare(args []string) bool { return len(args) > 1 && args[1] == bareChild }

// Bare lists a stage's workers with nothing but the SDK, and returns the exit code.
// Its arguments are the endpoint and how many calls are under way at once.
func Bare(ctx context.Context, args []string) int {
	if err := bare(ctx, args[2], args[3]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", bareChild, err)
		return 1
	}
	return 0
}

func bare(ctx context.Context, endpoint, concurrency string) error {
	width, err := strconv.Atoi(concurrency)
	if err != nil {
		return err
	}
	cfg := awssdk.Config{
		Region: region, BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		// Without it the SDK cuts connections of a server that is this near.
		HTTPClient: dispatch.StableHTTPClient(&http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: width}}),
	}
	functions, queues := lambda.NewFromConfig(cfg), sqs.NewFromConfig(cfg)

	type row struct {
		queue, dlq    string
		visible, dead string
	}
	var rows []row
	mappings := lambda.NewListEventSourceMappingsPaginator(functions, &lambda.ListEventSourceMappingsInput{MaxItems: awssdk.Int32(100)})
	for mappings.HasMorePages() {
		page, err := mappings.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, m := range page.EventSourceMappings {
			rows = append(rows, row{queue: urlOf(endpoint, awssdk.ToString(m.EventSourceArn))})
		}
	}
	found := lambda.NewListFunctionsPaginator(functions, &lambda.ListFunctionsInput{MaxItems: awssdk.Int32(50)})
	for found.HasMorePages() {
		if _, err := found.NextPage(ctx); err != nil {
			return err
		}
	}
	if _, err := queues.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: awssdk.String("shop-"), MaxResults: awssdk.Int32(1000)}); err != nil {
		return err
	}
	each := func(read func(ctx context.Context, r *row) error) error {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(width)
		for i := range rows {
			g.Go(func() error { return read(ctx, &rows[i]) })
		}
		return g.Wait()
	}
	ask := func(ctx context.Context, url string) (map[string]string, error) {
		out, err := queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
		if err != nil {
			return nil, err
		}
		return out.Attributes, nil
	}
	if err := each(func(ctx context.Context, r *row) error {
		a, err := ask(ctx, r.queue)
		if err != nil {
			return err
		}
		var policy struct{ DeadLetterTargetArn string }
		if err := json.Unmarshal([]byte(a["RedrivePolicy"]), &policy); err != nil {
			return err
		}
		r.visible, r.dlq = a["ApproximateNumberOfMessages"], urlOf(endpoint, policy.DeadLetterTargetArn)
		return nil
	}); err != nil {
		return err
	}
	if err := each(func(ctx context.Context, r *row) error {
		a, err := ask(ctx, r.dlq)
		r.dead = a["ApproximateNumberOfMessages"]
		return err
	}); err != nil {
		return err
	}
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.queue[strings.LastIndexByte(r.queue, '/')+1:]
	}
	if err := bareMetrics(ctx, cloudwatch.NewFromConfig(cfg), names); err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	for _, r := range rows {
		fmt.Fprintln(out, r.queue, r.visible, r.dead)
	}
	return out.Flush()
}

func urlOf(endpoint, arn string) string {
	return endpoint + "/" + account + "/" + arn[strings.LastIndexByte(arn, ':')+1:]
}

// bareMetrics asks for as many metrics of each queue as aiwctl asks for of a worker, in
// full calls, four at a time.
func bareMetrics(ctx context.Context, metrics *cloudwatch.Client, queues []string) error {
	var all []cwtypes.MetricDataQuery
	for _, name := range queues {
		for range metricsOf {
			all = append(all, cwtypes.MetricDataQuery{
				Id: awssdk.String("m" + strconv.Itoa(len(all))),
				MetricStat: &cwtypes.MetricStat{
					Metric: &cwtypes.Metric{
						Namespace: awssdk.String("AWS/SQS"), MetricName: awssdk.String("ApproximateNumberOfMessagesVisible"),
						Dimensions: []cwtypes.Dimension{{Name: awssdk.String("QueueName"), Value: awssdk.String(name)}},
					},
					Period: awssdk.Int32(60), Stat: awssdk.String("Maximum"),
				},
			})
		}
	}
	end := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for part := range slices.Chunk(all, metricsACall) {
		g.Go(func() error {
			_, err := metrics.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
				MetricDataQueries: part, StartTime: awssdk.Time(end.Add(-15 * time.Minute)), EndTime: &end,
			})
			return err
		})
	}
	return g.Wait()
}
