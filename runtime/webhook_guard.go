package runtime

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

const (
	webhookDialTimeout   = 5 * time.Second
	webhookIdleTimeout   = 30 * time.Second
	webhookMaxHeaderSize = 64 << 10
)

// privateAddressError is a webhook's target inside a network of ours, or of nobody.
// Trying again would not make it a public one.
type privateAddressError struct {
	addr netip.Addr
	kind string
}

func (e *privateAddressError) Error() string {
	return fmt.Sprintf("the webhook's host is at %s (%s), and webhooks go to public addresses only; set WORKER_WEBHOOK_ALLOW_PRIVATE=true or AppConfig.WebhookAllowPrivate if this is your own receiver", e.addr, e.kind)
}

// publicIPv6 is all that is assigned to hosts on the Internet so far (RFC 4291, and
// IANA's registry of IPv6 global unicast addresses).
var publicIPv6 = netip.MustParsePrefix("2000::/3")

// notPublic are the blocks that IANA's registries of special-purpose addresses
// (RFC 6890) do not call globally reachable, those that stand for an IPv4 address
// that is not looked at here, and the metadata services of clouds outside them.
var notPublic = []struct {
	prefix netip.Prefix
	kind   string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "this host"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared by a carrier's customers"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("168.63.129.16/32"), "cloud metadata"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local, cloud metadata"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved for protocols"},
	{netip.MustParsePrefix("192.0.2.0/24"), "for documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a 6to4 relay"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), "for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "for documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved, broadcast"},

	{netip.MustParsePrefix("::/128"), "this host"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("64:ff9b::/96"), "an IPv4 address behind NAT64"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "an IPv4 address behind NAT64"},
	{netip.MustParsePrefix("2001::/23"), "reserved for protocols, Teredo"},
	{netip.MustParsePrefix("2001:db8::/32"), "for documentation"},
	{netip.MustParsePrefix("2002::/16"), "an IPv4 address behind 6to4"},
	{netip.MustParsePrefix("3fff::/20"), "for documentation"},
	{netip.MustParsePrefix("fc00::/7"), "unique local, cloud metadata"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("fec0::/10"), "site-local"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
}

// checkPublic refuses an address that is not one of the public Internet.
func checkPublic(addr netip.Addr) error {
	addr = addr.Unmap().WithZone("") // ::ffff:10.0.0.1 is 10.0.0.1
	for _, block := range notPublic {
		if block.prefix.Contains(addr) {
			return &privateAddressError{addr: addr, kind: block.kind}
		}
	}
	if addr.Is6() && !publicIPv6.Contains(addr) {
		return &privateAddressError{addr: addr, kind: "not assigned to the Internet"}
	}
	return nil
}

// guardDial is a net.Dialer's ControlContext. It sees the very address that is about
// to be connected to, so a name that resolved to another one a moment ago gains
// nothing.
func guardDial(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read the address %q of the webhook's host: %w", address, err)
	}
	return checkPublic(ap.Addr())
}

// webhookTransport is the App's own. It takes no proxy from the environment: the
// proxy would make the connection, and no address could be judged here.
func webhookTransport(allowPrivate bool) *http.Transport {
	dialer := &net.Dialer{Timeout: webhookDialTimeout}
	if !allowPrivate {
		dialer.ControlContext = guardDial
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    webhookDialTimeout,
		IdleConnTimeout:        webhookIdleTimeout,
		MaxResponseHeaderBytes: webhookMaxHeaderSize,
		DisableCompression:     true,
	}
}

// webhookClient is the client that webhooks are sent with: the given one, or one of
// the App's own, with the guard on its transport. Redirects are webhookSender's.
func webhookClient(given *http.Client, allowPrivate bool) *http.Client {
	client := http.Client{}
	if given != nil {
		client = *given
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	switch transport := client.Transport.(type) {
	case nil:
		client.Transport = webhookTransport(allowPrivate)
	case *http.Transport:
		if !allowPrivate {
			client.Transport = guardTransport(transport)
		}
	}
	return &client
}

// guardedTransport guards the connections that a given transport makes itself. What
// its proxy function sends through a proxy is left to that proxy.
type guardedTransport struct {
	given, guarded *http.Transport
}

func guardTransport(given *http.Transport) *guardedTransport {
	guarded := given.Clone()
	guarded.Proxy = nil
	//nolint:staticcheck // a given transport may still use the functions without a context
	dial, dialTLS := dialerOf(given.DialContext, given.Dial), dialerOf(given.DialTLSContext, given.DialTLS)
	guarded.Dial, guarded.DialTLS = nil, nil //nolint:staticcheck // those with a context stand in for them
	if dial == nil {
		guarded.DialContext = (&net.Dialer{Timeout: webhookDialTimeout, ControlContext: guardDial}).DialContext
		guarded.ForceAttemptHTTP2 = true // which net/http does by itself only without a dialer
	} else {
		guarded.DialContext = guardConn(dial)
	}
	if dialTLS != nil {
		guarded.DialTLSContext = guardConn(dialTLS)
	}
	return &guardedTransport{given: given, guarded: guarded}
}

// RoundTrip implements http.RoundTripper.
func (t *guardedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.given.Proxy != nil {
		proxy, err := t.given.Proxy(req)
		if err != nil {
			return nil, err
		}
		if proxy != nil {
			return t.given.RoundTrip(req)
		}
	}
	return t.guarded.RoundTrip(req)
}

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (t *guardedTransport) CloseIdleConnections() {
	t.given.CloseIdleConnections()
	t.guarded.CloseIdleConnections()
}

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// dialerOf is the function that net/http would take of the two; nil when neither is set.
func dialerOf(dial dialFunc, withoutContext func(network, addr string) (net.Conn, error)) dialFunc {
	if dial == nil && withoutContext != nil {
		return func(_ context.Context, network, addr string) (net.Conn, error) { return withoutContext(network, addr) }
	}
	return dial
}

// guardConn judges a connection that a given function has made, before anything is
// sent on it. One that is not TCP is that function's own business.
func guardConn(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		tcp, ok := conn.RemoteAddr().(*net.TCPAddr)
		if !ok {
			return conn, nil
		}
		if err := checkPublic(tcp.AddrPort().Addr()); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return conn, nil
	}
}
