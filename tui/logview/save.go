package logview

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/microfox-ai/aiwctl/aws/logs"
	"github.com/microfox-ai/aiwctl/tui/cell"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// saveTimeout bounds the writing of a file, of at most the buffer's bytes.
const saveTimeout = 2 * time.Minute

// askFile asks where the lines are saved.
func (s *Screen) askFile() tea.Cmd {
	return s.ask("save to", s.fileName(), input{
		saves: true,
		note: func() string {
			n := s.pane.Buf.Shown()
			if s.input.all || n == s.pane.Buf.Len() {
				return "all " + cell.Plural(s.pane.Buf.Len(), "line")
			}
			return cell.Plural(n, "line") + " shown, tab: all " + cell.Count(s.pane.Buf.Len())
		},
		submit: s.save,
	})
}

// fileName is a name with the worker and the time.
func (s *Screen) fileName() string {
	name := "logs"
	if len(s.tail.ids) == 1 {
		name = strings.Map(func(r rune) rune {
			if r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
				return r
			}
			return '-'
		}, cell.Clean(s.tail.ids[0]))
	}
	return strings.Trim(name, ".") + "-" + s.env.Now().In(s.zone).Format("20060102-150405") + ".log"
}

// save begins to write a file. What is there already is refused before anything is
// begun, and again when the file is made.
func (s *Screen) save(path string) (tea.Cmd, error) {
	if path == "" {
		return nil, errors.New("a file needs a name")
	}
	if home := s.env.Getenv("HOME"); home != "" && strings.HasPrefix(path, "~/") {
		path = filepath.Join(home, path[2:])
	}
	lines := s.pane.Buf.Kept()
	if s.input.all {
		lines = s.pane.Buf.All()
	}
	if s.requests.Live(forSave) {
		return nil, errors.New("another file is still being written")
	}
	cmd := s.requests.Start(forSave, saveTimeout, func(ctx context.Context) (any, error) {
		done := saved{path: path, lines: len(lines)}
		err := writeFile(ctx, &done, lines)
		return done, err
	})
	return tea.Batch(cmd, screen.Send(screen.Task{ID: forSave, Text: "save " + cell.Plural(len(lines), "line") + " to " + cell.Clean(path)})), nil
}

// saved is what was written.
type saved struct {
	path  string
	lines int
}

// writeFile writes JSON lines to a file that ends in .jsonl or .json, the events as
// CloudWatch has them to any other. It never writes over a file, and leaves none that
// is not whole.
func writeFile(ctx context.Context, to *saved, lines []*logs.Line) error {
	if abs, err := filepath.Abs(to.path); err == nil {
		to.path = abs
	}
	file, err := os.OpenFile(to.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists, and is not written over: choose another name", to.path)
	}
	if err != nil {
		return err
	}
	ext := strings.ToLower(filepath.Ext(to.path))
	err = writeLines(ctx, file, lines, ext == ".jsonl" || ext == ".json")
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("%w; what was written of the file was removed", errors.Join(err, os.Remove(to.path)))
	}
	return nil
}

func writeLines(ctx context.Context, to io.Writer, lines []*logs.Line, records bool) error {
	w := bufio.NewWriterSize(to, 256<<10)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i, l := range lines {
		if i%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		text := l.Original
		if text == "" {
			text = l.Raw
		}
		b.Reset()
		if records {
			r := logs.RecordOf(l)
			r.Raw = text
			if err := enc.Encode(r); err != nil {
				return err
			}
		} else {
			b.WriteString(text)
			if !strings.HasSuffix(text, "\n") {
				b.WriteByte('\n')
			}
		}
		if _, err := w.Write(b.Bytes()); err != nil {
			return err
		}
	}
	return w.Flush()
}

func (s *Screen) saved(reply screen.Reply) tea.Cmd {
	task := screen.Task{ID: forSave, Text: "save the lines", Done: true, Err: reply.Err}
	if done, ok := reply.Payload.(saved); ok {
		task.Text = "saved " + cell.Plural(done.lines, "line") + " to " + cell.Clean(done.path)
		if reply.Err != nil {
			task.Text = "save to " + cell.Clean(done.path)
		}
	}
	return screen.Send(task)
}
