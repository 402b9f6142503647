package screen

import (
	"io"

	tea "charm.land/bubbletea/v2"
)

// Terminal is what a program gets that has the terminal for a while.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer
}

// Suspend returns a command that hands the terminal to fn, which runs outside Bubble
// Tea's goroutine, and brings back its result as a Reply when it has returned. The
// console shows nothing and takes no key meanwhile; what others have under way goes on
// until it has something to say, which waits.
func (r *Requests) Suspend(purpose string, fn func(Terminal) (any, error)) tea.Cmd {
	q, _ := r.begin(purpose, 0)
	reply := Reply{Owner: r.owner, Purpose: purpose, Gen: q.gen}
	held := &suspension{purpose: purpose, fn: fn}
	exec := r.exec
	if exec == nil {
		exec = tea.Exec
	}
	return exec(held, func(err error) tea.Msg {
		reply.Payload, reply.Err = held.payload, err
		return reply
	})
}

// suspension implements tea.ExecCommand.
type suspension struct {
	purpose  string
	fn       func(Terminal) (any, error)
	payload  any
	terminal Terminal
}

func (s *suspension) Run() error {
	var err error
	s.payload, err = guarded(s.purpose, func() (any, error) { return s.fn(s.terminal) })
	return err
}

func (s *suspension) SetStdin(r io.Reader)  { s.terminal.In = r }
func (s *suspension) SetStdout(w io.Writer) { s.terminal.Out = w }
func (s *suspension) SetStderr(w io.Writer) { s.terminal.Err = w }
