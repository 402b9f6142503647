package template

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// File is one to be written.
type File struct {
	// Path is relative, with forward slashes.
	Path string
	Body []byte
}

// Serverless writes a stage down for the Serverless Framework (osls, its open fork): the same
// functions, queues, roles and schedules under the same names as CloudFormation has. There is
// one serverless.yml, or one for each stack, in a directory named after its service, when there
// are deployment groups. Artifacts are expected at ArtifactPath.
func Serverless(p *project.Project) ([]File, error) {
	if err := needArtifacts(p); err != nil {
		return nil, err
	}
	stacks := p.Stacks()
	var files []File
	var problems project.Problems
	for _, stack := range stacks {
		f := serviceFile{builder: newBuilder(p, stack)}
		path := "serverless.yml"
		if len(stacks) > 1 {
			path, f.root = stack.Service+"/serverless.yml", "../"
		}
		doc := f.document()
		body, err := yaml.MarshalWithOptions(forYAML(doc), yaml.IndentSequence(true))
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", path, err)
		}
		problems = append(problems, f.problems...)
		files = append(files, File{Path: path, Body: append(f.heading(len(stacks) > 1), body...)})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return files, nil
}

// serviceFile is a serverless.yml.
type serviceFile struct {
	*builder
	// root leads to the directory of artifacts.
	root string
}

// heading is what a person should know who looks into the file.
func (f *serviceFile) heading(groups bool) []byte {
	lines := []string{"Written by aiwctl push --emit serverless: deploy it with osls, or serverless 3."}
	if groups && f.stack.Base() {
		lines = append(lines, "The directories beside this one come first: this service has the workers API, which lists their workers.")
	}
	var refs []string
	for _, w := range f.stack.Workers {
		for _, r := range f.refs(w) {
			refs = append(refs, r.String())
		}
	}
	if f.stack.Base() && !f.p.APIKey.IsZero() {
		refs = append(refs, f.p.APIKey.String())
	}
	if len(refs) > 0 {
		lines = append(lines, "Its functions read these secrets when they start, which must exist: "+strings.Join(uniq(refs), ", "))
	}
	var out strings.Builder
	for _, line := range lines {
		out.WriteString("# " + strings.ReplaceAll(line, "\n", " ") + "\n")
	}
	return []byte(out.String())
}

func (f *serviceFile) document() yaml.MapSlice {
	functions := object{}
	for _, w := range f.stack.Workers {
		f.surroundings(w)
		functions[dispatch.FunctionKey(w.ID)] = f.workerFunction(w)
	}
	if f.stack.Base() {
		f.apiRole()
		f.apiOutputs()
		functions["api"] = f.apiEntry()
	}
	resources := object{}
	for id, e := range f.resources {
		resource := yaml.MapSlice{{Key: "Type", Value: e.Type}}
		if len(e.DependsOn) > 0 {
			resource = append(resource, yaml.MapItem{Key: "DependsOn", Value: e.DependsOn})
		}
		resources[id] = append(resource, yaml.MapItem{Key: "Properties", Value: e.Properties})
	}
	return yaml.MapSlice{
		{Key: "service", Value: f.stack.Service},
		{Key: "configValidationMode", Value: "error"},
		{Key: "provider", Value: f.provider()},
		{Key: "package", Value: object{"individually": true}},
		{Key: "functions", Value: functions},
		{Key: "resources", Value: yaml.MapSlice{
			{Key: "Description", Value: f.description()},
			{Key: "Resources", Value: resources},
			{Key: "Outputs", Value: f.outputs},
		}},
	}
}

func (f *serviceFile) provider() yaml.MapSlice {
	out := yaml.MapSlice{
		{Key: "name", Value: "aws"},
		{Key: "runtime", Value: lambdaRuntime},
		{Key: "architecture", Value: arch(f.p)},
		{Key: "stage", Value: f.p.Stage},
	}
	if f.p.Region != "" {
		out = append(out, yaml.MapItem{Key: "region", Value: f.p.Region})
	}
	out = append(out,
		yaml.MapItem{Key: "versionFunctions", Value: false},
		yaml.MapItem{Key: "logRetentionInDays", Value: f.retention()},
		yaml.MapItem{Key: "tags", Value: f.tagMap("")},
		yaml.MapItem{Key: "stackTags", Value: f.tagMap("")},
	)
	if f.stack.Base() {
		out = append(out, yaml.MapItem{Key: "apiName", Value: f.apiName()}, yaml.MapItem{Key: "endpointType", Value: "REGIONAL"})
	}
	return out
}

// workerFunction is a worker's function with what feeds it.
func (f *serviceFile) workerFunction(w project.Worker) yaml.MapSlice {
	mapping := f.mapping(w)
	event := yaml.MapSlice{
		{Key: "arn", Value: mapping["EventSourceArn"]},
		{Key: "batchSize", Value: mapping["BatchSize"]},
		{Key: "functionResponseType", Value: mapping["FunctionResponseTypes"].(list)[0]},
		{Key: "enabled", Value: mapping["Enabled"]},
	}
	if window, found := mapping["MaximumBatchingWindowInSeconds"]; found {
		event = append(event, yaml.MapItem{Key: "maximumBatchingWindow", Value: window})
	}
	if w.SQS.MaximumConcurrency > 0 {
		event = append(event, yaml.MapItem{Key: "maximumConcurrency", Value: w.SQS.MaximumConcurrency})
	}
	return f.entry(f.function(w), w.Program.Artifact, f.tagMap(w.ID), list{object{"sqs": event}})
}

// apiEntry is the function of the workers API with what it answers.
func (f *serviceFile) apiEntry() yaml.MapSlice {
	var events list
	for _, r := range routes() {
		events = append(events, object{"http": object{"method": strings.ToLower(r.method), "path": r.path}})
	}
	return f.entry(f.apiFunction(), f.p.API, nil, events)
}

// entry is a function of CloudFormation's properties in the framework's words.
func (f *serviceFile) entry(properties object, a project.Artifact, tags map[string]string, events list) yaml.MapSlice {
	var out yaml.MapSlice
	for _, name := range [][2]string{
		{"name", "FunctionName"},
		{"description", "Description"},
		{"handler", "Handler"},
		{"timeout", "Timeout"},
		{"memorySize", "MemorySize"},
		{"reservedConcurrency", "ReservedConcurrentExecutions"},
		{"role", "Role"},
		{"layers", "Layers"},
	} {
		if value, found := properties[name[1]]; found {
			out = append(out, yaml.MapItem{Key: name[0], Value: value})
		}
	}
	out = append(out,
		yaml.MapItem{Key: "environment", Value: properties["Environment"].(object)["Variables"]},
		yaml.MapItem{Key: "package", Value: object{"artifact": f.root + ArtifactPath(a)}},
		yaml.MapItem{Key: "events", Value: events},
	)
	if len(tags) > 0 {
		out = slices.Insert(out, len(out)-1, yaml.MapItem{Key: "tags", Value: tags})
	}
	return out
}
