package resources

import (
	"context"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/local/gateway"
	"github.com/microfox-ai/aiwctl/aws/local/stacks"
)

// apiKinds are the types of API Gateway. Their physical ids are the service's own.
func (r *Resources) apiKinds() map[string]stacks.Kind {
	apis := r.cfg.APIs
	made := func(id string, attributes map[string]any, err error) (stacks.Made, error) {
		return stacks.Made{ID: id, Attributes: attributes}, err
	}
	of := func(s stacks.Resource, property string) string { return text(s.Properties[property]) }
	return map[string]stacks.Kind{
		"AWS::ApiGateway::RestApi": {
			Create: func(_ context.Context, s stacks.Resource) (stacks.Made, error) {
				id, root := apis.CreateAPI(nameOf(s, "Name", 255))
				return made(id, map[string]any{"RootResourceId": root, "RestApiId": id}, nil)
			},
			Delete: func(_ context.Context, s stacks.Resource) error { apis.DeleteAPI(s.PhysicalID); return nil },
			Tagged: true,
		},
		"AWS::ApiGateway::Resource": {
			Create: func(_ context.Context, s stacks.Resource) (stacks.Made, error) {
				id, err := apis.CreateResource(of(s, "RestApiId"), of(s, "ParentId"), of(s, "PathPart"))
				return made(id, map[string]any{"ResourceId": id}, err)
			},
			Delete: func(_ context.Context, s stacks.Resource) error {
				apis.DeleteResource(of(s, "RestApiId"), s.PhysicalID)
				return nil
			},
			Replaced: []string{"ParentId", "PathPart", "RestApiId"}, Required: []string{"ParentId", "PathPart", "RestApiId"},
		},
		"AWS::ApiGateway::Method": {
			Create: func(_ context.Context, s stacks.Resource) (stacks.Made, error) {
				id := strings.Join([]string{of(s, "RestApiId"), of(s, "ResourceId"), of(s, "HttpMethod")}, "|")
				return made(id, map[string]any{}, r.putMethod(s))
			},
			Update: func(_ context.Context, _, s stacks.Resource) (stacks.Made, error) {
				return stacks.Made{}, r.putMethod(s)
			},
			Delete: func(_ context.Context, s stacks.Resource) error {
				apis.DeleteMethod(of(s, "RestApiId"), of(s, "ResourceId"), of(s, "HttpMethod"))
				return nil
			},
			Replaced: []string{"HttpMethod", "ResourceId", "RestApiId"}, Required: []string{"HttpMethod", "ResourceId", "RestApiId"},
		},
		"AWS::ApiGateway::Deployment": {
			Create: func(_ context.Context, s stacks.Resource) (stacks.Made, error) {
				id, err := apis.Deploy(of(s, "RestApiId"), of(s, "StageName"))
				return made(id, map[string]any{"DeploymentId": id}, err)
			},
			Delete: func(_ context.Context, s stacks.Resource) error {
				apis.Undeploy(of(s, "RestApiId"), s.PhysicalID)
				return nil
			},
			Replaced: []string{"RestApiId"}, Required: []string{"RestApiId"},
		},
	}
}

// putMethod has the function of an integration answer; an integration of another kind answers
// with an error when it is asked.
func (r *Resources) putMethod(s stacks.Resource) error {
	integration := object(s.Properties["Integration"])
	function := ""
	if kind := text(integration["Type"]); kind == "AWS_PROXY" {
		if function = gateway.FunctionOf(text(integration["Uri"])); function == "" {
			return invalid("Invalid ARN specified in the request")
		}
	}
	return r.cfg.APIs.PutMethod(text(s.Properties["RestApiId"]), text(s.Properties["ResourceId"]), text(s.Properties["HttpMethod"]), function)
}
