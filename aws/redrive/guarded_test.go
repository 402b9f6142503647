package redrive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy"
	"github.com/microfox-ai/aiwctl/aws/deploy/adopt"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/aws/local/queues"
	"github.com/microfox-ai/aiwctl/aws/redrive"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// These tests prove that nothing below aws writes to AWS but through the guard.
// One reads the sources: what changes something is called on a Writer only, which
// only Guard.Do lends. The other runs every function that writes on a stage that
// may not be written to, and looks at what goes over the wire.

// reading is how an operation that changes nothing begins. Receiving, and changing
// the visibility of what was received, are looks.
var reading = []string{"Get", "List", "Describe", "Filter", "Head", "Lookup", "Receive", "ChangeMessageVisibility", "StartLiveTail", "StartQuery", "StopQuery", "Test", "Options"}

func reads(operation string) bool {
	return slices.ContainsFunc(reading, func(prefix string) bool { return strings.HasPrefix(operation, prefix) })
}

// writes are the operations of the SDK's clients that are not known to read.
func writes() map[string]bool {
	ops := map[string]bool{}
	for _, client := range []reflect.Type{
		reflect.TypeFor[*sqs.Client](), reflect.TypeFor[*lambda.Client](), reflect.TypeFor[*cloudwatchlogs.Client](), reflect.TypeFor[*cloudwatch.Client](),
		reflect.TypeFor[*cloudformation.Client](), reflect.TypeFor[*s3.Client](), reflect.TypeFor[*ssm.Client](),
	} {
		for m := range client.NumMethod() {
			if name := client.Method(m).Name; !reads(name) {
				ops[name] = true
			}
		}
	}
	return ops
}

// asking are files that make requests without a client of the SDK, or hold clients,
// and change nothing by it. One that does so no more has to go from here.
var asking = map[string]string{
	"aws/simulate.go":   "signs two calls of IAM by hand, the simulator's and the one before it",
	"aws/wiring.go":     "asks the clients where they would send to, and an endpoint for its clock, unsigned",
	"aws/doctor/api.go": "asks the workers API, with a job that names no worker and is refused for it",
}

// source is a file below aws.
type source struct {
	path string // from aws on, with slashes
	file *ast.File
	set  *token.FileSet
}

// unguarded lists the places of a package's files that could write without the
// guard.
func unguarded(ops map[string]bool, files []source) []string {
	// The names of fields and results that hold a Writer, and of those that do not.
	writers, others := map[string]bool{}, map[string]bool{}
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if t, ok := n.(*ast.StructType); ok {
				for _, f := range t.Fields.List {
					for _, name := range f.Names {
						if isWriter(f.Type) {
							writers[name.Name] = true
						} else {
							others[name.Name] = true
						}
					}
				}
			}
			return true
		})
	}
	var found []string
	for _, s := range files {
		if s.path == "aws/writer.go" || s.path == "aws/deployaccess.go" {
			continue // the Writers themselves
		}
		say := func(n ast.Node, format string, args ...any) {
			found = append(found, fmt.Sprintf("%s:%d: %s", s.path, s.set.Position(n.Pos()).Line, fmt.Sprintf(format, args...)))
		}
		services := map[string]bool{}
		for _, i := range s.file.Imports {
			path := strings.Trim(i.Path.Value, `"`)
			if rest, ok := strings.CutPrefix(path, "github.com/aws/aws-sdk-go-v2/service/"); ok && !strings.Contains(rest, "/") {
				services[rest] = true
			}
		}
		var scopes []map[string]bool // parameters that are Writers, by the function they are of
		var walk func(n ast.Node) bool
		enter := func(t *ast.FuncType, body *ast.BlockStmt) {
			scope := map[string]bool{}
			for _, p := range t.Params.List {
				for _, name := range p.Names {
					scope[name.Name] = isWriter(p.Type)
				}
			}
			ast.Inspect(t, walk)
			scopes = append(scopes, scope)
			if body != nil {
				ast.Inspect(body, walk)
			}
			scopes = scopes[:len(scopes)-1]
		}
		holdsWriter := func(e ast.Expr) bool {
			switch e := e.(type) {
			case *ast.Ident:
				for _, scope := range slices.Backward(scopes) {
					if is, ok := scope[e.Name]; ok {
						return is
					}
				}
			case *ast.SelectorExpr:
				return writers[e.Sel.Name] && !others[e.Sel.Name]
			}
			return false
		}
		walk = func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				enter(n.Type, n.Body)
				return false
			case *ast.FuncLit:
				enter(n.Type, n.Body)
				return false
			case *ast.SelectorExpr:
				pkg, _ := n.X.(*ast.Ident)
				switch {
				case ops[n.Sel.Name] && !holdsWriter(n.X):
					say(n, "%s is called on something else than a Writer", n.Sel.Name)
				case pkg != nil && services[pkg.Name] && n.Sel.Name == "Client":
					say(n, "%s.Client is handed around: it can write", pkg.Name)
				case pkg != nil && pkg.Name == "http" && (strings.HasPrefix(n.Sel.Name, "NewRequest") || strings.HasPrefix(n.Sel.Name, "Post") || n.Sel.Name == "MethodPost"):
					say(n, "http.%s: a request that no client of the SDK makes", n.Sel.Name)
				case pkg != nil && pkg.Name == "dispatch" && n.Sel.Name == "NewTrigger" && s.path != "aws/dispatch.go":
					say(n, "dispatch.NewTrigger belongs to Stage.Dispatch")
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "NewSQS" && (len(n.Args) == 0 || !holdsWriter(n.Args[0])) {
					say(n, "NewSQS is given something else than a Writer")
				}
			case *ast.InterfaceType:
				for _, m := range n.Methods.List {
					for _, name := range m.Names {
						if ops[name.Name] && s.path != "aws/guard.go" {
							say(m, "an interface that can %s, and is not Writer", name.Name)
						}
					}
				}
			}
			return true
		}
		ast.Inspect(s.file, walk)
	}
	return found
}

