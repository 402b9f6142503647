package template

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch"
	"github.com/microfox-ai/aiwctl/dispatch/secretref"
)

// manifestFile is the manifest of the whole stage in the artifact of the workers API.
const manifestFile = "manifest.json"

// variables is the environment of a worker's function. The values of its author come first, so
// that none of them can take the place of what the runtime relies on.
func (b *builder) variables(w project.Worker) object {
	out := object{}
	for name, value := range b.p.Variables[w.ID] {
		b.variable(out, w.ID, name, value)
	}
	b.common(out)
	out["AIWORKER_MAX_RECEIVE_COUNT"] = strconv.Itoa(cmp.Or(w.SQS.MaxReceiveCount, defaultMaxReceive))
	own := b.queueOf(w.ID)
	out[dispatch.QueueURLEnv(w.ID)] = own.url
	if own.dlq != "" {
		out[dispatch.DLQURLEnv(w.ID)] = own.dlqURL
	}
	for _, callee := range w.Calls {
		if _, known := b.workers[callee]; !known {
			b.problem(w.ID, "it calls worker %q, which is not in this stage: deploy that one too, or drop the call", callee)
			continue
		}
		out[dispatch.QueueURLEnv(callee)] = b.queueOf(callee).url
	}
	b.checkVariables(w.ID, out)
	return out
}

// common adds what every function of the stage has.
func (b *builder) common(out object) {
	out["AIWORKER_SERVICE"] = b.stack.Service
	for _, name := range []string{"ENVIRONMENT", "STAGE", "NODE_ENV"} {
		out[name] = b.p.Stage
	}
}

func (b *builder) variable(out object, id, name string, value project.Value) {
	if !value.Ref.IsZero() {
		out[secretref.EnvPrefix+name] = value.Ref.String()
		return
	}
	if strings.Contains(value.Text, "{{resolve:") {
		b.problem(id, "the value of %s holds {{resolve:...}}, which CloudFormation would replace by what is kept there, for everybody to read: write ssm:/path/name or secretsmanager:NAME as the value instead", name)
		return
	}
	out[name] = value.Text
}

// apiVariables is the environment of the function of the workers API. It finds queues by
// their names; those that another tool has named otherwise are told.
func (b *builder) apiVariables() object {
	out := object{}
	b.common(out)
	out["AIWORKER_MANIFEST"] = manifestFile
	out["AIWORKER_GROUP_SERVICES"] = "true"
	if !b.p.APIKey.IsZero() {
		out[secretref.EnvPrefix+"WORKERS_API_KEY"] = b.p.APIKey.String()
	}
	for id, w := range b.workers {
		if a, adopted := b.p.Adopted[id]; adopted && a.Queue != project.QueueName(b.of[id].Service, b.p.Stage, w.ManifestWorker) {
			out[dispatch.QueueURLEnv(id)] = a.QueueURL
		}
	}
	b.checkVariables("", out)
	return out
}

func (b *builder) checkVariables(id string, variables object) {
	named := make(map[string]string, len(variables))
	for name, value := range variables {
		named[name] = b.estimate(value)
	}
	text, err := json.Marshal(named)
	if err == nil && len(text) > maxVariables {
		what := "the worker's variables are"
		if id == "" {
			what = "the variables of the workers API's function are"
		}
		b.problem(id, "%s %d bytes long with their names, and Lambda allows %d: keep long values in Systems Manager or in a bucket, and hand on where they are", what, len(text), maxVariables)
	}
}
