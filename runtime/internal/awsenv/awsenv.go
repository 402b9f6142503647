// Package awsenv is what a function's environment says of AWS: region, credentials,
// endpoints, whom to trust.
//
// It does without the SDK's config package: that links the clients of SSO, STS and the
// sign-in service, two megabytes and a quarter of the time that a function needs to start,
// for credentials that no function has. Outside Lambda, where a profile may be meant, a
// program hands in a client of its own.
package awsenv

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
)

// Getenv reads a variable.
type Getenv func(name string) string

// Region is Lambda's, or fallback where the environment names none.
func (g Getenv) Region(fallback string) string {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if value := g(name); value != "" {
			return value
		}
	}
	return fallback
}

// IsTrue reports whether a variable says yes.
func (g Getenv) IsTrue(name string) bool {
	yes, err := strconv.ParseBool(g(name))
	return err == nil && yes
}

// Endpoint is the one that the environment names for a service, as every SDK reads it:
// service is SQS, SSM or SECRETS_MANAGER. Empty means AWS's own.
func (g Getenv) Endpoint(service string) string {
	if g.IsTrue("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
		return ""
	}
	if own := g("AWS_ENDPOINT_URL_" + service); own != "" {
		return own
	}
	return g("AWS_ENDPOINT_URL")
}

// Credentials are the function's: in variables, or behind the address that Lambda
// and ECS name. Source: AWS SDKs and Tools reference, "Container credential provider".
func (g Getenv) Credentials() (awssdk.CredentialsProvider, error) {
	id, secret := g("AWS_ACCESS_KEY_ID"), g("AWS_SECRET_ACCESS_KEY")
	if id != "" && secret != "" {
		return credentials.NewStaticCredentialsProvider(id, secret, g("AWS_SESSION_TOKEN")), nil
	}
	address := g("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if path := g("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); path != "" {
		address = "http://169.254.170.2" + path
	}
	if address == "" {
		return nil, errors.New("there are no AWS credentials in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY): " +
			"outside Lambda set them, as aws configure export-credentials --format env prints them, or give the App an SQS client of its own")
	}
	return endpointcreds.New(address, func(o *endpointcreds.Options) {
		o.AuthorizationToken = g("AWS_CONTAINER_AUTHORIZATION_TOKEN")
		if file := g("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
			o.AuthorizationTokenProvider = endpointcreds.TokenProviderFunc(func() (string, error) {
				text, err := os.ReadFile(file)
				return strings.TrimSpace(string(text)), err
			})
		}
	}), nil
}

// HTTPClient trusts the authorities of AWS_CA_BUNDLE, where that is set.
func (g Getenv) HTTPClient() (awssdk.HTTPClient, error) {
	client := awshttp.NewBuildableClient()
	path := g("AWS_CA_BUNDLE")
	if path == "" {
		return client, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read AWS_CA_BUNDLE: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("AWS_CA_BUNDLE names %s, which holds no certificate in PEM form", path)
	}
	return client.WithTransportOptions(func(t *http.Transport) {
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		t.TLSClientConfig.RootCAs = pool
	}), nil
}
