package figures

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

const (
	region  = "eu-west-1"
	account = "000000000000"
)

// stage answers the calls that reading a stage of plain queues and functions needs.
// Its answers are made beforehand, so that what is measured is the caller.
type stage struct {
	URL string

	server  *http.Server
	serving sync.WaitGroup
	latency atomic.Int64 // nanoseconds

	mappings, functions []string // pages
	queues              map[string]attributes
	list                []byte // of all queues

	mu    sync.Mutex
	calls map[string]int
	under int
	most  int
}

// attributes are a queue's, as SQS writes them.
type attributes struct{ all, depth []byte }

func startStage(workers int) (*stage, error) {
	s := &stage{queues: map[string]attributes{}}
	s.reset()
	s.fill(workers)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the stage: %w", err)
	}
	s.URL = "http://" + l.Addr().String()
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	s.serving.Go(func() { _ = s.server.Serve(l) }) // ends with ErrServerClosed
	return s, nil
}

func (s *stage) close() error {
	err := s.server.Close()
	s.serving.Wait()
	return err
}

// reset forgets the calls.
func (s *stage) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls, s.most = map[string]int{}, 0
}

// counted are the calls since reset, and how many were under way at once.
func (s *stage) counted() (calls map[string]int, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls), s.most
}

func (s *stage) fill(workers int) {
	var mappings, functions []string
	for i := range workers {
		id := fmt.Sprintf("w%04d", i)
		queue, dlq, function := "shop-"+id+"-live", "shop-"+id+"-dlq-live", "shop-live-worker"+strings.ToUpper(id[:1])+id[1:]
		arn := "arn:aws:lambda:" + region + ":" + account + ":function:" + function
		mappings = append(mappings, fmt.Sprintf(`{"UUID":"00000000-0000-4000-8000-%012d","BatchSize":10,"MaximumBatchingWindowInSeconds":0,
			"EventSourceArn":"arn:aws:sqs:%s:%s:%s","FunctionArn":%q,"LastModified":1780000000.0,"State":"Enabled","StateTransitionReason":"USER_INITIATED",
			"FunctionResponseTypes":["ReportBatchItemFailures"]}`, i, region, account, queue, arn))
		functions = append(functions, fmt.Sprintf(`{"FunctionName":%q,"FunctionArn":%q,"Runtime":"provided.al2023","Role":"arn:aws:iam::%s:role/worker","Handler":"worker.%s",
			"CodeSize":6800000,"Description":"","Timeout":60,"MemorySize":512,"LastModified":"2026-11-01T10:00:00.000+0000","CodeSha256":"x","Version":"$LATEST",
			"Environment":{"Variables":{"ENVIRONMENT":"live","STAGE":"live"}},"TracingConfig":{"Mode":"PassThrough"},"PackageType":"Zip","Architectures":["arm64"],
			"EphemeralStorage":{"Size":512},"LoggingConfig":{"LogFormat":"Text","LogGroup":"/aws/lambda/%s"}}`, function, arn, account, id, function))
		s.queues[queue] = attributesOf(queue, i%100, fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:%s:%s:%s","maxReceiveCount":3}`, region, account, dlq))
		s.queues[dlq] = attributesOf(dlq, i%3, "")
	}
	urls := make([]string, 0, len(s.queues))
	for name := range s.queues {
		urls = append(urls, "http://"+account+".invalid/"+account+"/"+name)
	}
	list, err := json.Marshal(map[string]any{"QueueUrls": urls})
	if err != nil {
		panic(err) // texts can be marshalled
	}
	s.list = list
	s.mappings = pages("EventSourceMappings", mappings, 100)
	s.functions = pages("Functions", functions, 50)
}

func attributesOf(queue string, visible int, policy string) attributes {
	depth := map[string]string{
		"ApproximateNumberOfMessages": strconv.Itoa(visible), "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
	}
	all := map[string]string{
		"QueueArn": "arn:aws:sqs:" + region + ":" + account + ":" + queue, "CreatedTimestamp": "1780000000", "LastModifiedTimestamp": "1780000000",
		"VisibilityTimeout": "360", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "1209600", "DelaySeconds": "0",
		"ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true",
	}
	for name, value := range depth {
		all[name] = value
	}
	if policy != "" {
		all["RedrivePolicy"] = policy
	}
	return attributes{all: answer(all), depth: answer(depth)}
}

func answer(attributes map[string]string) []byte {
	body, err := json.Marshal(map[string]any{"Attributes": attributes})
	if err != nil {
		panic(err) // texts can be marshalled
	}
	return body
}

// pages are the answers of a list, whose markers are the numbers of pages.
func pages(name string, items []string, most int) []string {
	var out []string
	for len(items) > 0 {
		n := min(most, len(items))
		marker := ""
		if n < len(items) {
			marker = strconv.Itoa(len(out) + 1)
		}
		out = append(out, fmt.Sprintf(`{%q:[%s],"NextMarker":%q}`, name, strings.Join(items[:n], ","), marker))
		items = items[n:]
	}
	return out
}

// ServeHTTP implements http.Handler.
func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	name, reply, err := s.reply(r, body)
	s.mu.Lock()
	s.calls[name]++
	s.under++
	s.most = max(s.most, s.under)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.under--
		s.mu.Unlock()
	}()
	if latency := time.Duration(s.latency.Load()); latency > 0 {
		wait := time.NewTimer(latency)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-r.Context().Done():
			return
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotImplemented)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if name == "GetMetricData" {
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
	}
	w.Header().Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
	_, _ = w.Write(reply) //nolint:gosec // made beforehand, and read by SDKs
}

