package dispatch

import "strings"

// FunctionName is the name of a worker's Lambda function as deployments make it:
// <service>-<stage>-worker<Id>. The id is split at everything that is neither
// letter nor digit, and every part is put in lower case with its first letter in
// upper case: "video-processing" becomes workerVideoProcessing, "smartDemo"
// workerSmartdemo. Its log group is /aws/lambda/<name>. Different ids may make the
// same name.
func FunctionName(service, stage, workerID string) string {
	var b strings.Builder
	b.WriteString(service + "-" + stage + "-worker")
	for part := range strings.FieldsFuncSeq(workerID, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}) {
		part = strings.ToLower(part)
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}
