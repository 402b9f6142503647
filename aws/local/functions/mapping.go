package functions

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// States of an event source mapping, and what its last batch came to.
const (
	stateEnabled   = "Enabled"
	stateEnabling  = "Enabling"
	stateDisabling = "Disabling"
	stateUpdating  = "Updating"
	stateDisabled  = "Disabled"

	userInitiated = "USER_INITIATED"

	resultNone   = "No records processed"
	resultOK     = "OK"
	resultFailed = "PROBLEM: Function call failed"
)

// mapping polls one queue for one function.
type mapping struct {
	m    *Manager
	gate *gate

	mu         sync.Mutex
	spec       Mapping
	modified   time.Time
	problem    string
	lastResult string
	stop       context.CancelFunc // of the present poller; nil when there is none
}

// PutMapping makes an event source mapping, or changes the one that there is
// between the same function and the same queue, and returns its UUID. The function
// must have been Put before. A queue that does not exist, or whose visibility
// timeout is below the function's timeout, is an InvalidParameterValueException.
//
// A mapping that somebody has disabled through the API is enabled again if
// spec.Enabled says so: pass on what Mappings says to keep it.
func (m *Manager) PutMapping(spec Mapping) (string, error) {
	name, err := m.resolve(spec.FunctionName)
	if err != nil {
		return "", err
	}
	spec.FunctionName = name
	spec = spec.withDefaults()

	m.putting.Lock() // so that two calls for the same pair do not make two mappings
	defer m.putting.Unlock()
	if mp := m.between(spec.FunctionName, spec.QueueARN); mp != nil {
		spec.UUID = mp.snapshot().UUID
		return spec.UUID, mp.change(spec, true)
	}
	return m.newMapping(spec)
}

// MakeMapping is PutMapping for a mapping that is not there yet; one that is there already
// is a ResourceConflictException, and a function that is not is an
// InvalidParameterValueException.
func (m *Manager) MakeMapping(spec Mapping) (string, error) {
	name, err := m.resolve(spec.FunctionName)
	if err != nil {
		return "", err
	}
	spec.FunctionName = name
	spec = spec.withDefaults()
	m.putting.Lock()
	defer m.putting.Unlock()
	if mp := m.between(name, spec.QueueARN); mp != nil {
		return "", wire.Errorf("ResourceConflictException",
			`The event source arn (" %s ") and function (" %s ") provided mapping already exists. Please update or delete the existing mapping with UUID %s`,
			spec.QueueARN, name, mp.snapshot().UUID).WithStatus(http.StatusConflict)
	}
	if m.function(name) == nil {
		return "", wire.NewError("InvalidParameterValueException", "Function does not exist")
	}
	return m.newMapping(spec)
}

// ChangeMapping makes spec what the mapping of that UUID is. An unknown one is a
// ResourceNotFoundException.
func (m *Manager) ChangeMapping(uuid string, spec Mapping) error {
	mp, err := m.mapping(uuid)
	if err != nil {
		return err
	}
	if spec.FunctionName, err = m.resolve(spec.FunctionName); err != nil {
		return err
	}
	spec = spec.withDefaults()
	spec.UUID = uuid
	m.putting.Lock()
	defer m.putting.Unlock()
	return mp.change(spec, spec.Enabled)
}

// between is the mapping that feeds a function from a queue, or nil.
func (m *Manager) between(function, queueARN string) *mapping {
	for _, mp := range m.allMappings() {
		if s := mp.snapshot(); s.FunctionName == function && s.QueueARN == queueARN {
			return mp
		}
	}
	return nil
}

// newMapping makes a mapping; callers hold putting.
func (m *Manager) newMapping(spec Mapping) (string, error) {
	spec.UUID = wire.NewID()
	mp := &mapping{m: m, gate: newGate(), lastResult: resultNone}
	if err := mp.change(spec, true); err != nil {
		return "", err
	}
	m.mu.Lock()
	m.mappings[spec.UUID] = mp
	m.mu.Unlock()
	return spec.UUID, nil
}