func (s *stage) reply(r *http.Request, body []byte) (name string, reply []byte, err error) {
	page := func(pages []string) ([]byte, error) {
		n, _ := strconv.Atoi(r.URL.Query().Get("Marker"))
		if n >= len(pages) {
			return nil, errors.New("no such page")
		}
		return []byte(pages[n]), nil
	}
	switch path := strings.TrimRight(r.URL.Path, "/"); {
	case strings.HasSuffix(path, "/event-source-mappings"):
		reply, err = page(s.mappings)
		return "ListEventSourceMappings", reply, err
	case strings.HasSuffix(path, "/operation/GetMetricData"):
		reply, err = metricData(body, time.Now())
		return "GetMetricData", reply, err
	case strings.HasSuffix(path, "/functions"):
		reply, err = page(s.functions)
		return "ListFunctions", reply, err
	}
	_, name, ok := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !ok {
		name = r.URL.Path
	}
	if name == "ListQueues" {
		return name, s.list, nil
	}
	if name != "GetQueueAttributes" {
		return name, nil, errors.New("this stage does not serve " + name)
	}
	var in struct {
		QueueURL       string `json:"QueueUrl"`
		AttributeNames []string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return name, nil, err
	}
	q, ok := s.queues[in.QueueURL[strings.LastIndexByte(in.QueueURL, '/')+1:]]
	if !ok {
		return name, nil, errors.New("no queue " + in.QueueURL)
	}
	if len(in.AttributeNames) == 1 && in.AttributeNames[0] == "All" {
		return name, q.all, nil
	}
	return name, q.depth, nil
}

// metricPoints is how many minutes of each metric CloudWatch has.
const metricPoints = 15

// metricData answers for every metric that is asked for.
func metricData(body []byte, now time.Time) ([]byte, error) {
	v, err := cbor.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("read the metrics that are asked for: %w", err)
	}
	in, _ := v.(cbor.Map)
	queries, _ := in["MetricDataQueries"].(cbor.List)
	times, values := make(cbor.List, metricPoints), make(cbor.List, metricPoints)
	for i := range metricPoints {
		at := now.Add(-time.Duration(i+1) * time.Minute).Truncate(time.Minute)
		times[i], values[i] = &cbor.Tag{ID: 1, Value: cbor.Float64(at.Unix())}, cbor.Float64(i)
	}
	results := make(cbor.List, 0, len(queries))
	for _, q := range queries {
		query, ok := q.(cbor.Map)
		if !ok {
			return nil, errors.New("a metric that is asked for is no map")
		}
		results = append(results, cbor.Map{"Id": query["Id"], "Label": cbor.String("x"), "StatusCode": cbor.String("Complete"), "Timestamps": times, "Values": values})
	}
	return cbor.Encode(cbor.Map{"MetricDataResults": results, "Messages": cbor.List{}}), nil
}
