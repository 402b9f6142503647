// Package secretref reads and writes references to secrets: what a deployment hands a
// function instead of a secret, and what the function looks the secret up by. It makes no call.
package secretref

import (
	"errors"
	"fmt"
	"strings"
)

// EnvPrefix begins the name of the variable that tells a function where a secret is kept:
// AIWORKER_SECRET_<NAME> is a Ref as text, and the variable NAME is set to the secret when
// the function starts.
const EnvPrefix = "AIWORKER_SECRET_"

// Store is where a secret is kept.
type Store string

// The stores of secrets.
const (
	SSM            Store = "ssm"            // a parameter of Systems Manager, of type SecureString or String
	SecretsManager Store = "secretsmanager" // a secret of Secrets Manager
)

// Ref refers to a secret. As text it is ssm:/path/name, or secretsmanager:NAME-OR-ARN, to which
// #key may be added: the value is then that field of the secret, which is a JSON object. The
// zero value refers to nothing.
type Ref struct {
	Store Store
	// Name is the parameter's name, or the secret's name or ARN.
	Name string
	// Key is the field of a JSON object; empty means the whole text.
	Key string
}

// ErrNone is returned for a text that does not begin as a reference does.
var ErrNone = errors.New("it is no reference to a secret: write ssm:/path/name, secretsmanager:NAME or secretsmanager:NAME#field")

// Parse reads a reference. The error is ErrNone for a text that is none, and another one for
// a reference that is wrong in itself; neither shows the text, which may be a secret itself.
func Parse(text string) (Ref, error) {
	store, name, found := strings.Cut(text, ":")
	if !found || Store(store) != SSM && Store(store) != SecretsManager {
		return Ref{}, ErrNone
	}
	r := Ref{Store: Store(store), Name: name}
	if r.Store == SecretsManager {
		r.Name, r.Key, found = strings.Cut(name, "#")
		if found && r.Key == "" {
			return Ref{}, fmt.Errorf("a reference to a secret of %s: the field after # is empty", store)
		}
	}
	switch {
	case r.Name == "":
		return Ref{}, fmt.Errorf("a reference to a secret of %s: the name after %s: is empty", store, store)
	case !legal(r.Name):
		// Names become part of IAM policies, in which * and ? would stand for others.
		return Ref{}, fmt.Errorf("a reference to a secret of %s: a name has letters, digits and -_.:/+=@! only", store)
	case strings.ContainsFunc(r.Key, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return Ref{}, fmt.Errorf("a reference to a secret of %s: there are control characters in the field's name", store)
	}
	return r, nil
}

// legal allows what either service has in names and ARNs. Sources: CreateSecret in Secrets
// Manager's and PutParameter in Systems Manager's API reference; the ! is in the names of
// secrets that AWS makes itself.
func legal(name string) bool {
	return !strings.ContainsFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.:/+=@!", c)
	})
}

// IsZero reports whether r refers to nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

func (r Ref) String() string {
	if r.IsZero() {
		return ""
	}
	s := string(r.Store) + ":" + r.Name
	if r.Key != "" {
		s += "#" + r.Key
	}
	return s
}
