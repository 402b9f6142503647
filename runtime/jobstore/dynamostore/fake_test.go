package dynamostore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/dynamostore"
)

// scripted answers every call as it is told to, for what moto never answers.
type scripted struct {
	errs    []error
	updates []*dynamodb.UpdateItemInput
}

func (s *scripted) next() error {
	if len(s.errs) == 0 {
		return nil
	}
	err := s.errs[0]
	s.errs = s.errs[1:]
	return err
}

func (s *scripted) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return &dynamodb.GetItemOutput{}, s.next()
}

func (s *scripted) PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return &dynamodb.PutItemOutput{}, s.next()
}

func (s *scripted) UpdateItem(_ context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	s.updates = append(s.updates, in)
	return &dynamodb.UpdateItemOutput{}, s.next()
}

func answering(t *testing.T, errs ...error) (*dynamostore.Store, *scripted) {
	t.Helper()
	api := &scripted{errs: errs}
	store, err := dynamostore.New(api, "orders-jobs")
	if err != nil {
		t.Fatal(err)
	}
	return store, api
}

var full = &smithy.GenericAPIError{Code: "ValidationException", Message: "Item size to update has exceeded the maximum allowed size"}

func anyClaim() jobstore.Claim {
	return jobstore.Claim{JobID: "j", WorkerID: "w", Owner: "o", Lease: time.Unix(0, 0), Input: json.RawMessage(`"the input"`)}
}

func TestAccessDenied(t *testing.T) {
	t.Parallel()
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "User: arn:aws:sts::123456789012:assumed-role/worker/f is not authorized"}
	store, api := answering(t, denied, denied, denied)
	_, err := store.Claim(t.Context(), anyClaim())
	mentions(t, err, `claim job "j" in DynamoDB table orders-jobs`, "lacks dynamodb:UpdateItem", "assumed-role/worker")
	mentions(t, store.Update(t.Context(), "j", jobstore.Update{}), "update job", "lacks dynamodb:UpdateItem")
	_, err = store.Get(t.Context(), "j")
	mentions(t, err, "read job", "lacks dynamodb:GetItem")

	expired := map[string]types.AttributeValue{"jobId": &types.AttributeValueMemberS{Value: "j"}, "expiresAt": &types.AttributeValueMemberN{Value: "1"}}
	api.errs = []error{&types.ConditionalCheckFailedException{Item: expired}, denied}
	_, err = store.Claim(t.Context(), anyClaim())
	mentions(t, err, "claim job", "lacks dynamodb:PutItem")
}

func TestOtherErrorsAreWrapped(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection reset")
	store, _ := answering(t, cause, cause, cause)
	_, err := store.Claim(t.Context(), anyClaim())
	if !errors.Is(err, cause) {
		t.Errorf("claim: %v", err)
	}
	if err := store.Update(t.Context(), "j", jobstore.Update{}); !errors.Is(err, cause) {
		t.Errorf("update: %v", err)
	}
	if _, err := store.Get(t.Context(), "j"); !errors.Is(err, cause) {
		t.Errorf("get: %v", err)
	}
}

// A job whose item is full can still be claimed and ended.
func TestFullItem(t *testing.T) {
	t.Parallel()
	store, api := answering(t, full)
	if _, err := store.Claim(t.Context(), anyClaim()); err != nil {
		t.Fatal(err)
	}
	if len(api.updates) != 2 || !assigns(api.updates[0], "input") || assigns(api.updates[1], "input") || !removes(api.updates[1], "input") {
		t.Errorf("the claims: %s", describe(api.updates))
	}

	store, api = answering(t, full)
	if err := store.Update(t.Context(), "j", jobstore.Update{Owner: "o", Status: jobstore.Completed, Output: json.RawMessage(`"the output"`)}); err != nil {
		t.Fatal(err)
	}
	last := api.updates[len(api.updates)-1]
	if len(api.updates) != 2 || !assigns(api.updates[0], "output") || assigns(last, "output") || !assigns(last, "outputBytes") || !assigns(last, "status") ||
		!removes(last, "output") || !removes(last, "input") {
		t.Errorf("the updates: %s", describe(api.updates))
	}

	store, _ = answering(t, full, full)
	mentions(t, store.Update(t.Context(), "j", jobstore.Update{Metadata: map[string]any{"k": "v"}}), "400 KB", "metadata")
}

