package objects

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// namespace is the XML namespace of S3's answers.
const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// call is one request.
type call struct {
	w           http.ResponseWriter
	r           *http.Request
	query       url.Values
	bucket, key string
}

// route is how an operation is told from others: by its method, by whether its path names a
// key, and by a parameter of its query.
type route struct {
	name, method string
	onKey        bool
	query        string
	serve        func(*call) error
}

// Handler serves the requests that were signed for S3: the first element of a path is the
// bucket, the rest is the key.
func (s *Store) Handler() http.Handler {
	var routes []route
	handle := func(name, method string, onKey bool, query string, serve func(*call) error) {
		routes = append(routes, route{name, method, onKey, query, serve})
	}
	const bucket, key = false, true
	handle("ListBuckets", http.MethodGet, bucket, "", s.listBuckets)
	handle("CreateBucket", http.MethodPut, bucket, "", s.createBucket)
	handle("HeadBucket", http.MethodHead, bucket, "", s.headBucket)
	handle("DeleteBucket", http.MethodDelete, bucket, "", s.deleteBucket)
	handle("GetBucketLocation", http.MethodGet, bucket, "location", s.getBucketLocation)
	handle("PutBucketTagging", http.MethodPut, bucket, "tagging", s.putBucketTagging)
	handle("GetBucketTagging", http.MethodGet, bucket, "tagging", s.getBucketTagging)
	handle("PutPublicAccessBlock", http.MethodPut, bucket, "publicAccessBlock", s.putPublicAccessBlock)
	handle("GetPublicAccessBlock", http.MethodGet, bucket, "publicAccessBlock", s.getPublicAccessBlock)
	handle("ListObjectsV2", http.MethodGet, bucket, "list-type", s.listObjects)
	handle("DeleteObjects", http.MethodPost, bucket, "delete", s.deleteObjects)
	handle("PutObject", http.MethodPut, key, "", s.putObject)
	handle("GetObject", http.MethodGet, key, "", s.getObject)
	handle("HeadObject", http.MethodHead, key, "", s.headObject)
	handle("DeleteObject", http.MethodDelete, key, "", s.deleteObject)

	return wire.Recover(s.cfg.Logger, writeError, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r, query: r.URL.Query()}
		c.bucket, c.key, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		w.Header().Set("X-Amz-Request-Id", requestID())
		if err := s.dispatch(routes, c); err != nil {
			if _, internal := wire.AsError(err); internal {
				s.cfg.Logger.Error("operation failed", "service", "s3", "method", r.Method, "path", r.URL.Path, "error", err)
			}
			c.fail(err)
		}
	}))
}

// subresources are the parameters that make another operation of a request.
var subresources = []string{
	"accelerate", "acl", "analytics", "attributes", "cors", "encryption", "intelligent-tiering", "inventory", "legal-hold", "lifecycle",
	"logging", "metrics", "notification", "object-lock", "ownershipControls", "policy", "policyStatus", "replication", "requestPayment",
	"restore", "retention", "select", "session", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
	"location", "tagging", "publicAccessBlock", "list-type", "delete",
}

func (s *Store) dispatch(routes []route, c *call) error {
	asked := ""
	for _, name := range subresources {
		if c.query.Has(name) {
			asked = name
			break
		}
	}
	for _, r := range routes {
		if r.method != c.r.Method || r.onKey != (c.key != "") || r.query != asked || (r.name == "ListBuckets") != (c.bucket == "") {
			continue
		}
		if c.r.Header.Get("X-Amz-Copy-Source") != "" {
			break
		}
		return r.serve(c)
	}
	what := c.r.Method + " of an object"
	if c.key == "" {
		what = c.r.Method + " of a bucket"
	}
	if asked != "" {
		what += " with ?" + asked
	}
	// The body is read first: an answer that arrives while the client is still sending is lost.
	_, _ = wire.ReadBody(c.r, nil, maxObject)
	return wire.Errorf("NotImplemented", "the local endpoint does not serve %s in S3", what).WithStatus(http.StatusNotImplemented)
}

// answer writes v as XML.
func (c *call) answer(v any) error {
	body, err := xml.Marshal(v)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(len(xml.Header)+len(body)))
	_, _ = c.w.Write(append([]byte(xml.Header), body...)) // a client that has gone away is no concern of ours
	return nil
}

// fail answers with an error, which names the bucket or the key that it is of.
func (c *call) fail(err error) {
	e, _ := wire.AsError(err)
	out := failure{Code: e.Code, Message: e.Message, Resource: c.r.URL.Path, RequestID: c.w.Header().Get("X-Amz-Request-Id")}
	switch e.Code {
	case "NoSuchBucket", "BucketAlreadyOwnedByYou", "BucketNotEmpty", "InvalidBucketName", "NoSuchTagSet", "NoSuchPublicAccessBlockConfiguration":
		out.BucketName = c.bucket
	case "NoSuchKey":
		out.Key = c.key
	}
	writeFailure(c.w, e.HTTPStatus(), out)
}

// failure is S3's form of an error.
type failure struct {
	XMLName    xml.Name `xml:"Error"`
	Code       string
	Message    string
	BucketName string `xml:",omitempty"`
	Key        string `xml:",omitempty"`
	Resource   string `xml:",omitempty"`
	RequestID  string `xml:"RequestId"`
	HostID     string `xml:"HostId"`
}

func writeError(w http.ResponseWriter, err error) {
	e, _ := wire.AsError(err)
	writeFailure(w, e.HTTPStatus(), failure{Code: e.Code, Message: e.Message, RequestID: requestID()})
}

func writeFailure(w http.ResponseWriter, status int, f failure) {
	f.HostID = "local"
	if f.Code == wire.InternalFailure().Code {
		f.Code, f.Message = "InternalError", "We encountered an internal error. Please try again."
	}
	body, err := xml.Marshal(f)
	if err != nil { // strings cannot fail
		body = nil
	}
	h := w.Header()
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(len(xml.Header)+len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(append([]byte(xml.Header), body...)) // a client that has gone away is no concern of ours
}

// requestID is of the form that S3 gives its requests.
func requestID() string {
	return strings.ToUpper(strings.ReplaceAll(wire.NewID(), "-", "")[:16])
}
