package local_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/microfox-ai/aiwctl/aws/local"
)

// apiTemplate is a stack of the workers API.
func apiTemplate() m {
	uri := m{"Fn::Sub": "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations"}
	return m{
		"Resources": m{
			"Role": m{"Type": "AWS::IAM::Role", "Properties": m{"AssumeRolePolicyDocument": m{}}},
			"Function": m{"Type": "AWS::Lambda::Function", "Properties": m{
				"FunctionName": "api-demo-api", "Runtime": "provided.al2023", "Handler": "api", "Timeout": 29, "Role": m{"Fn::GetAtt": "Role.Arn"},
				"Code":        m{"S3Bucket": artifacts, "S3Key": "api.zip"},
				"Environment": m{"Variables": m{"STAGE": "demo", "AIWORKER_SERVICE": "api", "WORKERS_API_KEY": "s3cret"}},
			}},
			"Api":         m{"Type": "AWS::ApiGateway::RestApi", "Properties": m{"Name": "api-demo"}},
			"Docs":        m{"Type": "AWS::ApiGateway::Resource", "Properties": m{"RestApiId": m{"Ref": "Api"}, "ParentId": m{"Fn::GetAtt": []string{"Api", "RootResourceId"}}, "PathPart": "docs.json"}},
			"Workers":     m{"Type": "AWS::ApiGateway::Resource", "Properties": m{"RestApiId": m{"Ref": "Api"}, "ParentId": m{"Fn::GetAtt": []string{"Api", "RootResourceId"}}, "PathPart": "workers"}},
			"Rest":        m{"Type": "AWS::ApiGateway::Resource", "Properties": m{"RestApiId": m{"Ref": "Api"}, "ParentId": m{"Ref": "Workers"}, "PathPart": "{proxy+}"}},
			"GetDocs":     m{"Type": "AWS::ApiGateway::Method", "Properties": m{"RestApiId": m{"Ref": "Api"}, "ResourceId": m{"Ref": "Docs"}, "HttpMethod": "GET", "AuthorizationType": "NONE", "Integration": m{"Type": "AWS_PROXY", "Uri": uri}}},
			"AnyRest":     m{"Type": "AWS::ApiGateway::Method", "Properties": m{"RestApiId": m{"Ref": "Api"}, "ResourceId": m{"Ref": "Rest"}, "HttpMethod": "ANY", "AuthorizationType": "NONE", "Integration": m{"Type": "AWS_PROXY", "Uri": uri}}},
			"Deployment1": m{"Type": "AWS::ApiGateway::Deployment", "DependsOn": []string{"GetDocs", "AnyRest"}, "Properties": m{"RestApiId": m{"Ref": "Api"}, "StageName": "demo"}},
		},
		"Outputs": m{"Url": m{"Value": m{"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/demo"}}},
	}
}

func TestStackOfAnAPI(t *testing.T) {
	t.Parallel()
	s := start(t, local.Config{})
	c := deployer(t, s)
	c.upload(t, "api.zip", nil)
	template := apiTemplate()
	_, st := c.change(t, "api-demo", cfntypes.ChangeSetTypeCreate, template)
	if st.StackStatus != cfntypes.StackStatusCreateComplete {
		t.Fatalf("the stack is %s\n%s", st.StackStatus, strings.Join(c.events(t, "api-demo"), "\n"))
	}
	base := *st.Outputs[0].OutputValue
	if !strings.HasPrefix(base, s.Endpoint()+"/_aws/execute-api/") || !strings.HasSuffix(base, "/demo") {
		t.Fatalf("the base URL is %s", base)
	}
	ask := func(method, url, key string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Workers-Trigger-Key", key)
		resp, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	status, body := ask(http.MethodGet, base+"/docs.json", "s3cret")
	var docs map[string]any
	if status != http.StatusOK || json.Unmarshal([]byte(body), &docs) != nil {
		t.Errorf("docs.json gives %d %s", status, body)
	}
	if status, body := ask(http.MethodGet, base+"/workers/config?stage=demo", "wrong"); status != http.StatusUnauthorized {
		t.Errorf("workers/config with a wrong key gives %d %s", status, body)
	}
	for url, want := range map[string]string{
		base + "/nowhere": "Missing Authentication Token",
		strings.Replace(base, "/demo", "/other", 1) + "/docs.json": "Forbidden",
	} {
		if status, body := ask(http.MethodGet, url, "s3cret"); status != http.StatusForbidden || !strings.Contains(body, want) {
			t.Errorf("%s gives %d %s, want %s", url, status, body, want)
		}
	}

	// Another deployment takes the stage over; what was left out is not served any more.
	resources := template["Resources"].(m)
	deployment := resources["Deployment1"].(m)
	delete(resources, "Deployment1")
	delete(resources, "GetDocs")
	delete(resources, "Docs")
	deployment["DependsOn"] = []string{"AnyRest"}
	resources["Deployment2"] = deployment
	if _, st = c.change(t, "api-demo", cfntypes.ChangeSetTypeUpdate, template); st.StackStatus != cfntypes.StackStatusUpdateComplete {
		t.Fatalf("the stack is %s\n%s", st.StackStatus, strings.Join(c.events(t, "api-demo"), "\n"))
	}
	if got := *st.Outputs[0].OutputValue; got != base {
		t.Errorf("the base URL became %s", got)
	}
	if status, body := ask(http.MethodGet, base+"/workers/config?stage=demo", "wrong"); status != http.StatusUnauthorized {
		t.Errorf("after the update workers/config gives %d %s", status, body)
	}
}

func TestStackOfARule(t *testing.T) {
	t.Parallel()
	c := deployer(t, start(t, local.Config{}))
	_, st := c.change(t, "rule", cfntypes.ChangeSetTypeCreate, m{"Resources": m{
		"Queue": m{"Type": "AWS::SQS::Queue", "Properties": m{"QueueName": "clock"}},
		"Rule": m{"Type": "AWS::Events::Rule", "Properties": m{
			"ScheduleExpression": "rate(1 minute)", "State": "ENABLED",
			"Targets": []m{{"Id": "queue", "Arn": m{"Fn::GetAtt": "Queue.Arn"}, "InputTransformer": m{"InputPathsMap": m{"id": "$.id"}, "InputTemplate": `{"jobId":"job-<id>"}`}}},
		}},
		"Wrong": m{"Type": "AWS::Events::Rule", "DependsOn": "Rule", "Properties": m{"ScheduleExpression": "hourly"}},
	}})
	if events := strings.Join(c.events(t, "rule"), "\n"); st.StackStatus != cfntypes.StackStatusRollbackComplete || !strings.Contains(events, "Parameter ScheduleExpression is not valid.") {
		t.Errorf("the stack is %s\n%s", st.StackStatus, events)
	}
}
