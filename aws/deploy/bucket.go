package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// bucket is the bucket of artifacts. Every call names its owner: a bucket's name that can be
// foretold may be somebody else's, who would then be given the code.
type bucket struct {
	name, account, region string
	// named is true when a person chose it: its settings are then not touched.
	named bool
}

func (d *Deployer) bucket(account string) bucket {
	region := d.api.Target().Region
	return bucket{
		name: cmp.Or(d.opts.Bucket, project.BucketName(account, region)), account: account, region: region,
		named: d.opts.Bucket != "" && d.opts.Bucket != project.BucketName(account, region),
	}
}

// lookBucket says whether the bucket is there, and why it cannot be used.
func (d *Deployer) lookBucket(ctx context.Context, b bucket) (exists bool, refusal string, err error) {
	out, err := d.api.S3().HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.name, ExpectedBucketOwner: &b.account})
	if err == nil {
		if at := awssdk.ToString(out.BucketRegion); at != "" && at != b.region {
			return true, b.elsewhere(at), nil
		}
		return true, "", nil
	}
	// A HEAD has no body, and so no code but what the status is.
	status, at := 0, ""
	if e, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && e.Response != nil {
		status, at = e.HTTPStatusCode(), e.Response.Header.Get("X-Amz-Bucket-Region")
	}
	kind, _ := aws.Classify(err)
	switch {
	case status == 301, status == 400 && at != "" && at != b.region:
		return true, b.elsewhere(cmp.Or(at, "another region")), nil
	case kind == aws.KindNotFound, status == 404, code(err) == "NotFound":
		return false, "", nil
	case kind == aws.KindDenied, status == 403, code(err) == "Forbidden":
		return true, fmt.Sprintf("bucket %s belongs to another account, or s3:ListBucket on it is missing from these credentials' permissions: choose another one with --bucket", b.name), nil
	}
	return false, "", fmt.Errorf("look for bucket %s: %w", b.name, err)
}

func (b bucket) elsewhere(region string) string {
	return fmt.Sprintf("bucket %s is in %s, and functions in %s take their code from a bucket of their own region only: choose another one with --bucket", b.name, region, b.region)
}

// has says whether an object is there, with this size; a negative size means any.
func (d *Deployer) has(ctx context.Context, b bucket, key string, size int64) (bool, error) {
	out, err := d.api.S3().HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key, ExpectedBucketOwner: &b.account})
	if err != nil {
		if kind, _ := aws.Classify(err); kind == aws.KindNotFound || code(err) == "NotFound" {
			return false, nil
		}
		return false, fmt.Errorf("look for s3://%s/%s: %w", b.name, key, err)
	}
	return size < 0 || awssdk.ToInt64(out.ContentLength) == size, nil
}

// code is an error's code of AWS; empty when it has none.
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// list is every key that begins with prefix, in order.
func (d *Deployer) list(ctx context.Context, b bucket, prefix string) ([]string, error) {
	var out []string
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix, ExpectedBucketOwner: &b.account}
	for {
		page, err := d.api.S3().ListObjectsV2(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list s3://%s/%s: %w", b.name, prefix, err)
		}
		for _, o := range page.Contents {
			out = append(out, awssdk.ToString(o.Key))
		}
		if in.ContinuationToken = page.NextContinuationToken; awssdk.ToString(in.ContinuationToken) == "" {
			return out, nil
		}
	}
}

// makeBucket makes it, and makes it private. Made again, it is the same: a run that was
// killed in between leaves a bucket of which that is not known.
func makeBucket(ctx context.Context, w aws.DeployWriter, b bucket) error {
	in := &s3.CreateBucketInput{Bucket: &b.name}
	if b.region != "us-east-1" { // the one region that must not be named
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(b.region)}
	}
	_, err := w.CreateBucket(ctx, in)
	switch code(err) {
	case "BucketAlreadyOwnedByYou":
		err = nil
	case "BucketAlreadyExists":
		return fmt.Errorf("bucket %s belongs to another account: choose another one with --bucket: %w", b.name, err)
	}
	if err != nil {
		return fmt.Errorf("make bucket %s in %s: %w", b.name, b.region, err)
	}
	if _, err := w.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket: &b.name, ExpectedBucketOwner: &b.account,
		PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{
			BlockPublicAcls: awssdk.Bool(true), IgnorePublicAcls: awssdk.Bool(true),
			BlockPublicPolicy: awssdk.Bool(true), RestrictPublicBuckets: awssdk.Bool(true),
		},
	}); err != nil {
		return fmt.Errorf("block public access to bucket %s: %w", b.name, err)
	}
	if _, err := w.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{
		Bucket: &b.name, ExpectedBucketOwner: &b.account,
		Tagging: &s3types.Tagging{TagSet: []s3types.Tag{{Key: awssdk.String(tagPurpose), Value: awssdk.String("artifacts")}}},
	}); err != nil {
		return fmt.Errorf("tag bucket %s: %w", b.name, err)
	}
	return nil
}

// tagPurpose says what a bucket is for.
const tagPurpose = "aiwctl:purpose"

// prefixOf is where a stage's objects are.
func prefixOf(service, stage string) string { return service + "/" + stage + "/" }

// templateKey is where a template is.
func templateKey(service, stage, sha string) string {
	return prefixOf(service, stage) + "templates/" + sha + ".json"
}

// templateURL is how CloudFormation is told of a template. It is AWS's form of it for an
// endpoint on this machine too: emulators of AWS take it apart.
func (b bucket) templateURL(key string) string {
	suffix := "amazonaws.com"
	if strings.HasPrefix(b.region, "cn-") {
		suffix += ".cn"
	}
	return "https://s3." + b.region + "." + suffix + "/" + b.name + "/" + key
}
