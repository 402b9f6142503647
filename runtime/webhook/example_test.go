package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/microfox-ai/aiwctl/runtime/webhook"
)

// post sends what a worker would send.
func post(h http.Handler, secret webhook.Secret, id, body string) int {
	r := httptest.NewRequest(http.MethodPost, "/hooks/thumbnails", strings.NewReader(body))
	if err := webhook.Sign([]webhook.Secret{secret}, r.Header, id, time.Now(), []byte(body)); err != nil {
		panic(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func ExampleHandler() {
	type Thumbnail struct {
		URL string `json:"url"`
	}
	secret := webhook.NewSecret() // on both sides in WORKER_WEBHOOK_SECRET

	h, err := webhook.Handler(webhook.Config{Secret: secret.Reveal(), Remember: 1000},
		func(_ context.Context, e webhook.Event[Thumbnail]) error {
			if e.Status == webhook.StatusError {
				fmt.Println(e.JobID, "failed:", e.Error.Message)
				return nil
			}
			fmt.Println(e.JobID, "made", e.Output.URL)
			return nil
		})
	if err != nil {
		fmt.Println(err)
		return
	}

	body := `{"jobId":"job-1","workerId":"thumbnails","status":"success","output":{"url":"https://example.com/1.png"},"metadata":{}}`
	fmt.Println(post(h, secret, "msg_1", body))
	fmt.Println(post(h, secret, "msg_1", body)) // once more: remembered, not handled
	fmt.Println(post(h, webhook.NewSecret(), "msg_2", body))
	// Output:
	// job-1 made https://example.com/1.png
	// 204
	// 204
	// 401
}

func ExampleVerify() {
	secret, err := webhook.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	header := http.Header{}
	header.Set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	header.Set("webhook-timestamp", "1614265330")
	header.Set("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	body := []byte(`{"test": 2432232314}`)

	then := webhook.WithClock(func() time.Time { return time.Unix(1614265330, 0) })
	fmt.Println(webhook.Verify([]webhook.Secret{secret}, header, body, then))

	err = webhook.Verify([]webhook.Secret{secret}, header, body) // years later
	fmt.Println(errors.Is(err, webhook.ErrTimestamp))
	// Output:
	// <nil>
	// true
}
