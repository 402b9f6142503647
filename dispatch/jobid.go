package dispatch

import "strings"

// LooksLikeJobID reports whether a text that somebody pasted is likely to be a job's
// id: "job-<milliseconds>-<random>", "job-<40 hexadecimal digits>" and
// "job-schedule-<hash>" of this library, "job-<milliseconds>-<random>" and
// "local-<milliseconds>" of the TypeScript system, anything else that begins with
// "job-" or "job_" and goes on without a space, and UUIDs. White space around it does
// not count. Any text may be the id of a job, so false says only that nothing speaks
// for it.
func LooksLikeJobID(text string) bool {
	id := strings.TrimSpace(text)
	if len(id) > 256 || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"'\<>(){}[],;`, r) }) {
		return false
	}
	for _, prefix := range [...]string{"job-", "job_"} {
		if rest, ok := strings.CutPrefix(id, prefix); ok {
			return rest != ""
		}
	}
	if ms, ok := strings.CutPrefix(id, "local-"); ok {
		return len(ms) == 13 && strings.Trim(ms, "0123456789") == ""
	}
	return isUUID(id)
}

// isUUID is for the form of RFC 9562 with hyphens, of any version and in any case.
func isUUID(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i := range len(id) {
		c := id[i] | 0x20
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if id[i] != '-' {
				return false
			}
		case (id[i] < '0' || id[i] > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}
