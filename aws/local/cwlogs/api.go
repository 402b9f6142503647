package cwlogs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// register names the operations that are served.
func (s *Service) register() {
	h := s.handler
	h.Handle("CreateLogGroup", wire.Empty(s.createLogGroup))
	h.Handle("DeleteLogGroup", wire.Empty(s.deleteLogGroup))
	h.Handle("DescribeLogGroups", wire.JSON(s.describeLogGroups))
	h.Handle("CreateLogStream", wire.Empty(s.createLogStream))
	h.Handle("DeleteLogStream", wire.Empty(s.deleteLogStream))
	h.Handle("DescribeLogStreams", wire.JSON(s.describeLogStreams))
	h.Handle("PutRetentionPolicy", wire.Empty(s.putRetentionPolicy))
	h.Handle("DeleteRetentionPolicy", wire.Empty(s.deleteRetentionPolicy))
	h.Handle("TagResource", wire.Empty(s.tagResource))
	h.Handle("UntagResource", wire.Empty(s.untagResource))
	h.Handle("ListTagsForResource", wire.JSON(s.listTagsForResource))
	h.Handle("PutLogEvents", wire.JSON(s.putLogEvents))
	h.Handle("FilterLogEvents", wire.JSON(s.filterLogEvents))
	h.Handle("GetLogEvents", wire.JSON(s.getLogEvents))
}

// The errors of the service, in its words.

func invalid(format string, args ...any) error {
	return wire.Errorf("InvalidParameterException", format, args...)
}

// constraint is what AWS says of a value that its model does not allow.
func constraint(value any, field, rule string) error {
	return invalid("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, field, rule)
}

func noGroup() error {
	return wire.NewError("ResourceNotFoundException", "The specified log group does not exist.")
}

func noStream() error {
	return wire.NewError("ResourceNotFoundException", "The specified log stream does not exist.")
}

// groupARN is without the :* that DescribeLogGroups adds.
func (s *Service) groupARN(name string) string {
	return fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s", s.cfg.Region, s.cfg.Account, name)
}

// groupName reads the two ways of naming a group, of which exactly one is used.
func groupName(name, identifier string) (string, error) {
	switch {
	case name != "" && identifier != "":
		return "", invalid("LogGroup name and LogGroup identifier cannot be provided together.")
	case name != "":
		return name, checkGroupName(name)
	case identifier == "":
		return "", invalid("Either logGroupName or logGroupIdentifier must be provided.")
	case !strings.HasPrefix(identifier, "arn:"):
		return identifier, checkGroupName(identifier)
	}
	return arnGroup(identifier)
}

// arnGroup takes the name out of a log group's ARN, with or without its :*.
func arnGroup(arn string) (string, error) {
	parts := strings.SplitN(arn, ":", 7)
	if len(parts) < 7 || parts[2] != "logs" || parts[5] != "log-group" {
		return "", invalid("Invalid resource identifier %q.", arn)
	}
	name := strings.TrimSuffix(parts[6], ":*")
	return name, checkGroupName(name)
}

func checkGroupName(name string) error {
	if name == "" || len(name) > 512 {
		return constraint(name, "logGroupName", "Member must have length between 1 and 512")
	}
	for _, c := range name {
		if !strings.ContainsRune("_-/.#", c) && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return constraint(name, "logGroupName", `Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`)
		}
	}
	return nil
}

func checkStreamName(name string) error {
	if name == "" || len(name) > 512 {
		return constraint(name, "logStreamName", "Member must have length between 1 and 512")
	}
	if strings.ContainsAny(name, ":*") {
		return constraint(name, "logStreamName", "Member must satisfy regular expression pattern: [^:*]*")
	}
	return nil
}

// limit reads a page's size: absent means most.
func limit(given *int, most int) (int, error) {
	switch {
	case given == nil:
		return most, nil
	case *given < 1:
		return 0, constraint(*given, "limit", "Member must have value greater than or equal to 1")
	case *given > most:
		return 0, constraint(*given, "limit", fmt.Sprintf("Member must have value less than or equal to %d", most))
	}
	return *given, nil
}

// A token is opaque to clients: base64 of JSON with a kind, so that a token of
// another operation is refused.

func token(kind string, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		// The tokens of this package are structs of numbers and strings.
		panic(fmt.Sprintf("make a token: %v", err))
	}
	return kind + base64.RawURLEncoding.EncodeToString(b)
}

func readToken(kind, text string, v any) error {
	coded, ok := strings.CutPrefix(text, kind)
	b, err := base64.RawURLEncoding.DecodeString(coded)
	if !ok || err != nil || json.Unmarshal(b, v) != nil {
		return invalid("The specified nextToken is invalid.")
	}
	return nil
}

// group finds a group. The lock is held.
func (s *Service) group(name string) (*group, error) {
	g := s.groups[name]
	if g == nil {
		return nil, noGroup()
	}
	return g, nil
}

// change finds a group and changes it under the lock.
func (s *Service) change(name string, f func(*group) error) error {
	if err := checkGroupName(name); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(name)
	if err != nil {
		return err
	}
	return f(g)
}

type retentionInput struct {
	LogGroupName    string `json:"logGroupName"`
	RetentionInDays int    `json:"retentionInDays"`
}

// allowedRetention says whether AWS knows a period, in days.
func allowedRetention(days int) bool {
	switch days {
	case 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653:
		return true
	}
	return false
}

func badRetention(days int) error {
	return constraint(days, "retentionInDays", "Member must be one of the retention periods, such as 1, 3, 5, 7, 14, 30")
}

func (s *Service) putRetentionPolicy(_ context.Context, in *retentionInput) error {
	return s.change(in.LogGroupName, func(g *group) error {
		if !allowedRetention(in.RetentionInDays) {
			return badRetention(in.RetentionInDays)
		}
		g.retention = in.RetentionInDays
		g.expire(s.cfg.Now().UnixMilli())
		return nil
	})
}

func (s *Service) deleteRetentionPolicy(_ context.Context, in *retentionInput) error {
	return s.change(in.LogGroupName, func(g *group) error { g.retention = 0; return nil })
}
