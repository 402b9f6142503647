package stacks

import (
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// timeFormat is how CloudFormation writes times.
const timeFormat = "2006-01-02T15:04:05.000Z"

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}

// pageSize is how many entries a page of a list has.
const pageSize = 100

// page is the part of a list that a request asks for, and the token of what follows.
func page[T any](list []T, params url.Values) (part []T, next string, err error) {
	from := 0
	if token := params.Get("NextToken"); token != "" {
		text, failed := base64.RawURLEncoding.DecodeString(token)
		if from, err = strconv.Atoi(string(text)); failed != nil || err != nil || from < 0 || from > len(list) {
			return nil, "", validation("Invalid NextToken")
		}
	}
	to := min(from+pageSize, len(list))
	if to < len(list) {
		next = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(to)))
	}
	return list[from:to], next, nil
}

type shownTag struct{ Key, Value string }

func shownTags(tags map[string]string) []shownTag {
	var all []shownTag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		all = append(all, shownTag{key, tags[key]})
	}
	return all
}

type shownParameter struct {
	ParameterKey   string
	ParameterValue string
}

// shownValues are the parameters as they are shown: hidden where the template says so.
func (d *desired) shownValues() []shownParameter {
	var all []shownParameter
	for _, name := range slices.Sorted(maps.Keys(d.parameters)) {
		value := d.parameters[name]
		if d.t.parameters[name].NoEcho {
			value = "****"
		}
		all = append(all, shownParameter{name, value})
	}
	return all
}

type shownOutput struct {
	OutputKey, OutputValue string
	Description            string `xml:",omitempty"`
	ExportName             string `xml:",omitempty"`
}

type shownStack struct {
	StackID                     string `xml:"StackId"`
	StackName                   string
	ChangeSetID                 string           `xml:"ChangeSetId,omitempty"`
	Description                 string           `xml:",omitempty"`
	Parameters                  []shownParameter `xml:"Parameters>member"`
	CreationTime                string
	DeletionTime                string `xml:",omitempty"`
	LastUpdatedTime             string `xml:",omitempty"`
	RollbackConfiguration       struct{}
	StackStatus                 string
	StackStatusReason           string `xml:",omitempty"`
	DisableRollback             bool
	NotificationARNs            struct{}
	Capabilities                []string      `xml:"Capabilities>member"`
	Outputs                     []shownOutput `xml:"Outputs>member"`
	RoleARN                     string        `xml:",omitempty"`
	Tags                        []shownTag    `xml:"Tags>member"`
	EnableTerminationProtection bool
	DriftStatus                 string `xml:"DriftInformation>StackDriftStatus"`
}

func (st *stack) show() shownStack {
	out := shownStack{
		StackID: st.id, StackName: st.name, ChangeSetID: st.changeSet, CreationTime: stamp(st.created), DeletionTime: stamp(st.deleted), LastUpdatedTime: stamp(st.updated),
		StackStatus: st.status, StackStatusReason: st.reason, DisableRollback: st.present.noRollback, Capabilities: st.present.capabilities, RoleARN: st.present.role,
		Tags: shownTags(st.present.tags), DriftStatus: "NOT_CHECKED",
	}
	if st.present.t != nil {
		out.Description, out.Parameters = st.present.t.description, st.present.shownValues()
	}
	for _, o := range st.outputs {
		out.Outputs = append(out.Outputs, shownOutput{o.key, o.value, o.description, o.export})
	}
	return out
}

func (s *Service) describeStacks(params url.Values) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out struct {
		Stacks    []shownStack `xml:"Stacks>member"`
		NextToken string       `xml:",omitempty"`
	}
	if name := params.Get("StackName"); name != "" {
		st, err := s.mustFind(name)
		if err != nil {
			return nil, err
		}
		out.Stacks = []shownStack{st.show()}
		return out, nil
	}
	for _, st := range slices.Backward(s.stacks) {
		if st.status != deleteComplete {
			out.Stacks = append(out.Stacks, st.show())
		}
	}
	var err error
	out.Stacks, out.NextToken, err = page(out.Stacks, params)
	return out, err
}

