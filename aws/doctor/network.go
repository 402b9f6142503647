package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/microfox-ai/aiwctl/aws"
)

// reached is one host that calls go to, and how far an unsigned request came.
type reached struct {
	url      string
	services []string
	override bool
	err      error
	phase    string // what was under way when it failed
	took     time.Duration
	tls      string
	// date is the host's clock and at this machine's, halfway between question and
	// answer; date is zero when the answer had none.
	date, at time.Time
}

// reachAll asks every host once, however many services it has.
func (d *diagnosis) reachAll(ctx context.Context) []reached {
	var hosts []reached
	for _, e := range d.s.Endpoints(ctx) {
		i := slices.IndexFunc(hosts, func(h reached) bool { return h.url == e.URL && e.Err == nil })
		if i >= 0 {
			hosts[i].services = append(hosts[i].services, e.Service)
			continue
		}
		hosts = append(hosts, reached{url: e.URL, services: []string{e.Service}, override: e.Overridden, err: e.Err, phase: "find the endpoint"})
	}
	var wg sync.WaitGroup
	for i := range hosts {
		if hosts[i].err == nil {
			wg.Go(func() { d.reach(ctx, &hosts[i]) })
		}
	}
	wg.Wait()
	return hosts
}

// reach fills in how far a request came.
func (d *diagnosis) reach(ctx context.Context, h *reached) {
	ctx, cancel := context.WithTimeout(ctx, d.o.Timeout)
	defer cancel()
	var mu sync.Mutex // the dialer may outlive the request
	phase, version := "connect", ""
	enter := func(p string) {
		mu.Lock()
		phase = p
		mu.Unlock()
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:          func(httptrace.DNSStartInfo) { enter("look up the name") },
		ConnectStart:      func(string, string) { enter("connect") },
		TLSHandshakeStart: func() { enter("agree on TLS") },
		TLSHandshakeDone: func(s tls.ConnectionState, err error) {
			if err == nil {
				mu.Lock()
				version = tls.VersionName(s.Version)
				mu.Unlock()
			}
		},
		WroteRequest: func(httptrace.WroteRequestInfo) { enter("wait for an answer") },
	})
	start := d.o.Now()
	resp, err := d.s.Reach(ctx, h.url)
	end := d.o.Now()
	mu.Lock()
	h.err, h.phase, h.tls = err, phase, version
	mu.Unlock()
	if err != nil {
		return
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10) // so that the connection can be used again
	h.took, h.at = end.Sub(start), start.Add(end.Sub(start)/2)
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		h.date = date
	}
}

// unreachable is why a service cannot be reached; nil when it can, or when it is
// not among the endpoints.
func (d *diagnosis) unreachable(service string) error {
	for _, h := range d.network() {
		if slices.Contains(h.services, service) {
			return h.err
		}
	}
	return nil
}

func (d *diagnosis) checkNetwork() []Check {
	var checks []Check
	for _, h := range d.network() {
		c := Check{Name: hostOf(h.url), Status: OK}
		services := strings.Join(h.services, ", ")
		if h.err != nil {
			c.Status, c.Text, c.Remedy = d.networkError(h)
			c.Text += " (" + services + ")"
			if errors.Is(h.err, context.Canceled) {
				c = Check{Name: c.Name, Status: Unknown, Text: "interrupted"}
			}
			checks = append(checks, c)
			continue
		}
		how := []string{}
		if h.tls != "" {
			how = append(how, h.tls)
		}
		how = append(how, h.took.Round(time.Millisecond).String())
		c.Text = fmt.Sprintf("answers for %s (%s)", services, strings.Join(how, ", "))
		if h.override {
			c.Text += ", in place of AWS's own endpoint"
		}
		checks = append(checks, c)
	}
	if p := d.proxy(); p != "" {
		checks = append(checks, Check{Name: "proxy", Status: Info, Text: p})
	}
	return checks
}

// proxy is what the environment says of a proxy, without its password.
func (d *diagnosis) proxy() string {
	var set []string
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"} {
		v := cmp.Or(d.o.Getenv(name), d.o.Getenv(strings.ToLower(name)))
		if v == "" {
			continue
		}
		if u, err := url.Parse(v); err == nil && u.User != nil {
			v = u.Redacted()
		}
		set = append(set, name+"="+v)
	}
	if len(set) == 0 {
		return ""
	}
	return "calls may go through a proxy: " + strings.Join(set, " ")
}

