package aws

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/microfox-ai/aiwctl/dispatch"
)

const (
	// mostServices is how many services' queues are listed, one call each. Where
	// the names in a region reveal more, the region holds other things than a stage.
	mostServices = 10
	// mostUnclaimed is how many queues that nobody is known to read are read.
	mostUnclaimed = 200
)

// listUnclaimed lists the queues among which unclaimed ones are looked for. It
// lists nothing where nothing bounds the search: the queues of a whole region are
// mostly somebody else's, each would cost a call, and "nothing reads it" is not
// true of those that programs outside of Lambda read.
func (d *discovery) listUnclaimed(ctx context.Context) ([]queueRef, error) {
	if !d.mappingsRead {
		return nil, nil // nobody knows what is read
	}
	if d.tagged != nil {
		return d.tagged.refs, nil
	}
	prefixes := d.listPrefixes()
	if len(prefixes) > mostServices {
		d.finding(SeverityInfo, FindingQueuesUnread, "", "queues that no function reads were not looked for: there are %d services here; name one with --service, or a --prefix", len(prefixes))
		return nil, nil
	}
	lists := make([][]queueRef, len(prefixes))
	errs := callEach(ctx, len(prefixes), func(i int) (err error) {
		lists[i], err = d.s.listQueues(ctx, prefixes[i])
		return err
	})
	return slices.Concat(lists...), cmp.Or(errs...)
}

// listPrefixes are the beginnings of the names of this stage's queues, none the
// beginning of another.
func (d *discovery) listPrefixes() []string {
	if d.t.Prefix != "" {
		return []string{d.t.Prefix}
	}
	prefixes := []string{servicePrefix(d.t.Service)}
	if d.t.Service == "" {
		prefixes = nil
		for _, service := range d.knownServices() {
			prefixes = append(prefixes, servicePrefix(service))
		}
	}
	var out []string
	for _, p := range prefixes { // sorted: a shorter one comes first
		if len(out) == 0 || !strings.HasPrefix(p, out[len(out)-1]) {
			out = append(out, p)
		}
	}
	return out
}

// knownServices are the services that workers/config reveals, or the target, or
// the names of queues and functions where they say the same. Sorted.
func (d *discovery) knownServices() []string {
	services := slices.Clone(d.services)
	if d.t.Service != "" {
		services = append(services, d.t.Service)
	}
	for _, c := range d.cands {
		if c.name.service != "" && !c.listed {
			services = append(services, c.name.service)
		}
	}
	slices.Sort(services)
	return slices.Compact(services)
}

// addUnclaimed makes candidates of the listed queues that no mapping reads and
// that are no dead-letter queue of a candidate. They are read too, and those that
// have no RedrivePolicy of their own are asked whose dead letters they take: the
// dead-letter queue of a queue outside of the target is nobody's business here.
func (d *discovery) addUnclaimed(ctx context.Context, listed []queueRef) {
	var fresh []*candidate
	for _, q := range listed {
		k := d.key(q)
		if d.read[k] != nil || d.mappedQueues[k] || len(d.byQueue[k]) > 0 || !d.ofStage(q) || !d.ofService(q) {
			continue
		}
		if len(fresh) == mostUnclaimed {
			d.warn(SourceQueues, fmt.Errorf("more than %d queues are read by no function; only the first are shown: narrow the search with --service, --prefix or --tag", mostUnclaimed))
			break
		}
		c := &candidate{Worker: Worker{ID: q.name}, ref: q, hasRef: true, unclaimed: true}
		d.add(c)
		fresh = append(fresh, c)
	}
	if len(fresh) == 0 {
		return
	}
	d.readCandidates(ctx, d.cands)

	owned := make(map[string]bool)
	for _, c := range d.cands {
		if c.Queue != nil && c.Queue.DeadLetterARN != "" {
			owned[c.Queue.DeadLetterARN] = true
		}
	}
	gone := func(c *candidate) bool {
		kind, _ := Classify(c.queueErr)
		return c.unclaimed && kind == KindNotFound // deleted since it was listed
	}
	d.drop(gone)
	fresh = slices.DeleteFunc(fresh, gone)
	asked := slices.DeleteFunc(slices.Clone(fresh), func(c *candidate) bool {
		return c.queueErr != nil || c.Queue.DeadLetterARN != "" || owned[c.Queue.ARN]
	})
	errs := callEach(ctx, len(asked), func(i int) (err error) {
		asked[i].sources, err = d.s.sourcesOf(ctx, asked[i].Queue)
		return err
	})
	if err := cmp.Or(errs...); err != nil {
		d.warn(SourceQueues, fmt.Errorf("whose dead letters a queue takes is not known: %w", err))
	}
	d.drop(func(c *candidate) bool { return len(c.sources) > 0 })
	for _, c := range fresh {
		d.nameUnclaimed(c)
	}
}

// drop removes candidates.
func (d *discovery) drop(which func(*candidate) bool) {
	d.cands = slices.DeleteFunc(d.cands, func(c *candidate) bool {
		if !which(c) {
			return false
		}
		k := d.key(c.ref)
		d.byQueue[k] = slices.DeleteFunc(d.byQueue[k], func(other *candidate) bool { return other == c })
		return true
	})
}

// sourcesOf are the queues whose RedrivePolicy names q: the first page, since one
// is all that matters.
func (s *Stage) sourcesOf(ctx context.Context, q *Queue) ([]string, error) {
	region := ""
	if ref, ok := queueFromARN(q.ARN); ok {
		region = ref.region
	}
	out, err := s.api.sqs.ListDeadLetterSourceQueues(ctx, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: awssdk.String(q.URL)}, s.inRegion(region))
	if err != nil {
		return nil, fmt.Errorf("queue %s: %w", q.Name, err)
	}
	return out.QueueUrls, nil
}