// A replacement of an expired record that others keep winning ends.
func TestReplacedAgainAndAgain(t *testing.T) {
	t.Parallel()
	expired := map[string]types.AttributeValue{"expiresAt": &types.AttributeValueMemberN{Value: "1"}}
	var errs []error
	for range 20 {
		errs = append(errs, &types.ConditionalCheckFailedException{Item: expired})
	}
	store, _ := answering(t, errs...)
	_, err := store.Claim(t.Context(), anyClaim())
	mentions(t, err, "try again")
}

func TestDamagedItem(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]types.AttributeValue{
		"tokens":     &types.AttributeValueMemberS{Value: "{"},
		"metadata:k": &types.AttributeValueMemberS{Value: "not JSON"},
		"createdAt":  &types.AttributeValueMemberS{Value: "yesterday"},
		"receives":   &types.AttributeValueMemberN{Value: "1.5"},
	} {
		store, _ := answering(t, &types.ConditionalCheckFailedException{Item: map[string]types.AttributeValue{
			"jobId": &types.AttributeValueMemberS{Value: "j"}, "status": &types.AttributeValueMemberS{Value: "running"}, name: value,
		}})
		_, err := store.Claim(t.Context(), anyClaim())
		mentions(t, err, `claim job "j"`, "damaged", name)
	}
}

// DynamoDB takes expressions of at most 4,096 bytes and 300 operators, which moto does
// not check.
func TestExpressionLimits(t *testing.T) {
	t.Parallel()
	many := map[string]any{}
	for n := range 1000 {
		many[fmt.Sprintf("%0200d", n)] = n
	}
	store, api := answering(t)
	c := anyClaim()
	c.Metadata = many
	if _, err := store.Claim(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	budget := int64(1)
	for _, owner := range []string{"", "o"} {
		err := store.Update(t.Context(), "j", jobstore.Update{
			Owner: owner, Status: jobstore.Failed, Output: json.RawMessage(`1`), Error: &dispatch.JobError{}, LastError: &dispatch.JobError{},
			Progress: &jobstore.Progress{}, Tokens: &jobstore.Tokens{Budget: &budget}, Child: &jobstore.Child{JobID: "c"}, Webhook: &jobstore.Webhook{}, Metadata: many,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(api.updates) != 30 {
		t.Errorf("%d requests for three times 1,000 keys", len(api.updates))
	}
	for _, in := range api.updates {
		if n := len(awssdk.ToString(in.UpdateExpression)) + len(awssdk.ToString(in.ConditionExpression)); n > 4096 {
			t.Errorf("expressions of %d bytes", n)
		}
		if n := strings.Count(awssdk.ToString(in.UpdateExpression), "=") + strings.Count(awssdk.ToString(in.UpdateExpression), "("); n > 300 {
			t.Errorf("%d operators", n)
		}
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	if _, err := dynamostore.New(nil, "t"); err == nil {
		t.Error("no client is accepted")
	}
	if _, err := dynamostore.New(&scripted{}, ""); err == nil {
		t.Error("no table is accepted")
	}
}

// assigns says whether an update sets an attribute; removes, whether it removes it.
func assigns(in *dynamodb.UpdateItemInput, attribute string) bool {
	set, _, _ := strings.Cut(awssdk.ToString(in.UpdateExpression), " REMOVE ")
	return strings.Contains(set+",", placeholder(in, attribute)+"=")
}

func removes(in *dynamodb.UpdateItemInput, attribute string) bool {
	_, remove, _ := strings.Cut(awssdk.ToString(in.UpdateExpression), " REMOVE ")
	return strings.Contains(","+remove+",", ","+placeholder(in, attribute)+",")
}

func placeholder(in *dynamodb.UpdateItemInput, attribute string) string {
	for placeholder, name := range in.ExpressionAttributeNames {
		if name == attribute {
			return placeholder
		}
	}
	return "none"
}

func describe(updates []*dynamodb.UpdateItemInput) string {
	var lines []string
	for _, in := range updates {
		lines = append(lines, fmt.Sprint(awssdk.ToString(in.UpdateExpression), in.ExpressionAttributeNames))
	}
	return strings.Join(lines, "\n")
}
