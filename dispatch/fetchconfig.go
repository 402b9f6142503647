package dispatch

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// FetchConfig reads GET {base}/workers/config. baseURL is any form ConfigURL
// takes. key may be empty; with one, the answer is asked to say which workers it
// lacks and why, ?debug=1, which does nothing without. client nil means one of
// net/http's defaults; the call is bounded by DefaultTryTimeout in any case.
// Redirects are not followed. The errors are ErrNoBaseURL, *StatusError, and those
// for an answer that is not a workers config.
func FetchConfig(ctx context.Context, baseURL, key string, client *http.Client) (*WorkersConfig, error) {
	const op = "fetch workers config"
	if strings.TrimSpace(baseURL) == "" {
		return nil, fmt.Errorf("%s: %w", op, noBaseURL())
	}
	endpoint, err := ConfigURL(baseURL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	req.Header.Set("Accept", "application/json")
	key = strings.TrimSpace(key)
	if key != "" {
		req.URL.RawQuery = "debug=1"
		req.Header.Set(configKeyHeader, key)
	}
	var out WorkersConfig
	call := &apiCall{client: withoutRedirects(client), op: op, key: key, timeout: DefaultTryTimeout, limit: maxConfig}
	if err := call.do(req, &out); err != nil {
		return nil, err
	}
	if out.Version == "" && out.Workers == nil {
		return nil, fmt.Errorf("%s: the answer of %s is JSON, but has neither \"version\" nor \"workers\": is this the workers API?",
			op, req.URL.Redacted())
	}
	return &out, nil
}
