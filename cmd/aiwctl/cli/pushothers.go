package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/spf13/cobra"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/deploy"
	"github.com/microfox-ai/aiwctl/aws/deploy/adopt"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

func (a *App) newPushStatus() *cobra.Command {
	last := 0
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what a stage is made of, and its last deployments",
		Long: "Show the stacks of a stage that push has deployed, what is under way or has failed in them, and the last deployments: who, when, " +
			"of which revision, and how it ended. It changes nothing.",
		Example: "aiwctl push status --stage prod\naiwctl push status --stage prod -o json",
		Args:    takes(0, 0, ""),
		RunE:    a.run(func(ctx context.Context, _ []string) error { return a.pushStatus(ctx, last) }),
	}
	cmd.Flags().IntVarP(&last, "last", "n", 10, "how many deployments")
	return cmd
}

func (a *App) newPushRollback() *cobra.Command {
	var f applyFlags
	bucket := ""
	cmd := &cobra.Command{
		Use:   "rollback [DEPLOYMENT]",
		Short: "Bring a stage back to what an earlier deployment made of it",
		Long: "Bring a stage back to what an earlier deployment made of it, the one before the last unless another is named: its templates and " +
			"artifacts are still in the bucket, so nothing is built. `aiwctl push status` lists deployments. Secrets are not rolled back.",
		Example: "aiwctl push rollback --stage prod --dry-run\naiwctl push rollback 20261128T110203456Z-9f2c41 --stage prod --confirm-stage prod",
		Args:    takes(0, 1, ""),
		RunE: a.run(func(ctx context.Context, args []string) error {
			id := ""
			if len(args) > 0 {
				id = args[0]
			}
			return a.pushChange(ctx, &f, deploy.Rollback, bucket, func(ctx context.Context, d deployer, service string) (*deploy.Plan, error) {
				return d.PlanRollback(ctx, service, id)
			})
		}),
		ValidArgsFunction: a.completeDeployment,
	}
	registerBucket(cmd, &bucket)
	f.register(cmd)
	return cmd
}

func (a *App) newPushRemove() *cobra.Command {
	var f applyFlags
	bucket := ""
	cmd := &cobra.Command{
		Use:   "remove",
		Short: "Delete a stage: its stacks, secrets, artifacts and records",
		Long: "Delete a stage that push has deployed: its stacks with queues, functions and log groups, the secrets that push has stored, its artifacts " +
			"and its records. The bucket stays, and so do queues that were adopted from another tool, which that tool's functions read again. A queue with messages " +
			"in it goes only when its name is typed, or given with --delete-queue.",
		Example: "aiwctl push remove --stage dev --dry-run\naiwctl push remove --stage dev --yes",
		Args:    takes(0, 0, ""),
		RunE: a.run(func(ctx context.Context, _ []string) error {
			return a.pushChange(ctx, &f, deploy.Remove, bucket, func(ctx context.Context, d deployer, service string) (*deploy.Plan, error) {
				return d.PlanRemove(ctx, service)
			})
		}),
	}
	registerBucket(cmd, &bucket)
	f.register(cmd)
	return cmd
}

func registerBucket(cmd *cobra.Command, bucket *string) {
	cmd.Flags().StringVar(bucket, "bucket", "", "the bucket of artifacts (default: AIWCTL_BUCKET, one for account and region)")
	must(cmd.RegisterFlagCompletionFunc("bucket", cobra.NoFileCompletions))
}

// pushChange is a roll-back or a removal.
func (a *App) pushChange(ctx context.Context, f *applyFlags, kind deploy.Kind, bucket string, plan func(context.Context, deployer, string) (*deploy.Plan, error)) error {
	agreed, err := f.confirmed()
	if err != nil {
		return err
	}
	r, err := a.pushTarget()
	if err != nil {
		return err
	}
	s, err := aws.Open(ctx, r.Target, a.options(r))
	if err != nil {
		return err
	}
	if !f.dryRun {
		if err := a.mayWrite(ctx, s, aws.Action{Name: "push." + string(kind), Object: r.Target.Service}, f.yes); err != nil {
			return err
		}
	}
	named := pushFlags{bucket: bucket}
	c := a.newCourse(ctx, s, r.Target.Service, named.bucketName(a), agreed)
	defer c.events.done()
	p, err := plan(ctx, c.deployer, c.service)
	if err != nil {
		return notDeployed(err)
	}
	if err := c.handBack(ctx, p); err != nil {
		return err
	}
	return a.carryOut(ctx, c, p, f)
}

