package template

import "slices"

// replacing are the properties whose change makes a resource anew, for the types that this
// package writes. Source: CloudFormation template reference, "Update requires" of each property.
func replacing(kind string) (properties []string, known bool) {
	switch kind {
	case "AWS::SQS::Queue":
		return []string{"QueueName", "FifoQueue"}, true
	case "AWS::Lambda::Function":
		return []string{"FunctionName", "PackageType"}, true
	case "AWS::Lambda::EventSourceMapping":
		return []string{"EventSourceArn", "StartingPosition", "SelfManagedEventSource"}, true
	case "AWS::Lambda::Permission":
		return []string{"Action", "EventSourceToken", "FunctionName", "FunctionUrlAuthType", "Principal", "PrincipalOrgID", "SourceAccount", "SourceArn"}, true
	case "AWS::Logs::LogGroup":
		return []string{"LogGroupName"}, true
	case "AWS::IAM::Role":
		return []string{"RoleName", "Path"}, true
	case "AWS::IAM::ManagedPolicy":
		return []string{"ManagedPolicyName", "Path", "Description"}, true
	case "AWS::Events::Rule":
		return []string{"Name", "EventBusName"}, true
	case "AWS::CloudWatch::Alarm":
		return []string{"AlarmName"}, true
	case "AWS::ApiGateway::Resource":
		return []string{"ParentId", "PathPart", "RestApiId"}, true
	case "AWS::ApiGateway::Method":
		return []string{"HttpMethod", "ResourceId", "RestApiId"}, true
	case "AWS::ApiGateway::Deployment":
		return []string{"RestApiId", "DeploymentCanarySettings"}, true
	case "AWS::ApiGateway::RestApi", "AWS::SQS::QueuePolicy":
		return nil, true
	}
	return nil, false
}

// replacementOf says what a change of a property does to its resource.
func replacementOf(kind, property string) Replacement {
	properties, known := replacing(kind)
	switch {
	case !known && property != "Tags":
		return MayReplace
	case slices.Contains(properties, property):
		return Replaces
	}
	return InPlace
}
