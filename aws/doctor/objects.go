package doctor

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// resource is one thing of the stage, as calls name it and as policies do.
type resource struct {
	handle string // a queue's URL, a function's or a log group's name, a mapping's UUID
	// An ARN is prefix, name and suffix; patterns are made of names.
	prefix, name, suffix string
}

func (r resource) arn() string { return r.prefix + r.name + r.suffix }

// objects is what the stage is made of.
type objects struct {
	by map[object][]resource
	// base is the beginning of an ARN of a service: "arn:aws:sqs:eu-west-1:111122223333:".
	base    func(service string) string
	service string // of the target; may be empty
	region  string
	// guessed is true when discovery failed, so that patterns stand for what would
	// have been found.
	guessed bool
	// needed is the table of permissions, with those for keys where queues have some.
	needed []permission
	// attributes is how reading a queue's attributes went, by its URL.
	attributes map[string]error
}

// discovered is the outcome of discovery.
type discovered struct {
	inv *aws.Inventory
	err error
}

func (d *diagnosis) discover(ctx context.Context) discovered {
	if d.identity().refused {
		return discovered{err: errRefused}
	}
	if d.unreachable("sqs") != nil && d.unreachable("lambda") != nil {
		return discovered{err: errUnreachable}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*d.o.Timeout)
	defer cancel()
	inv, err := d.s.Inventory(ctx)
	return discovered{inv, err}
}

// collect lists the objects of the inventory, each once and sorted, and asks a
// sample of the queues for their keys.
func (d *diagnosis) collect(ctx context.Context) *objects {
	found := d.inventory()
	who := d.identity()
	o := &objects{
		by: make(map[object][]resource), service: d.target.Service, region: d.target.Region,
		guessed: found.err != nil, needed: permissions(),
	}
	account := who.Account
	if found.inv != nil {
		for i := range found.inv.Workers {
			o.addWorker(&found.inv.Workers[i])
		}
		for _, q := range o.by[queues] {
			if parts := strings.Split(q.prefix, ":"); account == "" && len(parts) > 4 {
				account = parts[4]
			}
		}
	}
	account = cmp.Or(account, "*")
	o.base = func(service string) string {
		return "arn:" + aws.Partition(o.region) + ":" + service + ":" + o.region + ":" + account + ":"
	}
	for kind := range o.by {
		rs := o.by[kind]
		for i := range rs {
			if rs[i].prefix == "" {
				rs[i].prefix, rs[i].suffix = o.shape(kind)
			}
		}
		slices.SortFunc(rs, func(a, b resource) int { return strings.Compare(a.arn(), b.arn()) })
		o.by[kind] = slices.CompactFunc(rs, func(a, b resource) bool { return a.arn() == b.arn() })
	}
	d.addKeys(ctx, o)
	d.addAPI(o)
	return o
}

// shape is what stands around a name in an ARN of this stage's account.
func (o *objects) shape(kind object) (prefix, suffix string) {
	switch kind {
	case queues, deadLetters:
		return o.base("sqs"), ""
	case functions:
		return o.base("lambda") + "function:", ""
	case mappings:
		return o.base("lambda") + "event-source-mapping:", ""
	case logGroups:
		// With the suffix is how policies name a log group to almost every action.
		// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
		return o.base("logs") + "log-group:", ":*"
	case keys:
		return o.base("kms") + "key/", ""
	case stacks:
		return o.base("cloudformation") + "stack/", "/*"
	case parameters:
		return o.base("ssm") + "parameter/", ""
	case secrets:
		return o.base("secretsmanager") + "secret:", "-??????" // Secrets Manager's own ending of every ARN
	case anything:
	}
	return "", ""
}

