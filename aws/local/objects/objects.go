// Package objects is S3 as far as deployments use it: buckets and whole objects, in path
// style, over its REST-XML protocol. What objects contain is in files below a directory
// that the caller makes and removes; what is known of them is in memory.
//
// There is one account, nobody is refused, and there are no versions, no parts of objects
// and no encryption. Facts about the service are those of its API reference
// (https://docs.aws.amazon.com/AmazonS3/latest/API/).
package objects

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// Config configures New. Dir must be set.
type Config struct {
	// Dir is where the objects' bytes are kept; it is made when it is needed.
	Dir string
	// Region and Account are what the service claims to be in; empty means us-east-1
	// and 000000000000.
	Region, Account string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger gets faults of ours; nil means none.
	Logger *slog.Logger
}

// Store is a set of buckets. It is safe for concurrent use.
type Store struct {
	cfg Config

	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	name    string
	created time.Time
	tags    []tag
	blocked *publicAccessBlock
	objects map[string]*object
}

// object is what a key has. It is replaced, never changed.
type object struct {
	file     string
	size     int64
	etag     string // with its quotes
	modified time.Time
	// headers are those that the object was put with and that are given back with it.
	headers map[string]string
	// checksum is the algorithm and the value that it was put with, such as CRC32.
	algorithm, checksum string
}

// New makes a store without buckets.
func New(cfg Config) *Store {
	cfg.Region = cmp.Or(cfg.Region, "us-east-1")
	cfg.Account = cmp.Or(cfg.Account, "000000000000")
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Store{cfg: cfg, buckets: make(map[string]*bucket)}
}

// Open opens what an object contains. The caller closes it; it stays as it is when the
// object is replaced meanwhile. A bucket or a key that is not there is a *wire.Error with
// S3's code.
func (s *Store) Open(bucketName, key string) (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, f, err := s.open(bucketName, key)
	return f, err
}

// open is an object and its file; callers hold mu.
func (s *Store) open(bucketName, key string) (*object, *os.File, error) {
	o, err := s.object(bucketName, key)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(o.file)
	if err != nil {
		return nil, nil, fmt.Errorf("open %s of bucket %s: %w", key, bucketName, err)
	}
	return o, f, nil
}

// bucket is the bucket of that name; callers hold mu.
func (s *Store) bucket(name string) (*bucket, error) {
	if b := s.buckets[name]; b != nil {
		return b, nil
	}
	return nil, wire.NotFound("NoSuchBucket", "The specified bucket does not exist")
}

// object is a bucket's object; callers hold mu.
func (s *Store) object(bucketName, key string) (*object, error) {
	b, err := s.bucket(bucketName)
	if err != nil {
		return nil, err
	}
	if o := b.objects[key]; o != nil {
		return o, nil
	}
	return nil, wire.NotFound("NoSuchKey", "The specified key does not exist.")
}

// discard removes the file of an object that is gone; who has it open may read on.
func (s *Store) discard(o *object) {
	if o == nil {
		return
	}
	if err := os.Remove(o.file); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.cfg.Logger.Warn("the file of an object that is gone stays", "file", o.file, "error", err)
	}
}
