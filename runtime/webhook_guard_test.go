package runtime

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch"
)

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
		"192.167.255.255", "192.169.0.0", "169.253.255.255", "168.63.129.15", "223.255.255.255", "198.17.255.255", "198.20.0.0",
		"2606:4700::1111", "2a00:1450:4001::1", "2600:1f18::1", "::ffff:8.8.8.8",
	} {
		if err := checkPublic(netip.MustParseAddr(text)); err != nil {
			t.Errorf("%s is refused: %v", text, err)
		}
	}
	for _, text := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254",
		"168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
		"192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
		"240.0.0.1", "255.255.255.255",
		"::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:10.0.0.1",
		"64:ff9b::8.8.8.8", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "100::1", "2001::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1", "5f00::1",
		"fc00::1", "fd00:ec2::254", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1",
	} {
		if err := checkPublic(netip.MustParseAddr(text)); err == nil {
			t.Errorf("%s is taken for public", text)
		}
	}
}

// Every spelling that reaches a server here is refused, whatever resolves it.
func TestWebhookToAPrivateAddress(t *testing.T) {
	t.Parallel()
	rc := receiver(t, answering(200))
	_, port, err := net.SplitHostPort(strings.TrimPrefix(rc.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "LocalHost", "0.0.0.0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "[::1]", "127.1.2.3"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			target := "http://" + host + ":" + port + "/hook"
			q := newQueueRig(t, nil, nil)
			if failed := q.jump(t, queued("m1", webhookBody("ok", target), 1)); len(failed) != 0 {
				t.Errorf("failures = %q: the job is done", failed)
			}
			e := q.eventOf(t, dispatch.EventWebhook)
			if e.Level != "WARN" || !strings.Contains(e.Message, "WORKER_WEBHOOK_ALLOW_PRIVATE") {
				t.Errorf("event = %+v", e)
			}
			if w := q.job(t, "j-1").Webhook; w.Attempts != 1 || w.Pending || w.Delivered || len(q.sqs.sent) != 0 {
				t.Errorf("recorded %+v, %d messages sent: it cannot get better", w, len(q.sqs.sent))
			}
		})
	}
	t.Cleanup(func() {
		if n := len(rc.calls()); n != 0 {
			t.Errorf("a private server was reached %d times", n)
		}
	})
}

func TestWebhookToAPrivateAddressThatIsAllowed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env    map[string]string
		change func(*AppConfig)
		want   bool
	}{
		"by the environment":   {webhookEnv(), nil, true},
		"in other words":       {map[string]string{"WORKER_WEBHOOK_ALLOW_PRIVATE": " 1 "}, nil, true},
		"by the configuration": {nil, func(cfg *AppConfig) { cfg.WebhookAllowPrivate = true }, true},
		"not":                  {map[string]string{"WORKER_WEBHOOK_ALLOW_PRIVATE": "false"}, nil, false},
		"not in these words":   {map[string]string{"WORKER_WEBHOOK_ALLOW_PRIVATE": "sure"}, nil, false},
	} {
		rc := receiver(t, answering(200))
		q := newQueueRig(t, tt.env, tt.change)
		q.jump(t, queued("m1", webhookBody("ok", rc.url), 1))
		if got := len(rc.calls()) == 1; got != tt.want {
			t.Errorf("%s: delivered: %t, want %t", name, got, tt.want)
		}
		if warned := strings.Contains(q.text(), "neither true nor false"); warned != (name == "not in these words") {
			t.Errorf("%s: warned: %t", name, warned)
		}
	}
}

// A proxy in the environment would make the connection in our place.
func TestWebhookTakesNoProxyFromTheEnvironment(t *testing.T) {
	t.Parallel()
	if webhookTransport(false).Proxy != nil || webhookTransport(true).Proxy != nil {
		t.Error("webhooks go through a proxy of the environment")
	}
}

// claimedConn is a connection that says it leads somewhere else.
type claimedConn struct {
	net.Conn
	remote net.Addr
}

