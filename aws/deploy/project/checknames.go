package project

import (
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/limits"
)

// ids checks the workers' ids, and keeps those that are right for the other checks.
func (c *checker) ids() {
	alike := map[string]Worker{} // by what is left of the id without dashes and letter case
	for _, w := range c.p.Workers() {
		if err := limits.WorkerID(w.ID); err != nil {
			c.problem(w, "%v", err)
			continue
		}
		if other, taken := c.workers[w.ID]; taken {
			c.problem(w, "there is another worker of this id in %s: rename one", theOther(w, other))
			continue
		}
		c.workers[w.ID] = w
		c.unique = append(c.unique, w)
		key := strings.ToLower(dispatch.FunctionKey(w.ID))
		if other, taken := alike[key]; taken {
			c.problem(w, "it cannot be told from %s when it is deployed, as %s: rename one", named(other), whatAlike(w.ID, other.ID))
			c.alike[w.ID] = true
			continue
		}
		alike[key] = w
	}
}

// theOther is where another worker of the same id is.
func theOther(w, other Worker) string {
	if place := other.Place(); place != "" && place != w.Place() {
		return place
	}
	return "the same program"
}

// whatAlike says what of two ids comes out the same.
func whatAlike(a, b string) string {
	switch {
	case dispatch.FunctionKey(a) == dispatch.FunctionKey(b):
		return "both functions would end in " + dispatch.FunctionKey(a)
	case dispatch.QueueURLEnv(a) == dispatch.QueueURLEnv(b):
		return "both queues would be told in " + dispatch.QueueURLEnv(a)
	}
	return "their ids differ in dashes and letter case only"
}

// owner is whose name something is.
type owner struct {
	what   string
	worker Worker
}

func (o owner) String() string {
	if o.worker.ID == "" {
		return o.what
	}
	return o.what + " of " + named(o.worker)
}

// names checks what the parts of the stage are called in AWS: that nothing is called like
// something else, and nothing longer than AWS allows.
func (c *checker) names() {
	queues := map[string]owner{}
	functions := map[string]owner{}
	if name := APIFunctionName(c.p.Service, c.p.Stage); len(name) > MaxFunctionName {
		c.stageProblem("the name of the function of the workers API, %s, has %d characters, and Lambda allows %d: use a shorter service or stage", name, len(name), MaxFunctionName)
	} else {
		functions[name] = owner{what: "the function of the workers API"}
	}
	for _, s := range c.p.Stacks() {
		if len(s.Name) > MaxStackName {
			c.stageProblem("the name of the stack %s has %d characters, and CloudFormation allows %d: use a shorter service or stage", s.Name, len(s.Name), MaxStackName)
		}
	}
	for _, w := range c.unique {
		service := GroupService(c.p.Service, w.Group)
		adopted, isAdopted := c.p.Adopted[w.ID]
		c.lengths(w)
		if !c.alike[w.ID] {
			c.take(functions, FunctionName(service, c.p.Stage, w.ID, isAdopted), owner{"the function", w}, "function")
		}
		queue, dlq := QueueName(service, c.p.Stage, w.ManifestWorker), DLQName(service, c.p.Stage, w.ManifestWorker)
		if isAdopted {
			queue, dlq = adopted.Queue, adopted.DLQ
		}
		c.take(queues, queue, owner{"the queue", w}, "queue")
		c.take(queues, dlq, owner{"the dead-letter queue", w}, "dead-letter queue")
	}
}

// lengths checks that AWS allows a worker's names. Names of an adopted queue are there already.
func (c *checker) lengths(w Worker) {
	service := GroupService(c.p.Service, w.Group)
	_, isAdopted := c.p.Adopted[w.ID]
	if name := FunctionName(service, c.p.Stage, w.ID, isAdopted); len(name) > MaxFunctionName {
		c.problem(w, "the name of its function, %s, has %d characters, and Lambda allows %d: use a shorter id, service or stage", name, len(name), MaxFunctionName)
	}
	if name := DLQName(service, c.p.Stage, w.ManifestWorker); !isAdopted && len(name) > MaxQueueName {
		c.problem(w, "the name of its dead-letter queue, %s, has %d characters, and SQS allows %d: use a shorter id, service or stage", name, len(name), MaxQueueName)
	}
}

// take notes whose a name is. A queue that is FIFO today may be a standard queue tomorrow, so
// that the suffix makes no difference.
func (c *checker) take(taken map[string]owner, name string, o owner, part string) {
	key := strings.TrimSuffix(name, ".fifo")
	if key == "" { // an adopted queue without a dead-letter queue
		return
	}
	if other, found := taken[key]; found && other.worker.ID != o.worker.ID {
		advice := "rename one"
		if other.worker.ID != "" && other.worker.Group != o.worker.Group {
			advice = "rename one of the workers or groups"
		}
		c.problem(o.worker, "its %s would be called %s, as %s is: %s", part, key, other, advice)
		return
	}
	taken[key] = o
}

func numbers(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = fmt.Sprint(n)
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
