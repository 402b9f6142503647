package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	// SecretPrefix starts the text of a secret.
	SecretPrefix = "whsec_"

	// The length of a secret's bytes, by the Standard Webhooks specification.
	minSecretBytes = 24
	maxSecretBytes = 64
	newSecretBytes = 32
)

// Secret is a key that worker and receiver share. Printing one, or logging it,
// does not show it. The zero value is no secret, and nothing is signed or verified with it.
type Secret struct{ key []byte }

// NewSecret makes a secret of 32 random bytes.
func NewSecret() Secret {
	key := make([]byte, newSecretBytes)
	_, _ = rand.Read(key) // never fails: crypto/rand.Read since Go 1.24
	return Secret{key: key}
}

// ParseSecret reads a secret: "whsec_" and the standard base64 of 24 to 64 bytes,
// with its padding or without. Space around it is ignored. The error says what is
// wrong and never shows the text.
func ParseSecret(text string) (Secret, error) {
	encoded, found := strings.CutPrefix(strings.TrimSpace(text), SecretPrefix)
	if !found {
		return Secret{}, errors.New(`a webhook secret starts with "` + SecretPrefix + `", and this one does not`)
	}
	// The decoder's error would quote a byte of the secret, and it skips line breaks.
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil || strings.ContainsAny(encoded, "\r\n") {
		return Secret{}, errors.New(`what follows "` + SecretPrefix + `" in a webhook secret is standard base64, and here it is not`)
	}
	if len(key) < minSecretBytes || len(key) > maxSecretBytes {
		return Secret{}, fmt.Errorf("a webhook secret has %d to %d bytes, and this one has %d: make one with `openssl rand -base64 %d`",
			minSecretBytes, maxSecretBytes, len(key), newSecretBytes)
	}
	return Secret{key: key}, nil
}

// ParseSecrets reads several secrets separated by spaces or commas, so that one can
// be replaced by another while both are in use. A text without any is no error.
func ParseSecrets(text string) ([]Secret, error) {
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
	secrets := make([]Secret, 0, len(fields))
	for i, field := range fields {
		s, err := ParseSecret(field)
		if err != nil {
			return nil, fmt.Errorf("secret number %d of %d: %w", i+1, len(fields), err)
		}
		secrets = append(secrets, s)
	}
	return secrets, nil
}

// Reveal returns the text that ParseSecret reads, to be stored where both sides
// find it. It is empty for the zero value.
func (s Secret) Reveal() string {
	if len(s.key) == 0 {
		return ""
	}
	return SecretPrefix + base64.StdEncoding.EncodeToString(s.key)
}

// String does not show the secret.
func (s Secret) String() string {
	if len(s.key) == 0 {
		return "no webhook secret"
	}
	return SecretPrefix + "..."
}

// Format writes what String returns, for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText writes what String returns, so that a secret in a logged structure
// stays one.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Derive returns a key for another purpose. It says nothing about the secret, and
// what is signed with it is never taken for a webhook.
func (s Secret) Derive(purpose string) []byte { return s.mac("derived key\x00", []byte(purpose)) }

// mac is the HMAC-SHA256 of two texts, one after the other.
func (s Secret) mac(prefix string, text []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	_, _ = io.WriteString(h, prefix)
	_, _ = h.Write(text)
	return h.Sum(nil)
}