func (c claimedConn) RemoteAddr() net.Addr { return c.remote }

func TestWebhookClientOfTheAuthor(t *testing.T) {
	t.Parallel()
	dialer := net.Dialer{}
	public := &net.TCPAddr{IP: net.IPv4(8, 8, 8, 8), Port: 80}
	// seems connects to the test's server and says that it is a public one.
	seems := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return claimedConn{conn, public}, nil
	}
	proxied := receiver(t, answering(200))
	proxyURL, err := url.Parse(proxied.url)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		transport http.RoundTripper
		want      bool
	}{
		"no transport":         {nil, false},
		"a transport":          {&http.Transport{}, false},
		"the default one":      {http.DefaultTransport, false},
		"with a dialer":        {&http.Transport{DialContext: dialer.DialContext}, false},
		"with an old dialer":   {&http.Transport{Dial: dialer.Dial}, false}, //nolint:staticcheck // authors may still use it
		"to a public address":  {&http.Transport{DialContext: seems}, true},
		"through a proxy":      {&http.Transport{Proxy: http.ProxyURL(proxyURL)}, true},
		"with a proxy for few": {&http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return nil, nil }}, false},
		"something else":       {roundTripper(http.DefaultTransport.RoundTrip), true},
	} {
		rc := receiver(t, answering(200))
		given := &http.Client{Transport: tt.transport}
		q := newQueueRig(t, nil, func(cfg *AppConfig) { cfg.WebhookClient = given })
		q.jump(t, queued("m1", webhookBody("ok", rc.url), 1))
		if got := q.job(t, "j-1").Webhook; got.Delivered != tt.want || got.Pending {
			t.Errorf("%s: %+v, want delivered: %t", name, got, tt.want)
		}
		if given.CheckRedirect != nil || given.Transport != nil && tt.transport == nil {
			t.Errorf("%s: the author's client was changed", name)
		}
		q.webhook.client.CloseIdleConnections()
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A name that resolves to a public address first and to a private one for the next
// connection gains nothing.
func TestWebhookGuardsEachConnection(t *testing.T) {
	t.Parallel()
	rc := receiverThat(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		w.Header().Set("Connection", "close")
		w.Header().Set("Location", "/inside")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	dialer := net.Dialer{}
	var dials atomic.Int32
	rebinding := func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, addr)
		if err == nil && dials.Add(1) == 1 {
			return claimedConn{conn, &net.TCPAddr{IP: net.IPv4(8, 8, 8, 8), Port: 80}}, nil
		}
		return conn, err
	}
	q := newQueueRig(t, nil, func(cfg *AppConfig) {
		cfg.WebhookClient = &http.Client{Transport: &http.Transport{DialContext: rebinding}}
	})
	q.jump(t, queued("m1", webhookBody("ok", rc.url), 1))
	if calls := rc.calls(); len(calls) != 1 || calls[0].path != "/" {
		t.Errorf("calls = %+v: the second connection led inside", calls)
	}
	if w := q.job(t, "j-1").Webhook; !strings.Contains(w.Error, "loopback") {
		t.Errorf("recorded: %+v", w)
	}
	q.webhook.client.CloseIdleConnections()
}

func TestWebhookOverTLSWithTheAuthorsDialer(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // the connection is cut before its handshake
	srv.StartTLS()
	defer srv.Close()
	given, ok := srv.Client().Transport.(*http.Transport)
	if !ok {
		t.Fatal("the test server's client has another transport")
	}
	reached := false
	transport := given.Clone()
	transport.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		reached = true
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
	q := newQueueRig(t, nil, func(cfg *AppConfig) { cfg.WebhookClient = &http.Client{Transport: transport} })
	q.jump(t, queued("m1", webhookBody("ok", srv.URL), 1))
	if w := q.job(t, "j-1").Webhook; w.Delivered || !strings.Contains(w.Error, "loopback") || !reached {
		t.Errorf("recorded: %+v", w)
	}
}
