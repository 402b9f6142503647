package resources

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// maxUnzipped is how large what is in an archive may be together, in bytes
// (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const maxUnzipped = 262_144_000

// archives are the unpacked archives of functions. Functions with the same bytes share a
// directory, which they cannot write to in Lambda either.
type archives struct {
	dir  string
	open func(bucket, key string) (*os.File, error)

	mu   sync.Mutex
	held map[string]*archive // by their hash
}

// archive is one of them.
type archive struct {
	dir  string
	hash string // SHA-256 in hex
	size int64
	uses int // under archives.mu
}

// base64 is the hash as Lambda shows it.
func (a *archive) base64() string {
	sum, err := hex.DecodeString(a.hash)
	if err != nil { // it is hex
		return ""
	}
	return base64.StdEncoding.EncodeToString(sum)
}

func newArchives(dir string, open func(bucket, key string) (*os.File, error)) *archives {
	return &archives{dir: dir, open: open, held: map[string]*archive{}}
}

// use unpacks an object of S3, unless that has been done. Every use needs a release.
func (a *archives) use(bucket, key string) (*archive, error) {
	file, err := a.open(bucket, key)
	if err != nil {
		e, internal := wire.AsError(err)
		if internal {
			return nil, err
		}
		return nil, invalid("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", e.Code, e.Message)
	}
	defer func() { _ = file.Close() }() // it is read only
	h := sha256.New()
	size, err := io.Copy(h, file)
	if err != nil {
		return nil, fmt.Errorf("read %s of bucket %s: %w", key, bucket, err)
	}
	hash := hex.EncodeToString(h.Sum(nil))

	a.mu.Lock()
	defer a.mu.Unlock()
	if one := a.held[hash]; one != nil {
		one.uses++
		return one, nil
	}
	z, err := zip.NewReader(file, size)
	if err != nil {
		return nil, invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of functions: %w", err)
	}
	one := &archive{hash: hash, size: size, uses: 1}
	if one.dir, err = os.MkdirTemp(a.dir, hash[:12]+"-"); err != nil {
		return nil, fmt.Errorf("make the directory of a function: %w", err)
	}
	if err := unpack(z, one.dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(one.dir))
	}
	a.held[hash] = one
	return one, nil
}

// release ends a use; the directory goes with the last one.
func (a *archives) release(one *archive) error {
	if one == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if one.uses--; one.uses > 0 {
		return nil
	}
	delete(a.held, one.hash)
	if err := os.RemoveAll(one.dir); err != nil {
		return fmt.Errorf("remove the code of a function: %w", err)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return wire.Errorf("InvalidParameterValueException", format, args...)
}

// unpack writes what is in an archive below dir, and nowhere else.
func unpack(z *zip.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the directory of a function: %w", err)
	}
	defer func() { _ = root.Close() }() // nothing is written through it itself
	left := int64(maxUnzipped)
	for _, f := range z.File {
		name := filepath.FromSlash(f.Name)
		switch {
		case !filepath.IsLocal(name):
			return invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
		case f.FileInfo().IsDir():
			if err := root.MkdirAll(name, 0o700); err != nil {
				return fmt.Errorf("unpack %s: %w", f.Name, err)
			}
			continue
		case f.Mode()&fs.ModeType != 0:
			continue // links would lead elsewhere
		}
		n, err := unpackFile(root, f, name, left)
		if err != nil {
			return err
		}
		if left -= n; left <= 0 {
			return invalid("Unzipped size must be smaller than %d bytes", maxUnzipped)
		}
	}
	return nil
}

func unpackFile(root *os.Root, f *zip.File, name string, most int64) (n int64, err error) {
	if dir := filepath.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o700); err != nil {
			return 0, fmt.Errorf("unpack %s: %w", f.Name, err)
		}
	}
	in, err := f.Open()
	if err != nil {
		return 0, invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	defer func() { _ = in.Close() }() // it is read only
	// A program cannot be started while a file handle that writes to it is open anywhere, and
	// one is inherited by every process between its fork and its exec
	// (https://go.dev/issue/22315): so nothing is forked meanwhile.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	out, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, f.Mode().Perm()|0o400)
	if err != nil {
		return 0, fmt.Errorf("unpack %s: %w", f.Name, err)
	}
	defer func() {
		if closed := out.Close(); err == nil {
			err = closed
		}
	}()
	n, err = io.Copy(out, io.LimitReader(in, most+1))
	if err != nil && (errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrFormat)) {
		return n, invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	return n, err
}
