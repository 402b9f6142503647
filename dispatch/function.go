package dispatch

import "strings"

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
