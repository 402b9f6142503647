package cli_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// otherClient is a command of the scripts: the plain SDK, configured by the
// environment as any program of somebody else is.
//
//	otheraws send QUEUE TEXT         TEXT's \x escapes are taken out
//	otheraws send-largest QUEUE ID   a job of the most bytes SQS takes
//	otheraws log GROUP TEXT
//	otheraws create QUEUE -
//	otheraws queues NAME COUNT       NAME, and NAME-dlq with so many jobs
//	otheraws nasty QUEUE -           messages that are easily broken
//	otheraws dump QUEUE FILE
//	otheraws hold QUEUE FILE         sends the jobs in FILE, one a line, and keeps them in flight
//	otheraws release QUEUE FILE      ends what hold has begun
//	otheraws mappings QUEUE -        prints what reads a queue: FUNCTION STATE
//	otheraws typescript STACK FILE   a stage as the TypeScript tools deploy one; see otherstage_test.go
func otherClient() {
	if err := runOtherClient(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "otheraws:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func runOtherClient(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("%q: want three arguments", args)
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(args[2], `"`, `\"`) + `"`)
	if err != nil {
		return err
	}
	switch args[0] {
	case "hold":
		return sendHeld(ctx, lambda.NewFromConfig(cfg), sqs.NewFromConfig(cfg), args[1], text)
	case "release":
		return releaseHeld(ctx, sqs.NewFromConfig(cfg), args[1], text)
	case "mappings":
		return printMappings(ctx, lambda.NewFromConfig(cfg), args[1])
	case "typescript":
		return deployTypeScript(ctx, cfg, args[1], text)
	case "send":
		return sendText(ctx, sqs.NewFromConfig(cfg), args[1], text)
	case "send-largest":
		head, tail := `{"workerId":"fail","jobId":"`+text+`","input":{"order":13,"pad":"`, `"},"context":{},"metadata":{}}`
		return sendText(ctx, sqs.NewFromConfig(cfg), args[1], head+strings.Repeat("x", 1<<20-len(head)-len(tail))+tail)
	case "create":
		_, err := sqs.NewFromConfig(cfg).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &args[1]})
		return err
	case "queues", "nasty", "dump":
		// The SDK by itself now and then loses an answer of so fast a server, and with
		// it the messages that were to be counted; see dispatch.StableHTTPClient.
		c := sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.HTTPClient = dispatch.StableHTTPClient(o.HTTPClient) })
		switch args[0] {
		case "queues":
			return makeQueues(ctx, c, args[1], text)
		case "nasty":
			return sendNasty(ctx, c, args[1])
		}
		return dump(ctx, c, args[1], text)
	case "log":
		c := cloudwatchlogs.NewFromConfig(cfg)
		stream := "by another program"
		if _, err := c.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &args[1], LogStreamName: &stream}); err != nil {
			if _, there := errors.AsType[*logtypes.ResourceAlreadyExistsException](err); !there {
				return err
			}
		}
		_, err := c.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
			LogGroupName: &args[1], LogStreamName: &stream,
			LogEvents: []logtypes.InputLogEvent{{Message: &text, Timestamp: awssdk.Int64(time.Now().UnixMilli())}},
		})
		return err
	}
	return fmt.Errorf("no command %q", args[0])
}

func sendText(ctx context.Context, c *sqs.Client, queue, text string) error {
	q, err := c.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		return err
	}
	_, err = c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: q.QueueUrl, MessageBody: &text})
	return err
}

// TestAnotherClient drives the demo with the plain SDK and nothing of ours: a
// job sent straight to its queue runs, its lines are in the log, and queues can
// be made and used.
func TestAnotherClient(t *testing.T) {
	t.Parallel()
	env := demoProcess(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	cfg := awssdk.Config{
		Region: env["AWS_REGION"], BaseEndpoint: awssdk.String(env["AWS_ENDPOINT_URL"]), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	}
	queues, logs, functions := sqs.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg), lambda.NewFromConfig(cfg)

	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || len(awssdk.ToString(who.Account)) != 12 {
		t.Errorf("GetCallerIdentity: %+v, %v", who, err)
	}
	list, err := queues.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: awssdk.String("aiw-echo-")})
	if err != nil || len(list.QueueUrls) != 2 {
		t.Fatalf("ListQueues: %+v, %v; want the queue and its dead-letter queue", list, err)
	}
	all, err := functions.ListFunctions(ctx, &lambda.ListFunctionsInput{})
	if err != nil || len(all.Functions) < 6 {
		t.Errorf("ListFunctions: %+v, %v", all, err)
	}
	mappings, err := functions.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{FunctionName: awssdk.String("aiw-demo-workerEcho")})
	if err != nil || len(mappings.EventSourceMappings) != 1 {
		t.Errorf("ListEventSourceMappings: %+v, %v", mappings, err)
	}

	const job = `{"workerId":"echo","jobId":"job-by-the-plain-sdk","input":{"text":"hi"},"context":{},"metadata":{},"timestamp":"2026-01-02T03:04:05.678Z"}`
	if err := sendText(ctx, queues, "aiw-echo-demo", job); err != nil {
		t.Fatal(err)
	}
	for completed := false; !completed; {
		out, err := logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: awssdk.String("/aws/lambda/aiw-demo-workerEcho"), FilterPattern: awssdk.String(`"job-by-the-plain-sdk" "job.completed"`),
		})
		if err != nil {
			t.Fatal(err)
		}
		if completed = len(out.Events) > 0; !completed {
			select {
			case <-ctx.Done():
				t.Fatal("the job never completed")
			case <-time.After(50 * time.Millisecond):
			}
		}
	}

	made, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: awssdk.String("mine")})
	if err != nil {
		t.Fatal(err)
	}
	if err := sendText(ctx, queues, "mine", "plain text, 日本語"); err != nil {
		t.Fatal(err)
	}
	got, err := queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: made.QueueUrl, WaitTimeSeconds: 5})
	if err != nil || len(got.Messages) != 1 || *got.Messages[0].Body != "plain text, 日本語" {
		t.Fatalf("ReceiveMessage: %+v, %v", got, err)
	}
	if _, err := queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: made.QueueUrl, ReceiptHandle: got.Messages[0].ReceiptHandle}); err != nil {
		t.Error(err)
	}
	_, err = queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: awssdk.String("never-made")})
	if _, ok := errors.AsType[*types.QueueDoesNotExist](err); !ok {
		t.Errorf("a queue that does not exist: %v", err)
	}
}
