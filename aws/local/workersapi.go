package local

import (
	"net/http"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/gateway"
	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// apiTimeout is how long API Gateway waits for a function
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html).
const apiTimeout = 29 * time.Second

// proxy is API Gateway in front of the endpoint's functions.
func (s *Server) proxy() *gateway.Proxy {
	return &gateway.Proxy{Account: s.cfg.Account, Invoke: s.functions.Invoke, Logger: s.cfg.Logger}
}

// serveWorkersAPI is API Gateway in front of the function that serves the workers API of the
// endpoint's programs. With and without the stage in front, as with a custom domain.
func (s *Server) serveWorkersAPI(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if rest := strings.TrimPrefix(path, "/"+s.cfg.Stage); isWorkersAPI(rest) {
		path = rest
	}
	s.proxy().Serve(w, r, gateway.Target{
		Function: s.apiFunctionName(), APIID: "local", Stage: s.cfg.Stage, Resource: path, Path: path,
		Absent: func(w http.ResponseWriter) {
			// It fails only on a value that is not JSON, and this is one.
			_ = wire.WriteJSON(w, http.StatusNotFound, map[string]string{
				"error": "no worker program is running here: start the endpoint with one, such as aiwctl dev ./workers",
			})
		},
	})
}