// isWriter is whether a type is written as one of the guard's: Writer and
// DeployWriter, with or without the package.
func isWriter(t ast.Expr) bool {
	name, qualified := "", true
	switch t := t.(type) {
	case *ast.Ident:
		name = t.Name
	case *ast.SelectorExpr:
		pkg, ok := t.X.(*ast.Ident)
		name, qualified = t.Sel.Name, ok && pkg.Name == "aws"
	}
	return qualified && (name == "Writer" || name == "DeployWriter")
}

// guarded lists the functions that call Guard.Do or Guard.Deploy.
func guarded(s source) []string {
	var found []string
	for _, d := range s.file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "Do" && sel.Sel.Name != "Deploy" {
				return true
			}
			if of, ok := sel.X.(*ast.SelectorExpr); ok && of.Sel.Name == "guard" {
				found = append(found, filepath.Dir(s.path)+" "+fn.Name.Name)
			}
			return true
		})
	}
	return found
}

func TestNothingWritesWithoutTheGuard(t *testing.T) {
	t.Parallel()
	packages := map[string][]source{}
	var entries []string
	root := filepath.Join("..", "..", "aws")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(filepath.Dir(root), path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case d.IsDir() && rel == "aws/local": // an endpoint: it is what is written to
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := filepath.Dir(rel)
		s := source{path: rel, file: file, set: set}
		packages[dir] = append(packages[dir], s)
		entries = append(entries, guarded(s)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ops := writes()
	for _, name := range []string{"SendMessage", "DeleteMessageBatch", "PurgeQueue", "UpdateEventSourceMapping", "Invoke", "PutLogEvents", "DeleteLogGroup"} {
		if !ops[name] {
			t.Errorf("%s is taken for reading", name)
		}
	}
	files := 0
	asked := map[string]bool{}
	for dir, sources := range packages {
		files += len(sources)
		for _, place := range unguarded(ops, sources) {
			path, _, _ := strings.Cut(place, ":")
			if asked[path] = true; asking[path] == "" {
				t.Errorf("%s: %s", dir, place)
			}
		}
	}
	for path := range asking {
		if !asked[path] {
			t.Errorf("%s need not stand among those that ask without a client", path)
		}
	}
	if files < 60 || len(packages["aws"]) < 20 {
		t.Errorf("only %d files were looked at", files)
	}
	// Each of these is run below on a stage that may not be written to.
	slices.Sort(entries)
	if want := []string{"aws Dispatch", "aws Pause", "aws/deploy write", "aws/deploy/adopt turn", "aws/redrive Delete", "aws/redrive MoveTask", "aws/redrive moving", "aws/redrive run"}; !slices.Equal(entries, want) {
		t.Errorf("functions that write: %q, want %q: add new ones to TestReadOnlyOnTheWire as well", entries, want)
	}
}

// What the check above has to find.
func TestTheGuardCheckFinds(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		`func f(c *sqs.Client) {}`:                                                    "sqs.Client is handed around",
		`func (s *Stage) Purge() { s.api.sqs.PurgeQueue() }`:                          "PurgeQueue is called on something else",
		`func f(s *Stage) any { return s.api.w.SendMessage }`:                         "SendMessage is called on something else",
		`func f(w Writer) { g(func(w other) { w.SendMessage() }) }`:                   "SendMessage is called on something else",
		`type t struct { w other }; func f(x t) { x.w.SendMessage() }`:                "SendMessage is called on something else",
		`type sender interface { SendMessage() }`:                                     "an interface that can SendMessage",
		`func f() { x := sqs.New(o); x.DeleteMessage() }`:                             "DeleteMessage is called on something else",
		`func f() { dispatch.NewSQS(client, nil) }`:                                   "NewSQS is given something else",
		`func f() { dispatch.NewTrigger(base, key, nil) }`:                            "dispatch.NewTrigger belongs to",
		`func f() { http.NewRequestWithContext(ctx, "POST", url, nil) }`:              "http.NewRequestWithContext",
		`func f(w Writer) { w.SendMessage(); g(func() { w.DeleteMessage() }) }`:       "",
		`type t struct { w aws.Writer }; func f(x t) { x.w.SendMessage(); x.List() }`: "",
		`func f(w aws.Writer) { dispatch.NewSQS(w, nil) }`:                            "",
	} {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, "x.go", "package x\nimport \"github.com/aws/aws-sdk-go-v2/service/sqs\"\n"+code, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		found := strings.Join(unguarded(writes(), []source{{path: "aws/x/x.go", file: file, set: set}}), "\n")
		if want == "" && found != "" || !strings.Contains(found, want) {
			t.Errorf("%s\nfound %q, want %q", code, found, want)
		}
	}
}

// wire is an endpoint that notes what changes something: SQS, a mapping, and the
// workers API.
type wire struct {
	*httptest.Server
	mu    sync.Mutex
	noted []string
	reads int
}

func newWire(t *testing.T) *wire {
	t.Helper()
	w := &wire{}
	broker := queues.New(queues.Config{BaseURL: func() string { return w.URL }})
	t.Cleanup(broker.Close)
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		operation := r.Method + " " + r.URL.Path
		changes := r.Method != http.MethodGet && r.Method != http.MethodHead
		if target := r.Header.Get("X-Amz-Target"); target != "" {
			operation = target[strings.LastIndexByte(target, '.')+1:]
			changes = !reads(operation)
		}
		if body, _ := io.ReadAll(r.Body); true {
			r.Body = io.NopCloser(bytes.NewReader(body))
			if form, err := url.ParseQuery(string(body)); err == nil && form.Get("Action") != "" {
				operation = form.Get("Action")
				changes = !reads(operation)
			}
		}
		w.mu.Lock()
		if changes {
			w.noted = append(w.noted, operation)
		} else {
			w.reads++
		}
		w.mu.Unlock()
		switch {
		case r.Header.Get("X-Amz-Target") != "":
			broker.Handler().ServeHTTP(rw, r)
		case strings.HasPrefix(r.URL.Path, "/2015-03-31/event-source-mappings") && r.Method == http.MethodGet:
			fmt.Fprintf(rw, `{"EventSourceMappings":[{"UUID":"u-1","EventSourceArn":%q,"FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:f","State":"Enabled"},
				{"UUID":"u-2","EventSourceArn":%q,"FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:f","State":"Disabled"}]}`, ordersARN, ordersARN)
		case strings.HasPrefix(r.URL.Path, "/2015-03-31/event-source-mappings"):
			fmt.Fprint(rw, `{"UUID":"u-1","State":"Updating"}`)
		case r.URL.Path == "/workers/trigger":
			fmt.Fprint(rw, `{"ok":true,"messageId":"m"}`)
		case operation == "GetCallerIdentity":
			fmt.Fprint(rw, `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>000000000000</Account><Arn>arn:aws:iam::000000000000:user/x</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`)
		case operation == "ListStacks":
			fmt.Fprint(rw, `<ListStacksResponse><ListStacksResult><StackSummaries/></ListStacksResult></ListStacksResponse>`)
		case r.Method == http.MethodHead: // there is no bucket yet
			rw.WriteHeader(http.StatusNotFound)
		case r.Method == http.MethodPut: // it is made
		default:
			http.Error(rw, "no", http.StatusBadRequest)
		}
	}))
	t.Cleanup(w.Close)
	return w
}

