package objects_test

import (
	"bytes"
	"crypto/md5" //nolint:gosec // S3 wants one
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/local/objects"
)

const bucket = "artifacts"

// serve is a store with a bucket, its URL and a client.
func serve(t *testing.T, region string) (*objects.Store, string, *s3.Client) {
	t.Helper()
	store := objects.New(objects.Config{Dir: t.TempDir(), Region: region})
	server := httptest.NewServer(store.Handler())
	t.Cleanup(server.Close)
	c := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: awssdk.String(server.URL), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: awssdk.String(bucket)}); err != nil {
		t.Fatal(err)
	}
	return store, server.URL, c
}

func codeOf(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func put(t *testing.T, c *s3.Client, key, body string) {
	t.Helper()
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: awssdk.String(bucket), Key: &key, Body: strings.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
}

func TestObjects(t *testing.T) {
	t.Parallel()
	store, _, c := serve(t, "")
	in := &s3.PutObjectInput{
		Bucket: awssdk.String(bucket), Key: awssdk.String("a/b c+d.zip"), Body: strings.NewReader("hello"), ContentType: awssdk.String("application/zip"),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256, Metadata: map[string]string{"made": "here"},
	}
	if _, err := c.PutObject(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: in.Bucket, Key: in.Key, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(out.Body) // which checks the sum
	if err != nil || string(body) != "hello" || *out.ContentType != "application/zip" || out.Metadata["made"] != "here" || awssdk.ToString(out.ChecksumSHA256) == "" {
		t.Errorf("it came back as %q %+v (%v)", body, out, err)
	}
	head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: in.Bucket, Key: in.Key})
	if err != nil || *head.ContentLength != 5 || *head.ETag != `"5d41402abc4b2a76b9719d911017c592"` {
		t.Errorf("its head is %+v (%v)", head, err)
	}
	f, err := store.Open(bucket, *in.Key)
	if err != nil {
		t.Fatal(err)
	}
	put(t, c, *in.Key, "another")
	if body, err := io.ReadAll(f); err != nil || string(body) != "hello" {
		t.Errorf("what was open before it was replaced reads as %q (%v)", body, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: in.Bucket, Key: in.Key, Body: strings.NewReader("x"), IfNoneMatch: awssdk.String("*")})
	if codeOf(err) != "PreconditionFailed" {
		t.Errorf("if none is there: %v", err)
	}
}

func TestListing(t *testing.T) {
	t.Parallel()
	_, _, c := serve(t, "")
	for i := range 5 {
		put(t, c, fmt.Sprintf("p/%d/x y", i), "x")
	}
	put(t, c, "p/top", "x")
	put(t, c, "q", "x")
	var keys, prefixes []string
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: awssdk.String(bucket), Prefix: awssdk.String("p/"), Delimiter: awssdk.String("/"), MaxKeys: awssdk.Int32(2)})
	n := 0
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n++
		for _, o := range out.Contents {
			keys = append(keys, *o.Key)
		}
		for _, p := range out.CommonPrefixes {
			prefixes = append(prefixes, *p.Prefix)
		}
	}
	if got := fmt.Sprint(n, keys, prefixes); got != "3 [p/top] [p/0/ p/1/ p/2/ p/3/ p/4/]" {
		t.Errorf("the listing is %s", got)
	}
	all := []types.ObjectIdentifier{{Key: awssdk.String("q")}, {Key: awssdk.String("absent")}}
	out, err := c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: awssdk.String(bucket), Delete: &types.Delete{Objects: all}})
	if err != nil || len(out.Deleted) != 2 {
		t.Errorf("deleting gives %+v (%v)", out, err)
	}
	if _, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: awssdk.String(bucket), Key: awssdk.String("q")}); codeOf(err) != "NotFound" {
		t.Errorf("what was deleted: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	_, _, c := serve(t, "eu-west-1")
	name, absent := awssdk.String(bucket), awssdk.String("absent")
	for what, test := range map[string]struct {
		call func() error
		want string
	}{
		"no such key": {func() error {
			_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: name, Key: absent})
			return err
		}, "NoSuchKey"},
		"no such bucket": {func() error {
			_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: absent, Key: absent})
			return err
		}, "NoSuchBucket"},
		"put into no bucket": {func() error {
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: absent, Key: absent, Body: strings.NewReader("x")})
			return err
		}, "NoSuchBucket"},
		"no such bucket's head": {func() error {
			_, err := c.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: absent})
			return err
		}, "NotFound"},
		"a bucket twice": {func() error {
			_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: name})
			return err
		}, "BucketAlreadyOwnedByYou"},
		"a bad name": {func() error {
			_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: awssdk.String("Bad_Name")})
			return err
		}, "InvalidBucketName"},
		"no location": {func() error {
			_, err := c.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: absent})
			return err
		}, "NoSuchBucket"},
		"a tag of AWS's": {func() error {
			_, err := c.PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{Bucket: name, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: awssdk.String("aws:x"), Value: absent}}}})
			return err
		}, "InvalidTag"},
		"no public access block": {func() error {
			_, err := c.GetPublicAccessBlock(t.Context(), &s3.GetPublicAccessBlockInput{Bucket: name})
			return err
		}, "NoSuchPublicAccessBlockConfiguration"},
		"what is not served": {func() error {
			_, err := c.GetBucketVersioning(t.Context(), &s3.GetBucketVersioningInput{Bucket: name})
			return err
		}, "NotImplemented"},
	} {
		if got := codeOf(test.call()); got != test.want {
			t.Errorf("%s: %s, want %s", what, got, test.want)
		}
	}
}

