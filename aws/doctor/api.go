package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/microfox-ai/aiwctl/aws"
	"github.com/microfox-ai/aiwctl/dispatch"
)

// maxAPIAnswer is how much of an answer is read: enough for an error.
const maxAPIAnswer = 4 << 10

// door is one of the two endpoints of the workers API that a key guards.
type door struct {
	name, method, header, key, variable string
	url                                 func(base string) (string, error)
}

// answer is what a door said to one knock.
type answer struct {
	status int
	body   string
	err    error
}

// open is whether a knock got past the key. The trigger looks at the key, then for a
// workerId: a request without one is refused with 400 when the key did, and sends nothing.
func (a answer) open() bool {
	return a.err == nil && (a.status == http.StatusOK || a.status == http.StatusBadRequest && strings.Contains(a.body, "workerId"))
}

// refused is whether the key was. API Gateway's 403 for a path it does not have
// speaks of a missing token.
func (a answer) refused() bool {
	return a.err == nil && (a.status == http.StatusUnauthorized ||
		a.status == http.StatusForbidden && !strings.Contains(a.body, "Missing Authentication Token"))
}

// checkAPI knocks at both doors of the workers API with the key, with a wrong one
// and without any. It dispatches nothing.
func (d *diagnosis) checkAPI(ctx context.Context) []Check {
	found := d.inventory() // which looks for the API in the stage's stacks
	info := d.s.WorkersAPI()
	base := info.BaseURL
	if base == "" {
		text := "no base URL is known, so dispatches go straight to the queues and workers are found through AWS alone: pass --base-url or set WORKER_BASE_URL if there is one"
		if info.Note != "" {
			text = info.Note
		}
		return []Check{{Name: "workers API", Status: Info, Text: text}}
	}
	doors := []door{
		{name: "workers/config", method: http.MethodGet, header: "x-workers-config-key", key: dispatch.ConfigKeyFromEnv(d.o.Getenv), variable: "WORKERS_CONFIG_API_KEY", url: dispatch.ConfigURL},
		{name: "workers/trigger", method: http.MethodPost, header: "x-workers-trigger-key", key: dispatch.TriggerKeyFromEnv(d.o.Getenv), variable: "WORKERS_TRIGGER_API_KEY", url: dispatch.TriggerURL},
	}
	const knocks = 3 // with the key, a wrong one, none
	answers := make([][knocks]answer, len(doors))
	var wg sync.WaitGroup
	for i, door := range doors {
		keys := [knocks]string{door.key, rand.Text(), ""}
		for j, key := range keys {
			if j == 0 && key == "" {
				continue
			}
			wg.Go(func() { answers[i][j] = d.knock(ctx, door, base, key) })
		}
	}
	wg.Wait()
	var checks []Check
	if info.Stack != "" {
		checks = append(checks, foundBy(info))
	}
	if c, ok := clearText(base); ok {
		checks = append(checks, c)
	}
	guarded := false
	for i, door := range doors {
		guarded = guarded || door.key != "" || answers[i][2].refused()
	}
	for i, door := range doors {
		cs := d.doorChecks(door, base, answers[i][0], answers[i][1], answers[i][2], guarded)
		if door.key == "" && info.KeyRef != "" && answers[i][2].refused() && !answers[i][1].open() {
			cs = []Check{referred(door, info, found)}
		}
		checks = append(checks, cs...)
	}
	return checks
}

// foundBy says how the API was found.
func foundBy(info aws.APIInfo) Check {
	text := fmt.Sprintf("the outputs of stack %s say that it is %s", info.Stack, info.BaseURL)
	if info.KeyRef != "" {
		text += ", and that its key is in " + info.KeyRef
	}
	return Check{Name: "workers API", Status: OK, Text: text}
}

// referred is a door whose key is read by reference when it is needed. Discovery has used
// it: doctor never holds it.
func referred(door door, info aws.APIInfo, found discovered) Check {
	c := Check{Name: door.name, Status: Error, Text: "wants a key, and the one in " + info.KeyRef + " was not taken", Remedy: "set WORKERS_API_KEY to the stage's key"}
	if found.inv == nil {
		c.Status, c.Text = Unknown, "wants a key, which was not read from "+info.KeyRef
		return c
	}
	if slices.Contains(found.inv.Sources, aws.SourceConfig) {
		c.Status, c.Text, c.Remedy = OK, "reached; refuses those without the key, which was read from "+info.KeyRef, ""
	}
	for _, w := range found.inv.Warnings {
		if s, ok := errors.AsType[*aws.SourceError](w); ok && s.Source == aws.SourceConfig {
			c.Text += ": " + aws.Brief(s.Err)
		}
	}
	return c
}

