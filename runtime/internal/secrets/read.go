package secrets

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// parameters reads at most ten parameters and reports each. A call is refused as a whole
// when it may not read one of them, so then each is asked for by itself: the others' authors
// need not hear of it.
func (c *client) parameters(ctx context.Context, region string, names []string, report func(name, text string, err error)) {
	var out struct {
		Parameters []struct{ Name, Selector, ARN, Value string }
	}
	in := map[string]any{"Names": names, "WithDecryption": true}
	err := c.call(ctx, ssm, region, "GetParameters", in, &out)
	if refused, ok := errors.AsType[*apiError](err); ok && !refused.passing() && len(names) > 1 {
		for _, name := range names {
			c.parameters(ctx, region, []string{name}, report)
		}
		return
	}
	found := map[string]string{} // by every form in which one can be asked for
	for _, p := range out.Parameters {
		// The selector is the version or label that was asked for, with its colon.
		found[p.Name+p.Selector] = p.Value
		found[p.ARN+p.Selector] = p.Value
	}
	for _, name := range names {
		text, ok := found[name]
		switch {
		case err != nil:
			report(name, "", withAdvice(err, "ssm:GetParameters on the parameter, and kms:Decrypt on its key unless that is the account's own aws/ssm"))
		case !ok:
			report(name, "", fmt.Errorf("there is no such parameter in %s: put it there, or correct the reference", region))
		default:
			report(name, text, nil)
		}
	}
}

func (c *client) secret(ctx context.Context, region, name string) (string, error) {
	var out struct{ SecretString *string }
	err := c.call(ctx, secretsManager, region, "GetSecretValue", map[string]any{"SecretId": name}, &out)
	if refused, ok := errors.AsType[*apiError](err); ok && refused.code == "ResourceNotFoundException" {
		return "", fmt.Errorf("there is no such secret in %s, or it has no value: make it there, or correct the reference", region)
	}
	switch {
	case err != nil:
		return "", withAdvice(err, "secretsmanager:GetSecretValue on the secret, and kms:Decrypt on its key unless that is the account's own aws/secretsmanager")
	case out.SecretString == nil:
		return "", errors.New("the secret is binary: store it as text")
	}
	return *out.SecretString, nil
}

// withAdvice names the permission when that is what may be missing.
func withAdvice(err error, permission string) error {
	if refused, ok := errors.AsType[*apiError](err); ok && refused.denied() {
		return fmt.Errorf("access denied: the function's role needs %s (%w)", permission, err)
	}
	return err
}

// field is the field of a secret that is a JSON object, or all of it where key is empty. A
// field that is no text is taken as its JSON. No error shows anything of the secret, as
// those of encoding/json do.
func field(text, key string) (string, error) {
	if key == "" {
		return text, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
		return "", errors.New("the secret is no JSON object, so that it has no fields: refer to it without #")
	}
	raw, ok := object[key]
	if !ok || bytes.Equal(raw, []byte("null")) {
		return "", fmt.Errorf("the secret's JSON object has no field %q", key)
	}
	var value string
	if json.Unmarshal(raw, &value) == nil {
		return value, nil
	}
	return string(raw), nil
}
