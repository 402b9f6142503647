package dispatch

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// SendBatch implements BatchSender with SendMessageBatch. The errors are those of
// Send. Again is set for what SQS did not take through a fault of its own or
// because of its load; a call that failed in another way was tried by the SDK as
// often as it is configured to, and may have been taken although its answer was lost.
func (s *SQS) SendBatch(ctx context.Context, workerID string, entries []BatchEntry) []BatchOutcome {
	outcomes := make([]BatchOutcome, len(entries))
	ctx, cancel := context.WithTimeout(ctx, DefaultTryTimeout)
	defer cancel()
	queueURL, err := s.find(ctx, workerID)
	if err != nil {
		for i := range outcomes {
			outcomes[i].Err = err
		}
		return outcomes
	}
	batch := make([]types.SendMessageBatchRequestEntry, 0, len(entries))
	for i, e := range entries {
		if err := cmp.Or(checkDelay(e.Delay), checkFIFODelay(queueURL, e.Delay)); err != nil {
			outcomes[i].Err = sendError(queueURL, workerID, err)
			continue
		}
		group, dedup := QueueIDs(queueURL, e.Message)
		batch = append(batch, types.SendMessageBatchRequestEntry{
			Id:             awssdk.String(strconv.Itoa(i)),
			MessageBody:    awssdk.String(string(e.Body)),
			DelaySeconds:   delaySeconds(e.Delay),
			MessageGroupId: group, MessageDeduplicationId: dedup,
		})
	}
	api, ok := s.api.(SQSBatchAPI)
	switch {
	case len(batch) == 0:
	case ok:
		s.sendBatch(ctx, api, queueURL, workerID, batch, outcomes)
	default:
		for i, e := range entries {
			if outcomes[i].Err == nil {
				outcomes[i].MessageID, outcomes[i].Err = s.sendOne(ctx, queueURL, e.Message, e.Body, e.Delay)
				outcomes[i].Again = isThrottled(outcomes[i].Err)
			}
		}
	}
	return outcomes
}

// sendBatch sends what is left of a batch; the entries' ids are their places in
// outcomes.
func (s *SQS) sendBatch(ctx context.Context, api SQSBatchAPI, queueURL, workerID string, batch []types.SendMessageBatchRequestEntry, outcomes []BatchOutcome) {
	out, err := api.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &queueURL, Entries: batch})
	if err == nil && out == nil {
		err = errors.New("SQS gave no answer")
	}
	if err != nil {
		for _, e := range batch {
			i, _ := strconv.Atoi(*e.Id)
			outcomes[i] = BatchOutcome{Err: sendError(queueURL, workerID, err), Again: isThrottled(err)}
		}
		return
	}
	told := make([]bool, len(outcomes))
	tell := func(id *string, o BatchOutcome) {
		i, err := strconv.Atoi(awssdk.ToString(id))
		if err != nil || i < 0 || i >= len(outcomes) || told[i] || outcomes[i].Err != nil {
			return
		}
		told[i], outcomes[i] = true, o
	}
	for _, e := range out.Successful {
		tell(e.Id, BatchOutcome{MessageID: awssdk.ToString(e.MessageId)})
	}
	for _, e := range out.Failed {
		fault := smithy.FaultServer
		if e.SenderFault {
			fault = smithy.FaultClient
		}
		err := &smithy.GenericAPIError{
			Code: oneLine(awssdk.ToString(e.Code)), Message: oneLine(awssdk.ToString(e.Message)), Fault: fault,
		}
		tell(e.Id, BatchOutcome{Err: sendError(queueURL, workerID, err), Again: !e.SenderFault || isThrottled(err)})
	}
	for _, e := range batch {
		if i, _ := strconv.Atoi(*e.Id); !told[i] {
			outcomes[i].Err = sendError(queueURL, workerID, errors.New("SQS's answer does not mention the message: it may have been sent"))
		}
	}
}

// isThrottled is whether SQS refused a call, or a message, because of its load:
// then it certainly took nothing.
func isThrottled(err error) bool {
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return false
	}
	_, known := retry.DefaultThrottleErrorCodes[e.ErrorCode()]
	return known || strings.Contains(e.ErrorCode(), "Throttl")
}
