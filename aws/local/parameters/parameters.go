// Package parameters is Systems Manager's Parameter Store, in memory, over its JSON protocol.
// Nothing is encrypted, as there is no KMS: a SecureString that is asked for as it is stored
// comes back as something that cannot be read. Of a parameter's versions the newest is kept.
//
// Facts about the service are those of its API reference
// (https://docs.aws.amazon.com/systems-manager/latest/APIReference/).
package parameters

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// Target is the prefix of X-Amz-Target in requests for Systems Manager.
const Target = "AmazonSSM"

// Config configures New. The zero value works.
type Config struct {
	// Region and Account appear in ARNs; empty means us-east-1 and 000000000000.
	Region, Account string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger gets faults of ours; nil means none.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Region = cmp.Or(c.Region, "us-east-1")
	c.Account = cmp.Or(c.Account, "000000000000")
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Parameters is one Parameter Store. It is safe for concurrent use.
type Parameters struct {
	cfg Config

	mu  sync.Mutex
	all map[string]*parameter
}

type parameter struct {
	name, kind, value, description, tier string
	version                              int64
	modified                             time.Time
	tags                                 map[string]string
}

// New makes an empty one.
func New(cfg Config) *Parameters {
	return &Parameters{cfg: cfg.withDefaults(), all: map[string]*parameter{}}
}

// Handler answers requests of the service's JSON protocol.
func (p *Parameters) Handler() http.Handler {
	h := &wire.Service{Target: Target, Version: wire.JSON11, Logger: p.cfg.Logger}
	h.Handle("PutParameter", wire.JSON(p.put))
	h.Handle("GetParameter", wire.JSON(p.get))
	h.Handle("GetParameters", wire.JSON(p.getSeveral))
	h.Handle("GetParametersByPath", wire.JSON(p.getByPath))
	h.Handle("DeleteParameter", wire.JSON(p.delete))
	h.Handle("AddTagsToResource", wire.JSON(p.addTags))
	h.Handle("ListTagsForResource", wire.JSON(p.listTags))
	return h
}

const (
	kindString     = "String"
	kindStringList = "StringList"
	kindSecure     = "SecureString"

	tierStandard = "Standard"
	tierAdvanced = "Advanced"
)

// The limits of values, in bytes, and of names.
const (
	maxStandard = 4096
	maxAdvanced = 8192
	maxName     = 1011
	maxTags     = 50
	maxPage     = 10
)

// named is what a parameter may be called; an ARN or a version may be given where one is asked for.
var named = regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+$`)

func validation(format string, args ...any) error {
	return wire.Errorf("ValidationException", format, args...)
}

func notFound() error { return wire.NewError("ParameterNotFound", "") }

func checkName(name string) error {
	switch {
	case name == "" || len(name) > maxName:
		return validation("1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must have length between 1 and 2048", name)
	case !named.MatchString(name):
		return validation(`Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`)
	case strings.Contains(name[1:], "/") && name[0] != '/':
		return validation("Parameter name must be a fully qualified name.")
	case strings.Count(name, "/") > 15:
		return wire.NewError("HierarchyLevelLimitExceededException", "A hierarchy can have a maximum of 15 levels.")
	}
	for _, word := range []string{"aws", "ssm"} {
		if first := strings.ToLower(strings.TrimPrefix(name, "/")); strings.HasPrefix(first, word) {
			return validation(`Parameter name: can't be prefixed with "%s" (case-insensitive).`, word)
		}
	}
	return nil
}

type tag struct{ Key, Value string }

type putInput struct {
	Name, Value, Type, Description, Tier, AllowedPattern string
	KeyId                                                string //nolint:revive // the API's spelling
	Overwrite                                            bool
	Tags                                                 []tag
}

type putOutput struct {
	Version int64
	Tier    string
}