// RemoveMapping ends a mapping; a running invocation ends by itself. An unknown
// uuid is a ResourceNotFoundException.
func (m *Manager) RemoveMapping(uuid string) error {
	m.mu.Lock()
	mp := m.mappings[uuid]
	delete(m.mappings, uuid)
	m.mu.Unlock()
	if mp == nil {
		return noMapping()
	}
	mp.mu.Lock()
	defer mp.mu.Unlock()
	mp.halt()
	return nil
}

// Mappings are the mappings there are, by function, then queue.
func (m *Manager) Mappings() []MappingStatus {
	all := m.allMappings()
	status := make([]MappingStatus, 0, len(all))
	for _, mp := range all {
		status = append(status, mp.status())
	}
	slices.SortFunc(status, func(a, b MappingStatus) int {
		return cmp.Or(cmp.Compare(a.FunctionName, b.FunctionName), cmp.Compare(a.QueueARN, b.QueueARN))
	})
	return status
}

func (m *Manager) allMappings() []*mapping {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.mappings))
}

func (m *Manager) mapping(uuid string) (*mapping, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if mp := m.mappings[uuid]; mp != nil {
		return mp, nil
	}
	return nil, noMapping()
}

func noMapping() error {
	return wire.NotFound("ResourceNotFoundException", "The resource you requested does not exist.")
}

// change checks spec, makes it the mapping's, and starts or stops polling. The
// queue and the function are checked when ends says so.
func (mp *mapping) change(spec Mapping, ends bool) error {
	if err := spec.validate(); err != nil {
		return err
	}
	if ends {
		p := mp.m.pool(spec.FunctionName)
		if p == nil {
			return mp.m.notFound(spec.FunctionName)
		}
		if err := mp.m.checkQueue(spec, p.spec); err != nil {
			return err
		}
	}
	mp.mu.Lock()
	defer mp.mu.Unlock()
	mp.spec, mp.modified, mp.problem = spec, mp.m.cfg.Now(), ""
	mp.halt()
	if !spec.Enabled {
		return nil
	}
	ctx, stop := context.WithCancel(mp.m.life)
	mp.stop = stop
	if !mp.m.run(func() { mp.poll(ctx) }) {
		stop()
		return fmt.Errorf("poll %s for %s: %w", queueName(spec.QueueARN), spec.FunctionName, errClosed)
	}
	return nil
}

// halt ends the present poller, if any. The batches that it has handed out go on.
func (mp *mapping) halt() {
	if mp.stop != nil {
		mp.stop()
		mp.stop = nil
	}
}

func (mp *mapping) snapshot() Mapping {
	mp.mu.Lock()
	defer mp.mu.Unlock()
	return mp.spec
}

func (mp *mapping) status() MappingStatus {
	mp.mu.Lock()
	defer mp.mu.Unlock()
	s := MappingStatus{
		Mapping: mp.spec, State: stateEnabled, Reason: userInitiated,
		LastResult: mp.lastResult, Modified: mp.modified, Running: mp.gate.busy(),
	}
	switch {
	case !mp.spec.Enabled && s.Running > 0:
		s.State = stateDisabling
	case !mp.spec.Enabled:
		s.State = stateDisabled
	case mp.problem != "":
		s.LastResult = "PROBLEM: " + mp.problem // the state stays what the user made it
	}
	return s
}

// trouble notes what keeps the mapping from working; empty means nothing does.
func (mp *mapping) trouble(what string) {
	mp.mu.Lock()
	changed := mp.problem != what
	mp.problem = what
	mp.mu.Unlock()
	if changed && what != "" {
		spec := mp.snapshot()
		mp.m.cfg.Logger.Warn("an event source mapping cannot work", "function", spec.FunctionName, "queue", queueName(spec.QueueARN), "problem", what)
	}
}

func (mp *mapping) processed(result string) {
	mp.mu.Lock()
	defer mp.mu.Unlock()
	mp.lastResult = result
}
