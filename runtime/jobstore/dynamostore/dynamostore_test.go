package dynamostore_test

import (
	"crypto/rand"
	"net/http"
	"os"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/dynamostore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/jobstoretest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	client := connect(t)
	jobstoretest.Run(t, func(t *testing.T) jobstore.Store {
		store, _ := openTable(t, client)
		return store
	})
}

// connect is a client of a DynamoDB that somebody else wrote.
func connect(t *testing.T) *dynamodb.Client {
	t.Helper()
	endpoint := os.Getenv("AIWCTL_TEST_DYNAMODB")
	if endpoint == "" {
		t.Skip("needs a DynamoDB: .ci/stores/run starts moto and runs this test, or set AIWCTL_TEST_DYNAMODB to a server's URL")
	}
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:  dispatch.StableHTTPClient(http.DefaultClient),
	})
}

// openTable is a store on a table of its own.
func openTable(t *testing.T, client *dynamodb.Client, opts ...dynamostore.Option) (*dynamostore.Store, string) {
	t.Helper()
	table := "jobs-" + rand.Text()
	if err := dynamostore.CreateTable(t.Context(), client, table); err != nil {
		t.Fatal(err)
	}
	store, err := dynamostore.New(client, table, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return store, awssdk.ToString(&table)
}
