package workersapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/runtime/internal/sqsclient"
)

const (
	// factsAge is how long config answers with what it has found out of a queue. A
	// console reads config every few seconds, and nothing of this changes but by a
	// deployment.
	factsAge = time.Minute
	// failureAge is how long it does so after a failure: short, since somebody may
	// be granting the missing permission right now.
	failureAge = 10 * time.Second
	// maxFacts bounds what is kept. Stages come from API Gateway and are few, but
	// whoever may invoke the function directly can name any.
	maxFacts = 10000
)

// gatewayStage carries the stage that API Gateway named for a request.
type gatewayStage struct{}

func (a *api) stage(ctx context.Context) string {
	stage, _ := ctx.Value(gatewayStage{}).(string)
	return cmp.Or(stage, a.cfg.Stage)
}

func (a *api) queueName(ctx context.Context, workerID string) string {
	service, suffix := a.cfg.Service, ""
	if w := a.workers[workerID]; w != nil {
		if a.cfg.GroupServices {
			service = dispatch.GroupService(service, w.manifest.Group)
		}
		if w.manifest.SQS.FIFO {
			suffix = ".fifo" // SQS insists on it
		}
	}
	return service + "-" + workerID + "-" + a.stage(ctx) + suffix
}

// functionName is the worker's function where its service is known. A worker of a
// deployment group belongs to a service of its own, which its queue's name tells;
// with worker and stage known, that name has only one reading.
func (a *api) functionName(ctx context.Context, workerID, queueURL string) string {
	name := strings.TrimSuffix(sqsclient.QueueName(queueURL), ".fifo")
	service, found := strings.CutSuffix(name, "-"+workerID+"-"+a.stage(ctx))
	if !found {
		service = a.cfg.Service
	}
	if service == "" {
		return ""
	}
	return dispatch.FunctionName(service, a.stage(ctx), workerID)
}

// queueURL finds a worker's queue: the variable of the deployment first, then SQS.
// fromEnv says which. An empty URL without an error is an answer without one.
func (a *api) queueURL(ctx context.Context, workerID string) (url string, fromEnv bool, err error) {
	if url := a.cfg.Getenv(dispatch.QueueURLEnv(workerID)); url != "" {
		return url, true, nil
	}
	url, err = a.findQueue(ctx, a.queueName(ctx, workerID), "")
	return url, false, err
}

// findQueue asks SQS for the URL of a queue; account empty means the function's own.
func (a *api) findQueue(ctx context.Context, name, account string) (string, error) {
	client, err := a.sqs.Get(ctx)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, queueCallTimeout)
	defer cancel()
	in := &sqs.GetQueueUrlInput{QueueName: &name}
	if account != "" {
		in.QueueOwnerAWSAccountId = &account
	}
	out, err := client.GetQueueUrl(ctx, in)
	if err != nil || out.QueueUrl == nil {
		return "", err
	}
	return *out.QueueUrl, nil
}

// facts is what config says of a worker's queues.
type facts struct {
	url string
	err error // why there is no url

	dlqURL     string // "" is none, or unknown because of dlqErr
	maxReceive int    // 0 is unknown, or no limit
	dlqErr     error
}

// lookups keeps what was found out of queues. The zero value is ready.
type lookups struct {
	mu    sync.Mutex
	known map[lookupKey]*lookup
}

type lookupKey struct{ stage, workerID string }

// lookup is one worker's queue. Its lock is held while SQS is asked, so that
// requests at the same time ask once.
type lookup struct {
	mu      sync.Mutex
	facts   facts
	expires time.Time
}

func (l *lookups) of(key lookupKey) *lookup {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := l.known[key]
	if found == nil {
		if l.known == nil || len(l.known) >= maxFacts {
			l.known = map[lookupKey]*lookup{}
		}
		found = &lookup{}
		l.known[key] = found
	}
	return found
}

// facts finds a worker's queues, or remembers them.
func (a *api) facts(ctx context.Context, m dispatch.ManifestWorker) facts {
	l := a.lookups.of(lookupKey{a.stage(ctx), m.ID})
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().Before(l.expires) {
		return l.facts
	}
	f := a.findFacts(ctx, m)
	// What failed because this request ended says nothing to the next one.
	if ctx.Err() == nil {
		age := factsAge
		if f.err != nil || f.dlqErr != nil {
			age = failureAge
		}
		l.facts, l.expires = f, time.Now().Add(age)
	}
	return f
}

func (a *api) findFacts(ctx context.Context, m dispatch.ManifestWorker) (f facts) {
	var fromEnv bool
	f.url, fromEnv, f.err = a.queueURL(ctx, m.ID)
	if f.url == "" && f.err == nil && !fromEnv {
		f.err = errors.New("SQS returned no queue URL")
	}
	if f.err != nil {
		return f
	}
	if f.dlqURL = a.cfg.Getenv(dispatch.DLQURLEnv(m.ID)); f.dlqURL != "" {
		f.maxReceive = m.SQS.MaxReceiveCount
		return f
	}
	policy, err := a.redrivePolicy(ctx, f.url)
	if err != nil {
		f.maxReceive = m.SQS.MaxReceiveCount
		f.dlqErr = fmt.Errorf("read the redrive policy of %s: %w", sqsclient.QueueName(f.url), err)
		return f
	}
	f.maxReceive = policy.maxReceive
	if policy.target == "" {
		return f
	}
	if f.dlqURL, err = a.queueOfARN(ctx, f.url, policy.target); err != nil {
		f.dlqErr = fmt.Errorf("find the dead-letter queue %s: %w", sqsclient.QueueName(policy.target), err)
	}
	return f
}

// redrivePolicy is a queue's RedrivePolicy; the zero value is none.
type redrivePolicy struct {
	target     string // ARN of the dead-letter queue
	maxReceive int
}

func (a *api) redrivePolicy(ctx context.Context, queueURL string) (redrivePolicy, error) {
	client, err := a.sqs.Get(ctx)
	if err != nil {
		return redrivePolicy{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, queueCallTimeout)
	defer cancel()
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &queueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameRedrivePolicy},
	})
	if err != nil {
		return redrivePolicy{}, err
	}
	text := out.Attributes[string(types.QueueAttributeNameRedrivePolicy)]
	if text == "" {
		return redrivePolicy{}, nil
	}
	// SQS returns maxReceiveCount as a number or as a string, as it was set.
	var policy struct {
		Target string          `json:"deadLetterTargetArn"`
		Max    json.RawMessage `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return redrivePolicy{}, fmt.Errorf("the policy is not what SQS documents: %w", err)
	}
	n, err := strconv.Atoi(strings.Trim(string(policy.Max), `"`))
	if err != nil {
		n = 0 // unknown
	}
	return redrivePolicy{target: policy.Target, maxReceive: n}, nil
}

// queueOfARN is the URL of a dead-letter queue. SQS allows only one of the same
// account and region as its source, so it is mostly the source's URL with another
// name at the end, and costs neither a call nor a permission.
func (a *api) queueOfARN(ctx context.Context, sourceURL, arn string) (string, error) {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[2] != "sqs" || parts[5] == "" {
		return "", fmt.Errorf("%q is not the ARN of a queue", arn)
	}
	account, name := parts[4], parts[5]
	if base := strings.TrimSuffix(sourceURL, sqsclient.QueueName(sourceURL)); account != "" && strings.HasSuffix(base, "/"+account+"/") {
		return base + name, nil
	}
	url, err := a.findQueue(ctx, name, account)
	if err == nil && url == "" {
		err = errors.New("SQS returned no queue URL")
	}
	return url, err
}
