package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The key, id, time, body and signature that the libraries of Standard Webhooks
// (github.com/standard-webhooks/standard-webhooks) test themselves with.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTime      = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func mustParse(t testing.TB, text string) Secret {
	t.Helper()
	s, err := ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func at(seconds int64) VerifyOption {
	return WithClock(func() time.Time { return time.Unix(seconds, 0) })
}

func vectorHeader() http.Header {
	h := http.Header{}
	h.Set("webhook-id", vectorID)
	h.Set("webhook-timestamp", fmt.Sprint(vectorTime))
	h.Set("webhook-signature", vectorSignature)
	return h
}

func TestSignMakesThePublishedSignature(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	if err := Sign([]Secret{mustParse(t, vectorSecret)}, h, vectorID, time.Unix(vectorTime, 0), []byte(vectorBody)); err != nil {
		t.Fatal(err)
	}
	if got := h.Get("webhook-signature"); got != vectorSignature {
		t.Errorf("signature %q, published is %q", got, vectorSignature)
	}
	if h.Get("webhook-id") != vectorID || h.Get("webhook-timestamp") != fmt.Sprint(vectorTime) {
		t.Errorf("headers = %v", h)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	other := NewSecret()
	for _, tt := range []struct {
		name    string
		change  func(http.Header)
		secrets []Secret
		body    string
		now     int64
		want    error
	}{
		{name: "the published signature"},
		{name: "the other of two secrets", secrets: []Secret{other, mustParse(t, vectorSecret)}},
		{name: "the other of two signatures", change: func(h http.Header) {
			h.Set("webhook-signature", "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= "+vectorSignature)
		}},
		{name: "beside an asymmetric signature", change: func(h http.Header) { h.Set("webhook-signature", "v1a,xyz "+vectorSignature) }},
		{name: "on two lines", change: func(h http.Header) {
			h["Webhook-Signature"] = []string{"v1,AAAA", vectorSignature}
		}},
		{name: "five minutes late", now: vectorTime + 300},
		{name: "five minutes early", now: vectorTime - 300},

		{name: "too late", now: vectorTime + 301, want: ErrTimestamp},
		{name: "too early", now: vectorTime - 301, want: ErrTimestamp},
		{name: "a changed body", body: `{"test": 2432232315}`, want: ErrMismatch},
		{name: "an empty body", body: " ", want: ErrMismatch},
		{name: "another secret", secrets: []Secret{other}, want: ErrMismatch},
		{name: "another id", change: func(h http.Header) { h.Set("webhook-id", "msg_2") }, want: ErrMismatch},
		{name: "another time", change: func(h http.Header) { h.Set("webhook-timestamp", fmt.Sprint(vectorTime+1)) }, want: ErrMismatch},
		{name: "another spelling of the time", change: func(h http.Header) { h.Set("webhook-timestamp", fmt.Sprintf("0%d", vectorTime)) }, want: ErrMismatch},
		{name: "another version", change: func(h http.Header) { h.Set("webhook-signature", "v2"+vectorSignature[2:]) }, want: ErrNoSignature},
		{name: "half a signature", change: func(h http.Header) { h.Set("webhook-signature", vectorSignature[:20]) }, want: ErrNoSignature},
		{name: "no id", change: func(h http.Header) { h.Del("webhook-id") }, want: ErrNoSignature},
		{name: "no time", change: func(h http.Header) { h.Del("webhook-timestamp") }, want: ErrNoSignature},
		{name: "no signature", change: func(h http.Header) { h.Del("webhook-signature") }, want: ErrNoSignature},
		{name: "two ids", change: func(h http.Header) { h.Add("webhook-id", "msg_2") }, want: ErrNoSignature},
		{name: "two times", change: func(h http.Header) { h.Add("webhook-timestamp", "1") }, want: ErrNoSignature},
		{name: "a time that is none", change: func(h http.Header) { h.Set("webhook-timestamp", "+1614265330") }, want: ErrNoSignature},
		{name: "a time beyond all time", change: func(h http.Header) { h.Set("webhook-timestamp", "9223372036854775807") }, want: ErrNoSignature},
		{name: "an id with a full stop", change: func(h http.Header) { h.Set("webhook-id", "msg.1") }, want: ErrNoSignature},
		{name: "an endless id", change: func(h http.Header) { h.Set("webhook-id", strings.Repeat("x", 257)) }, want: ErrNoSignature},
		{name: "no secret", secrets: []Secret{}, want: ErrNoSecret},
		{name: "the zero secret", secrets: []Secret{{}}, want: ErrNoSecret},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := vectorHeader()
			if tt.change != nil {
				tt.change(h)
			}
			secrets := tt.secrets
			if secrets == nil {
				secrets = []Secret{mustParse(t, vectorSecret)}
			}
			body, now := tt.body, tt.now
			if body == "" {
				body = vectorBody
			}
			if now == 0 {
				now = vectorTime
			}
			err := Verify(secrets, h, []byte(body), at(now))
			if !errors.Is(err, tt.want) || (tt.want == nil) != (err == nil) {
				t.Fatalf("error = %v, want %v", err, tt.want)
			}
			if err != nil && (strings.Contains(err.Error(), vectorSignature[3:10]) || strings.Contains(err.Error(), "MfKQ9r8G")) {
				t.Errorf("the error shows the secret or the signature: %v", err)
			}
		})
	}
}

