package project

import (
	"cmp"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/limits"
	"github.com/microfox-ai/aiwctl/dispatch/secretref"
)

// MaxVariables is how many bytes a function's variables may have, with their names. Source:
// Lambda quotas.
const MaxVariables = 4096

// settings checks what AWS would refuse of a function, its queues and what feeds it.
func (c *checker) settings(w Worker) {
	for _, text := range limits.Settings(w.ManifestWorker) {
		c.problem(w, "it %s", text)
	}
}

// declared checks what the worker says that it needs.
func (c *checker) declared(w Worker) {
	for _, arn := range w.Layers {
		if err := limits.LayerVersion(arn); err != nil {
			c.problem(w, "%v", err)
		} else if region := layerRegion(arn); c.p.Region != "" && region != "" && region != c.p.Region {
			c.problem(w, "layer %q is in %s, and a function in %s can use layers of its own region only: write ${aws:region} if it is there too", arn, region, c.p.Region)
		}
	}
	for _, name := range slices.Concat(w.Environment, w.Secrets) {
		c.each(w, limits.Variable(name))
	}
	for _, name := range w.Secrets {
		if slices.Contains(w.Environment, name) {
			c.problem(w, "environment variable %q is in both WithEnvironment and WithSecrets: leave it in WithSecrets if its value is secret, else in WithEnvironment", name)
		}
	}
	for _, id := range w.Calls {
		if _, known := c.workers[id]; !known && !c.part {
			c.problem(w, "it calls worker %q, which is in none of the programs: correct runtime.WithCalls, or push the package that has it too", id)
		}
	}
	for _, permission := range w.Permissions {
		c.each(w, limits.Permission(permission))
	}
}

// layerRegion is the region of a layer's ARN; empty where the deployment fills it in.
func layerRegion(arn string) string {
	if parts := strings.Split(arn, ":"); !strings.HasPrefix(parts[3], "${") {
		return parts[3]
	}
	return ""
}

// variables estimates whether the worker's variables fit into a function, from what is known of
// their values by now. It is no more than what the template comes to.
func (c *checker) variables(w Worker) {
	size := 0
	add := func(name, value string) { size += len(name) + len(value) }
	longest, most := "", 0
	for name, v := range c.p.Variables[w.ID] {
		value := v.Text
		if !v.Ref.IsZero() {
			name, value = secretref.EnvPrefix+name, v.Ref.String()
		}
		add(name, value)
		if n := len(value); n > most || n == most && name < longest {
			longest, most = name, n
		}
	}
	service := GroupService(c.p.Service, w.Group)
	add("AIWORKER_SERVICE", service)
	for _, name := range []string{"ENVIRONMENT", "STAGE", "NODE_ENV"} {
		add(name, c.p.Stage)
	}
	for _, id := range append([]string{w.ID}, w.Calls...) {
		callee, known := c.workers[id]
		if known {
			add(dispatch.QueueURLEnv(id), c.queueURL(callee))
		}
	}
	if size > MaxVariables {
		c.problem(w, "its variables have %d bytes with their names, and Lambda allows %d; the longest is %s with %d: keep long values in Systems Manager or Secrets Manager, and declare their names with WithSecrets",
			size, MaxVariables, cmp.Or(longest, "a queue's URL"), most)
	}
}

// queueURL is about what a queue's URL is.
func (c *checker) queueURL(w Worker) string {
	if a, adopted := c.p.Adopted[w.ID]; adopted {
		return a.QueueURL
	}
	return "https://sqs." + cmp.Or(c.p.Region, "us-east-1") + ".amazonaws.com/" + cmp.Or(c.p.Account, "123456789012") + "/" +
		QueueName(GroupService(c.p.Service, w.Group), c.p.Stage, w.ManifestWorker)
}
