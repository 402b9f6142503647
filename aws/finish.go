package aws

import (
	"cmp"
	"maps"
	"slices"
)

// finish turns candidates into workers: dead-letter queues that happen to be
// read by a function are left out, ids are made unique, and what is wrong is
// said.
func (d *discovery) finish() {
	owners := make(map[string][]string) // DLQ's ARN -> workers whose policy names it
	for _, c := range d.cands {
		if c.Queue != nil && c.Queue.DeadLetterARN != "" {
			owners[c.Queue.DeadLetterARN] = append(owners[c.Queue.DeadLetterARN], c.ID)
		}
	}
	kept := slices.DeleteFunc(d.cands, func(c *candidate) bool {
		return !c.listed && c.Queue != nil && len(owners[c.Queue.ARN]) > 0
	})
	kept = slices.DeleteFunc(kept, func(c *candidate) bool {
		why := c.orphan()
		if why != "" {
			d.orphaned(c, why)
		}
		return why != ""
	})
	uniqueIDs(kept)
	for _, c := range kept {
		d.attach(c)
		d.judge(c, owners)
		sortProblems(c.Problems)
	}
	sortProblems(d.inv.Findings)
	d.learnStage(kept)
	slices.SortFunc(kept, func(a, b *candidate) int { return cmp.Compare(a.ID, b.ID) })
	d.inv.Workers = make([]Worker, len(kept))
	for i, c := range kept {
		d.inv.Workers[i] = c.Worker
	}
}

// learnStage takes the stage's name from the functions' environments, when
// nothing else says it and they all say the same.
func (d *discovery) learnStage(kept []*candidate) {
	if d.configDecides() || d.t.Stage != "" {
		return
	}
	said := make(map[string]bool)
	for _, c := range kept {
		for _, m := range c.mappings {
			said[d.functions[m.function.key()].stage] = true
		}
	}
	stages := slices.Collect(maps.Keys(said))
	d.s.mu.Lock()
	d.s.learned.stage = ""
	if len(stages) == 1 {
		d.s.learned.stage = stages[0]
	}
	d.s.mu.Unlock()
}

// uniqueIDs falls back on the queue's name, then on its ARN, where two workers
// would have one id. What workers/config says stays.
func uniqueIDs(cands []*candidate) {
	for _, other := range []func(*candidate) string{
		func(c *candidate) string { return c.ref.name },
		func(c *candidate) string { return c.ref.arn() },
	} {
		count := make(map[string]int)
		for _, c := range cands {
			count[c.ID]++
		}
		for _, c := range cands {
			if count[c.ID] > 1 && !c.listed {
				c.ID = other(c)
			}
		}
	}
}

// attach gives a worker its mapping, its function and what follows from them.
func (d *discovery) attach(c *candidate) {
	if len(c.mappings) > 0 {
		m := &c.mappings[0]
		for i := range c.mappings {
			other := &c.mappings[i]
			if on, was := other.State == "Enabled", m.State == "Enabled"; on && !was || on == was && other.function.adopter() && !m.function.adopter() {
				m = other
			}
		}
		mapping := m.Mapping
		c.Mapping = &mapping
		if f, ok := d.functions[m.function.key()]; ok {
			own := f.Function
			c.Function = &own
		} else if !d.gone[m.function.key()] {
			// Lambda names the function here even when it may not be read.
			c.Function = &Function{Name: m.function.name, ARN: m.function.arn, LogGroup: "/aws/lambda/" + m.function.name, Derived: true}
		}
	} else if f, ok := d.functions[c.function]; ok && c.function != "" {
		own := f.Function
		c.Function = &own
	} else if !d.mappingsRead && c.function != "" {
		name := c.function
		c.Function = &Function{Name: name, LogGroup: "/aws/lambda/" + name, Derived: true}
	}
	// The TypeScript system and ours publish schemas in the same document; only
	// the function tells which of them wrote it.
	c.TolerantSchema = c.InputSchema != nil && !c.schemaDeclared && (c.Function == nil || !ownRuntime(c.Function.Runtime))
}
