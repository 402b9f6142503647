package objects

import (
	"encoding/xml"
	"maps"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// maxForm is the largest XML document that is read, in bytes.
const maxForm = 2 << 20

// timeFormat is how S3 writes times in XML.
const timeFormat = "2006-01-02T15:04:05.000Z"

// defaultRegion is the one that has no location constraint.
const defaultRegion = "us-east-1"

// bucketName is what S3 allows
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func checkBucketName(name string) error {
	_, err := netip.ParseAddr(name)
	if !bucketName.MatchString(name) || strings.Contains(name, "..") || err == nil {
		return wire.NewError("InvalidBucketName", "The specified bucket is not valid.")
	}
	return nil
}

// read reads a request's XML.
func (c *call) read(v any) error {
	body, err := c.body(maxForm)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return nil
	}
	if err := xml.Unmarshal(body, v); err != nil {
		return malformed()
	}
	return nil
}

func malformed() error {
	return wire.NewError("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

func (s *Store) createBucket(c *call) error {
	var in struct {
		LocationConstraint string
		Tags               []tag `xml:"Tags>Tag"`
	}
	if err := c.read(&in); err != nil {
		return err
	}
	if err := checkBucketName(c.bucket); err != nil {
		return err
	}
	// The endpoint is one region, whatever a client says; us-east-1 is what a client gets
	// that names none.
	if in.LocationConstraint == defaultRegion {
		return wire.NewError("InvalidLocationConstraint", "The specified location-constraint is not valid")
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[c.bucket] != nil {
		// us-east-1 answers as if it had made the bucket.
		if s.cfg.Region != defaultRegion {
			return wire.NewError("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.").
				WithStatus(http.StatusConflict)
		}
	} else {
		s.buckets[c.bucket] = &bucket{name: c.bucket, created: s.cfg.Now(), tags: in.Tags, objects: make(map[string]*object)}
	}
	c.w.Header().Set("Location", "/"+c.bucket)
	c.w.Header().Set("Content-Length", "0")
	return nil
}

// see looks at the bucket of a request.
func (s *Store) see(c *call, look func(*bucket) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(c.bucket)
	if err != nil {
		return err
	}
	return look(b)
}

func (s *Store) headBucket(c *call) error {
	return s.see(c, func(*bucket) error {
		c.w.Header().Set("X-Amz-Bucket-Region", s.cfg.Region)
		c.w.WriteHeader(http.StatusOK)
		return nil
	})
}

func (s *Store) deleteBucket(c *call) error {
	return s.see(c, func(b *bucket) error {
		if len(b.objects) > 0 {
			return wire.NewError("BucketNotEmpty", "The bucket you tried to delete is not empty").WithStatus(http.StatusConflict)
		}
		delete(s.buckets, b.name)
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	})
}

func (s *Store) listBuckets(c *call) error {
	type entry struct {
		Name, CreationDate string
	}
	out := struct {
		XMLName   xml.Name `xml:"ListAllMyBucketsResult"`
		Namespace string   `xml:"xmlns,attr"`
		Owner     string   `xml:"Owner>ID"`
		Buckets   []entry  `xml:"Buckets>Bucket"`
	}{Namespace: namespace, Owner: s.cfg.Account}
	s.mu.Lock()
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		out.Buckets = append(out.Buckets, entry{name, s.buckets[name].created.UTC().Format(timeFormat)})
	}
	s.mu.Unlock()
	return c.answer(out)
}

func (s *Store) getBucketLocation(c *call) error {
	return s.see(c, func(*bucket) error {
		out := struct {
			XMLName   xml.Name `xml:"LocationConstraint"`
			Namespace string   `xml:"xmlns,attr"`
			Region    string   `xml:",chardata"`
		}{Namespace: namespace}
		if s.cfg.Region != defaultRegion {
			out.Region = s.cfg.Region
		}
		return c.answer(out)
	})
}

type tag struct{ Key, Value string }

const maxTags = 50

func checkTags(tags []tag) error {
	if len(tags) > maxTags {
		return wire.NewError("InvalidTag", "The TagSet cannot contain more than 50 tags")
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || len(t.Key) > 128:
			return wire.NewError("InvalidTag", "The TagKey you have provided is invalid")
		case len(t.Value) > 256:
			return wire.NewError("InvalidTag", "The TagValue you have provided is invalid")
		case seen[t.Key]:
			return wire.NewError("InvalidTag", "Cannot provide multiple Tags with the same key")
		case strings.HasPrefix(t.Key, "aws:"):
			return wire.NewError("InvalidTag", "System tags cannot be added/updated by requester")
		}
		seen[t.Key] = true
	}
	return nil
}

func (s *Store) putBucketTagging(c *call) error {
	var in struct {
		Tags []tag `xml:"TagSet>Tag"`
	}
	if err := c.read(&in); err != nil {
		return err
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	return s.see(c, func(b *bucket) error {
		b.tags = in.Tags
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	})
}

func (s *Store) getBucketTagging(c *call) error {
	return s.see(c, func(b *bucket) error {
		if len(b.tags) == 0 {
			return wire.NotFound("NoSuchTagSet", "The TagSet does not exist")
		}
		return c.answer(struct {
			XMLName   xml.Name `xml:"Tagging"`
			Namespace string   `xml:"xmlns,attr"`
			Tags      []tag    `xml:"TagSet>Tag"`
		}{Namespace: namespace, Tags: b.tags})
	})
}

// publicAccessBlock is kept and shown; there is no public here.
type publicAccessBlock struct {
	XMLName               xml.Name `xml:"PublicAccessBlockConfiguration"`
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

func (s *Store) putPublicAccessBlock(c *call) error {
	in := &publicAccessBlock{}
	if err := c.read(in); err != nil {
		return err
	}
	return s.see(c, func(b *bucket) error {
		b.blocked = in
		c.w.WriteHeader(http.StatusOK)
		return nil
	})
}

func (s *Store) getPublicAccessBlock(c *call) error {
	return s.see(c, func(b *bucket) error {
		if b.blocked == nil {
			return wire.NotFound("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
		}
		out := *b.blocked
		out.XMLName = xml.Name{Local: "PublicAccessBlockConfiguration"}
		return c.answer(out)
	})
}
