package functions

import (
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/aws/procgroup"
)

// sigtermGrace is how long a program that registered as an extension has between
// SIGTERM and SIGKILL, as in Lambda
// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown).
const sigtermGrace = 500 * time.Millisecond

// environment is one execution environment: a process, and the one goroutine (run)
// that gives it invocations, one after the other, until it ends.
type environment struct {
	m    *Manager
	p    *pool
	path string // env-<number>-<secret>, the first element of its Runtime API's path

	work chan *invocation // from the pool, one at a time
	gone chan struct{}    // closed when no more work is taken

	session *session
	log     *stream
	out     *output
	proc    *process
	init    time.Duration // shown in the first report
	fatal   bool          // the process has ended or must end
}

func newEnvironment(p *pool) *environment {
	m := p.m
	e := &environment{
		m: m, p: p,
		// The listener is shared with whoever finds it, so a number is not enough.
		path:    fmt.Sprintf("env-%d-%s", m.number.Add(1), randomHex(16)),
		work:    make(chan *invocation),
		gone:    make(chan struct{}),
		session: newSession(),
		log: &stream{
			logs: m.cfg.Logs, now: m.cfg.Now, group: p.spec.LogGroup,
			name: m.cfg.Now().UTC().Format("2006/01/02") + "/[" + latest + "]" + randomHex(16),
		},
	}
	return e
}

// run is the life of the environment.
func (e *environment) run() {
	var inv *invocation
	select {
	case inv = <-e.work:
	case <-e.m.life.Done():
		e.p.leave(e)
		return
	}
	e.m.register(e)
	defer e.m.unregister(e)
	e.p.begin(inv)

	if !e.boot(inv) {
		e.shutdown()
		e.p.leave(e)
		e.p.end(inv)
		return
	}
	idle := time.NewTimer(e.m.cfg.IdleTimeout)
	defer idle.Stop()
	for {
		e.serve(inv)
		if e.fatal {
			e.shutdown()
			e.p.leave(e)
			e.p.end(inv)
			return
		}
		e.p.put(e)
		e.p.end(inv)

		idle.Reset(e.m.cfg.IdleTimeout)
		select {
		case inv = <-e.work:
			e.p.begin(inv)
			continue
		case <-idle.C:
		case <-e.p.retired:
		case <-e.m.life.Done():
		case <-e.proc.exited:
		}
		// If the pool has just taken this environment for an invocation, that goes to
		// another one. leave comes last: whoever retires the pool waits for the process.
		e.p.withdraw(e)
		e.shutdown()
		e.p.leave(e)
		return
	}
}

// boot starts the process and waits until it asks for work. When it does not, inv
// gets the failure as its result.
func (e *environment) boot(inv *invocation) bool {
	f := e.p.spec
	e.m.cfg.Logs.CreateStream(e.log.group, e.log.name)
	e.log.begin(initStartLine(f.Runtime, e.m.cfg.Region))
	began := time.Now()

	out, err := newOutput(e.log.write)
	if err != nil {
		return e.failBoot(inv, time.Since(began), startError, err.Error(), nil)
	}
	e.out = out
	e.proc, err = e.m.starter.start(f.Command, e.m.environ(f, e.path, e.log.name), f.Dir, out.w)
	if err != nil {
		return e.failBoot(inv, time.Since(began), startError, err.Error(), nil)
	}

	limit := time.NewTimer(e.m.cfg.InitTimeout)
	defer limit.Stop()
	select {
	case <-e.session.ready:
		e.init = time.Since(began)
		e.p.started(true, Result{})
		return true
	case <-e.proc.exited:
	case <-limit.C:
		e.proc.kill()
		e.out.sync()
		return e.failBoot(inv, time.Since(began), timeoutError, timedOut(e.m.cfg.InitTimeout), nil)
	case <-e.p.kill:
		e.proc.kill()
	case <-e.m.life.Done():
		e.proc.kill()
	}
	e.out.sync()
	return e.failBoot(inv, time.Since(began), exitError, e.proc.exitMessage(), e.session.initFailure())
}

