package project

import "github.com/microfox-ai/aiwctl/dispatch/secretref"

// References to secrets are read by the functions too, which know nothing of this package:
// they stand in dispatch/secretref.
type (
	// Store is where a secret is kept.
	Store = secretref.Store
	// Ref refers to a secret.
	Ref = secretref.Ref
)

// The stores of secrets.
const (
	SSM            = secretref.SSM
	SecretsManager = secretref.SecretsManager
)

// ErrNoRef is returned for a text that does not begin as a reference does.
var ErrNoRef = secretref.ErrNone

// ParseRef reads a reference. The error is ErrNoRef for a text that is none, and another
// one for a reference that is wrong in itself; neither shows the text.
func ParseRef(text string) (Ref, error) { return secretref.Parse(text) }
