package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/deploy"
	"github.com/microfox-ai/aiwctl/aws/deploy/emit"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/aws/settings"
)

// pushEmit writes the files of a deployment for another tool. It asks AWS nothing.
func (a *App) pushEmit(ctx context.Context, f *pushFlags, r settings.Resolved, patterns []string) error {
	p, secrets, err := a.readProject(ctx, f, r.Target, patterns, nil)
	if err != nil {
		return err
	}
	p.Bucket = f.bucketName(a)
	tools, events := a.realTools(), a.newPushEvents()
	defer events.done()
	if err := tools.build(ctx, p, events.step); err != nil {
		return problems(err)
	}
	var files []emit.File
	if f.emit == "serverless" {
		files, err = tools.serverless(p)
	} else {
		var docs []deploy.Document
		docs, err = tools.documents(p)
		for _, d := range docs {
			files = append(files, emit.File{Path: d.Stack.Name + ".json", Body: d.Body})
		}
	}
	if err != nil {
		return problems(err)
	}
	for _, art := range artifacts(p) {
		files = append(files, emit.File{Path: tools.artifact(art), From: art.File, SHA256: art.SHA256})
	}
	res, err := emit.Write(f.out, files, f.dryRun)
	if err != nil {
		var foreign *emit.ForeignError
		if errors.As(err, &foreign) {
			return &codeError{exitFailed, err}
		}
		return err
	}
	return a.emitted(f, res, secrets, p)
}

// artifacts are those of a project, each once.
func artifacts(p *project.Project) []project.Artifact {
	all := []project.Artifact{p.API}
	for i := range p.Programs {
		all = append(all, p.Programs[i].Artifact)
	}
	var out []project.Artifact
	for _, art := range all {
		if art.SHA256 != "" && !slices.ContainsFunc(out, func(o project.Artifact) bool { return o.SHA256 == art.SHA256 }) {
			out = append(out, art)
		}
	}
	return out
}

// emitted prints what was written, and what the files do not do.
func (a *App) emitted(f *pushFlags, res *emit.Result, secrets []deploy.Secret, p *project.Project) error {
	status := func(s string) string {
		if f.dryRun && s != "unchanged" {
			return "would be " + s
		}
		return s
	}
	rows := []newFile{}
	for _, group := range []struct {
		paths  []string
		status string
	}{{res.Written, "written"}, {res.Kept, "unchanged"}, {res.Removed, "removed"}} {
		for _, path := range group.paths {
			rows = append(rows, newFile{filepath.Join(f.out, filepath.FromSlash(path)), status(group.status)})
		}
	}
	err := a.print(rows, func(t *tableWriter) {
		t.row("FILE", "STATUS")
		for _, r := range rows {
			t.row(r.Path, r.Status)
		}
	})
	if err != nil {
		return err
	}
	var missing []string
	for _, s := range secrets {
		missing = append(missing, s.Ref.String())
	}
	if !p.APIKey.IsZero() && !slices.Contains(missing, p.APIKey.String()) {
		missing = append(missing, p.APIKey.String())
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		fmt.Fprintln(a.Err, plain("these files hold no secret. Before they are deployed, these have to be stored, in SSM as SecureString:\n  "+strings.Join(missing, "\n  ")))
	}
	return nil
}
