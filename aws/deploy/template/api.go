package template

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// The function of the workers API.
const (
	apiFunction = "Api" + partFunction
	apiLogGroup = "Api" + partLogGroup
	// apiTimeout is how long API Gateway waits for it, in seconds.
	apiTimeout = 29
	apiMemory  = 256

	restAPI = "ApiGatewayRestApi"

	lambdaRuntime = "provided.al2023"
)

// route is one thing that the workers API answers.
type route struct{ method, path string }

func routes() []route {
	return []route{{"GET", "docs.json"}, {"GET", "workers/config"}, {"POST", "workers/trigger"}}
}

// api adds the workers API: a REST API in front of one function.
func (b *builder) api() {
	b.apiRole()
	b.apiOutputs()
	b.logGroup(apiLogGroup, project.APIFunctionName(b.p.Service, b.p.Stage), "")
	b.add(apiFunction, resource("AWS::Lambda::Function", b.apiFunction(), apiLogGroup))
	b.gateway()
}

// apiFunction is the function of the workers API.
func (b *builder) apiFunction() object {
	return object{
		"FunctionName":  project.APIFunctionName(b.p.Service, b.p.Stage),
		"Description":   "The workers API of " + b.p.Service,
		"Runtime":       lambdaRuntime,
		"Handler":       "api",
		"Architectures": list{arch(b.p)},
		"Code":          b.code(b.p.API),
		"Timeout":       apiTimeout,
		"MemorySize":    apiMemory,
		"Role":          attribute("ApiRole", "Arn"),
		"Environment":   object{"Variables": b.apiVariables()},
		"Tags":          b.tags(""),
	}
}

func (b *builder) apiOutputs() {
	b.output(project.OutputAPIURL, "The base URL of the workers API",
		sub("https://${"+restAPI+"}.execute-api.${AWS::Region}.${AWS::URLSuffix}/"+literal(b.p.Stage)))
	if !b.p.APIKey.IsZero() {
		b.output(project.OutputAPIKey, "Where the key of the workers API is kept", b.p.APIKey.String())
	}
}

// gateway adds the REST API and what it is made of.
func (b *builder) gateway() {
	definition := map[string]entry{restAPI: resource("AWS::ApiGateway::RestApi", object{
		"Name":                  b.apiName(),
		"Description":           "The workers API of " + b.p.Service + ", stage " + b.p.Stage,
		"EndpointConfiguration": object{"Types": list{"REGIONAL"}},
		"Tags":                  b.tags(""),
	})}
	var methods []string
	for _, r := range routes() {
		parent, name := any(attribute(restAPI, "RootResourceId")), "ApiGatewayResource"
		for part := range strings.SplitSeq(r.path, "/") {
			name += camel(part)
			definition[name] = resource("AWS::ApiGateway::Resource", object{"RestApiId": ref(restAPI), "ParentId": parent, "PathPart": part})
			parent = ref(name)
		}
		method := strings.Replace(name, "Resource", "Method", 1) + camel(strings.ToLower(r.method))
		methods = append(methods, method)
		definition[method] = resource("AWS::ApiGateway::Method", object{
			"RestApiId": ref(restAPI), "ResourceId": parent, "HttpMethod": r.method,
			// The function itself asks for the key, which callers of the TypeScript system send in
			// headers of their own.
			"AuthorizationType": "NONE", "ApiKeyRequired": false,
			"Integration": object{
				"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST",
				"Uri": sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${" + apiFunction + ".Arn}/invocations"),
			},
		})
	}
	for _, id := range slices.Sorted(maps.Keys(definition)) {
		b.add(id, definition[id])
	}
	b.add("ApiLambdaPermissionApiGateway", resource("AWS::Lambda::Permission", object{
		"FunctionName": ref(apiFunction), "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
		"SourceArn": sub("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${" + restAPI + "}/*/*"),
	}))
	// A stage serves what its deployment saw: another definition wants another deployment, and
	// so another name for it.
	slices.Sort(methods)
	b.add(deploymentPrefix+b.definitionHash(definition), resource("AWS::ApiGateway::Deployment", object{
		"RestApiId": ref(restAPI), "StageName": b.p.Stage, "Description": "Made by aiwctl push",
	}, methods...))
}

// deploymentPrefix is what the name of the API's deployment begins with.
const deploymentPrefix = "ApiGatewayStageDeployment"

func (b *builder) definitionHash(definition map[string]entry) string {
	text, err := json.Marshal([]any{b.p.Stage, definition})
	if err != nil {
		b.problem("", "the workers API cannot be written down: %v", err) // it is made of strings
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:4])
}

func (b *builder) apiName() string { return b.p.Service + "-" + b.p.Stage }

// camel is a part of a path as a part of a name.
func camel(part string) string {
	part = strings.ReplaceAll(part, ".", "")
	return strings.ToUpper(part[:1]) + part[1:]
}
