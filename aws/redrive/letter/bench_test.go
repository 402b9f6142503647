package letter_test

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws/redrive/letter"
)

// jobOf is a letter with a job of 1 KiB, as the deployed producers write it, and
// what SQS says of it.
func jobOf(n int) letter.Letter {
	id := strconv.Itoa(n)
	body := `{"workerId":"orders","jobId":"job-` + id + `","input":{"customer":"Søren Åkesson","lines":[{"sku":"a-1","n":2},{"sku":"b-2","n":1}],"note":"` +
		strings.Repeat("please ring twice; ", 38) + `"},"context":{"requestId":"9f1c1c0e-2a0b-4a53-9a36-1b1d6ab1b` + id + `","userId":"u-77"},` +
		`"metadata":{"source":"web","attempt":1},"timestamp":"2026-05-04T10:11:12.131Z"}`
	return letter.FromSQS(&types.Message{
		MessageId: new("0b2f6a3e-6c1d-4a55-8a64-4f1b2f6a" + id), Body: &body,
		Attributes: map[string]string{
			letter.SysSentAt: "1770000000123", letter.SysFirstReceived: "1770000001123", letter.SysReceiveCount: "4",
			letter.SysSource: "arn:aws:sqs:eu-west-1:000000000000:orders", "SenderId": "AIDAEXAMPLE",
			letter.SysTraceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793",
		},
		MessageAttributes: map[string]types.MessageAttributeValue{
			"traceparent": {DataType: new("String"), StringValue: new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")},
			"attempt":     {DataType: new("Number"), StringValue: new("3")},
		},
	})
}

func BenchmarkAppendLine(b *testing.B) {
	job := jobOf(1)
	text := job
	text.SetBody("not JSON: " + job.Body)
	for name, l := range map[string]*letter.Letter{"job": &job, "text": &text} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(l.Body)))
			var buf []byte
			for b.Loop() {
				buf = l.AppendLine(buf[:0])
			}
		})
	}
}

func BenchmarkParseLine(b *testing.B) {
	job := jobOf(1)
	text := job
	text.SetBody("not JSON: " + job.Body)
	for name, l := range map[string]*letter.Letter{"job": &job, "text": &text} {
		b.Run(name, func(b *testing.B) {
			line := l.AppendLine(nil)
			b.ReportAllocs()
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				if _, err := letter.ParseLine(line); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// An export of ten thousand and its reading, both without a disk.
func BenchmarkExport10000(b *testing.B) {
	letters := make([]letter.Letter, 10_000)
	var file []byte
	for i := range letters {
		letters[i] = jobOf(i)
		file = append(letters[i].AppendLine(file), '\n')
	}
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(file)))
		var batch []byte
		for b.Loop() {
			for ten := range slices.Chunk(letters, 10) {
				batch = batch[:0]
				for i := range ten {
					batch = append(ten[i].AppendLine(batch), '\n')
				}
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			for _, err := range letter.ReadLines(bytes.NewReader(file)) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
