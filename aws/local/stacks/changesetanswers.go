package stacks

import (
	"net/url"
)

type shownChange struct {
	Type           string
	ResourceChange resourceChange
}

type resourceChange struct {
	Action             string
	LogicalResourceID  string `xml:"LogicalResourceId"`
	PhysicalResourceID string `xml:"PhysicalResourceId,omitempty"`
	ResourceType       string
	Replacement        string         `xml:",omitempty"`
	Scope              []string       `xml:"Scope>member"`
	Details            []changeDetail `xml:"Details>member"`
}

type changeDetail struct {
	Target struct {
		Attribute          string
		Name               string `xml:",omitempty"`
		RequiresRecreation string
		Path               string `xml:",omitempty"`
		BeforeValue        string `xml:",omitempty"`
		AfterValue         string `xml:",omitempty"`
	}
	Evaluation   string
	ChangeSource string `xml:",omitempty"`
}

// show is a change as DescribeChangeSet has it; the values only when they were asked for.
func (c *change) show(values bool) shownChange {
	r := resourceChange{Action: c.action, LogicalResourceID: c.id, PhysicalResourceID: c.physical, ResourceType: c.kind, Scope: c.scope}
	if c.action == actionModify {
		r.Replacement = "False"
		if c.replaced {
			r.Replacement = "True"
		}
	}
	for _, d := range c.details {
		one := changeDetail{Evaluation: "Static", ChangeSource: "DirectModification"}
		if d.dynamic {
			one.Evaluation, one.ChangeSource = "Dynamic", "ResourceReference"
		}
		one.Target.Attribute, one.Target.Name, one.Target.RequiresRecreation = d.attribute, d.name, d.recreation
		if d.name != "" {
			one.Target.Path = "/" + d.attribute + "/" + d.name
		}
		if values {
			one.Target.BeforeValue, one.Target.AfterValue = d.before, d.after
		}
		r.Details = append(r.Details, one)
	}
	return shownChange{Type: "Resource", ResourceChange: r}
}

type shownChangeSet struct {
	ChangeSetName      string
	ChangeSetID        string `xml:"ChangeSetId"`
	StackID            string `xml:"StackId"`
	StackName          string
	Description        string           `xml:",omitempty"`
	Parameters         []shownParameter `xml:"Parameters>member"`
	CreationTime       string
	ExecutionStatus    string
	Status             string
	StatusReason       string        `xml:",omitempty"`
	NotificationARNs   struct{}      `xml:"NotificationARNs"`
	RollbackConfig     struct{}      `xml:"RollbackConfiguration"`
	Capabilities       []string      `xml:"Capabilities>member"`
	Tags               []shownTag    `xml:"Tags>member"`
	Changes            []shownChange `xml:"Changes>member"`
	IncludeNestedStack bool          `xml:"IncludeNestedStacks"`
	OnStackFailure     string        `xml:",omitempty"`
	NextToken          string        `xml:",omitempty"`
}

func (s *Service) describeChangeSet(params url.Values) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, c, err := s.changeSetOf(params)
	if err != nil {
		return nil, err
	}
	changes, next, err := page(c.changes, params)
	if err != nil {
		return nil, err
	}
	out := shownChangeSet{
		ChangeSetName: c.name, ChangeSetID: c.id, StackID: st.id, StackName: st.name, Description: c.description, Parameters: c.to.shownValues(),
		CreationTime: stamp(c.created), ExecutionStatus: c.executed(st), Status: c.status, StatusReason: c.reason,
		Capabilities: c.to.capabilities, Tags: shownTags(c.to.tags), OnStackFailure: c.to.onFailure, NextToken: next,
	}
	for _, one := range changes {
		out.Changes = append(out.Changes, one.show(params.Get("IncludePropertyValues") == "true"))
	}
	return out, nil
}

func (s *Service) listChangeSets(params url.Values) (any, error) {
	type summary struct {
		StackID         string `xml:"StackId"`
		StackName       string
		ChangeSetID     string `xml:"ChangeSetId"`
		ChangeSetName   string
		ExecutionStatus string
		Status          string
		StatusReason    string `xml:",omitempty"`
		CreationTime    string
		Description     string `xml:",omitempty"`
	}
	if err := checkName("stackName", params.Get("StackName")); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.find(params.Get("StackName"))
	if st == nil {
		return nil, validation("Stack [%s] does not exist", params.Get("StackName"))
	}
	var out struct {
		Summaries []summary `xml:"Summaries>member"`
		NextToken string    `xml:",omitempty"`
	}
	for _, c := range st.changeSets {
		out.Summaries = append(out.Summaries, summary{
			st.id, st.name, c.id, c.name, c.executed(st), c.status, c.reason, stamp(c.created), c.description,
		})
	}
	var err error
	out.Summaries, out.NextToken, err = page(out.Summaries, params)
	return out, err
}