// doorChecks says what three knocks have shown. guarded is whether somebody
// believes that the API is.
func (d *diagnosis) doorChecks(door door, base string, right, wrong, none answer, guarded bool) []Check {
	said := func(a answer) string {
		return fmt.Sprintf("answered %d %s", a.status, http.StatusText(a.status))
	}
	c := Check{Name: door.name}
	switch {
	case none.err != nil:
		_, hint := aws.Classify(none.err)
		c.Status, c.Text, c.Remedy = Error, "cannot be reached: "+callError(none.err), hint
		if errors.Is(none.err, context.Canceled) {
			c.Status, c.Text, c.Remedy = Unknown, "interrupted", ""
		}
		return []Check{c}
	case none.open():
		c.Status, c.Text = Warning, "public: it answers whoever asks, without a key"
		c.Remedy = "set WORKERS_API_KEY on the deployed API, which guards both endpoints; here, set it to the same"
		if guarded {
			// Of the two keys of old, each guards its own endpoint only.
			c.Status, c.Text = Error, "public, although a key is set: it answers without one"
			c.Remedy = "set WORKERS_API_KEY on the deployed API: " + door.variable + " guards this endpoint, and the other endpoint's key does not"
		}
		if loopback(base) {
			c.Status, c.Text, c.Remedy = OK, "reached; open to this machine, without a key", ""
		}
		return []Check{c}
	case !none.refused():
		c.Status, c.Text = Error, said(none)+": this is not the workers API"
		c.Remedy = "check the base URL and its stage (--base-url, WORKER_BASE_URL)"
		if none.status >= http.StatusInternalServerError {
			c.Text, c.Remedy = said(none)+": the API's function fails", "read its logs"
		}
		return []Check{c}
	}
	// From here on it refuses those without a key.
	switch {
	case wrong.open():
		c.Status, c.Text = Error, "takes any key: a wrong one was accepted"
		c.Remedy = "the deployed API does not compare keys: deploy it again"
		return []Check{c}
	case door.key == "":
		c.Status, c.Text = Error, "wants a key, and none is set here"
		c.Remedy = "set WORKERS_API_KEY to the stage's key (or MICROFOX_PROJECT_ID, from which it is derived)"
	case right.open():
		c.Status, c.Text = OK, "reached; takes the key, and refuses those without it"
	case right.refused():
		c.Status, c.Text = Error, "refuses the key that is set here"
		c.Remedy = "set WORKERS_API_KEY to the stage's key; " + door.variable + " comes before it"
	case right.err != nil:
		c.Status, c.Text = Unknown, "with the key: "+callError(right.err)
	default:
		c.Status, c.Text = Error, "with the key it "+said(right)
	}
	return []Check{c}
}

// knock makes one request. Whatever key it has, it names no worker.
func (d *diagnosis) knock(ctx context.Context, door door, base, key string) answer {
	ctx, cancel := context.WithTimeout(ctx, d.o.Timeout)
	defer cancel()
	address, err := door.url(base)
	if err != nil {
		return answer{err: err}
	}
	var body io.Reader = http.NoBody
	if door.method == http.MethodPost {
		body = strings.NewReader("{}")
	}
	r, err := http.NewRequestWithContext(ctx, door.method, address, body)
	if err != nil {
		return answer{err: err}
	}
	if door.method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set(door.header, key)
	}
	resp, err := d.s.API().Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAPIAnswer))
	return answer{status: resp.StatusCode, body: string(text), err: err}
}

// callError is an error of net/http without the URL, which may hold a password.
func callError(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return err.Error()
}

func loopback(base string) bool { return aws.Target{EndpointURL: base}.Loopback() }

// clearText warns of a key that goes over the network for everybody to read.
func clearText(base string) (Check, bool) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" || loopback(base) {
		return Check{}, false
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsPrivate() {
		return Check{}, false
	}
	return Check{
		Name: "base URL", Status: Warning, Text: "http, not https: keys and jobs can be read on their way",
		Remedy: "use the https URL",
	}, true
}
