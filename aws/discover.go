package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// DiscoveryError is Inventory's error when no source of workers could be read.
type DiscoveryError struct {
	Target Target
	// Tried has one *SourceError for each source.
	Tried []error
}

// Error says what was tried. What went wrong with several sources in the same
// way is said once, and what was not even known last.
func (e *DiscoveryError) Error() string {
	var whys []string
	sources := make(map[string][]string)
	for _, err := range e.Tried {
		name, cause := "", err
		if s, ok := errors.AsType[*SourceError](err); ok {
			name, cause = s.Source, s.Err
		}
		why := brief(cause)
		if sources[why] == nil {
			whys = append(whys, why)
		}
		sources[why] = append(sources[why], name)
	}
	if i := slices.Index(whys, errNoBaseURL.Error()); i >= 0 {
		whys = append(slices.Delete(whys, i, i+1), errNoBaseURL.Error())
	}
	texts := make([]string, len(whys))
	for i, why := range whys {
		texts[i] = strings.Join(sources[why], " and ") + ": " + why
	}
	where := e.Target.Region
	if e.Target.EndpointURL != "" {
		where = redactURL(e.Target.EndpointURL)
	}
	return fmt.Sprintf("find the workers of stage %s in %s: nothing could be read: %s", e.Target.Stage, where, strings.Join(texts, "; "))
}

// Unwrap lists what went wrong, for errors.As and Classify.
func (e *DiscoveryError) Unwrap() []error { return e.Tried }

// errNoBaseURL stands for workers/config in a DiscoveryError when nothing says
// where it is.
var errNoBaseURL = errors.New("no base URL is known: pass --base-url or set WORKER_BASE_URL")

// Inventory discovers the stage's workers with their depths.
//
// It asks workers/config, when a base URL is known, and Lambda's event source
// mappings, and joins what they say by the queue; queues are then read for
// their depth and for the dead-letter queue that their RedrivePolicy names.
// When neither answers, the region's queues are listed by name. A source that
// fails is one of the Inventory's Warnings; only when none could be read is
// there an error, a *DiscoveryError.
//
// Without workers/config, a stage that the target names leaves out workers of
// other stages: by the function's ENVIRONMENT or STAGE variable, else by the
// names. Service leaves out queues and functions not named <service>-....
//
// Workers are sorted by ID.
func (s *Stage) Inventory(ctx context.Context) (*Inventory, error) {
	ctx = paced(ctx)
	d := &discovery{s: s, t: s.target, inv: &Inventory{At: s.opts.Now()}, byQueue: make(map[queueKey][]*candidate)}
	var (
		cfg            *dispatch.WorkersConfig
		mappings       []mapped
		cfgErr, mapErr error
		wg             sync.WaitGroup
	)
	if d.t.BaseURL != "" {
		wg.Go(func() { cfg, cfgErr = s.fetchConfig(ctx) })
	} else {
		cfgErr = errNoBaseURL
	}
	wg.Go(func() { mappings, mapErr = s.listMappings(ctx) })
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("find the workers of stage %s: %w", s.Target().Stage, err)
	}

	if cfgErr == nil {
		cfgErr = s.learn(cfg)
	}
	if cfgErr == nil {
		d.source(SourceConfig)
		d.addConfig(cfg)
	} else if !errors.Is(cfgErr, errNoBaseURL) {
		d.warn(SourceConfig, cfgErr)
	}
	if mapErr == nil {
		d.source(SourceMappings)
		d.mappingsRead = true
		d.addMappings(ctx, mappings)
	} else {
		d.warn(SourceMappings, mapErr)
	}
	if cfgErr != nil && mapErr != nil {
		queues, err := s.listQueues(ctx)
		if err != nil {
			return nil, &DiscoveryError{Target: s.Target(), Tried: []error{
				&SourceError{Source: SourceConfig, Err: cfgErr},
				&SourceError{Source: SourceMappings, Err: mapErr},
				&SourceError{Source: SourceQueues, Err: err},
			}}
		}
		d.source(SourceQueues)
		d.addQueues(queues)
	}
	d.readQueues(ctx)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("find the workers of stage %s: %w", s.Target().Stage, err)
	}
	d.finish()
	return d.inv, nil
}

