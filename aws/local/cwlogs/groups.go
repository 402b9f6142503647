package cwlogs

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

type groupInput struct {
	LogGroupName string            `json:"logGroupName"`
	Tags         map[string]string `json:"tags"`
}

func (s *Service) createLogGroup(_ context.Context, in *groupInput) error {
	if err := checkGroupName(in.LogGroupName); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[in.LogGroupName] != nil {
		return wire.NewError("ResourceAlreadyExistsException", "The specified log group already exists")
	}
	s.groups[in.LogGroupName] = &group{
		name:    in.LogGroupName,
		created: s.cfg.Now().UnixMilli(),
		tags:    in.Tags,
		streams: make(map[string]*stream),
	}
	return nil
}

func (s *Service) deleteLogGroup(_ context.Context, in *groupInput) error {
	return s.change(in.LogGroupName, func(g *group) error { delete(s.groups, g.name); return nil })
}

type describeGroupsInput struct {
	Prefix    string `json:"logGroupNamePrefix"`
	Pattern   string `json:"logGroupNamePattern"`
	Limit     *int   `json:"limit"`
	NextToken string `json:"nextToken"`
}

type describeGroupsOutput struct {
	LogGroups []describedGroup `json:"logGroups"`
	NextToken string           `json:"nextToken,omitempty"`
}

type describedGroup struct {
	LogGroupName      string `json:"logGroupName"`
	CreationTime      int64  `json:"creationTime"`
	RetentionInDays   int    `json:"retentionInDays,omitempty"`
	MetricFilterCount int    `json:"metricFilterCount"`
	ARN               string `json:"arn"`
	StoredBytes       int64  `json:"storedBytes"`
	LogGroupClass     string `json:"logGroupClass"`
	LogGroupARN       string `json:"logGroupArn"`
}

// after is the token of lists in order of a name.
type after struct {
	Name string `json:"n"`
	// Time is that of a list in order of time.
	Time int64 `json:"t,omitempty"`
}

func (s *Service) describeLogGroups(_ context.Context, in *describeGroupsInput) (*describeGroupsOutput, error) {
	n, err := limit(in.Limit, 50)
	if err != nil {
		return nil, err
	}
	if in.Prefix != "" && in.Pattern != "" {
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	var from after
	if in.NextToken != "" {
		if err := readToken("g/", in.NextToken, &from); err != nil {
			return nil, err
		}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := &describeGroupsOutput{LogGroups: []describedGroup{}}
	for _, name := range slices.Sorted(maps.Keys(s.groups)) {
		if name <= from.Name || !strings.HasPrefix(name, in.Prefix) || !strings.Contains(name, in.Pattern) {
			continue
		}
		if len(out.LogGroups) == n {
			out.NextToken = token("g/", after{Name: out.LogGroups[n-1].LogGroupName})
			break
		}
		g := s.groups[name]
		out.LogGroups = append(out.LogGroups, describedGroup{
			LogGroupName:    name,
			CreationTime:    g.created,
			RetentionInDays: g.retention,
			ARN:             s.groupARN(name) + ":*",
			LogGroupARN:     s.groupARN(name),
			StoredBytes:     g.bytes,
			LogGroupClass:   "STANDARD",
		})
	}
	return out, nil
}

type tagsInput struct {
	ResourceARN string            `json:"resourceArn"`
	Tags        map[string]string `json:"tags"`
	TagKeys     []string          `json:"tagKeys"`
}

type tagsOutput struct {
	Tags map[string]string `json:"tags"`
}

// changeARN is change for a group named by its ARN.
func (s *Service) changeARN(arn string, f func(*group) error) error {
	name, err := arnGroup(arn)
	if err != nil {
		return err
	}
	return s.change(name, f)
}

func (s *Service) tagResource(_ context.Context, in *tagsInput) error {
	return s.changeARN(in.ResourceARN, func(g *group) error {
		merged := maps.Clone(g.tags)
		if merged == nil {
			merged = make(map[string]string)
		}
		maps.Copy(merged, in.Tags)
		if len(merged) > 50 {
			return wire.NewError("TooManyTagsException", "A resource can have no more than 50 tags.")
		}
		g.tags = merged
		return nil
	})
}

func (s *Service) untagResource(_ context.Context, in *tagsInput) error {
	return s.changeARN(in.ResourceARN, func(g *group) error {
		maps.DeleteFunc(g.tags, func(k, _ string) bool { return slices.Contains(in.TagKeys, k) })
		return nil
	})
}

func (s *Service) listTagsForResource(_ context.Context, in *tagsInput) (*tagsOutput, error) {
	out := &tagsOutput{Tags: map[string]string{}}
	err := s.changeARN(in.ResourceARN, func(g *group) error { maps.Copy(out.Tags, g.tags); return nil })
	return out, err
}
