package local

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// hosts are the names under which the endpoint may be addressed.
type hosts struct {
	// listen is the host of the listen address: a name, an IP, or nothing.
	listen string
	// anyIP allows every IP address: the endpoint listens on all of them. A name
	// that an attacker controls is not an IP address.
	anyIP bool
}

func newHosts(listen string, bound net.Addr) hosts {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return hosts{}
	}
	h := hosts{listen: strings.ToLower(host)}
	if tcp, ok := bound.(*net.TCPAddr); ok {
		h.anyIP = tcp.IP.IsUnspecified()
	}
	return h
}

// allow says whether a Host header, with or without a port, is one of ours.
func (h hosts) allow(hostport string) bool {
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	host = strings.TrimPrefix(strings.TrimSuffix(host, "]"), "[")
	if ip, err := netip.ParseAddr(host); err == nil {
		return h.anyIP || ip.Unmap().IsLoopback() || host == h.listen
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || host != "" && host == h.listen
}

// allowOrigin says whether a browser's page may use the endpoint: pages served
// from this machine may, other sites' may not. Programs send neither header.
func (h hosts) allowOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return r.Header.Get("Sec-Fetch-Site") != "cross-site"
	}
	u, err := url.Parse(origin)
	return err == nil && h.allow(u.Host)
}

// guard answers nothing that was not meant for this machine.
func (h hosts) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.allow(r.Host) {
			http.Error(w, "This is a local endpoint: it answers only requests for 127.0.0.1, localhost, or the host it listens on.", http.StatusForbidden)
			return
		}
		if !h.allowOrigin(r) {
			http.Error(w, "This is a local endpoint: web pages of other sites may not use it.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// logWriter hands what net/http has to say to a slog.Logger.
type logWriter struct{ logger *slog.Logger }

func (l logWriter) Write(p []byte) (int, error) {
	l.logger.Debug("HTTP server", "message", string(bytes.TrimSpace(p)))
	return len(p), nil
}
