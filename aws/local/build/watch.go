package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/microfox-ai/aiwctl/aws/local"
)

// debounce is how long files must have been left alone before a build: editors
// and version control write several in a row.
const debounce = 200 * time.Millisecond

// Change is what came of a change of the files: new programs, or why there are none.
type Change struct {
	// Programs replace the ones before; they are nil with an Err.
	Programs []local.Program
	// Err says why the programs could not be built, with the compiler's output. The
	// old programs are still there and may go on running.
	Err error
}

// Watch builds again whenever a file changes: of the packages, of the packages
// in the same module (or workspace, or local replacement) that they depend on,
// and of new packages below a ... pattern. Each outcome is sent once; when the
// receiver is slow only the newest counts. A build that makes the same binaries
// as before is not sent. Binaries stay until two later ones have been received.
// The channel is closed, and everything has ended, soon after ctx ends.
//
// Watch after Build: what changed between the two is noticed. A Watch without a
// Build sends the first programs too.
func (b *Builder) Watch(ctx context.Context) (<-chan Change, error) {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch %v: %w", b.patterns, err)
	}
	b.building.Lock()
	first := b.last
	b.building.Unlock()
	w := &watcher{b: b, fs: fs, changes: make(chan Change), results: make(chan outcome), current: first, cancel: func() {}}
	dirty := first == nil
	if dirty {
		// The directories are known after the first build.
		w.current = &result{}
	} else {
		if err := w.watch(first.sources); err != nil {
			return nil, errors.Join(err, fs.Close())
		}
		w.delivered = []string{first.dir}
		dirty = w.changedSince(first.started)
	}
	go w.run(ctx, dirty)
	return w.changes, nil
}

// watcher is one Watch. All but its channels belongs to run.
type watcher struct {
	b       *Builder
	fs      *fsnotify.Watcher
	changes chan Change
	results chan outcome

	sources   sources
	watched   []string
	current   *result  // the newest build that succeeded
	failed    bool     // the newest outcome was an error
	delivered []string // directories of builds that the receiver has had

	building bool               // a build is running
	cancel   context.CancelFunc // ends it; never nil
}

type outcome struct {
	r   *result
	err error
}

func (w *watcher) run(ctx context.Context, dirty bool) {
	defer close(w.changes)
	defer w.fs.Close()
	defer w.stop()
	timer := time.NewTimer(debounce)
	if !dirty {
		timer.Stop()
	}
	var (
		pending *Change       // not yet received
		dir     string        // of pending's programs
		next    Change        // pending's value
		out     chan<- Change // nil when there is nothing to send
	)
	for {
		if out = nil; pending != nil {
			next, out = *pending, w.changes
		}
		select {
		case <-ctx.Done():
			return
		case out <- next:
			w.received(dir)
			pending, dir = nil, ""
		case e, ok := <-w.fs.Events:
			if !ok {
				return
			}
			if w.relevant(e) {
				w.cancel() // it would build what is no longer there
				timer.Reset(debounce)
			}
		case err := <-w.fs.Errors:
			if err != nil { // events were lost, perhaps because there were too many
				timer.Reset(debounce)
			}
		case <-timer.C:
			if w.building {
				timer.Reset(debounce) // the cancelled build has not quite ended
				continue
			}
			w.start(ctx)
		case o := <-w.results:
			w.cancel()
			w.building = false
			if errors.Is(o.err, context.Canceled) {
				continue
			}
			if c := w.take(o); c != nil {
				w.discard(dir)
				pending, dir = c, ""
				if o.err == nil {
					dir = o.r.dir
				}
			}
		}
	}
}

// start builds beside the loop, which goes on watching.
func (w *watcher) start(ctx context.Context) {
	ctx, w.cancel = context.WithCancel(ctx)
	w.building = true
	go func() {
		r, err := w.b.build(ctx)
		w.results <- outcome{r, err}
	}()
}

// stop ends the build that is running, if any, and waits for it.
func (w *watcher) stop() {
	w.cancel()
	if w.building {
		<-w.results
	}
}

// take makes a Change of a build, or nil when it changed nothing.
func (w *watcher) take(o outcome) *Change {
	if o.err != nil {
		w.failed = true
		return &Change{Err: o.err}
	}
	if err := w.watch(o.r.sources); err != nil {
		w.failed = true
		return &Change{Err: err}
	}
	same := !w.failed && slices.Equal(o.r.sums, w.current.sums)
	w.failed = false
	if same {
		w.discard(o.r.dir)
		return nil
	}
	w.current = o.r
	return &Change{Programs: o.r.programs}
}

// received keeps the last two builds that the receiver has: the one it is going
// to run, and the one it runs until then.
func (w *watcher) received(dir string) {
	if dir == "" {
		return
	}
	w.delivered = append(w.delivered, dir)
	for len(w.delivered) > 2 {
		w.discard(w.delivered[0])
		w.delivered = w.delivered[1:]
	}
}

// discard removes a build that nobody will run.
func (w *watcher) discard(dir string) {
	if dir != "" {
		_ = os.RemoveAll(dir) // Close removes what is left
	}
}

// watch follows the directories of a build, and no others.
func (w *watcher) watch(s sources) error {
	for _, dir := range w.watched {
		if _, still := s.dirs[dir]; !still {
			_ = w.fs.Remove(dir) // it may be gone
		}
	}
	var watched []string
	for dir := range s.dirs {
		if !slices.Contains(w.watched, dir) {
			if err := w.fs.Add(dir); err != nil {
				if errors.Is(err, os.ErrNotExist) {
					continue
				}
				return fmt.Errorf("watch %s for changes: %w: use --no-watch to go on without", dir, err)
			}
		}
		watched = append(watched, dir)
	}
	w.sources, w.watched = s, watched
	return nil
}

// relevant says whether an event can change a program. A new directory is
// watched from now on: it may become a package.
func (w *watcher) relevant(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	if e.Has(fsnotify.Create) {
		if info, err := os.Stat(e.Name); err == nil && info.IsDir() {
			if ignoredDir(info.Name()) || !w.b.wide() {
				return w.sources.dirs[filepath.Dir(e.Name)] // embedded, perhaps
			}
			if w.fs.Add(e.Name) == nil {
				w.watched = append(w.watched, e.Name)
			}
			return true // files may have been in it before it was watched
		}
	}
	return w.sources.matters(e.Name)
}

// wide says whether a pattern reaches packages that do not exist yet.
func (b *Builder) wide() bool {
	return slices.ContainsFunc(b.patterns, func(p string) bool { return strings.HasSuffix(p, "...") })
}

// changedSince says whether a file was changed after a build began.
func (w *watcher) changedSince(t time.Time) bool {
	for _, dir := range w.watched {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if e.IsDir() || !w.sources.matters(filepath.Join(dir, e.Name())) {
				continue
			}
			if info, err := e.Info(); err == nil && info.ModTime().After(t) {
				return true
			}
		}
	}
	return false
}
