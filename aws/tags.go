package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
)

// ErrTag is returned by Open for a tag that is none.
var ErrTag = errors.New("not a tag: write key=value, or a key alone for any value")

// TagsReader finds resources by their tags. One call answers for a hundred queues
// and functions; SQS and Lambda would have to be asked for the tags of each.
type TagsReader interface {
	GetResources(context.Context, *resourcegroupstaggingapi.GetResourcesInput, ...func(*resourcegroupstaggingapi.Options)) (*resourcegroupstaggingapi.GetResourcesOutput, error)
}

// tagged is what carries all of a target's tags.
type tagged struct {
	refs      []queueRef
	queues    map[queueKey]bool
	functions map[string]bool // by name
}

// tagFilters reads tags as the target has them. Values of one key are
// alternatives, as GetResources has it.
func tagFilters(tags string) ([]types.TagFilter, error) {
	var out []types.TagFilter
	if strings.TrimSpace(tags) == "" {
		return nil, nil
	}
	for t := range strings.SplitSeq(tags, ",") {
		key, value, has := strings.Cut(strings.TrimSpace(t), "=")
		key = strings.TrimSpace(key)
		if key == "" || len(key) > 128 || len(value) > 256 {
			return nil, fmt.Errorf("%q is %w", clean(t), ErrTag)
		}
		i := slices.IndexFunc(out, func(f types.TagFilter) bool { return *f.Key == key })
		if i < 0 {
			i = len(out)
			out = append(out, types.TagFilter{Key: awssdk.String(key)})
		} else if !has || len(out[i].Values) == 0 {
			out[i].Values = nil // any value
			continue
		}
		if has {
			out[i].Values = append(out[i].Values, value)
		}
	}
	return out, nil
}

// listTagged finds the queues and functions that carry all of the target's tags.
func (s *Stage) listTagged(ctx context.Context) (*tagged, error) {
	filters, err := tagFilters(s.target.Tags)
	if err != nil {
		return nil, err
	}
	in := &resourcegroupstaggingapi.GetResourcesInput{
		TagFilters:          filters,
		ResourceTypeFilters: []string{"sqs", "lambda:function"},
		ResourcesPerPage:    awssdk.Int32(100),
	}
	d := &discovery{t: s.target} // for the identity of queues
	out := &tagged{queues: make(map[queueKey]bool), functions: make(map[string]bool)}
	for {
		page, err := s.api.tags.GetResources(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, m := range page.ResourceTagMappingList {
			raw := awssdk.ToString(m.ResourceARN)
			if q, ok := queueFromARN(raw); ok {
				out.refs = append(out.refs, q)
				out.queues[d.key(q)] = true
			} else {
				out.functions[functionFromARN(raw).name] = true
			}
		}
		if in.PaginationToken = page.PaginationToken; awssdk.ToString(in.PaginationToken) == "" {
			return out, nil
		}
	}
}