func (p *Parameters) put(_ context.Context, in *putInput) (*putOutput, error) {
	if err := checkName(in.Name); err != nil {
		return nil, err
	}
	if in.Value == "" {
		return nil, validation("1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.")
	}
	if in.Overwrite && len(in.Tags) > 0 {
		return nil, validation("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	}
	tier, most := cmp.Or(in.Tier, tierStandard), maxStandard
	if tier != tierStandard {
		most = maxAdvanced
	}
	if len(in.Value) > most {
		return nil, validation("%s tier parameters support a maximum parameter value of %d characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier.", tierStandard, maxStandard)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.all[in.Name]
	kind := in.Type
	switch {
	case one != nil && !in.Overwrite:
		return nil, wire.NewError("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	case one == nil && kind == "":
		return nil, validation("A parameter type is required when you create a parameter.")
	case one != nil:
		kind = cmp.Or(kind, one.kind)
	}
	if !slices.Contains([]string{kindString, kindStringList, kindSecure}, kind) {
		return nil, validation("1 validation error detected: Value '%s' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [SecureString, StringList, String]", kind)
	}
	next := &parameter{name: in.Name, kind: kind, value: in.Value, description: in.Description, tier: tier, version: 1, modified: p.cfg.Now(), tags: map[string]string{}}
	if one != nil {
		next.version, next.tags = one.version+1, one.tags
	}
	if err := merge(next.tags, in.Tags); err != nil {
		return nil, err
	}
	p.all[in.Name] = next
	return &putOutput{Version: next.version, Tier: tier}, nil
}

func merge(tags map[string]string, more []tag) error {
	for _, t := range more {
		if t.Key == "" || len(t.Key) > 128 || len(t.Value) > 256 {
			return validation("a tag's key has 1 to 128 characters, its value at most 256")
		}
		tags[t.Key] = t.Value
	}
	if len(tags) > maxTags {
		return wire.NewError("TooManyTagsError", "")
	}
	return nil
}

// shown is a parameter as the API has it.
type shown struct {
	Name, Type, Value string
	Version           int64
	LastModifiedDate  wire.Time
	ARN               string
	DataType          string
	Selector          string `json:",omitempty"`
}

func (p *Parameters) arn(name string) string {
	return fmt.Sprintf("arn:aws:ssm:%s:%s:parameter/%s", p.cfg.Region, p.cfg.Account, strings.TrimPrefix(name, "/"))
}

func (p *Parameters) show(one *parameter, decrypted bool) shown {
	s := shown{
		Name: one.name, Type: one.kind, Value: one.value, Version: one.version, LastModifiedDate: wire.Time{Time: one.modified}, ARN: p.arn(one.name), DataType: "text",
	}
	if one.kind == kindSecure && !decrypted {
		s.Value = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "encrypted %s %d", one.name, one.version))
	}
	return s
}

// find is the parameter of a name or an ARN, to which a version may be added; callers hold mu.
func (p *Parameters) find(name string) (one *parameter, selector string, err error) {
	if rest, ok := strings.CutPrefix(name, p.arn("")); ok {
		if name = "/" + rest; p.all[strings.SplitN(name, ":", 2)[0]] == nil {
			name = rest
		}
	}
	name, version, versioned := strings.Cut(name, ":")
	if err := checkName(name); err != nil {
		return nil, "", err
	}
	one = p.all[name]
	switch {
	case one == nil:
		return nil, "", notFound()
	case versioned && version != fmt.Sprint(one.version):
		return nil, "", wire.Errorf("ParameterVersionNotFound", "Systems Manager could not find version %s of %s. Verify the version and try again.", version, name)
	case versioned:
		return one, ":" + version, nil
	}
	return one, "", nil
}

type getInput struct {
	Name           string
	WithDecryption bool
}

type getOutput struct{ Parameter shown }

func (p *Parameters) get(_ context.Context, in *getInput) (*getOutput, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, selector, err := p.find(in.Name)
	if err != nil {
		return nil, err
	}
	out := p.show(one, in.WithDecryption)
	out.Selector = selector
	return &getOutput{out}, nil
}

type getSeveralInput struct {
	Names          []string
	WithDecryption bool
}

type getSeveralOutput struct {
	Parameters        []shown
	InvalidParameters []string
}

func (p *Parameters) getSeveral(_ context.Context, in *getSeveralInput) (*getSeveralOutput, error) {
	if n := len(in.Names); n < 1 || n > maxPage {
		return nil, validation("1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length less than or equal to %d", maxPage)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := &getSeveralOutput{Parameters: []shown{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		one, selector, err := p.find(name)
		if err != nil {
			out.InvalidParameters = append(out.InvalidParameters, name)
			continue
		}
		s := p.show(one, in.WithDecryption)
		s.Selector = selector
		out.Parameters = append(out.Parameters, s)
	}
	return out, nil
}

type byPathInput struct {
	Path           string
	Recursive      bool
	WithDecryption bool
	MaxResults     *int
	NextToken      string
}

type byPathOutput struct {
	Parameters []shown
	NextToken  string `json:",omitempty"`
}

func (p *Parameters) getByPath(_ context.Context, in *byPathInput) (*byPathOutput, error) {
	if !strings.HasPrefix(in.Path, "/") {
		return nil, validation("The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\". It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol \"/\". Valid example: /get/parameters2-/by1./path0_.")
	}
	size := maxPage
	if in.MaxResults != nil {
		if size = *in.MaxResults; size < 1 || size > maxPage {
			return nil, validation("1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to %d", size, maxPage)
		}
	}
	after, err := base64.RawURLEncoding.DecodeString(in.NextToken)
	if err != nil {
		return nil, wire.NewError("InvalidNextToken", "The specified token isn't valid.")
	}
	prefix := strings.TrimSuffix(in.Path, "/") + "/"
	p.mu.Lock()
	defer p.mu.Unlock()
	out := &byPathOutput{Parameters: []shown{}}
	for _, name := range slices.Sorted(maps.Keys(p.all)) {
		rest, below := strings.CutPrefix(name, prefix)
		if !below || name <= string(after) || !in.Recursive && strings.Contains(rest, "/") {
			continue
		}
		if len(out.Parameters) == size {
			out.NextToken = base64.RawURLEncoding.EncodeToString([]byte(out.Parameters[size-1].Name))
			break
		}
		out.Parameters = append(out.Parameters, p.show(p.all[name], in.WithDecryption))
	}
	return out, nil
}

type nameInput struct{ Name string }

func (p *Parameters) delete(_ context.Context, in *nameInput) (*struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, _, err := p.find(in.Name)
	if err != nil {
		return nil, err
	}
	delete(p.all, one.name)
	return nil, nil
}

type tagsInput struct {
	ResourceType, ResourceId string //nolint:revive // the API's spelling
	Tags                     []tag
}

// tagged is the parameter whose tags a request is about; callers hold mu.
func (p *Parameters) tagged(in *tagsInput) (*parameter, error) {
	if in.ResourceType != "Parameter" {
		return nil, wire.NewError("InvalidResourceType", "The resource type is not valid. The local endpoint has parameters only.")
	}
	if one := p.all[in.ResourceId]; one != nil {
		return one, nil
	}
	return nil, wire.NewError("InvalidResourceId", "The resource ID is not valid. Verify that you entered the correct ID and try again.")
}

func (p *Parameters) addTags(_ context.Context, in *tagsInput) (*struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, err := p.tagged(in)
	if err != nil {
		return nil, err
	}
	tags := maps.Clone(one.tags)
	if err := merge(tags, in.Tags); err != nil {
		return nil, err
	}
	one.tags = tags
	return nil, nil
}

type tagsOutput struct{ TagList []tag }

func (p *Parameters) listTags(_ context.Context, in *tagsInput) (*tagsOutput, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, err := p.tagged(in)
	if err != nil {
		return nil, err
	}
	out := &tagsOutput{TagList: []tag{}}
	for _, key := range slices.Sorted(maps.Keys(one.tags)) {
		out.TagList = append(out.TagList, tag{key, one.tags[key]})
	}
	return out, nil
}
