package secretref_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/dispatch/secretref"
)

func TestReferencesAreWrittenAsTheyWereRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]secretref.Ref{
		"ssm:/shop/prod/KEY":    {Store: secretref.SSM, Name: "/shop/prod/KEY"},
		"ssm:plain":             {Store: secretref.SSM, Name: "plain"},
		"ssm:/shop/KEY:3":       {Store: secretref.SSM, Name: "/shop/KEY:3"},
		"secretsmanager:shop":   {Store: secretref.SecretsManager, Name: "shop"},
		"secretsmanager:a/b#pw": {Store: secretref.SecretsManager, Name: "a/b", Key: "pw"},
		"secretsmanager:a#b#c":  {Store: secretref.SecretsManager, Name: "a", Key: "b#c"},
		"secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-AbCdEf#password": {
			Store: secretref.SecretsManager, Name: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-AbCdEf", Key: "password",
		},
	} {
		got, err := secretref.Parse(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: %+v (%v), written as %s", text, got, err, got)
		}
	}
	if zero := (secretref.Ref{}); !zero.IsZero() || zero.String() != "" {
		t.Errorf("the zero value is %q", zero)
	}
}

func TestWhatIsNoReferenceIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "secret", "https://ssm:80", "SSM:/a", "ssm", "vault:/a"} {
		if _, err := secretref.Parse(text); !errors.Is(err, secretref.ErrNone) {
			t.Errorf("%q: %v, want ErrNone", text, err)
		}
	}
	for text, want := range map[string]string{
		"ssm:":                    "the name after ssm: is empty",
		"secretsmanager:":         "the name after secretsmanager: is empty",
		"secretsmanager:#f":       "the name after secretsmanager: is empty",
		"secretsmanager:hunter2#": "the field after # is empty",
		"ssm:/shop/hunter2*":      "letters, digits and",
		"ssm:/shop/hunter2 ":      "letters, digits and",
		"secretsmanager:a#\x1b[m": "control characters",
	} {
		_, err := secretref.Parse(text)
		if err == nil || errors.Is(err, secretref.ErrNone) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, want %q and nothing of the text", text, err, want)
		}
	}
}