// handBack plans that adopted queues which the stage does not read afterwards are read by the
// functions that they belonged to. The other way round is refused: what the queues were fitted
// to is known to a push alone.
func (c *course) handBack(ctx context.Context, p *deploy.Plan) error {
	var stacks []string
	next := map[string]project.Adopted{}
	for i := range p.Stacks {
		s := &p.Stacks[i]
		stacks = append(stacks, s.Name)
		if s.Action == deploy.Delete {
			continue
		}
		adopts, err := c.tools.adopts(s.Template())
		if err != nil {
			return fmt.Errorf("the template that stack %s would have: %w", s.Name, err)
		}
		maps.Copy(next, adopts)
	}
	released, err := c.tools.adopted(ctx, c.stage, stacks...)
	if err != nil {
		return err
	}
	for _, id := range releasedIDs(next) {
		ad := next[id]
		if ad.Live && !released[id].Live {
			p.Refusals = append(p.Refusals, deploy.Refusal{Object: ad.Queue, Text: fmt.Sprintf(
				"worker %q has read queue %s in that deployment, which function %s reads now: push the code of then with --adopt %s instead, which hands it over", id, ad.Queue, cmp.Or(ad.Function, "of another tool"), id)})
		}
		if ad.Live {
			delete(released, id)
		}
	}
	if len(released) == 0 {
		return nil
	}
	c.adopted = &adoption{released: released}
	for _, id := range releasedIDs(released) {
		c.adopted.steps = append(c.adopted.steps, adopt.PlanGiveBack(id, released[id])...)
	}
	return nil
}

// notDeployed gives the want of a stage, or of an earlier deployment, its exit code.
func notDeployed(err error) error {
	if errors.Is(err, deploy.ErrNotDeployed) || errors.Is(err, deploy.ErrNoEarlier) {
		return nothingf("%w", err)
	}
	return err
}

func (a *App) pushStatus(ctx context.Context, last int) error {
	if last < 1 {
		return usagef("-n %d: show one deployment at least", last)
	}
	r, err := a.pushTarget()
	if err != nil {
		return err
	}
	s, err := aws.Open(ctx, r.Target, a.options(r))
	if err != nil {
		return err
	}
	d := a.realTools().deployer(s, deploy.Options{Bucket: a.Getenv("AIWCTL_BUCKET"), Now: a.Now})
	status, err := d.Status(ctx, r.Target.Service, last)
	if err != nil {
		return notDeployed(err)
	}
	a.warnings(status.Notes)
	return a.print(status, func(t *tableWriter) { a.statusText(t, status) })
}

// statusText is a stage's state for people.
func (a *App) statusText(t *tableWriter, s *deploy.Status) {
	t.row("STACK", "STATUS", "CHANGED", "DEPLOYMENT", "WORKERS")
	for i := range s.Stacks {
		k := &s.Stacks[i]
		ids := make([]string, len(k.Workers))
		for i, w := range k.Workers {
			ids[i] = w.ID
		}
		t.row(k.Name, k.Status, age(a.Now(), k.Updated), orDash(k.Deployment), orDash(strings.Join(ids, ", ")))
	}
	if s.APIURL != "" {
		t.line("workers API: " + plain(s.APIURL))
	}
	for i := range s.Stacks {
		k := &s.Stacks[i]
		if k.Reason != "" && k.Reason != begunByUser {
			t.line(plain(k.Name + ": " + oneLine(k.Reason, 0)))
		}
		for _, e := range k.Events {
			if e.Reason == begunTwice {
				continue
			}
			t.line(plain(strings.TrimRight(fmt.Sprintf("  %s  %s  %s (%s)  %s", age(a.Now(), e.Time), e.Status, e.Resource, strings.TrimPrefix(e.Type, "AWS::"), oneLine(e.Reason, 0)), " ")))
		}
	}
	if len(s.Deployments) == 0 {
		t.line("no deployment is on record")
		return
	}
	d := &tableWriter{}
	d.row("DEPLOYMENT", "KIND", "BEGUN", "OUTCOME", "REVISION", "BY")
	for _, r := range s.Deployments {
		kind := string(r.Kind)
		if r.To != "" {
			kind += " to " + r.To
		}
		d.row(r.ID, kind, age(a.Now(), r.Begun)+" ago", string(r.Outcome)+strings.TrimSuffix(": "+oneLine(r.Error, 80), ": "), orDash(r.Revision), orDash(who(r.By)))
	}
	var b strings.Builder
	_ = d.writeTo(&b) // a strings.Builder takes everything
	t.line("")
	t.line(strings.TrimSuffix(b.String(), "\n"))
}

// who is the end of an ARN, as the account is known: user/ada, assumed-role/ci/run-7.
func who(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

// completeDeployment offers the deployments on record.
func (a *App) completeDeployment(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp
	r, _, err := a.resolve()
	if err != nil || len(args) > 0 || r.Target.Stage == "" || r.Target.Service == "" {
		return nil, directive
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completeTimeout)
	defer cancel()
	s, err := aws.Open(ctx, r.Target, a.options(r))
	if err != nil {
		return nil, directive
	}
	status, err := a.realTools().deployer(s, deploy.Options{Bucket: a.Getenv("AIWCTL_BUCKET"), Now: a.Now}).Status(ctx, r.Target.Service, 20)
	if err != nil {
		return nil, directive
	}
	var ids []string
	for _, d := range status.Deployments {
		if strings.HasPrefix(d.ID, prefix) && oneLine(d.ID, 0) == d.ID {
			ids = append(ids, cobra.CompletionWithDesc(d.ID, string(d.Outcome)+", "+age(a.Now(), d.Begun)+" ago"))
		}
	}
	return ids, directive
}
