package functions

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/dice"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// Manager runs functions and their event source mappings. Make one with New; it
// starts processes only when something is invoked. Its errors are *wire.Error
// where the Lambda API has a code for them.
type Manager struct {
	cfg Config

	// life ends when Close is called; everything that the manager runs ends with it.
	life context.Context
	end  context.CancelFunc
	// ended is closed when all of it has.
	ended chan struct{}
	// running counts every goroutine of the manager.
	running sync.WaitGroup
	starter *starter
	number  atomic.Int64  // environments are numbered in the order of their start
	async   chan struct{} // a place for each asynchronous invocation
	dice    *dice.Dice    // nil without faults
	putting sync.Mutex    // held while PutMapping looks for a mapping and makes one

	mu           sync.Mutex
	closed       bool
	functions    map[string]*function
	mappings     map[string]*mapping
	environments map[string]*environment // by the secret part of their Runtime API path
}

// function is what is known of a name: its present program, and when it came.
type function struct {
	pool     *pool
	modified time.Time
	revision string
	tags     map[string]string // under Manager.mu
}

// New makes a manager. It panics when Queues, Logs or RuntimeAPI is missing,
// since nothing could work without them.
func New(cfg Config) *Manager {
	if cfg.Queues == nil || cfg.Logs == nil || cfg.RuntimeAPI == nil {
		panic("functions.New: Queues, Logs and RuntimeAPI are needed")
	}
	life, end := context.WithCancel(context.Background())
	cfg = cfg.withDefaults()
	var chance *dice.Dice
	if !cfg.Faults.none() {
		chance = dice.New(cfg.Faults.Seed)
		cfg.Queues = newFaultyQueues(cfg.Queues, cfg.Faults, chance)
	}
	return &Manager{
		cfg:          cfg,
		dice:         chance,
		life:         life,
		end:          end,
		ended:        make(chan struct{}),
		starter:      newStarter(),
		async:        make(chan struct{}, maxAsync),
		functions:    map[string]*function{},
		mappings:     map[string]*mapping{},
		environments: map[string]*environment{},
	}
}

// Put makes a function, or replaces the one of that name. Replacing lets running
// invocations of the old program end, for Config.DrainTimeout at most and until
// ctx ends, and kills them then; new invocations go to the new program at once,
// whose environments start when they are needed. Put with an unchanged Function
// replaces the program too: the file may have been built anew.
//
// A function of another owner is left alone: that is a ResourceConflictException.
func (m *Manager) Put(ctx context.Context, f Function) error { return m.put(ctx, f, false) }

// Make is Put for a function that is not there yet; one that is there already is a
// ResourceConflictException.
func (m *Manager) Make(ctx context.Context, f Function) error { return m.put(ctx, f, true) }

func (m *Manager) put(ctx context.Context, f Function, fresh bool) error {
	f = f.withDefaults()
	if err := f.validate(); err != nil {
		return fmt.Errorf("put function %s: %w", f.Name, err)
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return fmt.Errorf("put function %s: %w", f.Name, errClosed)
	}
	old := m.functions[f.Name]
	if old != nil && (fresh || old.pool.spec.Owner != f.Owner) {
		m.mu.Unlock()
		return fmt.Errorf("put function %s: %w", f.Name,
			wire.Errorf("ResourceConflictException", "Function already exist: %s", f.Name).WithStatus(http.StatusConflict))
	}
	tags := map[string]string{}
	if old != nil && f.Owner == "" {
		maps.Copy(tags, old.tags)
	}
	maps.Copy(tags, f.Tags)
	m.functions[f.Name] = &function{pool: newPool(m, f), modified: m.cfg.Now(), revision: wire.NewID(), tags: tags}
	m.mu.Unlock()
	if old != nil {
		old.pool.retire(ctx, m.cfg.DrainTimeout)
	}
	return nil
}

// Remove ends a function as Put ends a program that it replaces. Mappings to it
// stay, and say so in their LastResult, until they are removed or the function is back. An
// unknown name is a ResourceNotFoundException.
func (m *Manager) Remove(ctx context.Context, name string) error {
	m.mu.Lock()
	old := m.functions[name]
	delete(m.functions, name)
	m.mu.Unlock()
	if old == nil {
		return m.notFound(name)
	}
	old.pool.retire(ctx, m.cfg.DrainTimeout)
	return nil
}

