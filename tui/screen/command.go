package screen

import "strings"

// Command writes a command line of aiwctl for a person to copy: every argument that a
// POSIX shell would take apart is quoted.
func Command(args ...string) string {
	parts := make([]string, 0, len(args)+1)
	parts = append(parts, "aiwctl")
	for _, arg := range args {
		parts = append(parts, Quoted(arg))
	}
	return strings.Join(parts, " ")
}

// Quoted is an argument as a POSIX shell takes it.
func Quoted(arg string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@,+%", r)
	}
	if arg != "" && strings.IndexFunc(arg, func(r rune) bool { return !plain(r) }) < 0 {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}
