package local_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestResourcesAreFoundByTheirTags(t *testing.T) {
	t.Parallel()
	s := start(t, local.Config{Programs: []local.Program{program(manifest(t, "echo", "fail"))}})
	c := connect(t, s, dispatch.StableHTTPClient)
	tags := resourcegroupstaggingapi.New(resourcegroupstaggingapi.Options{
		Region: "us-east-1", BaseEndpoint: awssdk.String(s.Endpoint()), HTTPClient: c.http,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	find := func(kinds []string, filters ...types.TagFilter) (names []string) {
		t.Helper()
		pages := resourcegroupstaggingapi.NewGetResourcesPaginator(tags, &resourcegroupstaggingapi.GetResourcesInput{
			ResourceTypeFilters: kinds, TagFilters: filters, ResourcesPerPage: awssdk.Int32(2),
		})
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(out.ResourceTagMappingList) > 2 {
				t.Fatalf("a page of %d, want at most 2", len(out.ResourceTagMappingList))
			}
			for _, r := range out.ResourceTagMappingList {
				names = append(names, (*r.ResourceARN)[strings.LastIndexByte(*r.ResourceARN, ':')+1:])
			}
		}
		return names
	}
	tag := func(key string, values ...string) types.TagFilter {
		return types.TagFilter{Key: awssdk.String(key), Values: values}
	}
	want := func(got []string, want ...string) {
		t.Helper()
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("found %q, want %q", got, want)
		}
	}
	want(find([]string{"sqs"}, tag("aiwctl:worker", "echo")), "aiw-echo-demo", "aiw-echo-dlq-demo")
	want(find(nil, tag("aiwctl:worker", "echo")), "aiw-demo-workerEcho", "aiw-echo-demo", "aiw-echo-dlq-demo")
	want(find([]string{"lambda:function"}, tag("STAGE")), "aiw-demo-api", "aiw-demo-workerEcho", "aiw-demo-workerFail")
	want(find(nil, tag("STAGE", "prod")))

	arn := awssdk.String("arn:aws:lambda:us-east-1:000000000000:function:aiw-demo-workerFail")
	if _, err := c.lambda.TagResource(t.Context(), &lambda.TagResourceInput{Resource: arn, Tags: map[string]string{"team": "ops", "x": "y"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.lambda.UntagResource(t.Context(), &lambda.UntagResourceInput{Resource: arn, TagKeys: []string{"x"}}); err != nil {
		t.Fatal(err)
	}
	out, err := c.lambda.ListTags(t.Context(), &lambda.ListTagsInput{Resource: arn})
	if err != nil || len(out.Tags) != 4 || out.Tags["team"] != "ops" {
		t.Errorf("tags = %v, %v, want those of the deployment and team", out, err)
	}
	want(find(nil, tag("team", "ops", "dev"), tag("STAGE", "demo")), "aiw-demo-workerFail")

	_, err = tags.GetResources(t.Context(), &resourcegroupstaggingapi.GetResourcesInput{ResourcesPerPage: awssdk.Int32(101)})
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "InvalidParameterException" {
		t.Errorf("err = %v, want InvalidParameterException", err)
	}
	_, err = c.lambda.ListTags(t.Context(), &lambda.ListTagsInput{Resource: awssdk.String("arn:aws:lambda:us-east-1:000000000000:function:nope")})
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "ResourceNotFoundException" {
		t.Errorf("err = %v, want ResourceNotFoundException", err)
	}
}
