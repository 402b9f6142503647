package functions

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

// invocation is one run of a function. The environment that runs it owns it until
// done is closed; after that nobody changes it.
type invocation struct {
	id            string
	payload       []byte
	clientContext string // JSON, or empty
	trace         string
	deadline      time.Time
	began         time.Time     // by the manager's clock; zero until it runs
	took          time.Duration // what the REPORT line says

	done   chan struct{}
	result Result
	err    error
}

func newInvocation(payload []byte, clientContext string) *invocation {
	if len(payload) == 0 {
		payload = []byte("{}") // what Lambda passes on when there is none
	}
	return &invocation{
		id:            wire.NewID(),
		payload:       payload,
		clientContext: clientContext,
		trace:         traceID(),
		done:          make(chan struct{}),
	}
}

// traceID is an X-Ray trace header of a request that is not sampled.
func traceID() string {
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", time.Now().Unix(), randomHex(12), randomHex(8))
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the program instead
	return hex.EncodeToString(b)
}

// unhandled is the only kind of function error that Lambda still tells of.
const unhandled = "Unhandled"

// failure is the payload of an invocation that the function did not answer itself.
func failure(id, errorType, message string) []byte {
	body, err := json.Marshal(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{errorType, "RequestId: " + id + " Error: " + message})
	if err != nil { // two strings cannot fail
		return []byte(`{"errorType":"` + errorType + `"}`)
	}
	return body
}
