package stacks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"github.com/microfox-ai/aiwctl/aws/local/stacks"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// things is a kind of resource that notes what is done to it.
type things struct {
	mu   sync.Mutex
	done []string
	// broken are the logical ids that cannot be made or changed.
	broken map[string]bool
}

func (k *things) note(format string, args ...any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.done = append(k.done, fmt.Sprintf(format, args...))
}

// took is what was done since it was asked for last.
func (k *things) took() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	done := k.done
	k.done = nil
	return done
}

func (k *things) fails(r stacks.Resource) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.broken[r.LogicalID] {
		return wire.NewError("InvalidParameterValueException", "it is broken")
	}
	return nil
}

func (k *things) kind() stacks.Kind {
	return stacks.Kind{
		Create: func(_ context.Context, r stacks.Resource) (stacks.Made, error) {
			if err := k.fails(r); err != nil {
				return stacks.Made{}, err
			}
			k.note("create %s", r.LogicalID)
			return stacks.Made{ID: "id-" + r.LogicalID + "-" + fmt.Sprint(r.Properties["Kind"]), Attributes: map[string]any{"Arn": "arn:" + r.LogicalID, "Text": r.Properties["Text"]}}, nil
		},
		Update: func(_ context.Context, _, r stacks.Resource) (stacks.Made, error) {
			if err := k.fails(r); err != nil {
				return stacks.Made{}, err
			}
			k.note("update %s %v", r.LogicalID, r.Properties["Text"])
			return stacks.Made{}, nil
		},
		Delete:   func(_ context.Context, r stacks.Resource) error { k.note("delete %s", r.PhysicalID); return nil },
		Replaced: []string{"Kind"}, Tagged: true,
	}
}

func serve(t *testing.T, k *things) *cloudformation.Client {
	t.Helper()
	s := stacks.New(stacks.Config{Kinds: map[string]stacks.Kind{"Test::Thing": k.kind(), "AWS::IAM::Role": k.kind()}, Pace: time.Microsecond})
	t.Cleanup(s.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action, params, err := wire.ReadQuery(r, 0)
		if err != nil {
			t.Error(err)
		}
		s.Answer(w, action, params)
	}))
	t.Cleanup(server.Close)
	return cloudformation.New(cloudformation.Options{
		Region: "us-east-1", BaseEndpoint: awssdk.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		RetryMaxAttempts: 1,
	})
}

func settle(t *testing.T, c *cloudformation.Client, name string) types.Stack {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		out, err := c.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(string(out.Stacks[0].StackStatus), "_IN_PROGRESS") {
			return out.Stacks[0]
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s stays %s", name, out.Stacks[0].StackStatus)
		}
	}
}

func create(t *testing.T, c *cloudformation.Client, name, template string, parameters ...types.Parameter) types.Stack {
	t.Helper()
	if _, err := c.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &template, Parameters: parameters}); err != nil {
		t.Fatal(err)
	}
	return settle(t, c, name)
}

func update(t *testing.T, c *cloudformation.Client, name, template string) types.Stack {
	t.Helper()
	if _, err := c.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{StackName: &name, TemplateBody: &template}); err != nil {
		t.Fatal(err)
	}
	return settle(t, c, name)
}

// A template in YAML with every function that there is.
const everything = `
Description: all of it
Parameters:
  Who: {Type: String}
  Size: {Type: Number, Default: 2}
  Names: {Type: CommaDelimitedList, Default: "a, b"}
Mappings:
  Sizes: {"2": {word: two}}
Conditions:
  Big: !Not [!Equals [!Ref Size, "2"]]
  Small: !And [!Condition NotBig, !Equals [a, a]]
  NotBig: !Not [Condition: Big]
Resources:
  First:
    Type: Test::Thing
    Properties:
      Text: !Sub "${AWS::StackName} of ${Who} ${!kept}"
      Gone: !If [Big, x, !Ref AWS::NoValue]
  Second:
    Type: Test::Thing
    Properties:
      Text: !Join ["-", [!Ref First, !GetAtt First.Arn, !Select [1, !Ref Names], !FindInMap [Sizes, !Ref Size, word], !Select [0, !Split ["/", p/q]]]]
  Third:
    Type: Test::Thing
    Condition: Big
Outputs:
  First: {Value: !GetAtt First.Text}
  Second: {Value: !GetAtt Second.Text, Export: {Name: !Sub "${AWS::StackName}-out"}}
  Third: {Condition: Big, Value: x}
`

func TestFunctions(t *testing.T) {
	t.Parallel()
	k := &things{}
	c := serve(t, k)
	st := create(t, c, "all", everything, types.Parameter{ParameterKey: awssdk.String("Who"), ParameterValue: awssdk.String("us")})
	got := map[string]string{}
	for _, o := range st.Outputs {
		got[*o.OutputKey] = *o.OutputValue + " " + awssdk.ToString(o.ExportName)
	}
	if len(got) != 2 || got["First"] != "all of us ${kept} " || got["Second"] != "id-First-<nil>-arn:First-b-two-p all-out" {
		t.Errorf("the outputs are %q of a stack that is %s (%s)", got, st.StackStatus, awssdk.ToString(st.StackStatusReason))
	}
	imported := create(t, c, "other", `{"Resources": {"A": {"Type": "Test::Thing", "Properties": {"Text": {"Fn::ImportValue": "all-out"}}}}, "Outputs": {"A": {"Value": {"Fn::GetAtt": "A.Text"}}}}`)
	if len(imported.Outputs) != 1 || !strings.HasPrefix(*imported.Outputs[0].OutputValue, "id-First") {
		t.Errorf("what is imported is %+v", imported.Outputs)
	}
}