func (o *objects) addWorker(w *aws.Worker) {
	for _, q := range []*aws.Queue{w.Queue, w.DLQ} {
		if q == nil || q.ARN == "" {
			continue
		}
		at := strings.LastIndexByte(q.ARN, ':') + 1
		r := resource{handle: q.URL, prefix: q.ARN[:at], name: q.ARN[at:]}
		o.by[queues] = append(o.by[queues], r)
		if q == w.DLQ {
			o.by[deadLetters] = append(o.by[deadLetters], r)
		}
	}
	if w.Function != nil {
		o.by[functions] = append(o.by[functions], resource{handle: w.Function.Name, name: w.Function.Name})
		o.by[logGroups] = append(o.by[logGroups], resource{handle: w.Function.LogGroup, name: w.Function.LogGroup})
	}
	if w.Mapping != nil {
		o.by[mappings] = append(o.by[mappings], resource{handle: w.Mapping.UUID, name: w.Mapping.UUID})
	}
}

// samples are the few of a kind that something is tried on.
const samples = 2

// sample is the first and the last of a kind, by name: with policies that name
// resources one by one, the ends are as good as any. Queues of another region are
// passed over while there are others.
func (o *objects) sample(kind object) []resource {
	rs := slices.Clone(o.by[kind])
	near := slices.DeleteFunc(slices.Clone(rs), func(r resource) bool { return !strings.Contains(r.prefix, ":"+o.region+":") })
	if len(near) > 0 {
		rs = near
	}
	if len(rs) <= samples {
		return rs
	}
	return []resource{rs[0], rs[len(rs)-1]}
}

// addAPI adds the stack that says where the workers API is, or would, and the secret that
// it refers to.
func (d *diagnosis) addAPI(o *objects) {
	info := d.s.WorkersAPI()
	add := func(kind object, name string) {
		r := resource{handle: name, name: strings.TrimPrefix(name, "/")}
		r.prefix, r.suffix = o.shape(kind)
		o.by[kind] = append(o.by[kind], r)
	}
	switch {
	case info.Stack != "":
		add(stacks, info.Stack)
	case o.service != "" && d.target.BaseURL == "":
		add(stacks, project.StackName(o.service, d.s.Target().Stage))
	}
	ref, err := project.ParseRef(info.KeyRef)
	if err != nil {
		return
	}
	for _, p := range secretPermissions() {
		if (p.on == parameters) == (ref.Store == project.SSM) {
			o.needed = append(o.needed, p)
			add(p.on, ref.Name)
		}
	}
	if at := o.by[secrets]; len(at) > 0 && strings.HasPrefix(ref.Name, "arn:") {
		at[0].prefix, at[0].name, at[0].suffix = "", ref.Name, ""
	}
}

// addKeys reads which KMS keys a sample of the queues is encrypted with. The
// outcome of each reading is kept: it is what tries sqs:GetQueueAttributes.
func (d *diagnosis) addKeys(ctx context.Context, o *objects) {
	if d.unreachable("sqs") != nil {
		return
	}
	all := o.sample(queues)
	ids := make([]string, len(all))
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, q := range all {
		wg.Go(func() {
			errs[i] = d.ask(ctx, func(ctx context.Context) error {
				out, err := d.s.SQS().GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
					QueueUrl: &q.handle, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameKmsMasterKeyId},
				})
				if err == nil {
					ids[i] = out.Attributes[string(types.QueueAttributeNameKmsMasterKeyId)]
				}
				return err
			})
		})
	}
	wg.Wait()
	o.attributes = make(map[string]error, len(all))
	for i, q := range all {
		o.attributes[q.handle] = errs[i]
		// Whoever may use SQS may use SQS's own key.
		if ids[i] == "" || ids[i] == "alias/aws/sqs" {
			continue
		}
		r := resource{}
		r.prefix, _ = o.shape(keys)
		at := strings.LastIndexByte(ids[i], '/') + 1
		switch {
		case strings.Contains(ids[i], "alias/"):
			r.name = "*" // policies know keys by their ids only
		case at > 0:
			r.prefix, r.name = ids[i][:at], ids[i][at:]
		default:
			r.name = ids[i]
		}
		r.handle = r.arn()
		if len(o.by[keys]) == 0 {
			o.needed = append(o.needed, keyPermissions()...)
		}
		if !slices.Contains(o.by[keys], r) {
			o.by[keys] = append(o.by[keys], r)
		}
	}
}