// ofStage is whether a queue's name, which is all that there is to go by, allows
// it to be of the stage. Where functions say that there is a stage non-prod, its
// queues are not those of prod.
func (d *discovery) ofStage(q queueRef) bool {
	stage := cmp.Or(d.t.Stage, d.stage)
	if stage == "" {
		return true
	}
	for _, fn := range d.functions {
		if strings.HasSuffix(fn.stage, "-"+stage) && strings.HasSuffix(q.baseName(), "-"+fn.stage) {
			return false
		}
	}
	return strings.HasSuffix(q.baseName(), "-"+stage) || strings.Contains(q.baseName(), "-"+stage+"-")
}

// ofService is whether a listed queue passes a service that the target names
// beside a prefix or tags.
func (d *discovery) ofService(q queueRef) bool {
	return strings.HasPrefix(q.name, servicePrefix(d.t.Service)) && strings.HasPrefix(q.name, d.t.Prefix)
}

// nameUnclaimed joins an unclaimed queue to a function that nothing feeds, where
// both names say that they belong together: its mapping was deleted.
func (d *discovery) nameUnclaimed(c *candidate) {
	for _, name := range slices.Sorted(maps.Keys(d.functions)) {
		fn := d.functions[name]
		if d.mapped[fn.Name] {
			continue
		}
		agreed, ok := nameAgrees(c.ref.baseName(), fn.Name, d.t.Service, cmp.Or(d.t.Stage, d.stage, fn.stage))
		if ok {
			c.ID, c.name, c.function = agreed.id, agreed, fn.Name
			return
		}
	}
}

// addUnfed makes candidates of the functions that say which worker they run, and
// that no mapping feeds: workers without a queue. Functions are known as far as
// the region's list was read.
func (d *discovery) addUnfed() {
	if !d.mappingsRead {
		return
	}
	taken := make(map[string]bool)
	for _, c := range d.cands {
		if c.function != "" {
			taken[c.function] = true
		}
	}
	stage := cmp.Or(d.t.Stage, d.stage)
	for _, name := range slices.Sorted(maps.Keys(d.functions)) {
		fn := d.functions[name]
		id, isWorker := strings.CutPrefix(fn.Handler, "worker.")
		if !isWorker || id == "" || !ownRuntime(fn.Runtime) || d.mapped[fn.Name] || taken[fn.Name] {
			continue
		}
		if stage != "" && fn.stage != stage || !d.wants(queueRef{}, fn.Name) {
			continue
		}
		if d.configDecides() && !slices.ContainsFunc(d.knownServices(), func(service string) bool {
			return dispatch.FunctionName(service, stage, id) == fn.Name
		}) {
			continue // of another service whose name begins in the same way
		}
		c := &candidate{Worker: Worker{ID: id}, function: fn.Name}
		c.problem(SeverityError, ProblemNoQueue, "function %s runs worker %s, and no event source mapping feeds it: its jobs do not run; deploy it again", fn.Name, id)
		d.add(c)
	}
}

// orphanName is how people call dead-letter queues. It is asked only of queues
// that nothing reads, whose attributes say nothing, and that no queue names.
var orphanName = regexp.MustCompile(`(?i)(^|[-_.])(dlq|dead-?letters?(-?queues?)?|dead)([-_.]|$)|dlq(\.fifo)?$|deadletter`)

// orphan is why an unclaimed queue is taken for a dead-letter queue that has lost
// its source; empty when it is not. A queue with a dead-letter queue of its own
// gets jobs.
func (c *candidate) orphan() string {
	if !c.unclaimed || c.queueErr != nil || c.Queue.DeadLetterARN != "" || c.function != "" || c.declared != nil {
		return ""
	}
	switch c.Queue.RedriveAllow {
	case "byQueue":
		var names []string
		for _, raw := range c.Queue.AllowedSources {
			if q, ok := queueFromARN(raw); ok {
				names = append(names, q.name)
			}
		}
		if len(names) == 0 {
			return "its RedriveAllowPolicy is for dead-letter queues"
		}
		return "its RedriveAllowPolicy names " + strings.Join(names, ", ")
	case "denyAll":
		return ""
	}
	if orphanName.MatchString(c.ref.name) {
		return "by its name"
	}
	return ""
}

// orphaned turns an orphan into a finding.
func (d *discovery) orphaned(c *candidate, why string) {
	n := c.Queue.Depth.Total()
	if n == 0 {
		d.finding(SeverityInfo, FindingOrphanDLQ, c.ref.name, "%s is a dead-letter queue (%s) that no queue's RedrivePolicy names: nothing comes into it, and it is empty; delete it, or name it in the policy of its queue", c.ref.name, why)
		return
	}
	d.finding(SeverityWarning, FindingOrphanDLQ, c.ref.name, "%s is a dead-letter queue (%s) that no queue's RedrivePolicy names, and holds %s, lost %s after sending; `aiwctl dlq peek %s` looks into it",
		c.ref.name, why, messages(n), days(c.Queue.Retention), c.ref.name)
}

// messages counts them in words.
func messages(n int) string {
	if n == 1 {
		return "1 message"
	}
	return strconv.Itoa(n) + " messages"
}

// finding adds what is wrong with the stage.
func (d *discovery) finding(s Severity, kind ProblemKind, object, format string, args ...any) {
	d.inv.Findings = append(d.inv.Findings, Problem{Severity: s.String(), Kind: kind, Object: object, Text: fmt.Sprintf(format, args...)})
}