func thing(id, text, kind, needs string) string {
	on := ""
	if needs != "" {
		on = `, "DependsOn": "` + needs + `"`
	}
	return fmt.Sprintf(`%q: {"Type": "Test::Thing", "Properties": {"Text": %q, "Kind": %q}%s}`, id, text, kind, on)
}

// describe is a template of such resources.
func describe(parts ...string) string { return `{"Resources": {` + strings.Join(parts, ", ") + `}}` }

func TestUpdateReplacesAndCleansUp(t *testing.T) {
	t.Parallel()
	k := &things{}
	c := serve(t, k)
	create(t, c, "s", describe(thing("A", "1", "x", ""), thing("B", "1", "x", "A"), thing("C", "1", "x", "B")))
	k.took()
	if st := update(t, c, "s", describe(thing("A", "1", "y", ""), thing("B", "2", "x", "A"), thing("D", "1", "x", "B"))); st.StackStatus != types.StackStatusUpdateComplete {
		t.Fatalf("the stack is %s", st.StackStatus)
	}
	if got, want := k.took(), []string{"create A", "update B 2", "create D", "delete id-A-x", "delete id-C-x"}; !slices.Equal(got, want) {
		t.Errorf("it did %q, want %q", got, want)
	}
	if _, err := c.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: awssdk.String("s")}); err != nil {
		t.Fatal(err)
	}
	gone := func() bool {
		_, err := c.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: awssdk.String("s")})
		return err != nil
	}
	for deadline := time.Now().Add(30 * time.Second); !gone(); {
		if time.Now().After(deadline) {
			t.Fatal("the stack stays")
		}
	}
	if got, want := k.took(), []string{"delete id-D-x", "delete id-B-x", "delete id-A-y"}; !slices.Equal(got, want) {
		t.Errorf("it did %q, want %q", got, want)
	}
}

func TestFailedUpdateGoesBack(t *testing.T) {
	t.Parallel()
	k := &things{broken: map[string]bool{"Z": true}}
	c := serve(t, k)
	create(t, c, "s", describe(thing("A", "1", "x", ""), thing("B", "1", "x", "")))
	k.took()
	next := describe(thing("A", "2", "x", ""), thing("B", "1", "y", ""), thing("N", "1", "x", ""), thing("Z", "1", "x", "N"))
	if st := update(t, c, "s", next); st.StackStatus != types.StackStatusUpdateRollbackComplete {
		t.Fatalf("the stack is %s", st.StackStatus)
	}
	want := []string{"update A 2", "create B", "create N", "update A 1", "delete id-N-x", "delete id-B-y"}
	if got := k.took(); !slices.Equal(got, want) {
		t.Errorf("it did %q, want %q", got, want)
	}
	k.mu.Lock()
	delete(k.broken, "Z")
	k.mu.Unlock()
	if st := update(t, c, "s", next); st.StackStatus != types.StackStatusUpdateComplete {
		t.Errorf("with what was broken mended the stack is %s", st.StackStatus)
	}
}

func TestTemplateRefusals(t *testing.T) {
	t.Parallel()
	c := serve(t, &things{})
	for template, want := range map[string]string{
		`{`:                "Template format error: JSON not well-formed.",
		`{"Resources":{}}`: "Template format error: At least one Resources member must be defined.",
		`{"Resources":{"A":{"Type":"AWS::No::Such"}}}`:                                                                                        "Template format error: Unrecognized resource types: [AWS::No::Such]",
		`{"Resources":{"A":{"Type":"Test::Thing","Properties":{"X":{"Ref":"B"}}}}}`:                                                           "Template format error: Unresolved resource dependencies [B] in the Resources block of the template",
		`{"Resources":{"A":{"Type":"Test::Thing"}},"Outputs":{"O":{"Value":{"Fn::Sub":"${B.Arn}"}}}}`:                                         "Template format error: Unresolved resource dependencies [B] in the Outputs block of the template",
		`{"Resources":{"A":{"Type":"Test::Thing","DependsOn":"B"},"B":{"Type":"Test::Thing","Properties":{"X":{"Fn::GetAtt":["A","Arn"]}}}}}`: "Circular dependency between resources: [A, B]",
		`{"Resources":{"A":{"Type":"Test::Thing"}},"Parameters":{"P":{"Type":"String"}}}`:                                                     "Parameters: [P] must have values",
		`{"Resources":{"A-B":{"Type":"Test::Thing"}}}`:                                                                                        "Template format error: Resource name A-B is non alphanumeric.",
		`{"Resources":{"R":{"Type":"AWS::IAM::Role"}}}`:                                                                                       "InsufficientCapabilitiesException: Requires capabilities : [CAPABILITY_IAM]",
		`{"Resources":{"R":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"x"}}}}`:                                                         "Requires capabilities : [CAPABILITY_NAMED_IAM]",
	} {
		_, err := c.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: awssdk.String("s"), TemplateBody: &template})
		if e, ok := errors.AsType[smithy.APIError](err); !ok || !strings.Contains(e.ErrorCode()+": "+e.ErrorMessage(), want) {
			t.Errorf("%s\n  is refused with %v\n  want %s", template, err, want)
		}
	}
}
