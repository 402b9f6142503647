package deploy

import (
	"cmp"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// input is the shop as a project, with artifacts in files and templates as small as they can be.
func (s shop) input() Input {
	p := &project.Project{
		Service: "shop", Stage: "test", Region: region, Account: account,
		APIKey: project.Ref{Store: project.SSM, Name: "/shop/test/WORKERS_API_KEY"},
	}
	artifact := func(content string) project.Artifact {
		sha := hash([]byte(content))
		file := filepath.Join(s.dir, sha)
		if _, err := os.Stat(file); err != nil {
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				panic(err)
			}
		}
		return project.Artifact{File: file, SHA256: sha, Size: int64(len(content)), Key: "shop/test/artifacts/" + sha + ".zip"}
	}
	ids := slices.Sorted(maps.Keys(s.versions))
	for _, id := range ids {
		p.Programs = append(p.Programs, project.Program{
			Package: "example.com/shop/" + id, Artifact: artifact(id + " " + s.versions[id]),
			Manifest: dispatch.Manifest{Version: dispatch.ManifestVersion, Workers: []dispatch.ManifestWorker{{ID: id, Group: cmp.Or(s.groups[id], dispatch.DefaultGroup)}}},
		})
	}
	p.API = artifact("api of " + strings.Join(ids, ","))
	in := Input{Project: p}
	for name, value := range s.secrets {
		in.Secrets = append(in.Secrets, Secret{Ref: project.Ref{Store: project.SSM, Name: "/shop/test/" + name}, Reveal: func() string { return value }, Workers: ids})
	}
	for _, stack := range p.Stacks() {
		resources := map[string]any{}
		for _, w := range stack.Workers {
			tags := []any{map[string]any{"Key": project.TagWorker, "Value": w.ID}}
			resources[project.LogicalID(w.ID, "Queue")] = map[string]any{"Type": queueType, "Properties": map[string]any{"QueueName": project.QueueName(stack.Service, "test", w.ManifestWorker), "Tags": tags}}
			resources[project.LogicalID(w.ID, "Dlq")] = map[string]any{"Type": queueType, "Properties": map[string]any{"QueueName": project.DLQName(stack.Service, "test", w.ManifestWorker), "Tags": tags}}
			resources[project.LogicalID(w.ID, "Function")] = map[string]any{"Type": "AWS::Lambda::Function", "Properties": map[string]any{"Code": map[string]any{"S3Key": w.Program.Artifact.Key}, "Tags": tags}}
		}
		body := map[string]any{"Resources": resources}
		if stack.Base() {
			resources["ApiFunction"] = map[string]any{"Type": "AWS::Lambda::Function", "Properties": map[string]any{"Code": map[string]any{"S3Key": p.API.Key}}}
			body["Outputs"] = map[string]any{
				project.OutputAPIURL: map[string]any{"Value": "https://api.example/test"}, project.OutputAPIKey: map[string]any{"Value": p.APIKey.String()},
			}
		}
		in.Documents = append(in.Documents, Document{Stack: stack, Body: marshal(body)})
	}
	return in
}

func newShop(t *testing.T) shop {
	return shop{
		dir:      t.TempDir(),
		versions: map[string]string{"mail": "1", "resize": "1", "report": "1"},
		groups:   map[string]string{"resize": "media", "report": "nightly"},
		secrets:  map[string]string{"SMTP_PASSWORD": "hunter2"},
	}
}

// next is the shop's next version: mail and resize change, report and its group are gone, bill is new.
func (s shop) next() shop {
	s.versions = map[string]string{"mail": "2", "resize": "2", "bill": "1"}
	s.groups = map[string]string{"resize": "media"}
	s.secrets = map[string]string{"SMTP_PASSWORD": "hunter3"}
	return s
}

// push plans and applies.
func push(ctx context.Context, w *world, s shop, c Confirmed, o Options) (*Plan, *Result, error) {
	d := newDeployer(w, o)
	p, err := d.Plan(ctx, s.input())
	if err != nil {
		return nil, nil, err
	}
	r, err := d.Apply(ctx, p, c)
	return p, r, err
}

// state is what a world has in the end, without times and ids.
func (w *world) state() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.advance()
	var lines []string
	for _, s := range w.stacks {
		if s.status != "DELETE_COMPLETE" {
			lines = append(lines, "stack "+s.name+" "+hash([]byte(s.template))+" "+strings.Join(slices.Sorted(maps.Keys(s.resources)), ",")+" "+project.TagProject+"="+s.tags[project.TagProject])
			if conditionOf(s.status) != whole {
				lines = append(lines, "  is "+s.status)
			}
		}
	}
	for _, c := range w.sets {
		lines = append(lines, "change set of "+c.stack.name)
	}
	for url := range w.queues {
		lines = append(lines, "queue "+url)
	}
	for key := range w.objects {
		if !strings.Contains(key, "/deployments/") {
			lines = append(lines, "object "+key)
		}
	}
	for name := range w.params {
		lines = append(lines, "parameter "+name)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
