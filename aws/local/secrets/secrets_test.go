package secrets_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/local/secrets"
)

func codeOf(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(secrets.New(secrets.Config{}).Handler())
	t.Cleanup(server.Close)
	c := secretsmanager.New(secretsmanager.Options{
		Region: "us-east-1", BaseEndpoint: awssdk.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	ctx := t.Context()
	name := awssdk.String("aiw/demo")
	made, err := c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: name, SecretString: awssdk.String(`{"a":"1"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: name}); codeOf(err) != "ResourceExistsException" {
		t.Errorf("made again: %v", err)
	}
	if _, err := c.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: made.ARN, SecretString: awssdk.String("2")}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{*name, *made.ARN, (*made.ARN)[:len(*made.ARN)-7]} {
		got, err := c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
		if err != nil || *got.SecretString != "2" {
			t.Errorf("%s: %+v (%v)", id, got, err)
		}
	}
	got, err := c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: name, VersionStage: awssdk.String("AWSPREVIOUS")})
	if err != nil || *got.SecretString != `{"a":"1"}` {
		t.Errorf("the one before: %+v (%v)", got, err)
	}
	for what, in := range map[string]*secretsmanager.GetSecretValueInput{
		"no secret": {SecretId: awssdk.String("absent")}, "no stage": {SecretId: name, VersionStage: awssdk.String("x")},
	} {
		if _, err := c.GetSecretValue(ctx, in); codeOf(err) != "ResourceNotFoundException" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := c.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: name}); codeOf(err) != "InvalidRequestException" {
		t.Errorf("nothing put: %v", err)
	}
}