const ordersARN = "arn:aws:sqs:us-east-1:000000000000:orders"

// take is what was noted since the last time.
func (w *wire) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.noted = nil }()
	return w.noted
}

func TestReadOnlyOnTheWire(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	plain := sqs.New(sqs.Options{
		BaseEndpoint: &w.URL, Region: "us-east-1", HTTPClient: dispatch.StableHTTPClient(client),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	worker := aws.Worker{ID: "orders", Queue: &aws.Queue{Name: "orders", ARN: ordersARN}, DLQ: &aws.Queue{Name: "orders-dlq", ARN: ordersARN + "-dlq"}}
	for _, q := range []*aws.Queue{worker.DLQ, worker.Queue} {
		attrs := map[string]string{}
		if q == worker.Queue {
			attrs["RedrivePolicy"] = `{"deadLetterTargetArn":"` + worker.DLQ.ARN + `","maxReceiveCount":"1"}`
		}
		out, err := plain.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &q.Name, Attributes: attrs})
		if err != nil {
			t.Fatal(err)
		}
		q.URL = *out.QueueUrl
	}
	// Dead letters for each that moves some, and one that is shown.
	fill := func() {
		in := &sqs.SendMessageBatchInput{QueueUrl: &worker.DLQ.URL}
		for i := range 3 {
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: new(fmt.Sprint(i)), MessageBody: new(job(i))})
		}
		if _, err := plain.SendMessageBatch(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "letters.jsonl")
	if err := os.WriteFile(file, []byte(`{"id":"x","body":{"workerId":"orders","jobId":"j","input":{}}}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	open := func(target aws.Target, p aws.Protection) (*aws.Stage, *redrive.Engine) {
		target.EndpointURL, target.Stage = w.URL, "test"
		s, err := aws.Open(t.Context(), target, aws.Options{HTTPClient: client, AuditPath: aws.NoAudit, Getenv: func(string) string { return "" }, Protection: p})
		if err != nil {
			t.Fatal(err)
		}
		return s, redrive.New(s, redrive.Config{Dir: dir})
	}
	sent := aws.DispatchRequest{Worker: worker, Input: json.RawMessage(`{}`)}
	entries := map[string]struct {
		target aws.Target
		run    func(context.Context, *aws.Stage, *redrive.Engine) error
		writes string // what goes over the wire when it may
	}{
		"dispatch to the queue": {run: func(ctx context.Context, s *aws.Stage, _ *redrive.Engine) error {
			_, err := s.Dispatch(ctx, sent)
			return err
		}, writes: "SendMessage"},
		"dispatch by the API": {target: aws.Target{BaseURL: w.URL}, run: func(ctx context.Context, s *aws.Stage, _ *redrive.Engine) error {
			_, err := s.Dispatch(ctx, sent)
			return err
		}, writes: "POST /workers/trigger"},
		"pause": {run: func(ctx context.Context, s *aws.Stage, _ *redrive.Engine) error {
			_, err := s.Pause(ctx, aws.PauseRequest{Worker: worker})
			return err
		}, writes: "PUT /2015-03-31/event-source-mappings/u-1"},
		"resume": {run: func(ctx context.Context, s *aws.Stage, _ *redrive.Engine) error {
			_, err := s.Pause(ctx, aws.PauseRequest{Worker: worker, Resume: true})
			return err
		}, writes: "PUT /2015-03-31/event-source-mappings/u-2"},
		"replay": {run: func(ctx context.Context, _ *aws.Stage, e *redrive.Engine) error {
			_, err := e.Replay(ctx, redrive.Replay{Worker: worker, All: true})
			return err
		}, writes: "SendMessageBatch"},
		"replay a selection": {run: func(ctx context.Context, _ *aws.Stage, e *redrive.Engine) error {
			sel, err := e.Select(ctx, worker, redrive.Choice{})
			if err == nil {
				_, err = e.Replay(ctx, redrive.Replay{Selection: sel})
			}
			return err
		}, writes: "DeleteMessageBatch"},
		"delete": {run: func(ctx context.Context, _ *aws.Stage, e *redrive.Engine) error {
			_, err := e.Delete(ctx, redrive.Delete{Worker: worker, All: true})
			return err
		}, writes: "DeleteMessageBatch"},
		"move task": {run: func(ctx context.Context, _ *aws.Stage, e *redrive.Engine) error {
			_, err := e.MoveTask(ctx, redrive.MoveTask{Worker: worker, To: worker.Queue.URL})
			return err
		}, writes: "StartMessageMoveTask"},
		"import": {run: func(ctx context.Context, _ *aws.Stage, e *redrive.Engine) error {
			_, err := e.Import(ctx, redrive.Import{Worker: worker, Path: file})
			return err
		}, writes: "SendMessageBatch"},
		"push": {run: func(ctx context.Context, s *aws.Stage, _ *redrive.Engine) error {
			d := deploy.New(s, deploy.Options{Bucket: "artifacts"})
			plan, err := d.Plan(ctx, deploy.Input{Project: &project.Project{Service: "shop", Stage: "test"}})
			if err == nil {
				_, err = d.Apply(ctx, plan, deploy.Confirmed{})
			}
			return err
		}, writes: "PUT /artifacts"},
		"give a queue back": {run: func(ctx context.Context, s *aws.Stage, _ *redrive.Engine) error {
			adopted := map[string]project.Adopted{"orders": {Queue: "orders", QueueURL: worker.Queue.URL, Mappings: []string{"u-2"}}}
			_, err := adopt.GiveBack(ctx, s, s.Guard(), adopted, adopt.Options{Patience: time.Nanosecond})
			if err != nil && strings.Contains(err.Error(), "it is still disabled") {
				err = nil // this Lambda never gets to it
			}
			return err
		}, writes: "PUT /2015-03-31/event-source-mappings/u-2"},
	}
	for name, entry := range entries {
		for how, refused := range map[string]struct {
			target     aws.Target
			protection aws.Protection
			ctx        context.Context
			is         error
		}{
			"read-only":               {aws.Target{ReadOnly: true}, aws.Protection{}, t.Context(), aws.ErrReadOnly},
			"read-only and confirmed": {aws.Target{ReadOnly: true}, aws.Protection{Always: true}, aws.Confirm(t.Context(), "test"), aws.ErrReadOnly},
			"protected":               {aws.Target{}, aws.Protection{Always: true}, t.Context(), aws.ErrProtected},
			"another confirmed":       {aws.Target{}, aws.Protection{}, aws.Confirm(t.Context(), "prod"), aws.ErrProtected},
		} {
			fill()
			w.take()
			refused.target.BaseURL = entry.target.BaseURL
			s, e := open(refused.target, refused.protection)
			if err := entry.run(refused.ctx, s, e); !errors.Is(err, refused.is) {
				t.Errorf("%s, %s: %v, want %v", name, how, err, refused.is)
			}
			if noted := w.take(); len(noted) > 0 {
				t.Errorf("%s, %s: over the wire went %q", name, how, noted)
			}
		}
		// The same may write when it may: else the above would prove nothing.
		s, e := open(entry.target, aws.Protection{Always: true})
		err := entry.run(aws.Confirm(t.Context(), "test"), s, e)
		if noted := w.take(); err != nil || !slices.Contains(noted, entry.writes) {
			t.Errorf("%s, allowed: %v; over the wire went %q, want %s", name, err, noted, entry.writes)
		}
	}
	if left, err := os.ReadDir(dir); err != nil {
		t.Error(err)
	} else if n := len(slices.DeleteFunc(left, func(d fs.DirEntry) bool { return d.IsDir() })); n != 3 {
		t.Errorf("%d journals, want those of the three that may be gone on with", n)
	}
	if w.reads == 0 {
		t.Error("nothing was read")
	}
}
