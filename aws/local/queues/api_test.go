package queues_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws/local/queues"
)

func (s *stage) send(url, body string) string {
	s.Helper()
	out, err := s.sqs.SendMessage(s.ctx(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
	if err != nil {
		s.Fatalf("send: %v", err)
	}
	return *out.MessageId
}

func (s *stage) receive(url string, n int32) []types.Message {
	s.Helper()
	out, err := s.sqs.ReceiveMessage(s.ctx(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: n,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}, MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		s.Fatalf("receive: %v", err)
	}
	return out.Messages
}

func (s *stage) delete(url string, m types.Message) error {
	_, err := s.sqs.DeleteMessage(s.ctx(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
	return err
}

func (s *stage) hide(url string, m types.Message, seconds int32) error {
	_, err := s.sqs.ChangeMessageVisibility(s.ctx(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds})
	return err
}

func (s *stage) attributes(url string, names ...types.QueueAttributeName) map[string]string {
	s.Helper()
	out, err := s.sqs.GetQueueAttributes(s.ctx(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: names})
	if err != nil {
		s.Fatalf("attributes: %v", err)
	}
	return out.Attributes
}

// counts checks visible, in flight and delayed.
func (s *stage) counts(url, want string) {
	s.Helper()
	a := s.attributes(url, "All")
	got := a["ApproximateNumberOfMessages"] + " " + a["ApproximateNumberOfMessagesNotVisible"] + " " + a["ApproximateNumberOfMessagesDelayed"]
	if got != want {
		s.Errorf("got %s messages visible, in flight and delayed, want %s", got, want)
	}
}

func bodies(list []types.Message) string {
	var b []string
	for _, m := range list {
		b = append(b, *m.Body)
	}
	return strings.Join(b, " ")
}

func TestQueues(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	for _, name := range []string{"b-2", "a-1", "b-1", "b-3"} {
		if got, want := s.queue(name), s.base+"/000000000000/"+name; got != want {
			t.Errorf("got URL %s, want %s", got, want)
		}
	}
	// Creating again is fine, with no attributes or with those that it has.
	s.queue("a-1")
	s.queue("a-1", "VisibilityTimeout", "30", "DelaySeconds", "0")

	var pages [][]string
	p := sqs.NewListQueuesPaginator(s.sqs, &sqs.ListQueuesInput{QueueNamePrefix: ptr("b-"), MaxResults: ptr(int32(2))})
	for p.HasMorePages() {
		out, err := p.NextPage(s.ctx())
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, out.QueueUrls)
	}
	want := [][]string{{s.base + "/000000000000/b-1", s.base + "/000000000000/b-2"}, {s.base + "/000000000000/b-3"}}
	if !slices.EqualFunc(pages, want, slices.Equal[[]string]) {
		t.Errorf("got pages %v, want %v", pages, want)
	}

	url, err := s.sqs.GetQueueUrl(s.ctx(), &sqs.GetQueueUrlInput{QueueName: ptr("a-1")})
	if err != nil || *url.QueueUrl != s.base+"/000000000000/a-1" {
		t.Errorf("got %v, %v", url, err)
	}
	if _, err := s.sqs.DeleteQueue(s.ctx(), &sqs.DeleteQueueInput{QueueUrl: url.QueueUrl}); err != nil {
		t.Fatal(err)
	}
	_, err = s.sqs.DeleteQueue(s.ctx(), &sqs.DeleteQueueInput{QueueUrl: url.QueueUrl})
	s.fails(err, "AWS.SimpleQueueService.NonExistentQueue", "")
	_, err = s.sqs.CreateQueue(s.ctx(), &sqs.CreateQueueInput{QueueName: ptr("a-1")})
	s.fails(err, "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
}

func TestQueueAttributes(t *testing.T) {
	t.Parallel()
	clock := newAhead()
	s := newStage(t, clock.Now)
	s.queue("dlq")
	policy := `{"deadLetterTargetArn":"` + arn("dlq") + `","maxReceiveCount":"5"}` // CloudFormation quotes the count
	url := s.queue("q", "VisibilityTimeout", "20", "RedrivePolicy", policy)

	before := s.attributes(url, "All")
	for name, want := range map[string]string{
		"QueueArn": arn("q"), "VisibilityTimeout": "20", "DelaySeconds": "0", "MaximumMessageSize": "1048576",
		"MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true",
		"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
		"RedrivePolicy": `{"deadLetterTargetArn":"` + arn("dlq") + `","maxReceiveCount":5}`,
	} {
		if before[name] != want {
			t.Errorf("%s: got %q, want %q", name, before[name], want)
		}
	}
	if len(before) != 13 { // and the two timestamps
		t.Errorf("got %d attributes: %v", len(before), before)
	}

	clock.forward(3 * time.Second)
	if _, err := s.sqs.SetQueueAttributes(s.ctx(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{
		"DelaySeconds": "420", "RedrivePolicy": "", "KmsMasterKeyId": "key",
	}}); err != nil {
		t.Fatal(err)
	}
	after := s.attributes(url, "All")
	if after["DelaySeconds"] != "420" || after["VisibilityTimeout"] != "20" || after["RedrivePolicy"] != "" ||
		after["SqsManagedSseEnabled"] != "false" || after["KmsDataKeyReusePeriodSeconds"] != "300" {
		t.Errorf("got %v", after)
	}
	if after["LastModifiedTimestamp"] <= before["LastModifiedTimestamp"] || after["CreatedTimestamp"] != before["CreatedTimestamp"] {
		t.Errorf("got timestamps %s and %s", before["LastModifiedTimestamp"], after["LastModifiedTimestamp"])
	}
	if got := s.attributes(url, "QueueArn", "Policy"); len(got) != 1 || got["QueueArn"] != arn("q") {
		t.Errorf("got %v", got)
	}

	// A change that fails changes nothing.
	_, err := s.sqs.SetQueueAttributes(s.ctx(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{
		"VisibilityTimeout": "99", "MaximumMessageSize": "1",
	}})
	s.fails(err, "InvalidAttributeValue", "Invalid value for the parameter MaximumMessageSize.")
	if got := s.attributes(url, "VisibilityTimeout")["VisibilityTimeout"]; got != "20" {
		t.Errorf("got VisibilityTimeout %s after a refused change", got)
	}

	fifo := s.attributes(s.queue("q.fifo", "FifoQueue", "true"), "All")
	if fifo["FifoQueue"] != "true" || fifo["ContentBasedDeduplication"] != "false" || fifo["DeduplicationScope"] != "queue" || fifo["FifoThroughputLimit"] != "perQueue" {
		t.Errorf("got %v", fifo)
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	out, err := s.sqs.CreateQueue(s.ctx(), &sqs.CreateQueueInput{QueueName: ptr("q"), Tags: map[string]string{"a": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.sqs.TagQueue(s.ctx(), &sqs.TagQueueInput{QueueUrl: out.QueueUrl, Tags: map[string]string{"b": "2", "c": ""}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.sqs.UntagQueue(s.ctx(), &sqs.UntagQueueInput{QueueUrl: out.QueueUrl, TagKeys: []string{"a", "z"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := s.sqs.ListQueueTags(s.ctx(), &sqs.ListQueueTagsInput{QueueUrl: out.QueueUrl})
	if err != nil || len(tags.Tags) != 2 || tags.Tags["b"] != "2" || tags.Tags["c"] != "" {
		t.Errorf("got %v, %v", tags, err)
	}
}

func TestMessageRoundTrip(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	url := s.queue("q")
	body := "tab\t, newline\n, quote \", backslash \\, <&>, \u2028, snowman \u2603, clef \U0001D11E"
	sent, err := s.sqs.SendMessage(s.ctx(), &sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: &body,
		MessageAttributes: map[string]types.MessageAttributeValue{
			"Foo":   {DataType: ptr("String"), StringValue: ptr("Bar")},
			"n":     {DataType: ptr("Number.int"), StringValue: ptr("-1.5e3")},
			"bytes": {DataType: ptr("Binary"), BinaryValue: []byte{0, 1, 0xff}},
		},
		MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: ptr("String"), StringValue: ptr("Root=1-5759e988-bd862e3fe1be46a994272793")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	sum := md5.Sum([]byte(body))
	if *sent.MD5OfMessageBody != hex.EncodeToString(sum[:]) || sent.MD5OfMessageSystemAttributes == nil || sent.SequenceNumber != nil {
		t.Errorf("got %+v", sent)
	}
	got := s.receive(url, 10)
	if len(got) != 1 {
		t.Fatalf("got %d messages", len(got))
	}
	m := got[0]
	if *m.Body != body || *m.MessageId != *sent.MessageId || *m.MD5OfBody != *sent.MD5OfMessageBody || *m.MD5OfMessageAttributes != *sent.MD5OfMessageAttributes {
		t.Errorf("got %+v", m)
	}
	if a := m.MessageAttributes; *a["Foo"].StringValue != "Bar" || *a["n"].DataType != "Number.int" || *a["n"].StringValue != "-1.5e3" || !slices.Equal(a["bytes"].BinaryValue, []byte{0, 1, 0xff}) {
		t.Errorf("got attributes %v", a)
	}
	if m.Attributes["ApproximateReceiveCount"] != "1" || m.Attributes["SentTimestamp"] == "" || m.Attributes["SenderId"] == "" ||
		m.Attributes["ApproximateFirstReceiveTimestamp"] == "" || m.Attributes["AWSTraceHeader"] == "" || len(m.Attributes) != 5 {
		t.Errorf("got system attributes %v", m.Attributes)
	}
}

// TestAttributeMD5 has sums that AWS has answered.
func TestAttributeMD5(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	url := s.queue("q", "VisibilityTimeout", "0")
	text := func(v string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: ptr("String"), StringValue: &v}
	}
	sent, err := s.sqs.SendMessage(s.ctx(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr("msg"), MessageAttributes: map[string]types.MessageAttributeValue{
		"Help.Me": text("Me"), "Hello": text("There"), "General": text("Kenobi"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if *sent.MD5OfMessageAttributes != "4c360f3fdafd970e05fae2f149d997f5" {
		t.Errorf("got %s", *sent.MD5OfMessageAttributes)
	}
	for names, want := range map[string]string{
		"":                "",
		"All":             "4c360f3fdafd970e05fae2f149d997f5",
		".*":              "4c360f3fdafd970e05fae2f149d997f5",
		"Foo,Nope":        "",
		"Hello,General":   "fca026605781cb4126a1e9044df24232",
		"Hello,NotThere":  "a311262e065454b75da111d535b8dacd",
		"Hel.*":           "83fee93c1bcd8b9a5a923ffacdc636c7",
		"AWS.,foo..,Hel.": "",
	} {
		in := &sqs.ReceiveMessageInput{QueueUrl: &url}
		if names != "" {
			in.MessageAttributeNames = strings.Split(names, ",")
		}
		out, err := s.sqs.ReceiveMessage(s.ctx(), in)
		if err != nil || len(out.Messages) != 1 {
			t.Fatalf("%s: %v, %v", names, out, err)
		}
		got := ""
		if p := out.Messages[0].MD5OfMessageAttributes; p != nil {
			got = *p
		}
		if got != want {
			t.Errorf("attributes %q: got %q, want %q", names, got, want)
		}
	}
	// A binary attribute.
	sent, err = s.sqs.SendMessage(s.ctx(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr("test"), MessageAttributes: map[string]types.MessageAttributeValue{
		"attr1": {DataType: ptr("Binary"), BinaryValue: []byte("traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01")},
	}})
	if err != nil || *sent.MD5OfMessageAttributes != "8cbe4db156db8a94db8b801b7addb984" {
		t.Errorf("got %v, %v", sent, err)
	}
}

func TestSystemAttributeNames(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	url := s.queue("q", "VisibilityTimeout", "0")
	s.send(url, "x")
	for _, in := range []*sqs.ReceiveMessageInput{
		{AttributeNames: []types.QueueAttributeName{"ApproximateReceiveCount"}},
		{MessageSystemAttributeNames: []types.MessageSystemAttributeName{"ApproximateReceiveCount"}},
		{AttributeNames: []types.QueueAttributeName{"QueueArn", "ApproximateReceiveCount"}},
	} {
		in.QueueUrl = &url
		out, err := s.sqs.ReceiveMessage(s.ctx(), in)
		if err != nil || len(out.Messages) != 1 {
			t.Fatalf("got %v, %v", out, err)
		}
		if a := out.Messages[0].Attributes; len(a) != 1 || a["ApproximateReceiveCount"] == "" {
			t.Errorf("got %v", a)
		}
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	url := s.queue("q")
	out, err := s.sqs.SendMessageBatch(s.ctx(), &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{
		{Id: ptr("1"), MessageBody: ptr("one")},
		{Id: ptr("2"), MessageBody: ptr("two"), DelaySeconds: 901},
		{Id: ptr("3"), MessageBody: ptr("\x00")},
		{Id: ptr("4"), MessageBody: ptr("four"), DelaySeconds: 900},
		{Id: ptr("5"), MessageBody: ptr("")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Successful) != 2 || *out.Successful[0].Id != "1" || *out.Successful[1].Id != "4" || out.Successful[0].MessageId == nil {
		t.Errorf("got successes %+v", out.Successful)
	}
	var failed []string
	for _, f := range out.Failed {
		failed = append(failed, *f.Id+" "+*f.Code)
		if !f.SenderFault {
			t.Errorf("entry %s is not the sender's fault", *f.Id)
		}
	}
	if want := []string{"2 InvalidParameterValue", "3 InvalidMessageContents", "5 MissingParameter"}; !slices.Equal(failed, want) {
		t.Errorf("got failures %v, want %v", failed, want)
	}
	s.counts(url, "1 0 1")

	m := s.receive(url, 10)[0]
	hidden, err := s.sqs.ChangeMessageVisibilityBatch(s.ctx(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
		{Id: ptr("a"), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 100},
		{Id: ptr("b"), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 43201},
		{Id: ptr("c"), ReceiptHandle: ptr("x")},
	}})
	if err != nil || len(hidden.Successful) != 1 || len(hidden.Failed) != 2 || *hidden.Failed[0].Code != "InvalidParameterValue" || *hidden.Failed[1].Code != "ReceiptHandleIsInvalid" {
		t.Errorf("got %+v, %v", hidden, err)
	}
	done, err := s.sqs.DeleteMessageBatch(s.ctx(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{
		{Id: ptr("a"), ReceiptHandle: m.ReceiptHandle},
		{Id: ptr("b"), ReceiptHandle: m.ReceiptHandle}, // deleting again is fine
		{Id: ptr("c"), ReceiptHandle: ptr("x")},
	}})
	if err != nil || len(done.Successful) != 2 || len(done.Failed) != 1 || *done.Failed[0].Code != "ReceiptHandleIsInvalid" {
		t.Errorf("got %+v, %v", done, err)
	}
	s.counts(url, "0 0 1")
}

func TestLargestMessage(t *testing.T) {
	t.Parallel()
	s := newStage(t, nil)
	url := s.queue("q")
	body := strings.Repeat("\n", 1<<20) // each is two bytes on the wire
	s.send(url, body)
	if got := s.receive(url, 1); len(got) != 1 || *got[0].Body != body {
		t.Errorf("a message of 1 MiB did not come through")
	}
}

func TestReceiptHandles(t *testing.T) {
	t.Parallel()
	clock := newAhead()
	s := newStage(t, clock.Now)
	url := s.queue("q")
	other := s.queue("other")
	s.send(url, "x")
	first := s.receive(url, 1)[0]
	s.counts(url, "0 1 0")
	s.fails(s.delete(other, first), "ReceiptHandleIsInvalid", "")

	clock.forward(31 * time.Second)
	s.counts(url, "1 0 0")
	s.fails(s.hide(url, first, 10), "AWS.SimpleQueueService.MessageNotInflight", "")
	second := s.receive(url, 1)[0]
	if second.Attributes["ApproximateReceiveCount"] != "2" || second.Attributes["ApproximateFirstReceiveTimestamp"] != first.Attributes["ApproximateFirstReceiveTimestamp"] || *second.ReceiptHandle == *first.ReceiptHandle {
		t.Errorf("got %v after %v", second.Attributes, first.Attributes)
	}
	// An old handle deletes nothing, and says nothing.
	if err := s.delete(url, first); err != nil {
		t.Error(err)
	}
	s.counts(url, "0 1 0")
	s.fails(s.hide(url, first, 10), "AWS.SimpleQueueService.MessageNotInflight", "")

	// Twelve hours from the receive, and no more.
	clock.forward(10 * time.Second)
	s.fails(s.hide(url, second, 43200), "InvalidParameterValue", "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
	if err := s.hide(url, second, 0); err != nil {
		t.Error(err)
	}
	s.counts(url, "1 0 0")
	// The latest handle deletes the message although it is visible again.
	if err := s.delete(url, second); err != nil {
		t.Error(err)
	}
	s.counts(url, "0 0 0")
	if err := s.delete(url, second); err != nil {
		t.Errorf("deleting again: %v", err)
	}
	s.fails(s.hide(url, second, 1), "InvalidParameterValue", "Value "+*second.ReceiptHandle+" for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.")
	if got := s.receive(url, 1); len(got) != 0 {
		t.Errorf("a deleted message came back: %v", bodies(got))
	}
}

func TestPurge(t *testing.T) {
	t.Parallel()
	clock := newAhead()
	s := newStage(t, clock.Now)
	url := s.queue("q")
	for range 3 {
		s.send(url, "x")
	}
	m := s.receive(url, 1)[0]
	purge := func() error {
		_, err := s.sqs.PurgeQueue(s.ctx(), &sqs.PurgeQueueInput{QueueUrl: &url})
		return err
	}
	if err := purge(); err != nil {
		t.Fatal(err)
	}
	s.counts(url, "0 0 0")
	if err := s.delete(url, m); err != nil {
		t.Errorf("deleting a purged message: %v", err)
	}
	s.fails(purge(), "AWS.SimpleQueueService.PurgeQueueInProgress", "Only one PurgeQueue operation on q is allowed every 60 seconds.")
	clock.forward(time.Minute)
	if err := purge(); err != nil {
		t.Error(err)
	}
	s.send(url, "after")
	if got := bodies(s.receive(url, 10)); got != "after" {
		t.Errorf("got %q", got)
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	clock := newAhead()
	s := newStage(t, clock.Now)
	url := s.queue("q", "MessageRetentionPeriod", "60")
	s.send(url, "old visible")
	s.send(url, "old in flight")
	s.receive(url, 1)
	clock.forward(40 * time.Second)
	s.send(url, "new")
	clock.forward(21 * time.Second)
	s.counts(url, "1 0 0")
	if got := bodies(s.receive(url, 10)); got != "new" {
		t.Errorf("got %q", got)
	}
}

// TestClientLeaves: a client that goes away while it waits takes no message with it.
func TestClientLeaves(t *testing.T) {
	t.Parallel()
	broker := queues.New(queues.Config{})
	t.Cleanup(broker.Close)
	if _, _, err := broker.CreateQueue("q", nil); err != nil {
		t.Fatal(err)
	}
	handler, began, ended := broker.Handler(), make(chan struct{}, 1), make(chan struct{}, 1)
	client, base := newClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began <- struct{}{}
		handler.ServeHTTP(w, r)
		ended <- struct{}{}
	}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: ptr(base + "/000000000000/q"), WaitTimeSeconds: 20}); err == nil {
			t.Error("the cancelled receive succeeded")
		}
	})
	<-began
	cancel()
	wg.Wait()
	<-ended // long before the 20 seconds are over
	if _, err := broker.Send(arn("q"), "", "x"); err != nil {
		t.Fatal(err)
	}
	got, err := broker.Receive(t.Context(), arn("q"), 1, 0)
	if err != nil || len(got) != 1 || got[0].Attributes["ApproximateReceiveCount"] != "1" {
		t.Errorf("got %v, %v", got, err)
	}
}

// Programs ask whether the answer has the key, as the service leaves out what is
// empty, so the bytes matter and not only what an SDK makes of them.
func TestEmptyAnswers(t *testing.T) {
	t.Parallel()
	b := queues.New(queues.Config{})
	defer b.Close()
	if _, _, err := b.CreateQueue("q", nil); err != nil {
		t.Fatal(err)
	}
	const url = `{"QueueUrl":"http://127.0.0.1:4566/000000000000/q"}`
	for operation, body := range map[string]string{
		"ReceiveMessage": url, "GetQueueAttributes": url, "ListQueueTags": url,
		"ListQueues": `{"QueueNamePrefix":"nothing"}`,
	} {
		if status, answer := post(b.Handler(), operation, body); status != http.StatusOK || answer != "{}" {
			t.Errorf("%s: got %d %s, want {}", operation, status, answer)
		}
	}
}