// failBoot logs a failed start as Lambda does and makes it inv's result. posted is
// what the program itself said of it, if it did.
func (e *environment) failBoot(inv *invocation, took time.Duration, errorType, message string, posted []byte) bool {
	status := statusError
	if errorType == timeoutError {
		status = statusTimeout
	}
	e.log.write(initReportLine(took, status, errorType))
	e.log.begin(startLine(inv.id))
	e.log.write(
		exitLine(inv.id, message, errorType),
		endLine(inv.id),
		report{duration: took, memoryMB: e.p.spec.MemoryMB, status: status, errorType: errorType}.line(inv.id),
	)
	payload := posted
	if payload == nil {
		payload = failure(inv.id, errorType, message)
	}
	inv.took = took
	inv.result = Result{Payload: payload, FunctionError: unhandled, LogTail: e.log.lastLines(), RequestID: inv.id}
	e.p.started(false, inv.result)
	e.m.cfg.Logger.Warn("a function does not start", "function", e.p.spec.Name, "command", e.p.spec.Command[0], "error", message)
	return false
}

// serve runs one invocation and makes its result.
func (e *environment) serve(inv *invocation) {
	f := e.p.spec
	e.log.begin(startLine(inv.id))
	began := time.Now()
	inv.deadline = began.Add(f.Timeout)
	e.session.deliver(inv)

	r := report{init: e.init, memoryMB: f.MemoryMB}
	e.init = 0
	limit := time.NewTimer(f.Timeout)
	defer limit.Stop()
	killed, spare := e.m.killer()
	defer spare()
	select {
	case <-e.session.ready:
		r.duration = time.Since(began)
	case <-e.proc.exited:
		r.duration = time.Since(began)
		r.status, r.errorType = statusError, exitError
	case <-limit.C:
		r.duration = f.Timeout // Lambda reports it exactly, whatever the kill took
		r.status = statusTimeout
	case <-killed:
		r.duration = time.Since(began)
		r.status, r.errorType = statusError, exitError
	case <-e.p.kill:
		r.duration = time.Since(began)
		r.status, r.errorType = statusError, exitError
	case <-e.m.life.Done():
		r.duration = time.Since(began)
		r.status, r.errorType = statusError, exitError
	}
	r.usedMB = peakMemoryMB(e.proc.cmd.Process.Pid)
	if r.status != "" {
		e.fatal = true
		e.proc.kill()
	}
	e.out.sync()

	a := e.session.answered()
	switch {
	case r.status == statusTimeout:
		e.log.write(timeoutLine(e.m.cfg.Now(), inv.id, f.Timeout))
		if a == nil {
			a = &answer{payload: failure(inv.id, timeoutError, timedOut(f.Timeout)), functionError: unhandled}
		}
	case r.status == statusError:
		message := e.proc.exitMessage()
		e.log.write(exitLine(inv.id, message, exitError))
		if a == nil {
			a = &answer{payload: failure(inv.id, exitError, message), functionError: unhandled}
		}
	case a.errorType != "":
		r.status, r.errorType = statusError, a.errorType
	}
	e.log.write(endLine(inv.id), r.line(inv.id))
	inv.took = r.duration
	inv.result = Result{Payload: a.payload, FunctionError: a.functionError, LogTail: e.log.lastLines(), RequestID: inv.id}
}

// shutdown ends the process, politely if it asked for that, and everything that
// belongs to it.
func (e *environment) shutdown() {
	if e.proc != nil {
		if e.session.wantsSIGTERM() {
			e.terminate()
		}
		e.session.end()
		e.proc.kill()
	}
	e.session.end()
	if e.out != nil {
		e.out.close()
	}
}

func (e *environment) terminate() {
	select {
	case <-e.proc.exited:
		return
	default:
	}
	procgroup.Terminate(e.proc.cmd.Process)
	grace := time.NewTimer(sigtermGrace)
	defer grace.Stop()
	select {
	case <-e.proc.exited:
	case <-grace.C:
	case <-e.p.kill:
	}
}

// register makes the environment reachable through the Runtime API.
func (m *Manager) register(e *environment) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.environments[e.path] = e
}

func (m *Manager) unregister(e *environment) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.environments, e.path)
}

func (m *Manager) environment(path string) *environment {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.environments[path]
}