// What a client says of its bytes is held against them, however it sends them.
func TestSums(t *testing.T) {
	t.Parallel()
	_, url, c := serve(t, "")
	sum := crc32.NewIEEE()
	_, _ = sum.Write([]byte("hello"))
	crc := base64.StdEncoding.EncodeToString(sum.Sum(nil))
	md := md5.Sum([]byte("hello")) //nolint:gosec // as above
	chunked := func(trailer string) string {
		return "3;chunk-signature=0\r\nhel\r\n2\r\nlo\r\n0\r\nx-amz-checksum-crc32:" + trailer + "\r\n\r\n"
	}
	streaming := http.Header{"X-Amz-Content-Sha256": {"STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, "X-Amz-Trailer": {"x-amz-checksum-crc32"}, "Content-Encoding": {"aws-chunked"}}
	for what, test := range map[string]struct {
		body   string
		header http.Header
		want   string
	}{
		"an MD5":             {"hello", http.Header{"Content-Md5": {base64.StdEncoding.EncodeToString(md[:])}}, ""},
		"a wrong MD5":        {"hellO", http.Header{"Content-Md5": {base64.StdEncoding.EncodeToString(md[:])}}, "BadDigest"},
		"no MD5":             {"hello", http.Header{"Content-Md5": {"rubbish"}}, "InvalidDigest"},
		"a CRC32":            {"hello", http.Header{"X-Amz-Checksum-Crc32": {crc}}, ""},
		"a wrong CRC32":      {"hellO", http.Header{"X-Amz-Checksum-Crc32": {crc}}, "BadDigest"},
		"a wrong SHA-256":    {"hello", http.Header{"X-Amz-Content-Sha256": {strings.Repeat("0", 64)}}, "XAmzContentSHA256Mismatch"},
		"chunks":             {chunked(crc), streaming, ""},
		"chunks, wrong":      {chunked("AAAAAA=="), streaming, "BadDigest"},
		"chunks, cut":        {"5\r\nhel", streaming, "IncompleteBody"},
		"chunks that are no": {"hello", streaming, "IncompleteBody"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url+"/"+bucket+"/sums", strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = test.header.Clone()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if (resp.StatusCode == http.StatusOK) != (test.want == "") || !bytes.Contains(text, []byte(test.want)) {
			t.Errorf("%s: %d %s, want %q", what, resp.StatusCode, text, test.want)
		}
		if test.want != "" {
			continue
		}
		out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: awssdk.String(bucket), Key: awssdk.String("sums")})
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(out.Body); err != nil || string(body) != "hello" || awssdk.ToString(out.ContentEncoding) != "" {
			t.Errorf("%s: it came back as %q (%v)", what, body, err)
		}
	}
}
