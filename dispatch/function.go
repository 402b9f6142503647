package dispatch

import "strings"

// GroupService is the service of a deployment group: the project's, followed by the group's
// name without dashes, cut to 12 characters. The default group has the project's own.
func GroupService(service, group string) string {
	if group == "" || group == DefaultGroup {
		return service
	}
	group = strings.ReplaceAll(group, "-", "")
	return service + "-" + group[:min(len(group), 12)]
}

// FunctionName is the name of a worker's Lambda function as deployments make it:
// <service>-<stage>-<key>, see FunctionKey. Its log group is /aws/lambda/<name>.
func FunctionName(service, stage, workerID string) string {
	return service + "-" + stage + "-" + FunctionKey(workerID)
}

// FunctionKey is what a deployment makes of a worker's id: "worker", and the id split
// at everything that is neither letter nor digit, every part in lower case with its
// first letter in upper case. "video-processing" becomes workerVideoProcessing,
// "smartDemo" workerSmartdemo. Different ids may make the same key.
func FunctionKey(workerID string) string {
	var b strings.Builder
	b.WriteString("worker")
	for part := range strings.FieldsFuncSeq(workerID, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}) {
		part = strings.ToLower(part)
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}
