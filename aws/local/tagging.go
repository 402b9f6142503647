package local

import (
	"context"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// taggingTarget is the prefix of X-Amz-Target in requests for the Resource Groups
// Tagging API.
const taggingTarget = "ResourceGroupsTaggingAPI_20170126"

// taggingHandler serves GetResources over the queues and functions that have tags.
func (s *Server) taggingHandler() http.Handler {
	h := &wire.Service{Target: taggingTarget, Version: wire.JSON11, Logger: s.cfg.Logger}
	h.Handle("GetResources", wire.JSON(s.getResources))
	return h
}

type getResourcesInput struct {
	PaginationToken     string
	ResourcesPerPage    *int
	ResourceTypeFilters []string
	TagFilters          []struct {
		Key    string
		Values []string
	}
	ResourceARNList []string
}

type getResourcesOutput struct {
	PaginationToken        string
	ResourceTagMappingList []taggedResource
}

type taggedResource struct {
	ResourceARN string
	Tags        []tag
}

type tag struct{ Key, Value string }

// getResources gives what has all of the tags asked for, by ARN. A page's token is
// the last ARN of the page before.
func (s *Server) getResources(_ context.Context, in *getResourcesInput) (*getResourcesOutput, error) {
	size := 50
	if n := in.ResourcesPerPage; n != nil {
		if size = *n; size < 1 || size > 100 {
			return nil, wire.Errorf("InvalidParameterException", "ResourcesPerPage %d is not between 1 and 100", size)
		}
	}
	for _, f := range in.TagFilters {
		if f.Key == "" || len(f.Key) > 128 {
			return nil, wire.NewError("InvalidParameterException", "a key of TagFilters has 1 to 128 characters")
		}
	}
	after, err := base64.RawURLEncoding.DecodeString(in.PaginationToken)
	if err != nil {
		return nil, wire.NewError("PaginationTokenExpiredException", "the PaginationToken is not one of this endpoint's")
	}
	all := s.queues.Tags()
	maps.Copy(all, s.functions.Tags())
	out := &getResourcesOutput{ResourceTagMappingList: []taggedResource{}}
	for _, arn := range slices.Sorted(maps.Keys(all)) {
		if arn <= string(after) || !in.wants(arn, all[arn]) {
			continue
		}
		if n := len(out.ResourceTagMappingList); n == size {
			out.PaginationToken = base64.RawURLEncoding.EncodeToString([]byte(out.ResourceTagMappingList[n-1].ResourceARN))
			break
		}
		r := taggedResource{ResourceARN: arn}
		for _, key := range slices.Sorted(maps.Keys(all[arn])) {
			r.Tags = append(r.Tags, tag{key, all[arn][key]})
		}
		out.ResourceTagMappingList = append(out.ResourceTagMappingList, r)
	}
	return out, nil
}

func (in *getResourcesInput) wants(arn string, tags map[string]string) bool {
	if len(in.ResourceARNList) > 0 && !slices.Contains(in.ResourceARNList, arn) {
		return false
	}
	if len(in.ResourceTypeFilters) > 0 && !slices.ContainsFunc(in.ResourceTypeFilters, func(kind string) bool { return isKind(arn, kind) }) {
		return false
	}
	for _, f := range in.TagFilters {
		value, has := tags[f.Key]
		if !has || len(f.Values) > 0 && !slices.Contains(f.Values, value) {
			return false
		}
	}
	return true
}

// isKind is whether an ARN is of a type such as sqs or lambda:function. The ARN of a
// queue names no type.
func isKind(arn, kind string) bool {
	parts := strings.SplitN(arn, ":", 7)
	service, resource, typed := strings.Cut(kind, ":")
	return len(parts) > 5 && parts[2] == service && (!typed || len(parts) == 7 && parts[5] == resource)
}
