package dynamostore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/jobstore"
	"github.com/microfox-ai/aiwctl/runtime/jobstore/dynamostore"
)

// What somebody sees who looks at the table in another program.
func TestItem(t *testing.T) {
	t.Parallel()
	client := connect(t)
	store, table := openTable(t, client, dynamostore.WithTTL(time.Hour))
	lease := time.Date(2030, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	claim(t, store, jobstore.Claim{
		JobID: "job-1", WorkerID: "echo", UserID: "u", MessageID: "m", Receives: 2, Owner: "o", Lease: lease,
		Input: json.RawMessage(`{"n":12345678901234567890}`), Metadata: map[string]any{"tenant": "a", "n": json.Number("0.10")},
	}, jobstore.ClaimedJob)
	want := map[string]string{
		"jobId": "S job-1", "workerId": "S echo", "status": "S running", "userId": "S u", "messageId": "S m", "receives": "N 2",
		"owner": "S o", "leaseUntil": "S 2030-01-02T03:04:05.678Z", "input": `S {"n":12345678901234567890}`, "lastError": "NULL",
		"metadata:tenant": `S "a"`, "metadata:n": "S 0.10", "createdAt": "S time", "updatedAt": "S time", "expiresAt": "N seconds",
	}
	sameItem(t, "claimed", client, table, want)

	update(t, store, "job-1", jobstore.Update{
		Owner: "o", Status: jobstore.Failed, Error: &dispatch.JobError{Name: "Error", Message: "<no>"}, OutputBytes: 500_000,
		Progress: &jobstore.Progress{Percent: 12.5}, Tokens: &jobstore.Tokens{Input: 1},
		Child: &jobstore.Child{JobID: "c", WorkerID: "w", Awaited: true}, Metadata: map[string]any{"tenant": []string{"b"}},
	})
	maps.Copy(want, map[string]string{
		"status": "S failed", "error": `S {"message":"<no>","name":"Error"}`, "outputBytes": "N 500000", "completedAt": "S time",
		"progress": `S {"percent":12.5}`, "tokens": `S {"inputTokens":1,"outputTokens":0,"budget":null}`,
		"internalJobs": `L {"jobId":"c","workerId":"w","awaited":true}`, "childIds": "SS c", "metadata:tenant": `S ["b"]`,
	})
	delete(want, "leaseUntil")
	sameItem(t, "failed", client, table, want)
}

func TestExpired(t *testing.T) {
	t.Parallel()
	client := connect(t)
	store, table := openTable(t, client)
	first := jobstore.Claim{JobID: "j", WorkerID: "w", Owner: "first", Lease: time.Now().Add(time.Hour), Metadata: map[string]any{"old": true}}
	claim(t, store, first, jobstore.ClaimedJob)
	update(t, store, "j", jobstore.Update{Owner: "first", Status: jobstore.Completed, Child: &jobstore.Child{JobID: "c", WorkerID: "w"}, Tokens: &jobstore.Tokens{Input: 1}})
	expire(t, client, table, "j")

	if record, err := store.Get(t.Context(), "j"); !errors.Is(err, jobstore.ErrNotFound) {
		t.Errorf("get: %v, %v", record, err)
	}
	for _, u := range []jobstore.Update{{}, {Owner: "first", Status: jobstore.Completed}, {Child: &jobstore.Child{JobID: "c", WorkerID: "w"}}} {
		if err := store.Update(t.Context(), "j", u); !errors.Is(err, jobstore.ErrNotFound) {
			t.Errorf("update: %v", err)
		}
	}

	// Of many claims one gets it, and nothing of the old record is left.
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		won   []string
	)
	for n := range 8 {
		group.Go(func() {
			c := jobstore.Claim{JobID: "j", WorkerID: "w", Owner: fmt.Sprint(n), Lease: time.Now().Add(time.Hour), Metadata: map[string]any{"new": true}}
			got, err := store.Claim(t.Context(), c)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				t.Error(err)
			case got.Decision == jobstore.ClaimedJob:
				won = append(won, c.Owner)
				if got.Before != nil {
					t.Errorf("there was a record: %v", got.Before)
				}
			case got.Decision != jobstore.Busy:
				t.Errorf("decision %v", got.Decision)
			}
		})
	}
	group.Wait()
	if len(won) != 1 {
		t.Fatalf("%d deliveries have the job", len(won))
	}
	sameItem(t, "claimed anew", client, table, map[string]string{
		"jobId": "S j", "workerId": "S w", "status": "S running", "owner": "S " + won[0], "leaseUntil": "S time", "receives": "N 0", "lastError": "NULL",
		"metadata:new": "S true", "createdAt": "S time", "updatedAt": "S time", "expiresAt": "N seconds",
	})
	update(t, store, "j", jobstore.Update{Owner: won[0], Status: jobstore.Failed, Error: &dispatch.JobError{Message: "no"}})
}

