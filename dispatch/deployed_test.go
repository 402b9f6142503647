package dispatch_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// deployed is a trigger endpoint that behaves as the deployed TypeScript one does
// behind API Gateway: it sees a request's header names in the case they were sent
// in, and answers each case with the status and body recorded there.
type deployed struct {
	// stage is the only path the gateway has.
	stage string
	// key guards the endpoint; empty: public.
	key string
	// queues are the URLs that stand in the function's environment, by worker;
	// lookup those that it finds by the queue's name.
	queues, lookup map[string]string
	// sendError is what SQS says when a message is sent; empty: it takes it.
	sendError string
	// nullHeaders is a gateway that passes no headers on.
	nullHeaders bool
	// noMessageID is an answer of SQS without an id.
	noMessageID bool

	mu       sync.Mutex
	requests []string // as they came
	messages []string // in the queues
}

// start serves on a port of its own until the test ends.
func (d *deployed) start(t *testing.T) (base string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				d.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		wg.Wait()
	})
	return "http://" + listener.Addr().String()
}

// serve answers one request and closes the connection.
func (d *deployed) serve(conn net.Conn) {
	var head bytes.Buffer
	in := bufio.NewReader(conn)
	headers := map[string]string{} // by the name as it was sent
	var length int
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		head.WriteString(line)
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		if name, value, ok := strings.Cut(line, ": "); ok {
			headers[name] = value
			if strings.EqualFold(name, "Content-Length") {
				length, _ = strconv.Atoi(value)
			}
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		return
	}
	d.mu.Lock()
	d.requests = append(d.requests, head.String()+string(body))
	d.mu.Unlock()
	requestLine, _, _ := strings.Cut(head.String(), "\r\n")
	status, answer := d.gateway(requestLine, headers, body)
	fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
		status, http.StatusText(status), len(answer), answer)
}

// gateway is API Gateway: what has no route does not reach the function.
func (d *deployed) gateway(requestLine string, headers map[string]string, body []byte) (int, string) {
	method, target, _ := strings.Cut(strings.TrimSuffix(requestLine, " HTTP/1.1"), " ")
	path, query, _ := strings.Cut(target, "?")
	if method != http.MethodPost || path != d.stage+"/workers/trigger" {
		return 403, `{"message":"Missing Authentication Token"}`
	}
	if d.nullHeaders {
		if d.key != "" {
			return 502, `{"message": "Internal server error"}` // reading headers of null throws
		}
		headers = nil
	}
	return d.function(headers, query, body)
}

// function is the trigger function.
func (d *deployed) function(headers map[string]string, query string, body []byte) (int, string) {
	if d.key != "" {
		given := headers["x-workers-trigger-key"]
		if given == "" {
			given = headers["X-Workers-Trigger-Key"]
		}
		a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(d.key))
		if len(given) != len(d.key) || subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
			return 401, `{"error":"Unauthorized"}`
		}
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(body, &fields) // other bodies are passed on as they are
	worker := stringOf(fields["workerId"])
	if worker == "" {
		values, _ := url.ParseQuery(query)
		worker = values.Get("workerId")
	}
	if worker == "" {
		return 400, `{"error":"workerId is required (query param workerId or JSON body workerId)"}`
	}
	message := messageText(fields, body)
	if message == "" {
		return 400, `{"error":"body/messageBody is required"}`
	}
	name := "p-a1b2c3d4e5f6789-" + worker + "-prod"
	queue, fromEnv := d.queues[worker]
	if !fromEnv {
		switch found, ok := d.lookup[worker]; {
		case !ok:
			return 404, `{"error":"Queue does not exist or not accessible","queueName":"` + name + `","message":"The specified queue does not exist."}`
		case found == "":
			return 404, `{"error":"Queue URL not found","queueName":"` + name + `"}`
		default:
			queue = found
		}
	}
	if d.sendError != "" {
		return 500, `{"error":"Failed to send message","message":"` + d.sendError + `"}`
	}
	d.mu.Lock()
	d.messages = append(d.messages, message)
	id := fmt.Sprintf(`"m-%d"`, len(d.messages))
	d.mu.Unlock()
	if d.noMessageID {
		id = "null"
	}
	answer := `{"ok":true,"workerId":"` + worker + `","stage":"prod",`
	if !fromEnv {
		answer += `"queueName":"` + name + `",`
	}
	return 200, answer + `"queueUrl":"` + queue + `","messageId":` + id + `}`
}

// messageText is messageBody verbatim, else body, verbatim when it is a string and
// written as JSON when it is anything else, else the request's body.
func messageText(fields map[string]json.RawMessage, body []byte) string {
	if raw, ok := fields["messageBody"]; ok && len(raw) > 0 && raw[0] == '"' {
		return stringOf(raw)
	}
	if raw, ok := fields["body"]; ok {
		if len(raw) > 0 && raw[0] == '"' {
			return stringOf(raw)
		}
		var out bytes.Buffer
		_ = json.Compact(&out, raw)
		return out.String()
	}
	return string(body)
}

func stringOf(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}

func (d *deployed) seen(t *testing.T) (requests, messages []string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.requests), slices.Clone(d.messages)
}