// learn keeps what workers/config says about the stage. It is an error when the
// API serves another stage than the one the target names: its workers must not
// be shown, or written to, under that name.
func (s *Stage) learn(cfg *dispatch.WorkersConfig) error {
	stage := cfg.Stage
	if stage == "$default" { // API Gateway's word for "no stage"
		stage = ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learned.foreignAPI, s.learned.workers = "", configIDs(cfg)
	if s.target.Stage != "" && stage != "" && stage != s.target.Stage {
		s.learned.foreignAPI, s.learned.workers = stage, nil
		return fmt.Errorf("%s serves stage %q, not %q: pass --stage %s, or the base URL of stage %s",
			redactURL(s.target.BaseURL), stage, s.target.Stage, stage, s.target.Stage)
	}
	s.learned.stage = stage
	return nil
}

// candidate is a worker in the making.
type candidate struct {
	Worker
	ref      queueRef // zero when no source names the queue
	hasRef   bool
	listed   bool // by workers/config
	mappings []mapped
	// name is known when the names of queue and function agree.
	name deployedName
	// queueErr and dlqErr say why a queue could not be read.
	queueErr, dlqErr error
}

// discovery is one Inventory under way.
type discovery struct {
	s       *Stage
	t       Target
	inv     *Inventory
	cands   []*candidate
	byQueue map[queueKey][]*candidate

	stage        string   // the stage's name when a source or the target says it
	services     []string // the services whose queues workers/config lists
	configRead   bool
	mappingsRead bool
	functions    map[string]lambdaFunction
	gone         map[string]bool
}

// key is a queue's identity among this discovery's sources. Behind one endpoint
// there is one region, whatever it calls itself and whatever the target says.
func (d *discovery) key(q queueRef) queueKey {
	k := queueKey{region: q.region, account: q.account, name: q.name}
	if d.t.EndpointURL != "" {
		k.region = ""
	}
	return k
}

func (d *discovery) source(name string) { d.inv.Sources = append(d.inv.Sources, name) }

func (d *discovery) warn(source string, err error) {
	d.inv.Warnings = append(d.inv.Warnings, &SourceError{Source: source, Err: err})
}

func (d *discovery) add(c *candidate) {
	d.cands = append(d.cands, c)
	if c.hasRef {
		d.byQueue[d.key(c.ref)] = append(d.byQueue[d.key(c.ref)], c)
	}
}

// addConfig makes a candidate of every worker of workers/config.
func (d *discovery) addConfig(cfg *dispatch.WorkersConfig) {
	d.configRead = true
	d.stage = cmp.Or(d.t.Stage, d.s.Target().Stage)
	why := make(map[string]string)
	for _, e := range cfg.Errors {
		why[e.WorkerID] = strings.TrimSpace(clean(e.Name + " " + e.Message))
	}
	elsewhere := ""
	for _, id := range configIDs(cfg) {
		entry, ok := cfg.Workers[id]
		c := &candidate{listed: true, Worker: Worker{ID: id, Group: entry.Group}}
		// A null schema is no schema.
		if raw := cfg.Schemas[id]; len(raw) > 0 && string(raw) != "null" {
			c.InputSchema = raw
		}
		switch {
		case !ok && why[id] != "":
			c.problem(SeverityError, ProblemNoQueue, "no queue: the workers API could not look it up: %s", why[id])
		case !ok:
			c.problem(SeverityError, ProblemNoQueue, "no queue: workers/config lists a schema for this worker, but no queue")
		default:
			c.ref, c.hasRef = queueFromURL(entry.QueueURL, cmp.Or(entry.Region, d.t.Region))
			if !c.hasRef {
				c.problem(SeverityError, ProblemNoQueue, "no queue: workers/config gives %q, which is not the URL of an SQS queue", clean(entry.QueueURL))
			}
		}
		if c.hasRef && d.t.Service != "" && !strings.HasPrefix(c.ref.name, d.t.Service+"-") {
			continue
		}
		if c.hasRef {
			if d.t.EndpointURL == "" && c.ref.region != d.t.Region {
				elsewhere = c.ref.region
			}
			if service, ok := strings.CutSuffix(c.ref.baseName(), "-"+id+"-"+d.stage); ok {
				c.name = deployedName{service: service, id: id, stage: d.stage}
				d.services = append(d.services, service)
			}
		}
		d.add(c)
	}
	if elsewhere != "" {
		d.warn(SourceConfig, fmt.Errorf("its queues are in %s and the target's region is %s: pass --region %s to see their functions and logs", elsewhere, d.t.Region, elsewhere))
	}
}

// addMappings joins event source mappings to the candidates, and makes new ones
// of those that workers/config does not list but that are of this stage.
func (d *discovery) addMappings(ctx context.Context, all []mapped) {
	var ours []mapped
	for _, m := range all {
		if len(d.byQueue[d.key(m.queue)]) > 0 || d.inService(m.queue.name, m.function.name) {
			ours = append(ours, m)
		}
	}
	if len(ours) > 0 {
		var err error
		d.functions, d.gone, err = d.s.functionsOf(ctx, ours)
		if err != nil {
			d.warn(SourceFunctions, err)
		} else {
			d.source(SourceFunctions)
		}
	}
	for _, m := range ours {
		known := d.byQueue[d.key(m.queue)]
		if len(known) == 0 {
			c := d.unlisted(m)
			if c == nil {
				continue
			}
			d.add(c)
			known = []*candidate{c}
		}
		for _, c := range known {
			c.mappings = append(c.mappings, m)
		}
	}
}

// inService is whether a mapping's names allow it to be of the target's
// service, or, when workers/config was read, of one of its services.
func (d *discovery) inService(queue, function string) bool {
	services := d.services
	if d.t.Service != "" {
		services = []string{d.t.Service}
	} else if !d.configRead {
		return true
	}
	return slices.ContainsFunc(services, func(svc string) bool {
		return strings.HasPrefix(queue, svc+"-") || strings.HasPrefix(function, svc+"-")
	})
}

// unlisted makes a candidate of a mapping whose queue workers/config does not
// list; nil when it is of another stage.
func (d *discovery) unlisted(m mapped) *candidate {
	fn, known := d.functions[m.function.key()]
	stage := cmp.Or(d.t.Stage, d.stage)
	if stage != "" && !inStage(stage, m, fn.stage) {
		return nil
	}
	c := &candidate{ref: m.queue, hasRef: true}
	name, agrees := nameAgrees(m.queue.baseName(), m.function.name, d.t.Service, cmp.Or(stage, fn.stage))
	if d.configRead && d.t.Service == "" && (!agrees || !slices.Contains(d.services, name.service)) {
		// A prefix of a name is too little to call it a worker of this stage.
		return nil
	}
	c.name = name
	id, isWorker := strings.CutPrefix(fn.Handler, "worker.")
	switch {
	case known && isWorker && id != "" && ownRuntime(fn.Runtime):
		c.ID = id // the function itself says which worker it runs
	case agrees:
		c.ID = name.id
	default:
		c.ID = m.queue.name
	}
	return c
}

// inStage is whether a mapping is of a stage: as the function's environment
// says, else by the names of queue and function.
func inStage(stage string, m mapped, fnStage string) bool {
	if fnStage != "" {
		return fnStage == stage
	}
	return strings.HasSuffix(m.queue.baseName(), "-"+stage) || strings.Contains(m.function.name, "-"+stage+"-")
}

// ownRuntime is whether a function runs a compiled handler, as this project's
// workers are. Lambda's name for it is provided, provided.al2, provided.al2023.
func ownRuntime(runtime string) bool { return strings.HasPrefix(runtime, "provided") }

// addQueues makes a candidate of every queue, when that is all there is to go by.
func (d *discovery) addQueues(queues []queueRef) {
	for _, q := range queues {
		if d.t.Stage == "" || strings.HasSuffix(q.baseName(), "-"+d.t.Stage) {
			d.add(&candidate{Worker: Worker{ID: q.name}, ref: q, hasRef: true})
		}
	}
}

// readQueues reads every candidate's queue, then the dead-letter queues that
// their policies name and that were not read yet.
func (d *discovery) readQueues(ctx context.Context) {
	read := make(map[queueKey]*Queue)
	errs := make(map[queueKey]error)
	partial := &PartialError{Op: "read depths"}
	fetch := func(refs []queueRef, workers []string) {
		queues := make([]*Queue, len(refs))
		failed := callWide(ctx, queueWidth, len(refs), func(i int) (err error) {
			queues[i], err = d.s.readQueue(ctx, refs[i])
			return err
		})
		for i, ref := range refs {
			if queues[i] == nil { // spared
				queues[i] = d.s.unreadQueue(ref)
			}
			read[d.key(ref)], errs[d.key(ref)] = queues[i], failed[i]
			if failed[i] != nil {
				partial.Failed = append(partial.Failed, &WorkerError{WorkerID: workers[i], Queue: ref.name, Err: failed[i]})
			}
		}
		partial.Of += len(refs)
	}
	unread := func(of func(*candidate) (queueRef, bool)) (refs []queueRef, workers []string) {
		seen := make(map[queueKey]bool)
		for _, c := range d.cands {
			ref, ok := of(c)
			if ok && read[d.key(ref)] == nil && !seen[d.key(ref)] {
				seen[d.key(ref)] = true
				refs, workers = append(refs, ref), append(workers, c.ID)
			}
		}
		return refs, workers
	}

	fetch(unread(func(c *candidate) (queueRef, bool) { return c.ref, c.hasRef }))
	for _, c := range d.cands {
		if c.hasRef {
			c.Queue, c.queueErr = read[d.key(c.ref)], errs[d.key(c.ref)]
		}
	}
	fetch(unread(func(c *candidate) (queueRef, bool) { return d.deadLetterRef(c) }))
	for _, c := range d.cands {
		if ref, ok := d.deadLetterRef(c); ok {
			// A queue may serve several workers, and a refresh of one must not
			// move another's: each has its own copy.
			dlq := *read[d.key(ref)]
			c.DLQ, c.dlqErr = &dlq, errs[d.key(ref)]
		}
		if c.Queue != nil {
			q := *c.Queue
			c.Queue = &q
		}
	}
	if len(partial.Failed) > 0 {
		d.warn(SourceQueues, partial)
	}
}

// deadLetterRef is the queue that a candidate's RedrivePolicy names. It keeps
// the host of the URL by which the worker's own queue was reached.
func (d *discovery) deadLetterRef(c *candidate) (queueRef, bool) {
	if c.Queue == nil || c.Queue.DeadLetterARN == "" {
		return queueRef{}, false
	}
	ref, ok := queueFromARN(c.Queue.DeadLetterARN)
	if !ok {
		return queueRef{}, false
	}
	source, _ := queueFromARN(c.Queue.ARN)
	if base, found := strings.CutSuffix(c.Queue.URL, "/"+c.ref.account+"/"+c.ref.name); found && ref.region == source.region {
		ref.url = base + "/" + ref.account + "/" + ref.name
	}
	return ref, true
}
