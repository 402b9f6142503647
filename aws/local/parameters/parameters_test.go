package parameters_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/local/parameters"
)

func codeOf(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestParameters(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(parameters.New(parameters.Config{}).Handler())
	t.Cleanup(server.Close)
	c := ssm.New(ssm.Options{
		Region: "us-east-1", BaseEndpoint: awssdk.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	ctx := t.Context()
	name := awssdk.String("/aiw/demo/KEY")
	in := &ssm.PutParameterInput{Name: name, Value: awssdk.String("first"), Type: types.ParameterTypeSecureString, Tags: []types.Tag{{Key: awssdk.String("STAGE"), Value: awssdk.String("demo")}}}
	if _, err := c.PutParameter(ctx, in); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutParameter(ctx, in); codeOf(err) != "ParameterAlreadyExists" {
		t.Errorf("put again: %v", err)
	}
	in.Overwrite = awssdk.Bool(true)
	if _, err := c.PutParameter(ctx, in); codeOf(err) != "ValidationException" || !strings.Contains(err.Error(), "tags and overwrite can't be used together") {
		t.Errorf("put over it with tags: %v", err)
	}
	in.Tags, in.Value = nil, awssdk.String("second")
	if out, err := c.PutParameter(ctx, in); err != nil || out.Version != 2 {
		t.Errorf("put over it: %+v (%v)", out, err)
	}
	got, err := c.GetParameter(ctx, &ssm.GetParameterInput{Name: name, WithDecryption: awssdk.Bool(true)})
	if err != nil || *got.Parameter.Value != "second" || *got.Parameter.ARN != "arn:aws:ssm:us-east-1:000000000000:parameter/aiw/demo/KEY" {
		t.Errorf("it is %+v (%v)", got, err)
	}
	got, err = c.GetParameter(ctx, &ssm.GetParameterInput{Name: got.Parameter.ARN})
	if err != nil || strings.Contains(*got.Parameter.Value, "second") || *got.Parameter.Value == "" {
		t.Errorf("as it is stored it is %+v (%v)", got, err)
	}
	page, err := c.GetParametersByPath(ctx, &ssm.GetParametersByPathInput{Path: awssdk.String("/aiw/demo"), WithDecryption: awssdk.Bool(true)})
	if err != nil || len(page.Parameters) != 1 {
		t.Errorf("below its path: %+v (%v)", page, err)
	}
	several, err := c.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{*name, "/absent"}})
	if err != nil || len(several.Parameters) != 1 || len(several.InvalidParameters) != 1 {
		t.Errorf("several: %+v (%v)", several, err)
	}
	tags := &ssm.AddTagsToResourceInput{ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: name, Tags: []types.Tag{{Key: awssdk.String("a"), Value: awssdk.String("b")}}}
	if _, err := c.AddTagsToResource(ctx, tags); err != nil {
		t.Error(err)
	}
	tags.ResourceId = awssdk.String("/absent")
	if _, err := c.AddTagsToResource(ctx, tags); codeOf(err) != "InvalidResourceId" {
		t.Errorf("tags of none: %v", err)
	}
	if _, err := c.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: name}); err != nil {
		t.Error(err)
	}
	if _, err := c.GetParameter(ctx, &ssm.GetParameterInput{Name: name}); codeOf(err) != "ParameterNotFound" {
		t.Errorf("after it was deleted: %v", err)
	}
	for bad, want := range map[string]string{
		"/aws/key": `can't be prefixed with "aws"`, "no/slash": "must be a fully qualified name", "/with space": "following 3 symbols",
	} {
		_, err := c.PutParameter(ctx, &ssm.PutParameterInput{Name: &bad, Value: awssdk.String("x"), Type: types.ParameterTypeString})
		if codeOf(err) != "ValidationException" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", bad, err, want)
		}
	}
	_, err = c.PutParameter(ctx, &ssm.PutParameterInput{Name: name, Value: awssdk.String(strings.Repeat("x", 4097)), Type: types.ParameterTypeString})
	if codeOf(err) != "ValidationException" || !strings.Contains(err.Error(), "4096 characters") {
		t.Errorf("4097 bytes: %v", err)
	}
}
