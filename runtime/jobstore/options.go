package jobstore

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Option sets up a Memory or File store.
type Option func(*config)

type config struct {
	ttl time.Duration
}

// WithTTL is how long a record is kept after its last change. A record that is
// older counts as absent. Zero or less means DefaultTTL.
func WithTTL(ttl time.Duration) Option {
	return func(c *config) { c.ttl = ttl }
}

func newConfig(opts []Option) config {
	var c config
	for _, opt := range opts {
		opt(&c)
	}
	if c.ttl <= 0 {
		c.ttl = DefaultTTL
	}
	return c
}

// Open opens the store that a URL names, as in AIWORKER_STORE:
//
//	memory:       NewMemory, a new one for each call
//	file:<dir>    OpenFile; the rest of the text is the directory as it is, so
//	              file:jobs is relative and file:/var/jobs or file:C:\jobs is not
//
// An empty URL is an error: a worker without a store has none on purpose.
func Open(url string, opts ...Option) (Store, error) {
	kind, rest, _ := strings.Cut(url, ":")
	switch {
	case url == "":
		return nil, errors.New("open a job store: the URL is empty; use memory: or file:<directory>")
	case url == "memory" || url == "memory:":
		return NewMemory(opts...), nil
	case kind == "file":
		dir := rest
		if strings.HasPrefix(dir, "///") { // file:///var/jobs, as other programs write it
			dir = dir[2:]
		}
		file, err := OpenFile(dir, opts...)
		if err != nil {
			return nil, err // not a Store that holds a nil *File
		}
		return file, nil
	default:
		return nil, fmt.Errorf("open a job store: %q is neither memory: nor file:<directory>; other stores are given to the program's AppConfig", url)
	}
}
