package aws

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/microfox-ai/aiwctl/dispatch"
)

// wires are what a stage reaches AWS with, beside its clients: the credentials
// and the HTTP client are never handed out, since whoever has both can write
// without the guard.
type wires struct {
	credentials awssdk.CredentialsProvider
	// http is the SDK's client, whose requests are not counted: doctor's are not
	// the stage's.
	http dispatch.Doer
	// resolve finds the services' endpoints; nil means that there are none.
	resolve func(context.Context) []ServiceEndpoint
}

// Operation is a call to AWS that this package can make.
type Operation struct {
	// Service is the SDK package's name: "sqs", "cloudwatchlogs".
	Service string
	// Name is the API's: "SendMessageBatch".
	Name string
	// Write is true when only the Guard lends it.
	Write bool
}

// String is "sqs.SendMessageBatch".
func (o Operation) String() string { return o.Service + "." + o.Name }

// Operations lists every call a Stage can make through the SDK, sorted. It is
// read off the interfaces and functions a Stage is made of, so that it cannot be
// forgotten when one of them grows.
func Operations() []Operation {
	var out []Operation
	add := func(call reflect.Type, write bool) {
		if op, ok := operationOf(call); ok {
			op.Write = write
			out = append(out, op)
		}
	}
	all := reflect.TypeFor[clients]()
	for i := range all.NumField() {
		switch field := all.Field(i).Type; field.Kind() {
		case reflect.Interface:
			for j := range field.NumMethod() {
				add(field.Method(j).Type, field == reflect.TypeFor[Writer]())
			}
		case reflect.Func:
			add(field, false)
		default: // no way out
		}
	}
	slices.SortFunc(out, func(a, b Operation) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(out)
}

// DeployOperations lists the further calls that a deployment makes, sorted; what it reads
// of queues and functions is among Operations.
func DeployOperations() []Operation {
	var out []Operation
	for _, access := range []reflect.Type{
		reflect.TypeFor[CloudFormationReader](), reflect.TypeFor[S3Reader](), reflect.TypeFor[ParameterReader](), reflect.TypeFor[DeployWriter](),
	} {
		for i := range access.NumMethod() {
			if op, ok := operationOf(access.Method(i).Type); ok {
				op.Write = access == reflect.TypeFor[DeployWriter]()
				out = append(out, op)
			}
		}
	}
	slices.SortFunc(out, func(a, b Operation) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(out)
}

// operationOf reads a call off a method's or a function's type.
func operationOf(call reflect.Type) (Operation, bool) {
	if call.NumIn() < 2 || call.In(1).Kind() != reflect.Pointer {
		return Operation{}, false
	}
	in := call.In(1).Elem()
	name, ok := strings.CutSuffix(in.Name(), "Input")
	dir, service := path.Split(in.PkgPath())
	return Operation{Service: service, Name: name}, ok && strings.HasSuffix(dir, "/aws-sdk-go-v2/service/")
}

// CloudWatch is read access to CloudWatch's metrics, as SQS is to queues.
func (s *Stage) CloudWatch() MetricsReader { return struct{ MetricsReader }{s.api.metrics} }

// API is the client for the workers API. It follows no redirect.
func (s *Stage) API() *http.Client { return s.api.http }

// CredentialsInfo is where the credentials come from, without them.
type CredentialsInfo struct {
	// Source is the SDK's name for the provider: "EnvConfigCredentials",
	// "SSOProvider", ...
	Source string
	// Expires is zero when they do not expire, as far as their source says.
	Expires time.Time
}

// Credentials gets the credentials, as the next call would, and says where they
// come from. The error is a *CredentialsError where there are none.
func (s *Stage) Credentials(ctx context.Context) (CredentialsInfo, error) {
	if s.api.wires.credentials == nil {
		return CredentialsInfo{}, &CredentialsError{Profile: s.target.Profile, Remedy: "configure some", Err: errNoProvider}
	}
	c, err := s.api.wires.credentials.Retrieve(ctx)
	if err != nil {
		return CredentialsInfo{}, fmt.Errorf("get credentials: %w", err)
	}
	info := CredentialsInfo{Source: c.Source}
	if c.CanExpire {
		info.Expires = c.Expires
	}
	return info, nil
}

// ServiceEndpoint is where the calls to a service go.
type ServiceEndpoint struct {
	// Service is the IAM prefix: "sqs", "logs".
	Service string
	URL     string
	// Overridden is true when it is not AWS's own for the region.
	Overridden bool
	// Err says why there is no URL.
	Err error
}

// Endpoints are where the calls go, as the SDK decides it.
func (s *Stage) Endpoints(ctx context.Context) []ServiceEndpoint {
	if s.api.wires.resolve == nil {
		return nil
	}
	return s.api.wires.resolve(ctx)
}

// Reach sends an unsigned GET to an endpoint: any answer at all proves that it
// can be reached, and its Date is AWS's clock. It needs no credentials. The
// caller closes the body.
func (s *Stage) Reach(ctx context.Context, endpoint string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(endpoint, "/")+"/", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", redactURL(endpoint), err)
	}
	return s.api.wires.http.Do(r)
}

// endpointsOf asks each client's own resolver.
func endpointsOf(c *sqs.Client, f *lambda.Client, l *cloudwatchlogs.Client, m *cloudwatch.Client, who *sts.Client) func(context.Context) []ServiceEndpoint {
	return func(ctx context.Context) []ServiceEndpoint {
		var out []ServiceEndpoint
		add := func(service string, base *string, uri string, err error) {
			out = append(out, ServiceEndpoint{Service: service, URL: strings.TrimRight(uri, "/"), Overridden: base != nil, Err: err})
		}
		so := c.Options()
		se, err := so.EndpointResolverV2.ResolveEndpoint(ctx, sqs.EndpointParameters{Region: &so.Region, Endpoint: so.BaseEndpoint, UseFIPS: fips(so.EndpointOptions.UseFIPSEndpoint), UseDualStack: dual(so.EndpointOptions.UseDualStackEndpoint)}.WithDefaults())
		add("sqs", so.BaseEndpoint, se.URI.String(), err)
		fo := f.Options()
		fe, err := fo.EndpointResolverV2.ResolveEndpoint(ctx, lambda.EndpointParameters{Region: &fo.Region, Endpoint: fo.BaseEndpoint, UseFIPS: fips(fo.EndpointOptions.UseFIPSEndpoint), UseDualStack: dual(fo.EndpointOptions.UseDualStackEndpoint)}.WithDefaults())
		add("lambda", fo.BaseEndpoint, fe.URI.String(), err)
		lo := l.Options()
		le, err := lo.EndpointResolverV2.ResolveEndpoint(ctx, cloudwatchlogs.EndpointParameters{Region: &lo.Region, Endpoint: lo.BaseEndpoint, UseFIPS: fips(lo.EndpointOptions.UseFIPSEndpoint), UseDualStack: dual(lo.EndpointOptions.UseDualStackEndpoint)}.WithDefaults())
		add("logs", lo.BaseEndpoint, le.URI.String(), err)
		mo := m.Options()
		me, err := mo.EndpointResolverV2.ResolveEndpoint(ctx, cloudwatch.EndpointParameters{Region: &mo.Region, Endpoint: mo.BaseEndpoint, UseFIPS: fips(mo.EndpointOptions.UseFIPSEndpoint), UseDualStack: dual(mo.EndpointOptions.UseDualStackEndpoint)}.WithDefaults())
		add("cloudwatch", mo.BaseEndpoint, me.URI.String(), err)
		wo := who.Options()
		we, err := wo.EndpointResolverV2.ResolveEndpoint(ctx, sts.EndpointParameters{Region: &wo.Region, Endpoint: wo.BaseEndpoint, UseFIPS: fips(wo.EndpointOptions.UseFIPSEndpoint), UseDualStack: dual(wo.EndpointOptions.UseDualStackEndpoint)}.WithDefaults())
		add("sts", wo.BaseEndpoint, we.URI.String(), err)
		return out
	}
}

func fips(s awssdk.FIPSEndpointState) *bool { return new(s == awssdk.FIPSEndpointStateEnabled) }

func dual(s awssdk.DualStackEndpointState) *bool {
	return new(s == awssdk.DualStackEndpointStateEnabled)
}

// Partition is AWS's word for the separate cloud a region belongs to: "aws",
// "aws-cn", "aws-us-gov". It stands in every ARN.
func Partition(region string) string { return partition(region) }

// PrincipalName shortens a caller's ARN to what a person calls it: "role ops-read".
func PrincipalName(callerARN string) string { return principal(callerARN) }

// Brief is an error's text without the SDK's layers: which call, and what AWS, the
// network or the credentials had to say.
func Brief(err error) string { return brief(err) }
