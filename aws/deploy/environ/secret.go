package environ

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/microfox-ai/aiwctl/aws/deploy/project"
)

// Secret is a value that has to be stored where a function finds it by its reference. Printing
// one, logging it or writing it as JSON shows the reference only.
type Secret struct {
	// Name is the variable's.
	Name string
	// Ref is where it is to be stored; its store is SSM.
	Ref project.Ref
	// Workers are the ids of those that read it, sorted.
	Workers []string
	// From is where its value was found: "the shell", or a file and a line.
	From string

	// reveal holds the value out of reach of those who look into structs without asking
	// their methods, as fmt does with unexported fields.
	reveal func() string
}

// NewSecret makes one.
func NewSecret(name, value string, ref project.Ref, workers ...string) Secret {
	return Secret{Name: name, Ref: ref, Workers: workers, reveal: func() string { return value }}
}

// Reveal is the value.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// String is the reference.
func (s Secret) String() string { return s.Ref.String() }

// Format writes what String returns, for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is what String returns.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is what String returns, so that a secret in a document stays one.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