func (s *Service) listStacks(params url.Values) (any, error) {
	type summary struct {
		StackID             string `xml:"StackId"`
		StackName           string
		TemplateDescription string `xml:",omitempty"`
		CreationTime        string
		LastUpdatedTime     string `xml:",omitempty"`
		DeletionTime        string `xml:",omitempty"`
		StackStatus         string
		StackStatusReason   string `xml:",omitempty"`
		DriftStatus         string `xml:"DriftInformation>StackDriftStatus"`
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	filter := texts(params, "StackStatusFilter")
	for _, status := range filter {
		if !slices.Contains(statuses, status) {
			return nil, validation("1 validation error detected: Value '[%s]' at 'stackStatusFilter' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set]", status)
		}
	}
	var out struct {
		StackSummaries []summary `xml:"StackSummaries>member"`
		NextToken      string    `xml:",omitempty"`
	}
	for _, st := range slices.Backward(s.stacks) {
		if len(filter) > 0 && !slices.Contains(filter, st.status) {
			continue
		}
		one := summary{
			StackID: st.id, StackName: st.name, CreationTime: stamp(st.created), LastUpdatedTime: stamp(st.updated), DeletionTime: stamp(st.deleted),
			StackStatus: st.status, StackStatusReason: st.reason, DriftStatus: "NOT_CHECKED",
		}
		if st.present.t != nil {
			one.TemplateDescription = st.present.t.description
		}
		out.StackSummaries = append(out.StackSummaries, one)
	}
	var err error
	out.StackSummaries, out.NextToken, err = page(out.StackSummaries, params)
	return out, err
}

// statuses are the states that there are of stacks.
var statuses = []string{
	reviewInProgress, createInProgress, createComplete, createFailed, rollbackInProgress, rollbackComplete, rollbackFailed,
	updateInProgress, updateCleanup, updateComplete, updateFailed, updateRollbackInProgress, updateRollbackCleanup, updateRollbackComplete, updateRollbackFailed,
	deleteInProgress, deleteComplete, deleteFailed,
	"IMPORT_IN_PROGRESS", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_IN_PROGRESS", "IMPORT_ROLLBACK_FAILED", "IMPORT_ROLLBACK_COMPLETE",
}

func (s *Service) describeStackEvents(params url.Values) (any, error) {
	type shown struct {
		StackID              string `xml:"StackId"`
		EventID              string `xml:"EventId"`
		StackName            string
		LogicalResourceID    string `xml:"LogicalResourceId"`
		PhysicalResourceID   string `xml:"PhysicalResourceId,omitempty"`
		ResourceType         string
		Timestamp            string
		ResourceStatus       string
		ResourceStatusReason string `xml:",omitempty"`
		ResourceProperties   string `xml:",omitempty"`
		ClientRequestToken   string `xml:",omitempty"`
	}
	name := params.Get("StackName")
	if err := checkName("stackName", name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.find(name)
	if st == nil {
		return nil, validation("Stack [%s] does not exist", name)
	}
	var out struct {
		StackEvents []shown `xml:"StackEvents>member"`
		NextToken   string  `xml:",omitempty"`
	}
	for _, e := range slices.Backward(st.events) {
		out.StackEvents = append(out.StackEvents, shown{
			st.id, e.id, st.name, e.logical, e.physical, e.kind, stamp(e.at), e.status, e.reason, e.properties, e.clientRequestToken,
		})
	}
	var err error
	out.StackEvents, out.NextToken, err = page(out.StackEvents, params)
	return out, err
}

type shownResource struct {
	StackName            string `xml:",omitempty"`
	StackID              string `xml:"StackId,omitempty"`
	LogicalResourceID    string `xml:"LogicalResourceId"`
	PhysicalResourceID   string `xml:"PhysicalResourceId,omitempty"`
	ResourceType         string
	Timestamp            string `xml:",omitempty"`
	LastUpdatedTimestamp string `xml:",omitempty"`
	ResourceStatus       string
	ResourceStatusReason string `xml:",omitempty"`
	DriftStatus          string `xml:"DriftInformation>StackResourceDriftStatus"`
}

func (st *stack) shownResources() []shownResource {
	var all []shownResource
	for _, id := range slices.Sorted(maps.Keys(st.resources)) {
		r := st.resources[id]
		all = append(all, shownResource{
			LogicalResourceID: id, PhysicalResourceID: r.physical, ResourceType: r.kind, LastUpdatedTimestamp: stamp(r.at),
			ResourceStatus: r.status, ResourceStatusReason: r.reason, DriftStatus: "NOT_CHECKED",
		})
	}
	return all
}

func (s *Service) listStackResources(params url.Values) (any, error) {
	if err := checkName("stackName", params.Get("StackName")); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.mustFind(params.Get("StackName"))
	if err != nil {
		return nil, err
	}
	var out struct {
		StackResourceSummaries []shownResource `xml:"StackResourceSummaries>member"`
		NextToken              string          `xml:",omitempty"`
	}
	out.StackResourceSummaries, out.NextToken, err = page(st.shownResources(), params)
	return out, err
}

func (s *Service) describeStackResources(params url.Values) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := params.Get("StackName")
	if err := checkName("stackName", name); err != nil {
		return nil, err
	}
	st, err := s.mustFind(name)
	if err != nil {
		return nil, err
	}
	var out struct {
		StackResources []shownResource `xml:"StackResources>member"`
	}
	only := params.Get("LogicalResourceId")
	for _, r := range st.shownResources() {
		if only != "" && r.LogicalResourceID != only {
			continue
		}
		r.StackName, r.StackID, r.Timestamp, r.LastUpdatedTimestamp = st.name, st.id, r.LastUpdatedTimestamp, ""
		out.StackResources = append(out.StackResources, r)
	}
	if only != "" && len(out.StackResources) == 0 {
		return nil, validation("Resource %s does not exist for stack %s", only, st.name)
	}
	return out, nil
}

func (s *Service) getTemplate(params url.Values) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out struct {
		TemplateBody    string
		StagesAvailable []string `xml:"StagesAvailable>member"`
	}
	out.StagesAvailable = []string{"Original", "Processed"}
	if params.Get("ChangeSetName") != "" {
		_, c, err := s.changeSetOf(params)
		if err != nil {
			return nil, err
		}
		out.TemplateBody = c.to.t.body
		return out, nil
	}
	if err := checkName("stackName", params.Get("StackName")); err != nil {
		return nil, err
	}
	st, err := s.mustFind(params.Get("StackName"))
	if err != nil {
		return nil, err
	}
	if st.present.t == nil {
		return nil, validation("Stack with id %s does not exist", params.Get("StackName"))
	}
	out.TemplateBody = st.present.t.body
	return out, nil
}

