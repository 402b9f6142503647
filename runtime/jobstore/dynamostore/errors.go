package dynamostore

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

func (s *Store) failed(doing, jobID string, err error) error {
	return fmt.Errorf("%s job %s in DynamoDB table %s: %w", doing, shortID(jobID), s.table, err)
}

// shortID is a job id for an error: quoted, since it comes from a message, and not
// longer than a line.
func shortID(jobID string) string { return fmt.Sprintf("%q", cut(jobID, 120)) }

// conditionFailed says that a condition failed, and on which item; nil when there is
// none.
func conditionFailed(err error) (item, bool) {
	failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		return nil, false
	}
	return failed.Item, true
}

// tooLarge says that an item would be longer than 400 KB. DynamoDB has no code of
// its own for it, only a text ("Item size has exceeded the maximum allowed size", "Item
// size to update has exceeded ...").
func tooLarge(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == "ValidationException" && strings.Contains(api.ErrorMessage(), "exceeded the maximum allowed size")
}

// explain adds what to do about an error of DynamoDB.
func explain(err error, action, table string) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return err
	}
	switch code := api.ErrorCode(); {
	case code == "ResourceNotFoundException":
		return fmt.Errorf("the table is not there in this account and region; dynamostore.CreateTable makes it, and so does: "+
			"aws dynamodb create-table --table-name %s --billing-mode PAY_PER_REQUEST "+
			"--attribute-definitions AttributeName=%s,AttributeType=S --key-schema AttributeName=%s,KeyType=HASH: %w", table, keyName, keyName, err)
	case code == "AccessDeniedException":
		return fmt.Errorf("the role lacks %s on the table, or on the key that encrypts it: %w", action, err)
	case tooLarge(err):
		return fmt.Errorf("the record is longer than the 400 KB of an item, also without input and output; its metadata and children are too many: %w", err)
	}
	return err
}
