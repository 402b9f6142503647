package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy"
	"github.com/microfox-ai/aiwctl/aws/deploy/adopt"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
	"github.com/microfox-ai/aiwctl/aws/settings"
	"github.com/microfox-ai/aiwctl/cmd/aiwctl/scaffold"
	"github.com/microfox-ai/aiwctl/cmd/aiwctl/version"
)

type pushFlags struct {
	applyFlags
	arch         string
	bucket       string
	logRetention int
	alarms       bool
	alarmTopic   string
	openAPI      bool
	adopt        []string
	smoke        string
	plain        []string
	envFiles     []string
	emit, out    string
	cacheDir     string
}

// applyFlags are those of everything that changes a stage.
type applyFlags struct {
	deleteQueues     []string
	continueRollback bool
	skip             []string
	yes, dryRun      bool
}

func (f *applyFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringArrayVar(&f.deleteQueues, "delete-queue", nil, "a queue that may be deleted with the messages in it, by name; may be repeated")
	fl.BoolVar(&f.continueRollback, "continue-rollback", false, "continue the roll-back of a stack that could not be rolled back")
	fl.StringArrayVar(&f.skip, "skip-resource", nil, "with --continue-rollback: leave this resource as it is, as STACK/RESOURCE; may be repeated")
	fl.BoolVar(&f.yes, "yes", false, "do not ask")
	fl.BoolVar(&f.dryRun, "dry-run", false, "print what would change, and change nothing")
	for _, name := range []string{"delete-queue", "skip-resource"} {
		must(cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions))
	}
}

// confirmed is what the flags agree to.
func (f *applyFlags) confirmed() (deploy.Confirmed, error) {
	c := deploy.Confirmed{Queues: f.deleteQueues, ContinueRollback: f.continueRollback}
	for _, text := range f.skip {
		stack, resource, ok := strings.Cut(text, "/")
		if !ok || stack == "" || resource == "" {
			return c, usagef("--skip-resource %q: write it as STACK/RESOURCE", plain(text))
		}
		if c.SkipResources == nil {
			c.SkipResources = map[string][]string{}
		}
		c.SkipResources[stack] = append(c.SkipResources[stack], resource)
	}
	if c.SkipResources != nil && !f.continueRollback {
		return c, usagef("--skip-resource is for --continue-rollback")
	}
	return c, nil
}

func (a *App) newPush() *cobra.Command {
	var f pushFlags
	cmd := &cobra.Command{
		Use:   "push [PACKAGE...]",
		Short: "Deploy Go worker packages: make the stage in AWS what the code says",
		Long: "Deploy the Go packages whose programs call runtime.Main, ./workers/... unless others are named: build them, and make the stage in AWS " +
			"be exactly what the code says, with CloudFormation. It needs Go and AWS credentials, and nothing else.\n\n" +
			"Everything that is wrong is told at once, before anything is packed or sent. What would change is shown before it does; a worker that has not changed is not " +
			"uploaded again. A queue with messages in it is deleted only when its name is typed, or given with --delete-queue.\n\n" +
			"A push that was interrupted or killed is finished by running it again. --emit writes the files for another tool instead, and needs no credentials.",
		Example: "aiwctl push --stage dev --dry-run\naiwctl push --stage prod --confirm-stage prod --yes\naiwctl push ./workers/... --stage dev --smoke smoke.json\n" +
			"aiwctl push --stage dev --emit serverless --out deploy",
		RunE: a.run(func(ctx context.Context, args []string) error { return a.push(ctx, &f, args) }),
	}
	fl := cmd.Flags()
	fl.StringVar(&f.arch, "arch", "", "what functions run on: arm64 or amd64 (default: arm64; for an endpoint on this machine its own)")
	fl.StringVar(&f.bucket, "bucket", "", "the bucket of artifacts (default: AIWCTL_BUCKET, one for account and region, which is made)")
	fl.IntVar(&f.logRetention, "log-retention", 0, fmt.Sprintf("days that log groups keep lines, as CloudWatch Logs allows it (default: %d)", project.DefaultLogRetentionDays))
	fl.BoolVar(&f.alarms, "alarms", false, "alarms on every worker: dead letters, and jobs that wait too long")
	fl.StringVar(&f.alarmTopic, "alarm-topic", "", "ARN of the SNS topic that alarms are sent to; implies --alarms")
	fl.BoolVar(&f.openAPI, "open-api", false, "the workers API asks for no key: anybody who knows its URL can start jobs")
	fl.StringArrayVar(&f.adopt, "adopt", nil, "take over the queue that another tool made for this worker: ID, ID=QUEUE or all; may be repeated")
	fl.StringVar(&f.smoke, "smoke", "", "after the deployment send one job per worker: a JSON object of inputs by worker id, - for standard input")
	fl.StringArrayVar(&f.plain, "plain", nil, "a variable that is no secret although its name or value looks so; may be repeated")
	fl.StringArrayVar(&f.envFiles, "env-file", nil, "read this file instead of .env and .env.STAGE; may be repeated, later ones win")
	fl.StringVar(&f.emit, "emit", "", "write files for another tool instead of deploying: cloudformation or serverless")
	fl.StringVar(&f.out, "out", "", "with --emit: the directory of the files")
	fl.StringVar(&f.cacheDir, "cache-dir", "", "where programs are kept that were built before (default: aiwctl/push in the user's cache directory)")
	f.register(cmd)
	must(cmd.MarkFlagDirname("cache-dir"))
	must(cmd.RegisterFlagCompletionFunc("arch", cobra.FixedCompletions([]string{"arm64", "amd64"}, cobra.ShellCompDirectiveNoFileComp)))
	must(cmd.RegisterFlagCompletionFunc("emit", cobra.FixedCompletions([]string{"cloudformation", "serverless"}, cobra.ShellCompDirectiveNoFileComp)))
	must(cmd.MarkFlagDirname("out"))
	for _, name := range []string{"bucket", "log-retention", "alarm-topic", "adopt", "plain"} {
		must(cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions))
	}
	cmd.AddCommand(a.newPushStatus(), a.newPushRollback(), a.newPushRemove())
	return cmd
}

