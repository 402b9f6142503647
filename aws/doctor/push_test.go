package doctor_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/aws/doctor"
)

// notNeeded are what CloudFormation's handlers may do for properties that no template of ours
// has.
var notNeeded = regexp.MustCompile(`^(` + strings.Join([]string{
	`ec2:.*|elasticfilesystem:.*|s3files:.*`, // a function in a VPC, with a file system
	`kms:.*`,                                 // keys of one's own
	`firehose:.*|s3:REST\..*`,                // logs delivered elsewhere
	`logs:(CreateLogDelivery|(Put|Delete|Describe)(ResourcePolic(y|ies))|(Put|Delete)(DataProtectionPolicy|IndexPolicy)|(Dis)?[aA]ssociateKmsKey|PutLogGroupDeletionProtection|PutBearerTokenAuthentication)`,
	`lambda:(GetCodeSigningConfig|(Put|Delete)FunctionCodeSigningConfig|Put(RuntimeManagementConfig|FunctionRecursionConfig|FunctionScalingConfig)|PassCapacityProvider|AssociateRuntimeAlias|PublishVersion)`,
	`iam:(Attach|Detach)(Group|User)Policy`,   // policies are attached to roles
	`iam:(Put|Delete)RolePermissionsBoundary`, // a boundary
	`apigateway:UpdateRestApiPolicy`,          // a policy of the API
	`s3:GetObjectVersion`,                     // artifacts have a name for each version
}, "|") + `)$`)

// What CloudFormation does for us, as its registry has it, and what we do ourselves.
func TestThePushPolicyHasEveryAction(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/handlers.json")
	if err != nil {
		t.Fatal(err)
	}
	var handlers map[string][]string
	if err := json.Unmarshal(text, &handlers); err != nil || len(handlers) < 14 {
		t.Fatalf("%d types, %v", len(handlers), err)
	}
	_, explained := doctor.PushPolicy(doctor.PushScope{})
	has := make(map[string]bool)
	for _, a := range explained {
		if has[a.Action] || a.Use == "" {
			t.Errorf("%s: twice, or unexplained", a.Action)
		}
		has[a.Action] = true
	}
	for kind, actions := range handlers {
		for _, action := range actions {
			if has[action] == notNeeded.MatchString(action) {
				t.Errorf("%s: %s: in the policy %v, not needed %v", kind, action, has[action], !has[action])
			}
		}
	}
	ops := aws.DeployOperations()
	if missing := doctor.UnknownPushCalls(ops); len(missing) > 0 {
		t.Errorf("a deployment calls %q, of which the policy knows no action", missing)
	}
	for _, want := range []aws.Operation{{Service: "cloudformation", Name: "ExecuteChangeSet", Write: true}, {Service: "s3", Name: "HeadObject"}, {Service: "sqs", Name: "SetQueueAttributes", Write: true}} {
		if !slices.Contains(ops, want) {
			t.Errorf("DeployOperations() lacks %+v", want)
		}
	}
	if got := doctor.UnknownPushCalls([]aws.Operation{{Service: "s3", Name: "DeleteBucket"}}); len(got) != 1 {
		t.Errorf("a call that nobody has entered is not noticed: %q", got)
	}
}

func TestThePushPolicyIsOfTheStage(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"p-x", "a-service-with-a-very-long-name-indeed"} {
		scope := doctor.PushScope{Service: service, Stage: "prod", Region: region, Account: account}
		policy, _ := doctor.PushPolicy(scope)
		text, err := json.Marshal(policy)
		if err != nil || len(text) > 6144 {
			t.Errorf("%s: the policy has %d characters, and IAM takes 6,144 (%v)", service, len(text), err)
		}
		for _, s := range policy.Statement {
			for _, r := range s.Resource {
				general := r == "*" && (s.Sid == "PushAnywhere" || s.Sid == "PushMappings") || s.Sid == "PushAPI" || s.Sid == "PushLayers" ||
					s.Sid == "PushBucket" || strings.HasSuffix(r, ":event-source-mapping:*")
				if !general && !strings.Contains(r, service[:min(len(service), 20)]) {
					t.Errorf("%s allows on %s", s.Sid, r)
				}
			}
			if (s.Condition != nil) != (s.Sid == "PushMappings" || s.Sid == "PushPassRole") {
				t.Errorf("%s has the condition %v", s.Sid, s.Condition)
			}
		}
	}
	policy, _ := doctor.PushPolicy(doctor.PushScope{Service: "p-x", Stage: "prod", Region: "cn-north-1", Bucket: "own"})
	text, _ := json.Marshal(policy)
	for _, want := range []string{
		`"arn:aws-cn:s3:::own/p-x/prod/*"`, `"arn:aws-cn:cloudformation:cn-north-1:*:stack/p-x-*-prod-aiwctl/*"`, `"arn:aws-cn:ssm:cn-north-1:*:parameter/p-x/prod/*"`,
		`"arn:aws-cn:iam::*:role/p-x-*"`, `{"iam:PassedToService":["lambda.amazonaws.com"]}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
}
