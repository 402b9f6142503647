package objects

import (
	"encoding/base64"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// show writes an object's headers.
func (o *object) show(c *call) {
	h := c.w.Header()
	for name, value := range o.headers {
		h.Set(name, value)
	}
	h.Set("Etag", o.etag)
	h.Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	h.Set("Content-Length", strconv.FormatInt(o.size, 10))
	h.Set("Accept-Ranges", "bytes")
	h.Set("X-Amz-Server-Side-Encryption", "AES256")
	if o.algorithm != "" && strings.EqualFold(c.r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") {
		h.Set(checksumHeader(o.algorithm), o.checksum)
		h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
}

// headObject fails without a code, since the answer to a HEAD has no body: SDKs read the
// status.
func (s *Store) headObject(c *call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.object(c.bucket, c.key)
	if err != nil {
		return err
	}
	o.show(c)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Store) getObject(c *call) error {
	if c.r.Header.Get("Range") != "" {
		return wire.NewError("NotImplemented", "the local endpoint gives whole objects only").WithStatus(http.StatusNotImplemented)
	}
	s.mu.Lock()
	o, f, err := s.open(c.bucket, c.key)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was read only
	o.show(c)
	c.w.WriteHeader(http.StatusOK)
	_, _ = io.Copy(c.w, f) // a client that has gone away is no concern of ours
	return nil
}

func (s *Store) deleteObject(c *call) error {
	return s.see(c, func(b *bucket) error {
		s.discard(b.objects[c.key])
		delete(b.objects, c.key) // one that is not there is no error
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	})
}

// maxDelete is how many objects one DeleteObjects may name.
const maxDelete = 1000

func (s *Store) deleteObjects(c *call) error {
	type named struct{ Key string }
	var in struct {
		Quiet   bool
		Objects []named `xml:"Object"`
	}
	if err := c.read(&in); err != nil {
		return err
	}
	if len(in.Objects) == 0 || len(in.Objects) > maxDelete {
		return malformed()
	}
	return s.see(c, func(b *bucket) error {
		out := struct {
			XMLName   xml.Name `xml:"DeleteResult"`
			Namespace string   `xml:"xmlns,attr"`
			Deleted   []named
		}{Namespace: namespace}
		for _, o := range in.Objects {
			s.discard(b.objects[o.Key])
			delete(b.objects, o.Key)
			if !in.Quiet {
				out.Deleted = append(out.Deleted, o)
			}
		}
		return c.answer(out)
	})
}

// listing is the answer of ListObjectsV2.
type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Namespace             string   `xml:"xmlns,attr"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	MaxKeys               int
	KeyCount              int
	EncodingType          string `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	IsTruncated           bool
	Contents              []listed
	CommonPrefixes        []commonPrefix
}

type listed struct {
	Key, LastModified, ETag string
	ChecksumAlgorithm       string `xml:",omitempty"`
	Size                    int64
	StorageClass            string
}

type commonPrefix struct{ Prefix string }

const maxKeys = 1000

func (s *Store) listObjects(c *call) error {
	q := c.query
	out := listing{
		Namespace: namespace, Name: c.bucket, Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"), StartAfter: q.Get("start-after"),
		MaxKeys: maxKeys, EncodingType: q.Get("encoding-type"), ContinuationToken: q.Get("continuation-token"),
	}
	if text := q.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return wire.NewError("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647")
		}
		out.MaxKeys = min(n, maxKeys)
	}
	after := out.StartAfter
	if out.ContinuationToken != "" {
		token, err := base64.RawURLEncoding.DecodeString(out.ContinuationToken)
		if err != nil || len(token) == 0 {
			return wire.NewError("InvalidArgument", "The continuation token provided is incorrect")
		}
		after = string(token)
	}
	encode := func(text string) string {
		if out.EncodingType == "url" {
			return strings.ReplaceAll(url.QueryEscape(text), "%2F", "/")
		}
		return text
	}
	return s.see(c, func(b *bucket) error {
		last := ""
		for _, key := range slices.Sorted(maps.Keys(b.objects)) {
			if key <= after || !strings.HasPrefix(key, out.Prefix) {
				continue
			}
			group := ""
			if out.Delimiter != "" {
				if i := strings.Index(key[len(out.Prefix):], out.Delimiter); i >= 0 {
					group = key[:len(out.Prefix)+i+len(out.Delimiter)]
				}
			}
			if group != "" && (group <= after && strings.HasPrefix(after, group) || group == last) {
				continue // its first key has been told
			}
			if out.KeyCount == out.MaxKeys {
				out.IsTruncated = out.MaxKeys > 0
				break
			}
			out.KeyCount++
			if last = key; group != "" {
				last = group
				out.CommonPrefixes = append(out.CommonPrefixes, commonPrefix{encode(group)})
				continue
			}
			o := b.objects[key]
			out.Contents = append(out.Contents, listed{
				Key: encode(key), LastModified: o.modified.UTC().Format(timeFormat), ETag: o.etag, ChecksumAlgorithm: o.algorithm, Size: o.size, StorageClass: "STANDARD",
			})
		}
		if out.IsTruncated {
			out.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(last))
		}
		out.Prefix, out.Delimiter, out.StartAfter = encode(out.Prefix), encode(out.Delimiter), encode(out.StartAfter)
		return c.answer(out)
	})
}