// Functions are the functions there are, by name.
func (m *Manager) Functions() []Function {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Function
	for _, name := range slices.Sorted(maps.Keys(m.functions)) {
		all = append(all, m.functions[name].pool.spec)
	}
	return all
}

// Has says whether there is a function of that name.
func (m *Manager) Has(name string) bool { return m.function(name) != nil }

// Invoke runs a function once and waits for its answer. An error of the function
// itself is no error here: it is in the Result. A name that is not known is a
// ResourceNotFoundException, too many invocations at once a
// TooManyRequestsException. When ctx ends the invocation goes on, as in Lambda,
// and only the waiting for it ends. Name may be an ARN.
func (m *Manager) Invoke(ctx context.Context, name string, payload []byte) (Result, error) {
	return m.invoke(ctx, name, payload, "")
}

func (m *Manager) invoke(ctx context.Context, name string, payload []byte, clientContext string) (Result, error) {
	if len(payload) > MaxPayload {
		return Result{}, wire.Errorf("RequestTooLargeException",
			"Request must be smaller than %d bytes for the InvokeFunction operation", MaxPayload).
			WithStatus(http.StatusRequestEntityTooLarge)
	}
	name, err := m.resolve(name)
	if err != nil {
		return Result{}, err
	}
	inv := newInvocation(payload, clientContext)
	for {
		p := m.pool(name)
		if p == nil {
			return Result{}, m.notFound(name)
		}
		err := p.submit(ctx, inv)
		if errors.Is(err, errRetired) {
			continue // the function was replaced while we waited for an environment
		}
		if isThrottled(err) {
			m.cfg.Meter.Throttled(name)
		}
		if err != nil {
			return Result{RequestID: inv.id}, err
		}
		break
	}
	select {
	case <-inv.done:
		return inv.result, inv.err
	case <-ctx.Done():
		return Result{RequestID: inv.id}, fmt.Errorf("wait for invocation %s of %s: %w", inv.id, name, ctx.Err())
	}
}

// Close kills every process that the manager has started, with its process group,
// ends the mappings, and waits for all of it until ctx ends. It may be called again.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	first := !m.closed
	m.closed = true
	m.mu.Unlock()
	m.end()
	if first {
		go func() {
			m.running.Wait()
			m.starter.close() // last: processes die with the thread that started them
			close(m.ended)
		}()
	}
	select {
	case <-m.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close the functions: processes or log writers are still running: %w", ctx.Err())
	}
}

// run starts a goroutine that Close waits for. It says whether it did: not when
// the manager is closed.
func (m *Manager) run(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.running.Go(f)
	return true
}

func (m *Manager) pool(name string) *pool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.functions[name]; f != nil {
		return f.pool
	}
	return nil
}

var errClosed = errors.New("the local endpoint is shutting down")

func (m *Manager) notFound(name string) error {
	return wire.NotFound("ResourceNotFoundException", "Function not found: %s", m.functionARN(name))
}

// resolve is the plain name of a function that was named by name, partial ARN
// (account:function:name) or ARN, with or without a qualifier.
func (m *Manager) resolve(name string) (string, error) {
	parts := strings.Split(name, ":")
	var qualifier string
	switch {
	case len(parts) >= 7 && len(parts) <= 8 && parts[0] == "arn" && parts[2] == "lambda" && parts[5] == "function":
		name = parts[6]
		qualifier = strings.Join(parts[7:], "")
	case len(parts) >= 3 && len(parts) <= 4 && parts[1] == "function":
		name = parts[2]
		qualifier = strings.Join(parts[3:], "")
	case len(parts) == 2:
		name, qualifier = parts[0], parts[1]
	}
	if !functionName.MatchString(name) {
		return "", wire.Errorf("ValidationException", "%q is neither the name nor the ARN of a function", name)
	}
	if qualifier != "" && qualifier != latest {
		return "", wire.NotFound("ResourceNotFoundException", "Function not found: %s:%s", m.functionARN(name), qualifier)
	}
	return name, nil
}

// latest is the only version there is here.
const latest = "$LATEST"