type templateParameter struct {
	ParameterKey  string
	ParameterType string  `xml:",omitempty"`
	DefaultValue  *string `xml:",omitempty"`
	NoEcho        bool
	Description   string `xml:",omitempty"`
}

// validated is the answer of ValidateTemplate.
type validated struct {
	Description        string              `xml:",omitempty"`
	Parameters         []templateParameter `xml:"Parameters>member"`
	Capabilities       []string            `xml:"Capabilities>member"`
	CapabilitiesReason string              `xml:",omitempty"`
}

func (t *template) shownParameters() []templateParameter {
	var all []templateParameter
	for _, name := range slices.Sorted(maps.Keys(t.parameters)) {
		p := t.parameters[name]
		all = append(all, templateParameter{ParameterKey: name, DefaultValue: p.Default, NoEcho: p.NoEcho, Description: p.Description})
	}
	return all
}

// getTemplateSummary is what the AWS CLI asks before it deploys a template that is in S3.
func (s *Service) getTemplateSummary(params url.Values) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var t *template
	if name := params.Get("StackName"); name != "" {
		st, err := s.mustFind(name)
		if err != nil {
			return nil, err
		}
		t = st.present.t
	} else {
		body, err := s.body(params, nil)
		if err != nil {
			return nil, err
		}
		if t, err = s.parse(body); err != nil {
			return nil, err
		}
	}
	var out struct {
		validated
		ResourceTypes []string `xml:"ResourceTypes>member"`
	}
	if t == nil {
		return out, nil
	}
	out.Description, out.Capabilities, out.Parameters = t.description, t.capabilities(), t.shownParameters()
	for i := range out.Parameters {
		out.Parameters[i].ParameterType = t.parameters[out.Parameters[i].ParameterKey].Type
	}
	for _, d := range t.resources {
		if !slices.Contains(out.ResourceTypes, d.kind) {
			out.ResourceTypes = append(out.ResourceTypes, d.kind)
		}
	}
	slices.Sort(out.ResourceTypes)
	return out, nil
}