// validate checks flags against each other before anything is read.
func (f *pushFlags) validate() error {
	switch f.arch {
	case "", "arm64", "amd64", "x86_64":
	default:
		return usagef("--arch %s: Lambda has arm64 and amd64", plain(f.arch))
	}
	switch f.emit {
	case "", "cloudformation", "serverless":
	default:
		return usagef("--emit %s: it takes cloudformation or serverless", plain(f.emit))
	}
	switch {
	case f.emit != "" && f.out == "":
		return usagef("--emit needs --out DIR, where the files go")
	case f.emit == "" && f.out != "":
		return usagef("--out is for --emit")
	case f.emit != "" && (len(f.adopt) > 0 || f.smoke != ""):
		return usagef("--emit asks nothing of AWS, so --adopt and --smoke do not go with it")
	case f.smoke != "" && f.dryRun:
		return usagef("--smoke sends jobs, and --dry-run nothing: choose one")
	case f.logRetention < 0:
		return usagef("--log-retention %d is negative", f.logRetention)
	}
	return nil
}

// arch is what functions run on.
func (f *pushFlags) runsOn(t aws.Target) project.Arch {
	arch := f.arch
	if arch == "" && t.Loopback() {
		arch = goruntime.GOARCH
	}
	if arch == "amd64" || arch == "x86_64" {
		return project.AMD64
	}
	return project.ARM64
}

// pushTarget is where a deployment goes: stage and service are known. A service that nothing
// names is called after the module.
func (a *App) pushTarget() (settings.Resolved, error) {
	r, _, err := a.resolve()
	if err != nil {
		return r, err
	}
	if r.Target.Stage == "" {
		return r, usagef("which stage? Name it with --stage, AIWCTL_STAGE or in the config file, such as --stage dev")
	}
	if r.Target.Service != "" {
		return r, nil
	}
	m, found, err := scaffold.FindModule(".")
	if err != nil {
		return r, err
	}
	if !found {
		return r, usagef("which service? Name it with --service, AIWCTL_SERVICE or in the config file: there is no Go module here to call it after")
	}
	r.Target.Service = serviceName(lastElement(m.Path))
	fmt.Fprintf(a.Err, "aiwctl: service %s, after the module %s; --service names another\n", r.Target.Service, plain(m.Path))
	return r, nil
}

// lastElement is the last element of a module's path that is no major version.
func lastElement(module string) string {
	elements := strings.Split(module, "/")
	for i := len(elements) - 1; i > 0; i-- {
		if e := elements[i]; len(e) < 2 || e[0] != 'v' || strings.Trim(e[1:], "0123456789") != "" {
			return e
		}
	}
	return elements[0]
}

func (a *App) push(ctx context.Context, f *pushFlags, patterns []string) error {
	confirmed, err := f.confirmed()
	if err == nil {
		err = f.validate()
	}
	if err != nil {
		return err
	}
	requests, all, err := adopt.ParseRequests(f.adopt)
	if err != nil {
		return usageError(err)
	}
	inputs, err := a.smokeInputs(f.smoke)
	if err != nil {
		return err
	}
	r, err := a.pushTarget()
	if err != nil {
		return err
	}
	if f.emit != "" {
		return a.pushEmit(ctx, f, r, patterns)
	}
	s, err := aws.Open(ctx, r.Target, a.options(r))
	if err != nil {
		return err
	}
	if !f.dryRun {
		if err := a.mayWrite(ctx, s, aws.Action{Name: "push", Object: r.Target.Service}, f.yes); err != nil {
			return err
		}
	}
	p, secrets, err := a.readProject(ctx, f, s.Target(), patterns, inputs)
	if err != nil {
		return err
	}
	c := a.newCourse(ctx, s, r.Target.Service, f.bucketName(a), confirmed)
	defer c.events.done()
	if p.Account, err = c.tools.account(ctx, s); err != nil {
		return err
	}
	p.Bucket = cmp.Or(f.bucketName(a), project.BucketName(p.Account, p.Region))
	stacks, err := c.deployer.StackNames(ctx, p.Service)
	if err != nil {
		return err
	}
	c.adopted, err = c.tools.adopt(ctx, s, p, adopt.Options{Adopt: requests, All: all, Stacks: stacks, OnEvent: c.events.step})
	if err != nil {
		return problems(err)
	}
	if err := c.tools.build(ctx, p, f.cacheDir, c.events.step); err != nil {
		return problems(err)
	}
	in, err := c.input(p, secrets)
	if err != nil {
		return err
	}
	c.events.step("comparing with what is deployed")
	plan, err := c.deployer.Plan(ctx, in)
	if err != nil {
		return err
	}
	c.project, c.secrets, c.smoke, c.smokes = p, secrets, inputs, f.smoke != ""
	return a.carryOut(ctx, c, plan, &f.applyFlags)
}

