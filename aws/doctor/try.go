package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws"
)

// errRefused stands for what is not worth asking without credentials.
var errRefused = errors.New("there are no credentials that AWS takes")

// errUnreachable stands for what is not worth asking without a network.
var errUnreachable = errors.New("neither sqs nor lambda can be reached")

// attempt is a call that changes nothing whatever it is answered.
type attempt func(ctx context.Context, r resource) error

// noHandle is a receipt handle that SQS never gave out.
const noHandle = "doctor-asks-whether-it-may"

// attempts are the calls that show by their answer whether an action is allowed,
// by action. What is not among them is never called: it would write, or, as
// ReceiveMessage, hide a message and bring it nearer to the dead-letter queue.
func (d *diagnosis) attempts(o *objects) map[string]attempt {
	q, l, f, m := d.s.SQS(), d.s.Logs(), d.s.Lambda(), d.s.CloudWatch()
	return map[string]attempt{
		"sqs:ListQueues": func(ctx context.Context, _ resource) error {
			_, err := q.ListQueues(ctx, &sqs.ListQueuesInput{MaxResults: awssdk.Int32(1)})
			return err
		},
		"sqs:GetQueueUrl": func(ctx context.Context, r resource) error {
			in := &sqs.GetQueueUrlInput{QueueName: &r.name}
			if parts := strings.Split(r.prefix, ":"); len(parts) > 4 && parts[4] != "" {
				in.QueueOwnerAWSAccountId = &parts[4]
			}
			_, err := q.GetQueueUrl(ctx, in)
			return err
		},
		"sqs:GetQueueAttributes": func(_ context.Context, r resource) error { return o.attributes[r.handle] },
		"sqs:ListDeadLetterSourceQueues": func(ctx context.Context, r resource) error {
			_, err := q.ListDeadLetterSourceQueues(ctx, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &r.handle, MaxResults: awssdk.Int32(1)})
			return err
		},
		"sqs:ListMessageMoveTasks": func(ctx context.Context, r resource) error {
			_, err := q.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: awssdk.String(r.arn()), MaxResults: awssdk.Int32(1)})
			return err
		},
		// A batch is authorised as a whole, then each entry is looked at; an entry whose
		// handle is none fails alone. No message can be meant by it.
		"sqs:ChangeMessageVisibility": func(ctx context.Context, r resource) error {
			_, err := q.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &r.handle, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
				{Id: awssdk.String("0"), ReceiptHandle: awssdk.String(noHandle), VisibilityTimeout: 0},
			}})
			return err
		},
		"cloudformation:DescribeStacks": func(ctx context.Context, r resource) error {
			_, err := d.s.CloudFormation().DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &r.handle})
			if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "ValidationError" {
				return nil // there is no such stack, which is told to those who may ask
			}
			return err
		},
		"lambda:ListFunctions": func(ctx context.Context, _ resource) error {
			_, err := f.ListFunctions(ctx, &lambda.ListFunctionsInput{MaxItems: awssdk.Int32(1)})
			return err
		},
		"lambda:ListEventSourceMappings": func(ctx context.Context, _ resource) error {
			_, err := f.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{MaxItems: awssdk.Int32(1)})
			return err
		},
		"lambda:GetFunctionConfiguration": func(ctx context.Context, r resource) error {
			_, err := f.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &r.handle})
			return err
		},
		"lambda:GetFunctionConcurrency": func(ctx context.Context, r resource) error {
			_, err := f.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &r.handle})
			return err
		},
		"logs:DescribeLogGroups": func(ctx context.Context, _ resource) error {
			_, err := l.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{Limit: awssdk.Int32(1)})
			return err
		},
		"logs:FilterLogEvents": func(ctx context.Context, r resource) error {
			now := d.o.Now()
			_, err := l.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{
				LogGroupName: &r.handle, Limit: awssdk.Int32(1),
				StartTime: awssdk.Int64(now.Add(-time.Second).UnixMilli()), EndTime: awssdk.Int64(now.UnixMilli()),
			})
			return err
		},
		"cloudwatch:GetMetricData": func(ctx context.Context, _ resource) error {
			end := d.o.Now().Truncate(time.Minute)
			_, err := m.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
				StartTime: awssdk.Time(end.Add(-5 * time.Minute)), EndTime: &end,
				MetricDataQueries: []cwtypes.MetricDataQuery{{Id: awssdk.String("q"), MetricStat: &cwtypes.MetricStat{
					Period: awssdk.Int32(60), Stat: awssdk.String("Maximum"),
					Metric: &cwtypes.Metric{
						Namespace: awssdk.String("AWS/SQS"), MetricName: awssdk.String("ApproximateNumberOfMessagesVisible"),
						Dimensions: []cwtypes.Dimension{{Name: awssdk.String("QueueName"), Value: awssdk.String(o.someQueue())}},
					},
				}}},
			})
			return err
		},
	}
}

