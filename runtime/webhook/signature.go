package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed webhook.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// DefaultTolerance is how far a timestamp may be from the receiver's clock, in both
// directions, as in the libraries of Standard Webhooks.
const DefaultTolerance = 5 * time.Minute

const (
	signatureVersion = "v1"
	// maxIDBytes is longer than any id that a sender makes.
	maxIDBytes = 256
)

// Why a request is not taken for a worker's. Verify returns them wrapped.
var (
	// ErrNoSignature: a header of the signature is missing, or is not in its form.
	ErrNoSignature = errors.New("the request is not signed as Standard Webhooks asks")
	// ErrTimestamp: the attempt is too old or in the future; it may be a repetition
	// by somebody who has seen it, or one of the clocks is wrong.
	ErrTimestamp = errors.New("the webhook's timestamp is out of range")
	// ErrMismatch: no signature fits the body with any of the secrets.
	ErrMismatch = errors.New("the webhook's signature does not match")
	// ErrNoSecret: there is no secret to verify or sign with.
	ErrNoSecret = errors.New("no webhook secret is given")
)

type verification struct {
	tolerance time.Duration
	now       func() time.Time
}

// VerifyOption changes how Verify judges the time.
type VerifyOption func(*verification)

// WithTolerance sets how far the timestamp may be from the clock. Default, and for
// zero or less: DefaultTolerance.
func WithTolerance(d time.Duration) VerifyOption {
	return func(v *verification) {
		if d > 0 {
			v.tolerance = d
		}
	}
}

// WithClock replaces the clock. Default, and for nil: time.Now.
func WithClock(now func() time.Time) VerifyOption {
	return func(v *verification) {
		if now != nil {
			v.now = now
		}
	}
}

// Verify checks that a request was signed with one of the secrets, a short while
// ago. The body is the request's, byte for byte: one that was parsed and written
// again does not match. Several secrets allow one to be replaced by another.
//
// The errors are ErrNoSignature, ErrTimestamp, ErrMismatch and ErrNoSecret, wrapped.
// None of them quotes a secret, a signature or the body.
func Verify(secrets []Secret, header http.Header, body []byte, opts ...VerifyOption) error {
	v := verification{tolerance: DefaultTolerance, now: time.Now}
	for _, o := range opts {
		o(&v)
	}
	id, at, timestamp, err := signedHeaders(header)
	if err != nil {
		return err
	}
	if off := v.now().Sub(at); off > v.tolerance || off < -v.tolerance {
		return fmt.Errorf("%w: it is %s from this clock, and at most %s are allowed", ErrTimestamp, off.Abs().Round(time.Second), v.tolerance)
	}
	given := signatures(header)
	if len(given) == 0 {
		return fmt.Errorf("%w: %s has no signature of version %s", ErrNoSignature, HeaderSignature, signatureVersion)
	}
	usable := false
	for _, s := range secrets {
		if len(s.key) == 0 {
			continue
		}
		usable = true
		want := s.mac(id+"."+timestamp+".", body)
		for _, g := range given {
			if hmac.Equal(want, g) {
				return nil
			}
		}
	}
	if !usable {
		return ErrNoSecret
	}
	return fmt.Errorf("%w: the secrets of worker and receiver differ, or the body was changed on its way", ErrMismatch)
}

// signedHeaders reads the id and the time. Each must be there once: of two, this
// code and another part of the receiver might believe a different one.
func signedHeaders(header http.Header) (id string, at time.Time, timestamp string, err error) {
	ids, times := header.Values(HeaderID), header.Values(HeaderTimestamp)
	if len(ids) != 1 || len(times) != 1 {
		return "", time.Time{}, "", fmt.Errorf("%w: it has %d headers %s and %d headers %s, and each must be there once", ErrNoSignature, len(ids), HeaderID, len(times), HeaderTimestamp)
	}
	id, timestamp = ids[0], times[0]
	if err := checkID(id); err != nil {
		return "", time.Time{}, "", fmt.Errorf("%w: %w", ErrNoSignature, err)
	}
	seconds, perr := strconv.ParseUint(timestamp, 10, 62)
	if perr != nil {
		return "", time.Time{}, "", fmt.Errorf("%w: %s is not a number of seconds since 1970", ErrNoSignature, HeaderTimestamp)
	}
	return id, time.Unix(int64(seconds), 0), timestamp, nil
}

// checkID refuses an id that could be mistaken for another split of what is signed:
// the parts are joined with full stops, so the specification wants none in an id.
func checkID(id string) error {
	switch {
	case id == "":
		return fmt.Errorf("%s is empty", HeaderID)
	case len(id) > maxIDBytes:
		return fmt.Errorf("%s has %d characters, and at most %d are allowed", HeaderID, len(id), maxIDBytes)
	case strings.ContainsFunc(id, func(r rune) bool { return r == '.' || r <= ' ' || r >= 0x7f }):
		return fmt.Errorf("%s has a full stop, a space or a character outside ASCII", HeaderID)
	}
	return nil
}

// signatures are the signatures of the version that is known here; others, such as
// the asymmetric v1a, may stand beside them.
func signatures(header http.Header) [][]byte {
	var out [][]byte
	for _, line := range header.Values(HeaderSignature) {
		for field := range strings.FieldsSeq(line) {
			encoded, found := strings.CutPrefix(field, signatureVersion+",")
			if !found {
				continue
			}
			if sum, err := base64.StdEncoding.DecodeString(encoded); err == nil && len(sum) == sha256.Size {
				out = append(out, sum)
			}
		}
	}
	return out
}

// Sign sets the three headers of a signed webhook, with a signature for each secret.
// It is what the worker runtime signs with, and what a test of a receiver can use.
// The id names the event: at most 256 printable ASCII characters and no full stop.
// The body must be sent exactly as it is. Without a secret the error is ErrNoSecret.
func Sign(secrets []Secret, header http.Header, id string, at time.Time, body []byte) error {
	if err := checkID(id); err != nil {
		return fmt.Errorf("sign a webhook: %w", err)
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	if at.Unix() < 0 {
		return fmt.Errorf("sign a webhook: the time %s is before 1970", at)
	}
	var list []string
	for _, s := range secrets {
		if len(s.key) > 0 {
			list = append(list, signatureVersion+","+base64.StdEncoding.EncodeToString(s.mac(id+"."+timestamp+".", body)))
		}
	}
	if len(list) == 0 {
		return fmt.Errorf("sign a webhook: %w", ErrNoSecret)
	}
	header.Set(HeaderID, id)
	header.Set(HeaderTimestamp, timestamp)
	header.Set(HeaderSignature, strings.Join(list, " "))
	return nil
}
