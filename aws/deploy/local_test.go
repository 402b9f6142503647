package deploy_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/aws/deploy/template"
	"github.com/microfox-ai/aiwctl/aws/local"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// archive is a zip file with a bootstrap that does nothing.
func archive(t *testing.T, dir, content string) project.Artifact {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err == nil {
		_, err = w.Write([]byte("#!/bin/sh\n# " + content + "\nexec sleep 1000\n"))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	sha := hex.EncodeToString(sum[:])
	file := filepath.Join(dir, sha)
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return project.Artifact{File: file, SHA256: sha, Size: int64(b.Len()), Key: "shop/test/artifacts/" + sha + ".zip"}
}

// The whole of a stage's life over HTTP, against the endpoint on this machine: with the SDK, with
// package template's templates.
func TestAgainstTheLocalEndpoint(t *testing.T) {
	t.Parallel()
	server, err := local.Start(t.Context(), local.Config{Listen: "127.0.0.1:0", StackPace: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close(context.WithoutCancel(t.Context())) })
	stage, err := aws.Open(t.Context(), aws.Target{EndpointURL: server.Endpoint(), Stage: "test", Service: "shop"}, aws.Options{AuditPath: aws.NoAudit, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	input := func(version string, groups map[string]string) deploy.Input {
		t.Helper()
		p := &project.Project{
			Service: "shop", Stage: "test", Region: "us-east-1", Account: "000000000000", Arch: project.AMD64,
			APIKey: project.Ref{Store: project.SSM, Name: "/shop/test/WORKERS_API_KEY"}, Bucket: project.BucketName("000000000000", "us-east-1"),
			API: archive(t, dir, "api "+version),
		}
		for _, id := range slices.Sorted(maps.Keys(groups)) {
			group := groups[id]
			p.Programs = append(p.Programs, project.Program{Package: "example.com/" + id, Artifact: archive(t, dir, id+version), Manifest: dispatch.Manifest{
				Version: dispatch.ManifestVersion, Workers: []dispatch.ManifestWorker{{
					ID: id, Group: group, TimeoutSeconds: 60, MemoryMB: 256,
					SQS: dispatch.SQSSetting{VisibilityTimeoutSeconds: 360, MaxReceiveCount: 3, RetentionSeconds: 1209600, DLQRetentionSeconds: 1209600, BatchSize: 1},
				}},
			}})
		}
		docs, err := template.CloudFormation(p)
		if err != nil {
			t.Fatal(err)
		}
		in := deploy.Input{Project: p}
		for _, d := range docs {
			in.Documents = append(in.Documents, deploy.Document{Stack: d.Stack, Body: d.Body})
		}
		in.Secrets = []deploy.Secret{{Ref: project.Ref{Store: project.SSM, Name: "/shop/test/TOKEN"}, Reveal: func() string { return "t-" + version }}}
		return in
	}
	d := deploy.New(stage, deploy.Options{
		OnEvent: func(e deploy.Event) { t.Logf("%s %s", e.Kind, e.Text) },
		Compare: func(old, next []byte) (any, error) { return template.Compare(old, next) },
	})
	apply := func(p *deploy.Plan, err error) *deploy.Result {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.Apply(t.Context(), p, deploy.Confirmed{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := map[string]string{"mail": "default", "report": "nightly"}
	if r := apply(d.Plan(t.Context(), input("1", first))); r.Uploaded != 3 || !strings.HasPrefix(r.APIURL, "http") {
		t.Errorf("first: %+v", r)
	}
	out, err := stage.Parameters().GetParameter(t.Context(), &ssm.GetParameterInput{Name: new("/shop/test/WORKERS_API_KEY"), WithDecryption: new(true)})
	if err != nil || len(*out.Parameter.Value) != 64 {
		t.Errorf("key: %v", err)
	}
	p, err := d.Plan(t.Context(), input("1", first))
	if err != nil || !p.Nothing() {
		t.Errorf("the same again: %+v, %v", p, err)
	}
	apply(d.Plan(t.Context(), input("2", map[string]string{"mail": "default", "bill": "default"})))
	st, err := d.Status(t.Context(), "shop", 0)
	if err != nil || len(st.Stacks) != 1 || len(st.Stacks[0].Workers) != 2 || st.Stacks[0].Deployment != st.Current.ID {
		t.Errorf("status %+v, %v", st, err)
	}
	apply(d.PlanRollback(t.Context(), "shop", ""))
	st, err = d.Status(t.Context(), "shop", 0)
	if err != nil || len(st.Stacks) != 2 || st.Stacks[1].Workers[0].ID != "mail" {
		t.Errorf("status after the roll-back %+v, %v", st, err)
	}
	apply(d.PlanRemove(t.Context(), "shop"))
	if _, err := d.Status(t.Context(), "shop", 0); err == nil {
		t.Error("it is there still")
	}
}
