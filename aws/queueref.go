package aws

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// queueRef names a queue whichever way a source named it.
type queueRef struct {
	region, account, name string
	// url is the source's own, empty when the source gave an ARN.
	url string
}

// queueKey is a queue's identity.
type queueKey struct{ region, account, name string }

// baseName is the name without the suffix every FIFO queue has.
func (q queueRef) baseName() string { return strings.TrimSuffix(q.name, ".fifo") }

func (q queueRef) arn() string {
	return arn.ARN{Partition: partition(q.region), Service: "sqs", Region: q.region, AccountID: q.account, Resource: q.name}.String()
}

// queueFromARN reads arn:aws:sqs:region:account:name.
func queueFromARN(raw string) (queueRef, bool) {
	a, err := arn.Parse(raw)
	if err != nil || a.Service != "sqs" || a.Resource == "" {
		return queueRef{}, false
	}
	return queueRef{region: a.Region, account: a.AccountID, name: a.Resource}, true
}

// queueFromURL reads a queue URL. Its path ends in the account and the name
// whatever the host is: SQS itself, one of its older hosts, a VPC endpoint or a
// local endpoint. The region is the host's where it names one, else fallback.
func queueFromURL(raw, fallback string) (queueRef, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return queueRef{}, false
	}
	path := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(path) < 2 || path[len(path)-1] == "" || path[len(path)-2] == "" {
		return queueRef{}, false
	}
	return queueRef{
		region:  cmp.Or(hostRegion(u.Hostname()), fallback),
		account: path[len(path)-2],
		name:    path[len(path)-1],
		url:     raw,
	}, true
}

// hostRegion finds the region in sqs.<region>.amazonaws.com,
// <region>.queue.amazonaws.com, sqs-fips.<region>..., and
// vpce-....sqs.<region>.vpce.amazonaws.com.
func hostRegion(host string) string {
	if !strings.HasSuffix(host, ".amazonaws.com") && !strings.HasSuffix(host, ".amazonaws.com.cn") {
		return ""
	}
	labels := strings.Split(host, ".")
	for i, l := range labels {
		switch {
		case (l == "sqs" || l == "sqs-fips") && i+1 < len(labels) && labels[i+1] != "amazonaws":
			return labels[i+1]
		case l == "queue" && i > 0:
			return labels[i-1]
		}
	}
	return ""
}

func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// urlFor is the URL of a queue known by its ARN. SQS takes the account and the
// name from it and nothing else; the host is the endpoint's.
func (t Target) urlFor(q queueRef) string {
	if q.url != "" {
		return q.url
	}
	base := "https://sqs." + q.region + ".amazonaws.com"
	if partition(q.region) == "aws-cn" {
		base += ".cn"
	}
	if t.EndpointURL != "" {
		base = strings.TrimRight(t.EndpointURL, "/")
	}
	return base + "/" + q.account + "/" + q.name
}

// deployedName is a queue's name taken apart as deployments make it:
// <service>-<worker>-<stage>.
type deployedName struct{ service, id, stage string }

// nameAgrees takes a queue's name apart with the help of its function's name,
// <service>-<stage>-worker<UpperCamel(worker)>. A queue's name alone is
// ambiguous, since each of its three parts may contain dashes: that both names
// say the same is what makes it an answer. service is the known one, or empty;
// a deployment group's service is the project's with a suffix.
func nameAgrees(queue, function, service, stage string) (deployedName, bool) {
	if stage == "" {
		return deployedName{}, false
	}
	sep := "-" + stage + "-worker"
	for at := 0; ; {
		i := strings.Index(function[at:], sep)
		if i < 0 {
			return deployedName{}, false
		}
		// The function of a worker that has adopted its queue has a name of its own.
		svc, camel := function[:at+i], strings.TrimSuffix(function[at+i+len(sep):], "-go")
		id, okPrefix := strings.CutPrefix(queue, svc+"-")
		id, okSuffix := strings.CutSuffix(id, "-"+stage)
		if okPrefix && okSuffix && id != "" && "worker"+camel == dispatch.FunctionKey(id) && (service == "" || svc == service || strings.HasPrefix(svc, service+"-")) {
			return deployedName{service: svc, id: id, stage: stage}, true
		}
		at += i + 1
	}
}