// bucketName is the bucket that somebody named; empty for the default.
func (f *pushFlags) bucketName(a *App) string { return cmp.Or(f.bucket, a.Getenv("AIWCTL_BUCKET")) }

// defaultPackages are those that are pushed unless somebody names others.
const defaultPackages = "./workers/..."

// readProject finds the workers and settles everything that can be judged before a build.
func (a *App) readProject(ctx context.Context, f *pushFlags, t aws.Target, patterns []string, inputs map[string]input) (*project.Project, []deploy.Secret, error) {
	if len(patterns) == 0 {
		patterns = []string{defaultPackages}
	}
	tools, events := a.realTools(), a.newPushEvents()
	defer events.done()
	programs, err := tools.scan(ctx, patterns, f.runsOn(t), f.cacheDir, events.step)
	refused, isRefused := errors.AsType[project.Problems](err)
	if err != nil && !isRefused {
		return nil, nil, err
	}
	p := &project.Project{
		Service: t.Service, Stage: t.Stage, Region: t.Region, Arch: f.runsOn(t), Programs: programs, LogRetentionDays: f.logRetention,
	}
	if f.alarms || f.alarmTopic != "" {
		p.Alarms = &project.Alarms{TopicARN: f.alarmTopic}
	}
	if !f.openAPI {
		p.APIKey = project.Ref{Store: project.SSM, Name: project.ParameterName(p.Service, p.Stage, "WORKERS_API_KEY")}
	}
	secrets, found, err := tools.environ(p, environOptions{Files: f.envFiles, Plain: f.plain, Part: isRefused})
	if isRefused {
		if err != nil {
			found = project.Problems{{Text: err.Error()}}
		}
		return nil, nil, problems(append(tools.checkPart(p, refused), found...))
	}
	if err != nil {
		return nil, nil, err
	}
	found = append(tools.check(p), found...)
	for id := range inputs {
		if !slices.ContainsFunc(p.Workers(), func(w project.Worker) bool { return w.ID == id }) {
			found = append(found, project.Problem{Worker: id, Text: "--smoke has an input for it, and no package has such a worker"})
		}
	}
	if len(found) == 0 {
		found = tools.limits(p)
	}
	if len(found) > 0 {
		return nil, nil, problems(found)
	}
	return p, secrets, nil
}

// problems gives an error that is a list of problems its exit code and its heading.
func problems(err error) error {
	ps, ok := errors.AsType[project.Problems](err)
	if !ok {
		return err
	}
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = "  " + indented(p.String())
	}
	return usagef("this cannot be deployed, for %s:\n%s", plural(len(ps), "reason"), strings.Join(lines, "\n"))
}

// indented has the lines of a text after its first one stand below it, in a list.
func indented(text string) string { return strings.ReplaceAll(text, "\n", "\n    ") }

// course is one change of a stage, from its plan to its end.
type course struct {
	stage    *aws.Stage
	service  string
	tools    *pushTools
	deployer deployer
	events   *pushEvents
	agreed   deploy.Confirmed
	adopted  *adoption // nil where queues of another tool's do not matter

	// A push has these too.
	project *project.Project
	secrets []deploy.Secret
	smoke   map[string]input
	smokes  bool
}

func (a *App) newCourse(ctx context.Context, s *aws.Stage, service, bucket string, agreed deploy.Confirmed) *course {
	c := &course{stage: s, service: service, tools: a.realTools(), events: a.newPushEvents(), agreed: agreed}
	c.deployer = c.tools.deployer(s, deploy.Options{
		Bucket: bucket, OnEvent: c.events.event, Compare: c.tools.compare,
		Revision: c.tools.revision(ctx), Version: version.Number, Now: a.Now,
	})
	return c
}

// input makes the templates.
func (c *course) input(p *project.Project, secrets []deploy.Secret) (deploy.Input, error) {
	docs, err := c.tools.documents(p)
	return deploy.Input{Project: p, Documents: docs, Secrets: secrets}, problems(err)
}
