package objects

import (
	"crypto/md5"  //nolint:gosec // S3's ETag is one
	"crypto/sha1" //nolint:gosec // one of S3's checksums
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// maxObject is the largest object that one request can put, in bytes; maxKey the longest
// key.
const (
	maxObject = 5 << 30
	maxKey    = 1024
)

// algorithms are the checksums that are looked at. S3 knows CRC64NVME as well; it is
// taken, and neither checked nor kept.
var algorithms = map[string]func() hash.Hash{
	"CRC32":  func() hash.Hash { return crc32.NewIEEE() },
	"CRC32C": func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"SHA1":   sha1.New,
	"SHA256": sha256.New,
}

// upload is a body while it is received.
type upload struct {
	source  io.Reader
	trailer func() http.Header // what came after the body; nil when nothing can
	sums    map[string]hash.Hash
	md5     hash.Hash
	payload hash.Hash
}

// receive prepares the reading of a request's body: unwrapped when the SDK sent it in chunks.
func (c *call) receive() *upload {
	u := &upload{source: c.r.Body, sums: map[string]hash.Hash{}, md5: md5.New(), payload: sha256.New()} //nolint:gosec // as above
	if strings.HasPrefix(c.r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		d := newChunks(c.r.Body)
		u.source, u.trailer = d, func() http.Header { return d.trailer }
	}
	for name, make := range algorithms {
		if c.r.Header.Get(checksumHeader(name)) != "" || strings.Contains(strings.ToLower(c.r.Header.Get("X-Amz-Trailer")), strings.ToLower(checksumHeader(name))) {
			u.sums[name] = make()
		}
	}
	return u
}

func checksumHeader(algorithm string) string { return "X-Amz-Checksum-" + algorithm }

// copy reads the body into w and checks it against what the client says of it.
func (u *upload) copy(c *call, w io.Writer, limit int64) (size int64, err error) {
	writers := []io.Writer{w, u.md5, u.payload}
	for _, h := range u.sums {
		writers = append(writers, h)
	}
	size, err = io.Copy(io.MultiWriter(writers...), io.LimitReader(u.source, limit+1))
	switch {
	case errors.Is(err, errChunks):
		return size, wire.NewError("IncompleteBody", "The request body terminated unexpectedly")
	case err != nil:
		return size, fmt.Errorf("receive %s: %w", c.key, err)
	case size > limit:
		return size, wire.NewError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	}
	return size, u.check(c)
}

func (u *upload) check(c *call) error {
	h := c.r.Header
	if want := h.Get("Content-Md5"); want != "" {
		sum, err := base64.StdEncoding.DecodeString(want)
		switch {
		case err != nil || len(sum) != md5.Size:
			return wire.NewError("InvalidDigest", "The Content-MD5 you specified was invalid.")
		case string(sum) != string(u.md5.Sum(nil)):
			return wire.NewError("BadDigest", "The Content-MD5 you specified did not match what we received.")
		}
	}
	if want := h.Get("X-Amz-Content-Sha256"); len(want) == 2*sha256.Size && u.trailer == nil && want != hex.EncodeToString(u.payload.Sum(nil)) {
		return wire.NewError("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	for name, sum := range u.sums {
		want := h.Get(checksumHeader(name))
		if want == "" && u.trailer != nil {
			want = u.trailer().Get(checksumHeader(name))
		}
		if want != base64.StdEncoding.EncodeToString(sum.Sum(nil)) {
			return wire.Errorf("BadDigest", "The %s you specified did not match the calculated checksum.", name)
		}
	}
	return nil
}

// body is a small body as a whole.
func (c *call) body(limit int64) ([]byte, error) {
	if c.r.Body == nil {
		return nil, nil
	}
	var b strings.Builder
	if _, err := c.receive().copy(c, &b, limit); err != nil {
		return nil, err
	}
	return []byte(b.String()), nil
}

// kept are the headers of a request that come back with the object.
var kept = []string{"Content-Type", "Cache-Control", "Content-Disposition", "Content-Language", "Expires"}

func (s *Store) putObject(c *call) error {
	if len(c.key) > maxKey {
		return wire.NewError("KeyTooLongError", "Your key is too long")
	}
	o := &object{headers: map[string]string{"Content-Type": "binary/octet-stream"}, modified: s.cfg.Now()}
	for _, name := range kept {
		if value := c.r.Header.Get(name); value != "" {
			o.headers[name] = value
		}
	}
	// aws-chunked is how the body was sent, and no property of the object.
	if coding := strings.Trim(strings.ReplaceAll(c.r.Header.Get("Content-Encoding"), "aws-chunked", ""), ", "); coding != "" {
		o.headers["Content-Encoding"] = coding
	}
	for name, values := range c.r.Header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			o.headers[name] = strings.Join(values, ",")
		}
	}
	if err := s.see(c, func(*bucket) error { return nil }); err != nil {
		_, _ = c.body(maxObject) // an answer to a client that is still sending is lost
		return err
	}
	if err := s.keep(c, o); err != nil {
		return err
	}
	return s.place(c, o)
}

// keep receives the object's bytes into a file.
func (s *Store) keep(c *call, o *object) (err error) {
	if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("make the directory of objects: %w", err)
	}
	f, err := os.CreateTemp(s.cfg.Dir, "object-")
	if err != nil {
		return fmt.Errorf("make the file of an object: %w", err)
	}
	o.file = f.Name()
	u := c.receive()
	o.size, err = u.copy(c, f, maxObject)
	if closed := f.Close(); err == nil && closed != nil {
		err = fmt.Errorf("write the file of an object: %w", closed)
	}
	if err != nil {
		s.discard(o)
		return err
	}
	o.etag = `"` + hex.EncodeToString(u.md5.Sum(nil)) + `"`
	for name, sum := range u.sums {
		o.algorithm, o.checksum = name, base64.StdEncoding.EncodeToString(sum.Sum(nil))
	}
	return nil
}

// place makes the object what the key has.
func (s *Store) place(c *call, o *object) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(c.bucket)
	if err == nil {
		err = precondition(c.r.Header, b.objects[c.key])
	}
	if err != nil {
		s.discard(o)
		return err
	}
	s.discard(b.objects[c.key])
	b.objects[c.key] = o
	h := c.w.Header()
	h.Set("Etag", o.etag)
	h.Set("X-Amz-Server-Side-Encryption", "AES256")
	if o.algorithm != "" {
		h.Set(checksumHeader(o.algorithm), o.checksum)
		h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
	h.Set("Content-Length", "0")
	return nil
}

// precondition is what a client wants to be so before an object is replaced.
func precondition(h http.Header, present *object) error {
	if h.Get("If-None-Match") == "*" && present != nil || h.Get("If-Match") != "" && present != nil && h.Get("If-Match") != present.etag {
		return wire.NewError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold").
			WithStatus(http.StatusPreconditionFailed)
	}
	if h.Get("If-Match") != "" && present == nil {
		return wire.NotFound("NoSuchKey", "The specified key does not exist.")
	}
	return nil
}
