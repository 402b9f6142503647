package functions

import (
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// FuzzBatchAnswers reads answers of any kind: an answer either fails the whole
// batch or names messages of the batch.
func FuzzBatchAnswers(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `""`, `{}`, `[]`, `7`, `{"batchItemFailures":null}`, `{"batchItemFailures":[]}`, `{"batchItemFailures":{}}`,
		`{"batchItemFailures":[null]}`, `{"batchItemFailures":[{"itemIdentifier":"a"}]}`, `{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":""}]}`,
	} {
		f.Add([]byte(seed))
	}
	b := &batch{messages: []events.SQSMessage{{MessageId: "a", ReceiptHandle: "1"}, {MessageId: "b", ReceiptHandle: "2"}}}
	f.Fuzz(func(t *testing.T, answer []byte) {
		failed, err := b.failures(answer)
		if err != nil {
			return
		}
		if kept := len(b.receipts(failed)) + len(failed); kept != len(b.messages) {
			t.Errorf("%q: %d messages were accounted for", answer, kept)
		}
	})
}

func TestBatchAnswerShapes(t *testing.T) {
	t.Parallel()
	b := &batch{messages: []events.SQSMessage{{MessageId: "a", ReceiptHandle: "1"}, {MessageId: "b", ReceiptHandle: "2"}}}
	tests := []struct {
		answer string
		failed int // -1: the whole batch
	}{
		{``, 0},
		{` null `, 0},
		{`{}`, 0},
		{`{"statusCode":200}`, 0},
		{`{"batchItemFailures":null}`, 0},
		{`{"batchItemFailures":[]}`, 0},
		{`{"batchItemFailures":[{"itemIdentifier":"b"}]}`, 1},
		{`{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"b"}]}`, 1},
		{`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}`, 2},
		{`{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"c"}]}`, -1},
		{`{"batchItemFailures":[{"messageId":"b"}]}`, -1},
		{`{"batchItemFailures":["b"]}`, -1},
		{`{"batchItemFailures":[null]}`, -1},
		{`{"batchItemFailures":"b"}`, -1},
		{`"done"`, -1},
		{`[]`, -1},
		{`{"batchItemFailures":[`, -1},
	}
	for _, test := range tests {
		failed, err := b.failures([]byte(test.answer))
		got := len(failed)
		if err != nil {
			got = -1
		}
		if got != test.failed {
			t.Errorf("%s: %d failed, want %d (%v)", test.answer, got, test.failed, err)
		}
	}
}