func (o *objects) someQueue() string {
	if rs := o.by[queues]; len(rs) > 0 {
		return rs[0].name
	}
	return "none"
}

// untried says why a permission is not tried.
func untried(p permission) string {
	switch {
	case p.action == "sqs:ReceiveMessage":
		return "it would hide a message and raise its receive count"
	case p.on == parameters, p.on == secrets:
		return "it would read a secret"
	case p.on == keys:
		return "it would take a message"
	case p.action == "logs:StartLiveTail":
		return "it would begin a session that is paid by the minute"
	case p.purpose == Act:
		return "it would write"
	}
	return "there is no small call for it"
}

// decideAll makes one check for each permission: it is tried, else IAM is asked.
func (d *diagnosis) decideAll(ctx context.Context) []Check {
	o := d.objects()
	attempts := d.attempts(o)
	checks := make([]Check, len(o.needed))
	var wg sync.WaitGroup
	rest := make(map[object][]int)
	for i, p := range o.needed {
		checks[i] = Check{Name: p.action, Permission: &Permission{Action: p.action, Purpose: p.purpose}}
		try, ok := attempts[p.action]
		if !ok {
			rest[p.on] = append(rest[p.on], i)
			continue
		}
		if why := d.cannotTry(o, p); why != "" {
			d.settle(&checks[i], p, DecisionNotTried, why, denial{})
			continue
		}
		wg.Go(func() { d.try(ctx, o, p, try, &checks[i]) })
	}
	for kind, indices := range rest {
		wg.Go(func() { d.simulate(ctx, o, kind, indices, checks) })
	}
	wg.Wait()
	return checks
}

// cannotTry says why there is nothing to try a permission on; empty when there is.
func (d *diagnosis) cannotTry(o *objects, p permission) string {
	service, _, _ := strings.Cut(p.action, ":")
	switch {
	case d.identity().refused:
		return errRefused.Error()
	case d.unreachable(service) != nil:
		return service + " cannot be reached"
	case p.on == stacks && d.unreachable("sqs") != nil && d.unreachable("lambda") != nil:
		return errUnreachable.Error()
	case p.on != anything && len(o.sample(p.on)) == 0:
		return "no " + noun(p.on) + " of this stage is known to try it on"
	}
	return ""
}

func noun(kind object) string {
	switch kind {
	case deadLetters:
		return "dead-letter queue"
	case functions:
		return "function"
	case logGroups:
		return "log group"
	case mappings:
		return "mapping"
	case keys:
		return "key"
	case stacks:
		return "stack"
	case parameters, secrets:
		return "secret"
	case anything, queues:
	}
	return "queue"
}

// try makes the call on each of a sample; the worst answer counts.
func (d *diagnosis) try(ctx context.Context, o *objects, p permission, call attempt, c *Check) {
	sample := []resource{{name: "*"}}
	if p.on != anything {
		sample = o.sample(p.on)
	}
	c.Permission.How = HowTried
	answers := make([]error, len(sample))
	var wg sync.WaitGroup
	for i, r := range sample {
		wg.Go(func() {
			answers[i] = d.ask(ctx, func(ctx context.Context) error { return call(ctx, r) })
		})
	}
	wg.Wait()
	worst, note, why, at := DecisionAllowed, "", denial{}, sample[0]
	for i, r := range sample {
		decision, text, denied := judge(p.action, answers[i])
		if i == 0 || rank(decision) > rank(worst) {
			worst, note, why, at = decision, text, denied, r
		}
	}
	c.Permission.Resource = at.arn()
	text := note
	switch {
	case worst == DecisionDenied && p.on != anything:
		text += " on " + at.arn()
	case worst == DecisionAllowed && len(o.by[p.on]) > len(sample) && p.on != anything:
		text = strings.TrimPrefix(text+fmt.Sprintf("; tried on %d of %d", len(sample), len(o.by[p.on])), "; ")
	}
	d.settle(c, p, worst, text, why)
}

