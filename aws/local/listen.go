package local

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// The time limits of the listener. There is none for whole requests or answers:
// long polls, and a program that waits for work, take as long as they take.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
)

// listen takes the port and works out under which addresses the server is known.
func (s *Server) listen(ctx context.Context) error {
	host, _, err := net.SplitHostPort(s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen on %q: %w: give --listen a host and a port, such as %s", s.cfg.Listen, err, DefaultListen)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.cfg.Listen)
	switch {
	case isAddressInUse(err):
		return fmt.Errorf("listen on %s: the port is taken, perhaps by another endpoint that is still running: choose another with --listen, such as --listen 127.0.0.1:0 for any free one: %w", s.cfg.Listen, err)
	case err != nil:
		return fmt.Errorf("listen on %s: %w: choose another address with --listen", s.cfg.Listen, err)
	}
	bound, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return errors.Join(fmt.Errorf("listen on %s: %s is not a TCP address", s.cfg.Listen, l.Addr()), l.Close())
	}
	ip, _ := netip.AddrFromSlice(bound.IP)
	ip = ip.Unmap()
	port := strconv.Itoa(bound.Port)
	s.listener = l
	switch {
	case !ip.IsUnspecified():
		s.address = net.JoinHostPort(ip.String(), port)
	case host == "::": // Go binds 0.0.0.0 and no host at all to [::] too, so ask what was wanted
		s.address = net.JoinHostPort("::1", port)
	default:
		s.address = net.JoinHostPort("127.0.0.1", port)
	}
	s.endpoint = "http://" + s.address
	if !ip.IsLoopback() {
		s.cfg.Logger.Warn("the local endpoint can be reached from other machines, and asks nobody for credentials", "address", l.Addr().String())
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		s.endpoint = "http://" + net.JoinHostPort(host, port) // a name, kept as it was given
	}
	return nil
}

// serve answers requests until Close.
func (s *Server) serve() {
	lifetime, end := context.WithCancel(context.Background())
	s.end = end
	s.http = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		BaseContext:       func(net.Listener) context.Context { return lifetime },
		ErrorLog:          log.New(logWriter{s.cfg.Logger}, "", 0),
	}
	s.serving.Go(func() { s.metrics.Run(lifetime) })
	s.serving.Go(func() {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			s.cfg.Logger.Error("the local endpoint stopped listening", "error", err)
		}
	})
}