// networkError says how far a request came and what to look at.
func (d *diagnosis) networkError(h reached) (status Status, text, remedy string) {
	check := "check the network and the VPN"
	if d.proxy() != "" {
		check += ", and the proxy that the environment names"
	}
	if h.override {
		check = "check --endpoint-url, AWS_ENDPOINT_URL and the profile's endpoint_url"
	}
	var (
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		netErr    net.Error
	)
	switch {
	case errors.As(h.err, &dns):
		remedy = check
		if !h.override {
			remedy += fmt.Sprintf(", and whether there is a region %q (`--region`)", d.target.Region)
		}
		return Error, "the name cannot be looked up", remedy
	case errors.As(h.err, &authority):
		return Error, "its certificate is signed by nobody whom this machine trusts", "if a proxy opens TLS here, set AWS_CA_BUNDLE to the file with its certificate"
	case errors.As(h.err, &hostname):
		return Error, "its certificate is for another host", "somebody answers in its place: a proxy, a captive portal; " + check
	case errors.As(h.err, &invalid) && invalid.Reason == x509.Expired:
		return Error, "its certificate has expired or is not valid yet", "is this machine's clock right? " + clockRemedy()
	case errors.Is(h.err, syscall.ECONNREFUSED):
		return Error, "nothing listens there", check
	case errors.Is(h.err, context.DeadlineExceeded), errors.As(h.err, &netErr) && netErr.Timeout():
		return Error, fmt.Sprintf("no answer within %s: could not %s", d.o.Timeout, h.phase), check
	}
	return Error, fmt.Sprintf("could not %s: %s", h.phase, aws.Brief(h.err)), check
}

// hostOf is a URL's host for a table: https goes without saying.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "endpoint"
	}
	if u.Scheme != "https" {
		return u.Scheme + "://" + u.Host
	}
	return u.Host
}

// AWS refuses a signature whose time is more than five minutes off. The SDK
// corrects its time from the answer and tries again, silently and at the price of
// a second call, so that nothing else would tell.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
const (
	skewError   = 5 * time.Minute
	skewWarning = 30 * time.Second
)

func (d *diagnosis) checkClock() []Check {
	c := Check{Name: "clock", Status: Unknown, Text: "no answer carried a date to compare with"}
	var best *reached // the quickest answer tells the time best
	for _, h := range d.network() {
		if h.err == nil && !h.date.IsZero() && (best == nil || h.took < best.took) {
			best = &h
		}
	}
	if best == nil {
		return []Check{c}
	}
	// A date has whole seconds, cut off.
	skew := best.at.Sub(best.date.Add(500 * time.Millisecond))
	size := skew.Abs().Round(time.Second)
	side := "ahead of"
	if skew < 0 {
		side = "behind"
	}
	switch {
	case size >= skewError:
		c.Status = Error
		c.Text = fmt.Sprintf("this machine is %s %s %s: AWS refuses signatures more than 5m off (RequestTimeTooSkewed, SignatureDoesNotMatch, Signature expired)", size, side, hostOf(best.url))
		c.Remedy = clockRemedy()
	case size >= skewWarning:
		c.Status = Warning
		c.Text = fmt.Sprintf("this machine is %s %s %s: calls work up to 5m, but --since and ages are off by as much", size, side, hostOf(best.url))
		c.Remedy = clockRemedy()
	default:
		c.Status = OK
		c.Text = "agrees with " + hostOf(best.url)
		if size >= 2*time.Second {
			c.Text = fmt.Sprintf("%s %s %s", size, side, hostOf(best.url))
		}
	}
	return []Check{c}
}

func clockRemedy() string {
	switch goruntime.GOOS {
	case "darwin":
		return "set it: `sudo sntp -sS time.apple.com`, and switch on automatic date and time"
	case "windows":
		return "set it: `w32tm /resync` as administrator"
	}
	return "set it: `sudo timedatectl set-ntp true`, or `sudo chronyc makestep`; in a virtual machine, set the host's"
}
