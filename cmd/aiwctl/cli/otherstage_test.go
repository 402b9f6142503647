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

// sendLater sends a job that waits in its queue until the test is ready for it.
func sendLater(ctx context.Context, c *sqs.Client, queue, text string) error {
	q, err := c.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		return err
	}
	_, err = c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: q.QueueUrl, MessageBody: &text, DelaySeconds: 20})
	return err
}
