package cli_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// deployTypeScript makes a stack of a template file, with code for its functions in a bucket, and the tags of the
// TypeScript tools. The functions do nothing: they never ask for a job.
func deployTypeScript(ctx context.Context, cfg awssdk.Config, name, file string) error {
	template, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var code bytes.Buffer
	z := zip.NewWriter(&code)
	header := &zip.FileHeader{Name: "bootstrap"}
	header.SetMode(0o755)
	f, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	if _, err := f.Write([]byte("#!/bin/sh\nexec sleep 600\n")); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	bucket, key := "typescript-deployments", "code.zip"
	objects := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		return err
	}
	if _, err := objects.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(code.Bytes())}); err != nil {
		return err
	}
	c := cloudformation.NewFromConfig(cfg)
	_, err = c.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: &name, TemplateBody: awssdk.String(string(template)), Capabilities: []cftypes.Capability{cftypes.CapabilityCapabilityNamedIam},
		Tags: []cftypes.Tag{{Key: awssdk.String("STAGE"), Value: awssdk.String(name[strings.LastIndexByte(name, '-')+1:])}},
	})
	if err != nil {
		return err
	}
	return cloudformation.NewStackCreateCompleteWaiter(c, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	}).Wait(ctx, &cloudformation.DescribeStacksInput{StackName: &name}, patience)
}

// printMappings prints the functions that read a queue, and whether they do.
func printMappings(ctx context.Context, c *lambda.Client, queue string) error {
	out, err := c.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{})
	if err != nil {
		return err
	}
	for _, m := range out.EventSourceMappings {
		if strings.HasSuffix(awssdk.ToString(m.EventSourceArn), ":"+queue) {
			function := awssdk.ToString(m.FunctionArn)
			fmt.Println(function[strings.LastIndexByte(function, ':')+1:], awssdk.ToString(m.State))
		}
	}
	return nil
}

// sendHeld sends the jobs of a file, one a line, and receives them again, so that they are in flight until releaseHeld, however
// long that takes. The mappings that read the queue are off meanwhile.
func sendHeld(ctx context.Context, c *lambda.Client, q *sqs.Client, queue, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	jobs := strings.Split(strings.TrimSpace(string(text)), "\n")
	url, err := q.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		return err
	}
	if err := turnMappings(ctx, c, queue, false); err != nil {
		return err
	}
	for i := range jobs {
		if _, err := q.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url.QueueUrl, MessageBody: &jobs[i]}); err != nil {
			return err
		}
	}
	var held []string
	for len(held) < len(jobs) {
		out, err := q.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url.QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 3600, WaitTimeSeconds: 1})
		if err != nil {
			return err
		}
		for _, m := range out.Messages {
			held = append(held, awssdk.ToString(m.ReceiptHandle))
		}
	}
	if err := os.WriteFile(file+".held", []byte(strings.Join(held, "\n")), 0o600); err != nil {
		return err
	}
	return turnMappings(ctx, c, queue, true)
}

// releaseHeld ends what sendHeld has begun: the jobs are there for whoever reads the queue.
func releaseHeld(ctx context.Context, q *sqs.Client, queue, file string) error {
	text, err := os.ReadFile(file + ".held")
	if err != nil {
		return err
	}
	held := strings.Split(string(text), "\n")
	url, err := q.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		return err
	}
	for i := range held {
		if _, err := q.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: url.QueueUrl, ReceiptHandle: &held[i]}); err != nil {
			return err
		}
	}
	return nil
}

// turnMappings turns what reads a queue on or off, and waits until it is.
func turnMappings(ctx context.Context, c *lambda.Client, queue string, on bool) error {
	state := "Disabled"
	if on {
		state = "Enabled"
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		out, err := c.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{})
		if err != nil {
			return err
		}
		left := 0
		for _, m := range out.EventSourceMappings {
			if !strings.HasSuffix(awssdk.ToString(m.EventSourceArn), ":"+queue) || awssdk.ToString(m.State) == state {
				continue
			}
			left++
			if strings.HasSuffix(awssdk.ToString(m.State), "ing") {
				continue // Lambda is at it
			}
			if _, err := c.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: m.UUID, Enabled: &on}); err != nil {
				return err
			}
		}
		if left == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