func TestLimits(t *testing.T) {
	t.Parallel()
	client := connect(t)
	store, _ := openTable(t, client, dynamostore.WithMaxInput(10), dynamostore.WithMaxOutput(20))
	for _, length := range []int{10, 11, 20, 21} {
		id := fmt.Sprint(length)
		text := json.RawMessage(`"` + strings.Repeat("x", length-2) + `"`)
		claim(t, store, jobstore.Claim{JobID: id, WorkerID: "w", Owner: "o", Lease: time.Now(), Input: text}, jobstore.ClaimedJob)
		update(t, store, id, jobstore.Update{Owner: "o", Status: jobstore.Completed, Output: text, OutputBytes: length})
		got, err := store.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if kept := got.Input != nil; kept != (length <= 10) {
			t.Errorf("an input of %d bytes kept: %v", length, kept)
		}
		if kept := got.Output != nil; kept != (length <= 20) || got.OutputBytes != length {
			t.Errorf("an output of %d bytes kept: %v, as %d bytes", length, kept, got.OutputBytes)
		}
	}
	if _, err := dynamostore.New(client, "t", dynamostore.WithMaxInput(dynamostore.MaxInput+1)); err == nil {
		t.Error("an input that does not fit is accepted")
	}
	if _, err := dynamostore.New(client, "t", dynamostore.WithMaxOutput(-1)); err == nil {
		t.Error("a negative length is accepted")
	}
}

func TestCreateTable(t *testing.T) {
	t.Parallel()
	client := connect(t)
	_, table := openTable(t, client)
	if err := dynamostore.CreateTable(t.Context(), client, table); err != nil {
		t.Errorf("a second time: %v", err)
	}
	described, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	if mode := described.Table.BillingModeSummary; mode == nil || mode.BillingMode != types.BillingModePayPerRequest {
		t.Errorf("billing: %+v", mode)
	}
	live, err := client.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	if d := live.TimeToLiveDescription; d.TimeToLiveStatus != types.TimeToLiveStatusEnabled || awssdk.ToString(d.AttributeName) != "expiresAt" {
		t.Errorf("time to live: %+v", d)
	}

	other := table + "-other"
	_, err = client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &other, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: awssdk.String("orderId"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: awssdk.String("orderId"), KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := dynamostore.CreateTable(t.Context(), client, other); err == nil || !strings.Contains(err.Error(), "another program's") {
		t.Errorf("somebody else's table: %v", err)
	}
}

func TestNoTable(t *testing.T) {
	t.Parallel()
	store, err := dynamostore.New(connect(t), "not-made")
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Claim(t.Context(), jobstore.Claim{JobID: "j-1", WorkerID: "w", Owner: "o", Lease: time.Now()})
	mentions(t, err, `claim job "j-1" in DynamoDB table not-made`, "CreateTable", "aws dynamodb create-table --table-name not-made")
	_, err = store.Get(t.Context(), "j-1")
	mentions(t, err, `read job "j-1"`, "CreateTable")
}

func claim(t *testing.T, store *dynamostore.Store, c jobstore.Claim, want jobstore.Decision) {
	t.Helper()
	got, err := store.Claim(t.Context(), c)
	if err != nil || got.Decision != want {
		t.Fatalf("claim %s: %v, %v", c.JobID, got.Decision, err)
	}
}

func update(t *testing.T, store *dynamostore.Store, id string, u jobstore.Update) {
	t.Helper()
	if err := store.Update(t.Context(), id, u); err != nil {
		t.Fatal(err)
	}
}

func mentions(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not mention %q: %v", part, err)
		}
	}
}

// expire makes a record's time over, as if DynamoDB had not come round to it.
func expire(t *testing.T, client *dynamodb.Client, table, id string) {
	t.Helper()
	_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &table, Key: map[string]types.AttributeValue{"jobId": &types.AttributeValueMemberS{Value: id}},
		UpdateExpression:          awssdk.String("SET expiresAt = :past"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":past": &types.AttributeValueMemberN{Value: fmt.Sprint(time.Now().Unix() - 1)}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sameItem compares the only item of a table, with times and the seconds of its
// expiry for what they are.
func sameItem(t *testing.T, when string, client *dynamodb.Client, table string, want map[string]string) {
	t.Helper()
	out, err := client.Scan(context.Background(), &dynamodb.ScanInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Items) != 1 {
		t.Fatalf("%s: %d items", when, len(out.Items))
	}
	iso := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
	got := map[string]string{}
	for name, value := range out.Items[0] {
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			got[name] = "S " + v.Value
			if want[name] == "S time" && iso.MatchString(v.Value) {
				got[name] = "S time"
			}
		case *types.AttributeValueMemberN:
			got[name] = "N " + v.Value
			if want[name] == "N seconds" && regexp.MustCompile(`^\d{10}$`).MatchString(v.Value) {
				got[name] = "N seconds"
			}
		case *types.AttributeValueMemberNULL:
			got[name] = "NULL"
		case *types.AttributeValueMemberSS:
			got[name] = "SS " + strings.Join(v.Value, " ")
		case *types.AttributeValueMemberL:
			got[name] = "L"
			for _, element := range v.Value {
				got[name] += " " + element.(*types.AttributeValueMemberS).Value
			}
		default:
			got[name] = fmt.Sprintf("%T", value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s: attribute %s is %s, want %s", when, name, got[name], want[name])
		}
		delete(got, name)
	}
	for name, value := range got {
		t.Errorf("%s: attribute %s is there: %s", when, name, value)
	}
}