func rank(d Decision) int {
	switch d {
	case DecisionDenied:
		return 2
	case DecisionUnknown:
		return 1
	case DecisionAllowed, DecisionNotTried:
	}
	return 0
}

// simulate asks IAM about actions on one kind of object at once.
func (d *diagnosis) simulate(ctx context.Context, o *objects, kind object, indices []int, checks []Check) {
	on := "*"
	if sample := o.sample(kind); len(sample) > 0 {
		on = sample[0].arn()
	}
	var actions []string
	why, cannot := "", ""
	for _, i := range indices {
		cannot = d.cannotTry(o, o.needed[i])
		actions = append(actions, o.needed[i].action)
	}
	var decisions []aws.SimulatedDecision
	switch {
	case cannot != "":
	case d.identity().ARN == "":
		why = "AWS did not say who asks, so that IAM cannot be asked either"
	default:
		err := d.ask(ctx, func(ctx context.Context) (err error) {
			decisions, err = d.s.Simulate(ctx, d.identity().ARN, actions, on)
			return err
		})
		why = whyNotSimulated(err)
	}
	for _, i := range indices {
		p, c := o.needed[i], &checks[i]
		switch {
		case cannot != "":
			d.settle(c, p, DecisionNotTried, cannot, denial{})
			continue
		case why != "":
			d.settle(c, p, DecisionNotTried, untried(p)+", and "+why, denial{})
			continue
		}
		c.Permission.How, c.Permission.Resource = HowSimulated, on
		d.settleSimulated(c, p, decisions)
	}
}

// whyNotSimulated is why IAM did not say, after untried's words and "and".
func whyNotSimulated(err error) string {
	kind, _ := aws.Classify(err)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, aws.ErrNotSimulable):
		return aws.ErrNotSimulable.Error()
	case errors.Is(err, context.Canceled):
		return "the check was interrupted"
	case kind == aws.KindDenied:
		return "iam:SimulatePrincipalPolicy, which would tell, is denied"
	case errors.Is(err, context.DeadlineExceeded), kind == aws.KindNetwork:
		return "IAM, which would tell, did not answer"
	}
	return "IAM, which would tell, said: " + aws.Brief(err)
}

func (d *diagnosis) settleSimulated(c *Check, p permission, decisions []aws.SimulatedDecision) {
	for _, s := range decisions {
		if !strings.EqualFold(s.Action, p.action) {
			continue
		}
		if s.Decision == "allowed" {
			d.settle(c, p, DecisionAllowed, "says IAM's simulator", denial{})
			return
		}
		why := denial{explicit: s.Decision == "explicitDeny"}
		switch {
		case !s.Organization:
			why = denial{policy: policyTypes[1], explicit: why.explicit}
		case !s.Boundary:
			why = denial{policy: policyTypes[3], explicit: why.explicit}
		case !why.explicit:
			why.policy = policyTypes[0]
		}
		d.settle(c, p, DecisionDenied, why.words()+", says IAM's simulator", why)
		return
	}
	d.settle(c, p, DecisionUnknown, "IAM's simulator left it out of its answer", denial{})
}

// settle writes a decision into a check: what it means for the reader.
func (d *diagnosis) settle(c *Check, p permission, decision Decision, text string, why denial) {
	c.Permission.Decision, c.Permission.Policy, c.Permission.Explicit = decision, why.policy, why.explicit
	c.Text = text
	switch decision {
	case DecisionAllowed:
		c.Status, c.Text = OK, "allowed"
		if text != "" {
			c.Text += " (" + text + ")"
		}
	case DecisionNotTried:
		c.Status = NotTried
	case DecisionUnknown:
		c.Status = Unknown
		c.Remedy = "run doctor again"
	case DecisionDenied:
		c.Status = Error
		if p.purpose == Act || p.optional {
			c.Status = Warning
		}
		if p.purpose == Act && d.target.ReadOnly {
			c.Status = Info // nothing is going to act
		}
		c.Text += ": needed to " + p.use
		who := "these credentials"
		if arn := d.identity().ARN; arn != "" {
			who = aws.PrincipalName(arn)
		}
		c.Remedy = why.remedy(p.action, who)
	}
}

// permissionsFor are the checks of one purpose.
func (d *diagnosis) permissionsFor(purpose Purpose) []Check {
	var out []Check
	for _, c := range d.decisions() {
		if c.Permission.Purpose == purpose {
			out = append(out, c)
		}
	}
	return out
}
