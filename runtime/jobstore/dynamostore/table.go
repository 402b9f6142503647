package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TableAPI is what CreateTable needs of the SDK's DynamoDB client.
type TableAPI interface {
	CreateTable(ctx context.Context, in *dynamodb.CreateTableInput, optFns ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	DescribeTable(ctx context.Context, in *dynamodb.DescribeTableInput, optFns ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	DescribeTimeToLive(ctx context.Context, in *dynamodb.DescribeTimeToLiveInput, optFns ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error)
	UpdateTimeToLive(ctx context.Context, in *dynamodb.UpdateTimeToLiveInput, optFns ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error)
}

// CreateTable makes the table of a store, billed on demand and with time to live on
// expiresAt, and waits until it can be used, which takes some ten seconds on AWS;
// ctx bounds the wait. A table that is there is left as it is, apart from its time to
// live, and is an error when its key is another. It is for tests, first steps and
// deployment programs: a worker's role should have none of the four actions it
// takes (dynamodb:CreateTable, DescribeTable, DescribeTimeToLive, UpdateTimeToLive).
func CreateTable(ctx context.Context, api TableAPI, table string) error {
	if err := createTable(ctx, api, table); err != nil {
		return fmt.Errorf("make DynamoDB table %s: %w", table, err)
	}
	return nil
}

func createTable(ctx context.Context, api TableAPI, table string) error {
	_, err := api.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: &table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: awssdk.String(keyName), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: awssdk.String(keyName), KeyType: types.KeyTypeHash}},
	})
	if _, exists := errors.AsType[*types.ResourceInUseException](err); err != nil && !exists {
		return err
	}
	if err := waitActive(ctx, api, table); err != nil {
		return err
	}
	live, err := api.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &table})
	if err != nil {
		return err
	}
	if d := live.TimeToLiveDescription; d != nil {
		switch on := d.TimeToLiveStatus == types.TimeToLiveStatusEnabled || d.TimeToLiveStatus == types.TimeToLiveStatusEnabling; {
		case on && awssdk.ToString(d.AttributeName) == expiresAt:
			return nil
		case on:
			return fmt.Errorf("its time to live is on %s, not on %s: it is another program's table", awssdk.ToString(d.AttributeName), expiresAt)
		}
	}
	_, err = api.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               &table,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: awssdk.String(expiresAt), Enabled: awssdk.Bool(true)},
	})
	return err
}

// waitActive waits until a table can be used.
func waitActive(ctx context.Context, api TableAPI, table string) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		out, err := api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
		// Just after CreateTable it may not be known everywhere.
		if _, missing := errors.AsType[*types.ResourceNotFoundException](err); err != nil && !missing {
			return err
		}
		if err == nil && out.Table != nil && out.Table.TableStatus == types.TableStatusActive {
			if k := out.Table.KeySchema; len(k) != 1 || awssdk.ToString(k[0].AttributeName) != keyName {
				return fmt.Errorf("a table of that name is there, and its key is not %s alone: it is another program's", keyName)
			}
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("wait until it can be used: %w", ctx.Err())
		}
	}
}
