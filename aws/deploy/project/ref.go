package project

import (
	"errors"
	"fmt"
	"strings"
)

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

// ErrNoRef is returned for a text that does not begin as a reference does.
var ErrNoRef = errors.New("it is no reference to a secret: write ssm:/path/name, secretsmanager:NAME or secretsmanager:NAME#field")

// ParseRef reads a reference. The error is ErrNoRef for a text that is none, and another
// one for a reference that is wrong in itself.
func ParseRef(text string) (Ref, error) {
	store, name, found := strings.Cut(text, ":")
	if !found || Store(store) != SSM && Store(store) != SecretsManager {
		return Ref{}, ErrNoRef
	}
	r := Ref{Store: Store(store), Name: name}
	if r.Store == SecretsManager {
		r.Name, r.Key, found = strings.Cut(name, "#")
		if found && r.Key == "" {
			return Ref{}, fmt.Errorf("%s: the field after # is empty", text)
		}
	}
	if r.Name == "" {
		return Ref{}, fmt.Errorf("%s: the name after %s: is empty", text, store)
	}
	return r, nil
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
