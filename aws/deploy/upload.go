package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// upload brings to the bucket what is not there: artifacts, and the templates of all stacks,
// those that are kept too, as a roll-back needs them.
func (r *run) upload(ctx context.Context) error {
	var missing []*ArtifactPlan
	for i := range r.p.Artifacts {
		if r.p.Artifacts[i].Upload {
			missing = append(missing, &r.p.Artifacts[i])
		}
	}
	if n, size := r.p.Uploads(); n > 0 {
		r.step("uploading %d of %d artifacts, %.1f MB", n, len(r.p.Artifacts), float64(size)/1e6)
	}
	err := each(ctx, len(missing), func(ctx context.Context, i int) error { return r.uploadFile(ctx, missing[i]) })
	if err != nil {
		return err
	}
	return each(ctx, len(r.p.Stacks), func(ctx context.Context, i int) error {
		s := &r.p.Stacks[i]
		if s.Action == Delete {
			return nil
		}
		key := templateKey(r.p.Service, r.p.Stage, s.sha)
		if has, err := r.d.has(ctx, r.bucket, key, int64(len(s.body))); has || err != nil {
			return err
		}
		return r.put(ctx, key, s.body, "application/json")
	})
}

// uploadFile uploads an artifact; what S3 receives is held to the hash that its key has.
func (r *run) uploadFile(ctx context.Context, a *ArtifactPlan) error {
	f, err := os.Open(a.file)
	if err != nil {
		return fmt.Errorf("upload %s: %w", a.Key, err)
	}
	defer f.Close()
	tell := func(n int64) {
		r.tell(Event{Kind: EventUpload, Resource: a.Key, Worker: strings.Join(a.Workers, ", "), Bytes: min(n, a.Size), Total: a.Size})
	}
	body := &counted{file: f, tell: tell}
	if err := r.putBody(ctx, a.Key, body, a.Size, a.SHA256, "application/zip"); err != nil {
		return err
	}
	r.telling.Lock()
	r.result.Uploaded++
	r.result.Bytes += a.Size
	r.telling.Unlock()
	tell(a.Size)
	return nil
}

// put writes a small object.
func (r *run) put(ctx context.Context, key string, text []byte, kind string) error {
	sum := sha256.Sum256(text)
	return r.putBody(ctx, key, bytes.NewReader(text), int64(len(text)), hex.EncodeToString(sum[:]), kind)
}

func (r *run) putBody(ctx context.Context, key string, body io.ReadSeeker, size int64, sha, kind string) error {
	sum, err := hex.DecodeString(sha)
	if err != nil || len(sum) != sha256.Size {
		return fmt.Errorf("upload %s: %q is no SHA-256", key, sha)
	}
	checksum := base64.StdEncoding.EncodeToString(sum)
	_, err = r.w.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &r.bucket.name, Key: &key, ExpectedBucketOwner: &r.bucket.account,
		Body: body, ContentLength: &size, ContentType: &kind, ChecksumSHA256: &checksum,
	}, func(o *s3.Options) {
		// The checksum holds S3 to the bytes; signing them too would read each file twice.
		o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
	})
	if err != nil {
		return fmt.Errorf("upload s3://%s/%s: %w", r.bucket.name, key, err)
	}
	return nil
}

// counted tells how much of a file was read, every so many bytes.
type counted struct {
	file       io.ReadSeeker
	read, told int64
	tell       func(int64)
}

// tellEvery is how many bytes are uploaded between two events.
const tellEvery = 256 << 10

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.file.Read(b)
	c.read += int64(n)
	if c.read-c.told >= tellEvery {
		c.told = c.read
		c.tell(c.read)
	}
	return n, err
}

// Seek begins again, as a retry does; or is asked for the length.
func (c *counted) Seek(offset int64, whence int) (int64, error) {
	at, err := c.file.Seek(offset, whence)
	if whence == io.SeekStart {
		c.read, c.told = at, at
	}
	return at, err
}

// shaOfKey is the hash that an artifact's key contains.
func shaOfKey(key string) string { return strings.TrimSuffix(path.Base(key), path.Ext(key)) }
