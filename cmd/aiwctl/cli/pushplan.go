package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/deploy"
	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// pushPlan is what a dry run prints; the field names are part of the interface.
type pushPlan struct {
	*deploy.Plan
	// Adopt is what is done beside the stacks for queues of another tool's.
	Adopt []adoptStep `json:"adopt,omitempty"`
}

type adoptStep struct {
	Worker string `json:"worker,omitempty"`
	Text   string `json:"text"`
}

// withAdoption is a plan with what is done beside it.
func (c *course) withAdoption(p *deploy.Plan) pushPlan {
	out := pushPlan{Plan: p}
	if c.adopted != nil {
		for _, s := range c.adopted.steps {
			out.Adopt = append(out.Adopt, adoptStep{s.Worker, s.Text})
		}
	}
	return out
}

// nothing is whether there is nothing to do.
func (p *pushPlan) nothing() bool { return p.Nothing() && len(p.Adopt) == 0 }

// planText is a plan for people.
func (c *course) planText(t *tableWriter, p pushPlan) {
	say := func(format string, args ...any) { t.line(plain(fmt.Sprintf(format, args...))) }
	head := fmt.Sprintf("%s of %s in stage %s: account %s, %s", p.Kind, p.Service, p.Stage, orDash(p.Account), orDash(p.Region))
	if p.To != "" {
		head += ", back to deployment " + p.To
	}
	say("%s", head)
	if p.nothing() {
		say("nothing to do: the stage is as it should be")
	}
	for i := range p.Stacks {
		c.stackText(say, &p.Stacks[i])
	}
	if p.Bucket.Make && p.Kind != deploy.Remove {
		say("bucket %s is made", p.Bucket.Name)
	}
	uploadsText(say, p.Plan)
	secretsText(say, p.Plan)
	for _, s := range p.Adopt {
		say("hand over %s: %s", orDash(s.Worker), s.Text)
	}
	if len(p.Queues) > 0 {
		say("queues that go:")
		for _, q := range p.Queues {
			text := q.Text
			if q.Needs && !slices.Contains(c.agreed.Queues, q.Queue) {
				text += ": it wants its name typed, or --delete-queue " + q.Queue
			}
			say("  %s", text)
		}
	}
	for _, n := range p.Notes {
		say("note: %s", n)
	}
	for _, r := range p.Refusals {
		say("refused: %s", r.Text)
	}
}

// stackWords are what becomes of a stack, for people.
func stackWords(s *deploy.StackPlan) string {
	switch s.Action {
	case deploy.Create:
		return "is made, with " + plural(len(s.Workers), "worker")
	case deploy.Update:
		return "is changed"
	case deploy.Replace:
		return "is deleted and made anew, with " + plural(len(s.Workers), "worker")
	case deploy.Delete:
		return "is deleted"
	case deploy.Keep:
	}
	return "stays as it is"
}

// stackText is what becomes of a stack, worker by worker.
func (c *course) stackText(say func(string, ...any), s *deploy.StackPlan) {
	say("stack %s %s", s.Name, stackWords(s))
	if s.Changes == nil {
		return
	}
	for line := range strings.Lines(c.tools.changes(s.Changes)) {
		say("  %s", strings.TrimRight(line, "\n"))
	}
}

func uploadsText(say func(string, ...any), p *deploy.Plan) {
	n, bytes := p.Uploads()
	switch {
	case len(p.Artifacts) == 0:
		return
	case n == 0:
		say("uploads: none, the bucket has all %s", plural(len(p.Artifacts), "artifact"))
		return
	}
	say("uploads: %d of %s, %s", n, plural(len(p.Artifacts), "artifact"), bytesText(bytes))
	for _, a := range p.Artifacts {
		if a.Upload {
			of := cmp.Or(strings.Join(a.Workers, ", "), "the workers API")
			say("  %8s  %s", bytesText(a.Size), of)
		}
	}
}

func secretsText(say func(string, ...any), p *deploy.Plan) {
	signs := map[deploy.Action]string{deploy.Create: "+", deploy.Update: "~", deploy.Replace: "-/+", deploy.Delete: "-"}
	kept := 0
	for _, s := range p.Secrets {
		if s.Action == deploy.Keep {
			kept++
			continue
		}
		text := fmt.Sprintf("secret %-3s %s", signs[s.Action], s.Ref)
		if s.Action != deploy.Delete { // of what goes only the name is known
			text += ", read by " + cmp.Or(strings.Join(s.Workers, ", "), "the workers API")
		}
		if s.Unread != "" {
			text += "; what is stored could not be read: " + s.Unread
		}
		say("%s", text)
	}
	if kept > 0 {
		say("secrets: %d of %d stored as they are", kept, len(p.Secrets))
	}
}

// describe is what a person is asked about.
func (p *pushPlan) describe() string {
	counts := map[deploy.Action]int{}
	for i := range p.Stacks {
		counts[p.Stacks[i].Action]++
	}
	var parts []string
	for _, k := range []struct {
		action deploy.Action
		verb   string
	}{{deploy.Create, "make"}, {deploy.Update, "change"}, {deploy.Replace, "make anew"}, {deploy.Delete, "delete"}} {
		if n := counts[k.action]; n > 0 {
			parts = append(parts, k.verb+" "+plural(n, "stack"))
		}
	}
	if n, bytes := p.Uploads(); n > 0 {
		parts = append(parts, fmt.Sprintf("upload %s", bytesText(bytes)))
	}
	secrets := 0
	for _, s := range p.Secrets {
		if s.Action != deploy.Keep {
			secrets++
		}
	}
	if secrets > 0 && p.Kind != deploy.Remove {
		parts = append(parts, "store "+plural(secrets, "secret"))
	}
	verb := map[deploy.Kind]string{deploy.Push: "push to", deploy.Rollback: "roll back", deploy.Remove: "remove"}[p.Kind]
	if len(p.Adopt) > 0 {
		parts = append(parts, "hand queues over")
	}
	if len(parts) == 0 {
		parts = []string{"finish what was begun"}
	}
	return fmt.Sprintf("%s stage %s of %s: %s", verb, p.Stage, p.Service, strings.Join(parts, ", "))
}

// releasedIDs are the workers whose adopted queues go back, sorted.
func releasedIDs(released map[string]project.Adopted) []string {
	return slices.Sorted(maps.Keys(released))
}
