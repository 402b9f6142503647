package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

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
// names. Service leaves out queues and functions not named <service>-..., Prefix
// those whose names begin otherwise, Tags those of which neither the queue nor the
// function carries them.
//
// Queues that no event source mapping reads are looked for where something bounds
// the search: Prefix, Tags, Service, or the services that workers/config, or the
// names of queues and functions together, reveal. See addUnclaimed.
//
// It costs one call of workers/config, one for every 100 event source mappings of
// the region and every 50 functions (or one for each function that is wanted, when
// those are fewer), one ListQueues for each service, one GetResources for every
// 100 resources with the tags, and one GetQueueAttributes for each queue.
//
// Workers are sorted by ID.
func (s *Stage) Inventory(ctx context.Context) (*Inventory, error) {
	ctx = paced(ctx)
	d := newDiscovery(s)
	if err := d.sources(ctx); err != nil {
		return nil, err
	}
	d.readQueues(ctx)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("find the workers of stage %s: %w", s.Target().Stage, err)
	}
	d.joinManifest()
	d.apiNote()
	d.finish()
	return d.inv, nil
}

// Names are the ids of the stage's workers, sorted, and nothing of their queues:
// for whoever waits for a completion at a prompt. Sources that could not be read
// are an error only when none could.
func (s *Stage) Names(ctx context.Context) ([]string, error) {
	d := newDiscovery(s)
	d.namesOnly = true
	if err := d.sources(ctx); err != nil {
		return nil, err
	}
	d.joinManifest()
	uniqueIDs(d.cands)
	ids := make([]string, len(d.cands))
	for i, c := range d.cands {
		ids[i] = c.ID
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// QueueNames are the first names of queues that begin with prefix: at most a
// thousand, from one call.
func (s *Stage) QueueNames(ctx context.Context, prefix string) ([]string, error) {
	out, err := s.api.sqs.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: awssdk.String(prefix), MaxResults: awssdk.Int32(1000)})
	if err != nil {
		return nil, fmt.Errorf("list the queues named %s...: %w", clean(prefix), err)
	}
	var names []string
	for _, u := range out.QueueUrls {
		if q, ok := queueFromURL(u, s.target.Region); ok {
			names = append(names, q.name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func newDiscovery(s *Stage) *discovery {
	return &discovery{
		s: s, t: s.target, inv: &Inventory{At: s.opts.Now()}, byQueue: make(map[queueKey][]*candidate),
		read: make(map[queueKey]*Queue), readErrs: make(map[queueKey]error), partial: &PartialError{Op: "read depths"},
	}
}

// sources asks whatever knows workers, and makes the candidates.
func (d *discovery) sources(ctx context.Context) error {
	s := d.s
	var (
		cfg                    *dispatch.WorkersConfig
		mappings               []mapped
		tags                   *tagged
		cfgErr, mapErr, tagErr error
		wg                     sync.WaitGroup
	)
	wg.Go(func() {
		// A stage that was deployed by push says itself where its API is.
		s.findAPI(ctx, d.t.services())
		cfg, cfgErr = d.fetchConfig(ctx)
	})
	if d.t.Tags != "" {
		wg.Go(func() { tags, tagErr = s.listTagged(ctx) })
	}
	wg.Go(func() { mappings, mapErr = s.listMappings(ctx) })
	wg.Wait()
	if len(d.t.services()) == 0 && !s.knownAPI() {
		// The names of queues and functions say which services there are.
		s.findAPI(ctx, d.mappedServices(mappings))
		cfg, cfgErr = d.fetchConfig(ctx)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("find the workers of stage %s: %w", s.Target().Stage, err)
	}

	switch {
	case tagErr != nil:
		d.warn(SourceTags, fmt.Errorf("workers are shown whatever their tags: %w", tagErr))
	case tags != nil:
		d.source(SourceTags)
		d.tagged = tags
	}
	cfgErr = d.takeConfig(cfg, cfgErr)
	if mapErr == nil {
		d.source(SourceMappings)
		d.mappingsRead = true
		// The queues that workers/config lists are read while functions are, which come
		// page after page; not where filters may leave some of them out.
		if listed := slices.Clone(d.cands); !d.namesOnly && !d.narrow() {
			wg.Go(func() { d.readCandidates(ctx, listed) })
		}
		d.addMappings(ctx, mappings)
		wg.Wait()
	} else {
		d.warn(SourceMappings, mapErr)
	}
	if cfgErr != nil && mapErr != nil {
		queues, err := s.listQueues(ctx, cmp.Or(d.t.Prefix, servicePrefix(d.t.Service)))
		if err != nil {
			return &DiscoveryError{Target: s.Target(), Tried: []error{
				&SourceError{Source: SourceConfig, Err: cfgErr},
				&SourceError{Source: SourceMappings, Err: mapErr},
				&SourceError{Source: SourceQueues, Err: err},
			}}
		}
		d.source(SourceQueues)
		d.addQueues(queues)
	}
	d.cands = slices.DeleteFunc(d.cands, func(c *candidate) bool { return !d.filtered(c) })
	return nil
}

// fetchConfig reads workers/config, where anybody knows where that is.
func (d *discovery) fetchConfig(ctx context.Context) (*dispatch.WorkersConfig, error) {
	if d.s.baseURL() == "" {
		return nil, errNoBaseURL
	}
	return d.s.fetchConfig(ctx)
}

// takeConfig makes candidates of workers/config; its error is why there are none.
func (d *discovery) takeConfig(cfg *dispatch.WorkersConfig, err error) error {
	if err == nil {
		err = d.s.learn(cfg)
	}
	if err == nil {
		d.source(SourceConfig)
		d.addConfig(cfg)
	} else if !errors.Is(err, errNoBaseURL) {
		d.warn(SourceConfig, err)
	}
	return err
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
			redactURL(cmp.Or(s.target.BaseURL, s.learned.api.Base)), stage, s.target.Stage, stage, s.target.Stage)
	}
	if s.target.BaseURL != "" {
		s.learned.stage = stage
		return nil
	}
	// The API was found by itself: it is not asked for other stages' and other services' jobs.
	s.learned.apiQueues = make(map[string]string, len(cfg.Workers))
	for id, entry := range cfg.Workers {
		if q, ok := queueFromURL(entry.QueueURL, ""); ok {
			s.learned.apiQueues[id] = q.name
		}
	}
	return nil
}

// configDecides reports whether workers/config was read and says which workers the stage has:
// somebody named it. One that was found by itself, in a stack's outputs, adds to what
// is known and leaves out nothing: other tools' workers may stand beside it.
func (d *discovery) configDecides() bool { return d.configRead && d.s.target.BaseURL != "" }

// candidate is a worker in the making.
type candidate struct {
	Worker
	ref      queueRef // zero when no source names the queue
	hasRef   bool
	listed   bool // by workers/config
	mappings []mapped
	// name is known when the names of queue and function agree.
	name deployedName
	// function is what runs the worker by name, where no mapping says so: as the API
	// says, or as deployments name it.
	function string
	// unclaimed is a queue that was found by listing: no mapping reads it.
	unclaimed bool
	// sources are the queues whose dead letters it takes, asked of unclaimed ones.
	sources []string
	// declared is what the manifest says; schemaDeclared is true when the input
	// schema is the manifest's.
	declared       *dispatch.ManifestWorker
	schemaDeclared bool
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
	// mapped are the functions that some mapping of the region feeds, mappedQueues
	// the queues that some mapping reads, whoever's they are.
	mapped       map[string]bool
	mappedQueues map[queueKey]bool
	// tagged is what carries the target's tags; nil when none are asked for or
	// they could not be read.
	tagged *tagged
	// known are the ids that workers/config names, of every service.
	known []string
	// namesOnly leaves out what only a worker's description needs.
	namesOnly bool

	// read and readErrs are the queues that were read, and what became of it.
	read     map[queueKey]*Queue
	readErrs map[queueKey]error
	partial  *PartialError
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
	stage := cmp.Or(d.t.Stage, d.s.Target().Stage)
	if d.configDecides() {
		d.stage = stage
	}
	why := make(map[string]string)
	for _, e := range cfg.Errors {
		why[e.WorkerID] = strings.TrimSpace(clean(e.Name + " " + e.Message))
	}
	elsewhere := ""
	d.known = configIDs(cfg)
	for _, id := range d.known {
		entry, ok := cfg.Workers[id]
		c := &candidate{listed: true, function: entry.FunctionName, Worker: Worker{ID: id, Group: entry.Group, Description: entry.Description}}
		if raw := entry.OutputSchema; len(raw) > 0 && string(raw) != "null" {
			c.OutputSchema = raw
		}
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
			here := d.t.EndpointURL != "" || c.ref.region == d.t.Region
			if !here {
				elsewhere = c.ref.region
			}
			if service, ok := strings.CutSuffix(c.ref.baseName(), "-"+id+"-"+stage); ok {
				c.name = deployedName{service: service, id: id, stage: stage}
				c.function = cmp.Or(c.function, dispatch.FunctionName(service, stage, id))
				if here {
					d.services = append(d.services, service)
				}
			}
		}
		d.add(c)
	}
	d.addChains(cfg)
	if elsewhere != "" {
		d.warn(SourceConfig, fmt.Errorf("its queues are in %s and the target's region is %s: pass --region %s to see their functions and logs", elsewhere, d.t.Region, elsewhere))
	}
}

// addMappings joins event source mappings to the candidates, and makes new ones
// of those that workers/config does not list but that are of this stage.
func (d *discovery) addMappings(ctx context.Context, all []mapped) {
	var ours []mapped
	wanted := make(map[string]functionRef)
	d.mapped, d.mappedQueues = make(map[string]bool), make(map[queueKey]bool)
	for _, m := range all {
		d.mapped[m.function.name], d.mappedQueues[d.key(m.queue)] = true, true
		if len(d.byQueue[d.key(m.queue)]) > 0 || d.wants(m.queue, m.function.name) {
			ours = append(ours, m)
			wanted[m.function.key()] = m.function
		}
	}
	fed := make(map[queueKey]bool, len(ours))
	for _, m := range ours {
		fed[d.key(m.queue)] = true
	}
	for _, c := range d.cands {
		// A worker without a mapping may still have its function.
		if c.hasRef && c.function != "" && !fed[d.key(c.ref)] && (c.ref.region == d.t.Region || d.t.EndpointURL != "") {
			wanted[c.function] = functionRef{name: c.function}
		}
	}
	if len(wanted) > 0 && (!d.namesOnly || !d.configDecides()) {
		var err error
		d.functions, d.gone, err = d.s.functionsOf(ctx, wanted)
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

// wants is whether a queue and its function may be what the target asks for.
func (d *discovery) wants(q queueRef, function string) bool {
	if !d.narrowed(q, function) {
		return false
	}
	return d.t.Service == "" && d.narrow() || d.inService(q.name, function)
}

// narrow is whether prefix or tags bound the target by themselves.
func (d *discovery) narrow() bool { return d.t.Prefix != "" || d.tagged != nil }

// narrowed is whether a queue, or the function that reads it, passes prefix and
// tags; either may be zero.
func (d *discovery) narrowed(q queueRef, functions ...string) bool {
	prefixed := func(name string) bool { return name != "" && strings.HasPrefix(name, d.t.Prefix) }
	if d.t.Prefix != "" && !prefixed(q.name) && !slices.ContainsFunc(functions, prefixed) {
		return false
	}
	return d.tagged == nil || d.tagged.queues[d.key(q)] || slices.ContainsFunc(functions, func(name string) bool { return d.tagged.functions[name] })
}

// filtered is narrowed for a candidate.
func (d *discovery) filtered(c *candidate) bool {
	functions := []string{c.function}
	for _, m := range c.mappings {
		functions = append(functions, m.function.name)
	}
	return d.narrowed(c.ref, functions...)
}

// servicePrefix is what the names of a service's queues and functions begin with.
func servicePrefix(service string) string {
	if service == "" {
		return ""
	}
	return service + "-"
}

// inService is whether a mapping's names allow it to be of the target's
// service, or, when workers/config was read, of one of its services.
func (d *discovery) inService(queue, function string) bool {
	services := d.services
	if d.t.Service != "" {
		services = []string{d.t.Service}
	} else if !d.configDecides() {
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
	if d.configDecides() && d.t.Service == "" && !d.narrow() && (!agrees || !slices.Contains(d.services, name.service)) {
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
