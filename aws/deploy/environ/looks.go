package environ

import (
	"slices"
	"strings"
)

// looksSecret says by what a variable looks like one whose value is secret; empty when it
// does not. Better to keep one too many in Systems Manager than to have one in a template.
func looksSecret(name, value string) string {
	if word := secretWord(name); word != "" {
		return word + " in its name"
	}
	return secretValue(value)
}

// secretWord is the word of a name, between its underscores, that says so.
func secretWord(name string) string {
	for word := range strings.SplitSeq(strings.ToUpper(name), "_") {
		singular := strings.TrimSuffix(word, "S")
		for _, w := range []string{word, singular} {
			if slices.Contains([]string{"KEY", "APIKEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "PASS", "PWD", "CREDENTIAL", "DSN", "PRIVATE"}, w) {
				return word
			}
		}
	}
	return ""
}

// secretValue says what of a value cannot be anything but secret.
func secretValue(value string) string {
	switch {
	case strings.Contains(value, "-----BEGIN") && strings.Contains(value, "PRIVATE KEY-----"):
		return "a private key in its value"
	case hasPassword(value):
		return "a password in its URL"
	}
	return ""
}

// hasPassword reports whether there is a URL with a password: scheme://user:password@host. It
// is looked for by hand, since a password with a character that has no place there, such as a
// %, makes a URL that net/url refuses.
func hasPassword(text string) bool {
	for {
		_, rest, found := strings.Cut(text, "://")
		if !found {
			return false
		}
		authority := rest
		if end := strings.IndexAny(rest, "/?# \t\n"); end >= 0 {
			authority = rest[:end]
		}
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			if _, password, found := strings.Cut(authority[:at], ":"); found && password != "" {
				return true
			}
		}
		text = rest
	}
}