func TestVerifyTakesItsTolerance(t *testing.T) {
	t.Parallel()
	secrets := []Secret{mustParse(t, vectorSecret)}
	if err := Verify(secrets, vectorHeader(), []byte(vectorBody), at(vectorTime+11), WithTolerance(10*time.Second)); !errors.Is(err, ErrTimestamp) {
		t.Errorf("error = %v, want %v", err, ErrTimestamp)
	}
	if err := Verify(secrets, vectorHeader(), []byte(vectorBody), at(vectorTime+3000), WithTolerance(time.Hour)); err != nil {
		t.Error(err)
	}
	// Without a clock of its own it goes by the real one, by which the vector is years old.
	if err := Verify(secrets, vectorHeader(), []byte(vectorBody), WithClock(nil), WithTolerance(-1)); !errors.Is(err, ErrTimestamp) {
		t.Errorf("error = %v, want %v", err, ErrTimestamp)
	}
}

func TestSignWithSeveralSecretsIsVerifiedByEach(t *testing.T) {
	t.Parallel()
	old, young := NewSecret(), NewSecret()
	h := http.Header{}
	if err := Sign([]Secret{old, {}, young}, h, "msg_1", time.Unix(vectorTime, 0), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if n := len(strings.Fields(h.Get("webhook-signature"))); n != 2 {
		t.Errorf("%d signatures, want 2: the zero secret signs nothing", n)
	}
	for _, s := range []Secret{old, young} {
		if err := Verify([]Secret{s}, h, []byte("{}"), at(vectorTime)); err != nil {
			t.Error(err)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	one := []Secret{NewSecret()}
	for name, err := range map[string]error{
		"no id":               Sign(one, http.Header{}, "", time.Unix(1, 0), nil),
		"full stop":           Sign(one, http.Header{}, "a.b", time.Unix(1, 0), nil),
		"line break":          Sign(one, http.Header{}, "a\nb", time.Unix(1, 0), nil),
		"a time before 1970":  Sign(one, http.Header{}, "a", time.Time{}, nil),
		"no secret":           Sign(nil, http.Header{}, "a", time.Unix(1, 0), nil),
		"only a zero secret":  Sign([]Secret{{}}, http.Header{}, "a", time.Unix(1, 0), nil),
		"a character outside": Sign(one, http.Header{}, "é", time.Unix(1, 0), nil),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestParseSecret(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		vectorSecret,
		" " + vectorSecret + "\n",
		"whsec_" + strings.Repeat("A", 86) + "==", // 64 bytes
		"whsec_" + strings.Repeat("A", 86),        // without padding
		NewSecret().Reveal(),
	} {
		s, err := ParseSecret(text)
		if err != nil {
			t.Errorf("%d characters: %v", len(text), err)
			continue
		}
		if strings.TrimRight(s.Reveal(), "=") != strings.TrimRight(strings.TrimSpace(text), "=") {
			t.Errorf("Reveal = %q, parsed was %q", s.Reveal(), text)
		}
	}
	for _, text := range []string{
		"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		"whsec_" + strings.Repeat("A", 30), // 22 bytes
		"whsec_" + strings.Repeat("A", 88), // 66 bytes
		"whsec_MfKQ9r8GKYqrTwjUPD8I!PZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwj\nUPD8ILPZIo2LaLaSw",
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_",
	} {
		_, err := ParseSecret(text)
		if err == nil {
			t.Errorf("%q is taken for a secret", text)
			continue
		}
		if len(text) > 10 && strings.Contains(err.Error(), text[6:12]) {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
}

func TestParseSecrets(t *testing.T) {
	t.Parallel()
	second := NewSecret().Reveal()
	got, err := ParseSecrets(" " + vectorSecret + ", " + second + "\n")
	if err != nil || len(got) != 2 || got[0].Reveal() != vectorSecret || got[1].Reveal() != second {
		t.Errorf("%d secrets, error %v", len(got), err)
	}
	if got, err := ParseSecrets("  "); err != nil || len(got) != 0 {
		t.Errorf("%d secrets of none, error %v", len(got), err)
	}
	if _, err := ParseSecrets(vectorSecret + " nonsense"); err == nil || !strings.Contains(err.Error(), "number 2 of 2") || strings.Contains(err.Error(), "nonsense") {
		t.Errorf("error = %v", err)
	}
}

func TestASecretIsNotPrinted(t *testing.T) {
	t.Parallel()
	s := mustParse(t, vectorSecret)
	type config struct{ Secret Secret }
	text, err := json.Marshal(config{s})
	if err != nil {
		t.Fatal(err)
	}
	shown := string(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o"} {
		shown += " " + fmt.Sprintf(verb, s) + " " + fmt.Sprintf(verb, config{s}) + " " + fmt.Sprintf(verb, &s) + fmt.Sprintf(verb, []Secret{s})
	}
	for _, part := range []string{"MfKQ", "31f290f6", "31F290F6", "49 242", "61 362"} { // base64, hexadecimal, decimal, octal
		if strings.Contains(shown, part) {
			t.Errorf("the secret can be read as %s in %s", part, shown)
		}
	}
}

func TestDerivedKeysSignNoWebhook(t *testing.T) {
	t.Parallel()
	s := mustParse(t, vectorSecret)
	a, b := s.Derive("a"), s.Derive("b")
	if len(a) != 32 || string(a) == string(b) || string(a) == string(NewSecret().Derive("a")) {
		t.Error("derived keys are not independent")
	}
	if string(a) != string(s.Derive("a")) {
		t.Error("a derived key is not the same the next time")
	}
}

func FuzzVerify(f *testing.F) {
	secret := mustParse(f, vectorSecret)
	f.Add(vectorID, fmt.Sprint(vectorTime), vectorSignature, []byte(vectorBody))
	f.Add("", "", "", []byte(nil))
	f.Add(vectorID, "-1", "v1, v1,, ,v1 v1a,", []byte("{}"))
	f.Add("a.b", "99999999999999999999", vectorSignature+" "+vectorSignature, []byte("\xff"))
	f.Add(vectorID, "01614265330", "v1,"+strings.Repeat("A", 44), []byte("{"))
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signature}}
		clock := at(vectorTime)
		err := Verify([]Secret{secret}, h, body, clock)
		// Only the published signature is known to be right; nobody finds another one.
		if genuine := id == vectorID && timestamp == fmt.Sprint(vectorTime) && string(body) == vectorBody; err == nil && !genuine {
			t.Fatalf("accepted id %q, time %q, signature %q, body %q", id, timestamp, signature, body)
		}
		if err != nil && !errors.Is(err, ErrNoSignature) && !errors.Is(err, ErrTimestamp) && !errors.Is(err, ErrMismatch) {
			t.Fatalf("an error of no kind: %v", err)
		}
		// What Sign signs, Verify takes, and not with one byte changed.
		signed := http.Header{}
		if Sign([]Secret{secret}, signed, id, time.Unix(vectorTime, 0), body) != nil {
			return
		}
		if err := Verify([]Secret{secret}, signed, body, clock); err != nil {
			t.Fatalf("signed, and refused: %v", err)
		}
		if err := Verify([]Secret{secret}, signed, append(body[:len(body):len(body)], 0), clock); !errors.Is(err, ErrMismatch) {
			t.Fatalf("a longer body: %v", err)
		}
	})
}
