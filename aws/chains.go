package aws

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// Chain is a multi-step queue of the TypeScript system: workers that run one after
// another, each on what the one before it has made.
type Chain struct {
	ID    string      `json:"id"`
	Steps []ChainStep `json:"steps"`
	// Schedules start the chain by the clock; none means that only calls do.
	Schedules []ChainSchedule `json:"schedules,omitempty"`
}

// ChainStep is one worker's part in a chain.
type ChainStep struct {
	WorkerID string `json:"workerId"`
	// Delay is how long the step's message waits in its queue.
	Delay time.Duration `json:"delay,omitempty"`
	// RequiresApproval parks the job before the step until a person approves it;
	// HITLTitle and HITLInputSchema are what that person is shown and asked for.
	RequiresApproval bool            `json:"requiresApproval,omitempty"`
	HITLTitle        string          `json:"hitlTitle,omitempty"`
	HITLInputSchema  json.RawMessage `json:"hitlInputSchema,omitempty"`
	// HasChain says that code makes the step's input of the outputs before it,
	// HasResume that code does so after an approval, HasLoop that the step may run
	// several times.
	HasChain  bool `json:"hasChain,omitempty"`
	HasResume bool `json:"hasResume,omitempty"`
	HasLoop   bool `json:"hasLoop,omitempty"`
}

// ChainSchedule starts a chain by the clock.
type ChainSchedule struct {
	// Rate is EventBridge's expression: rate(...) or cron(...), in Timezone, UTC
	// when that is empty.
	Rate     string `json:"rate"`
	Timezone string `json:"timezone,omitempty"`
	// Disabled is a schedule that is switched off.
	Disabled bool `json:"disabled,omitempty"`
	// Input is what it would start with; the TypeScript system starts with {}
	// whatever this says.
	Input json.RawMessage `json:"input,omitempty"`
}

// schedules reads what stands under "schedule": an expression, an object with
// rate, or a list of either. An object without rate is deployed as nothing, and is
// left out here too.
func schedules(raw json.RawMessage) ([]ChainSchedule, error) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		var out []ChainSchedule
		for _, one := range list {
			s, err := schedules(one)
			if err != nil {
				return nil, err
			}
			out = append(out, s...)
		}
		return out, nil
	}
	var rate string
	if json.Unmarshal(raw, &rate) == nil {
		return []ChainSchedule{{Rate: rate}}, nil
	}
	var o struct {
		Rate     json.RawMessage `json:"rate"`
		Enabled  *bool           `json:"enabled"`
		Timezone string          `json:"timezone"`
		Input    json.RawMessage `json:"input"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	if len(o.Rate) == 0 {
		return nil, nil
	}
	out, err := schedules(o.Rate) // one expression or several
	for i := range out {
		out[i].Disabled, out[i].Timezone, out[i].Input = o.Enabled != nil && !*o.Enabled, o.Timezone, o.Input
	}
	return out, err
}

// parseChain reads one entry of workers/config's queues.
func parseChain(raw json.RawMessage) (Chain, error) {
	var in struct {
		ID    string `json:"id"`
		Steps []struct {
			ChainStep
			DelaySeconds float64 `json:"delaySeconds"`
		} `json:"steps"`
		Schedule json.RawMessage `json:"schedule"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return Chain{}, err
	}
	if in.ID == "" {
		return Chain{}, errors.New("it has no id")
	}
	c := Chain{ID: in.ID, Steps: make([]ChainStep, len(in.Steps))}
	if len(in.Schedule) > 0 && string(in.Schedule) != "null" {
		var err error
		if c.Schedules, err = schedules(in.Schedule); err != nil {
			return Chain{}, err
		}
	}
	for i, s := range in.Steps {
		c.Steps[i] = s.ChainStep
		c.Steps[i].Delay = time.Duration(s.DelaySeconds * float64(time.Second))
	}
	return c, nil
}

// addChains reads the chains of workers/config, and says what is wrong with them.
func (d *discovery) addChains(cfg *dispatch.WorkersConfig) {
	for i, raw := range cfg.Queues {
		c, err := parseChain(raw)
		if err != nil {
			d.warn(SourceConfig, fmt.Errorf("queues[%d] cannot be read: %w", i, err))
			continue
		}
		d.inv.Chains = append(d.inv.Chains, c)
		if len(c.Steps) == 0 {
			d.finding(SeverityWarning, FindingChainEmpty, c.ID, "chain %s has no steps: starting it does nothing", clean(c.ID))
		}
		for n, step := range c.Steps {
			if slices.Contains(d.known, step.WorkerID) {
				continue
			}
			what := "the run ends there, and its job stays as it is"
			if n == 0 {
				what = "no run of it can start"
			}
			d.finding(SeverityError, FindingChainStep, c.ID, "step %d of chain %s is worker %q, which workers/config does not list: %s; deploy that worker, or correct the chain",
				n+1, clean(c.ID), clean(step.WorkerID), what)
		}
	}
	slices.SortStableFunc(d.inv.Chains, func(a, b Chain) int { return cmp.Compare(a.ID, b.ID) })
}

// ChainPlace is where a worker stands in a chain.
type ChainPlace struct {
	Chain *Chain
	// Step is an index of Chain.Steps.
	Step int
}

// Next is the step that follows; nil at the end of the chain.
func (p ChainPlace) Next() *ChainStep {
	if p.Step+1 >= len(p.Chain.Steps) {
		return nil
	}
	return &p.Chain.Steps[p.Step+1]
}

// String is the place in words: "step 2 of 3 of chain orders".
func (p ChainPlace) String() string {
	return "step " + strconv.Itoa(p.Step+1) + " of " + strconv.Itoa(len(p.Chain.Steps)) + " of chain " + clean(p.Chain.ID)
}

// Places are the steps that a worker is, by chain.
func (inv *Inventory) Places(workerID string) []ChainPlace {
	var out []ChainPlace
	for i := range inv.Chains {
		for n, step := range inv.Chains[i].Steps {
			if step.WorkerID == workerID {
				out = append(out, ChainPlace{Chain: &inv.Chains[i], Step: n})
			}
		}
	}
	return out
}
