package binaries

import (
	"context"
	"os"
	"strings"

	"github.com/microfox-ai/aiwctl/aws/gotool"
)

// Command is the Go command in dir, building for a platform, with an environment in which
// the same source gives the same bytes.
func Command(ctx context.Context, dir string, p Platform) (gotool.Go, error) {
	g := gotool.Go{Dir: dir, Task: "build for " + p.String()}
	flags, err := g.Run(ctx, "", "env", "GOFLAGS")
	if err != nil {
		return g, err
	}
	g.Env = []string{
		"GOOS=" + p.GOOS, "GOARCH=" + p.GOARCH,
		"CGO_ENABLED=0", // provided.al2023 promises no C library, and cross-compilers are rare
		// What every processor of Lambda has.
		"GOARM64=v8.0", "GOAMD64=v1",
		"GOFLAGS=" + moduleFlags(string(flags)),
	}
	if os.Getenv("GOGC") == "" {
		// A link is over before collecting garbage pays: a third less processor time.
		g.Env = append(g.Env, "GOGC=800")
	}
	return g, nil
}

// moduleFlags are those of GOFLAGS that say where modules are found. The others change what
// is built, and a deployment is the same whoever does it.
func moduleFlags(flags string) string {
	keep := []string{"-trimpath"} // an empty GOFLAGS would count as none, and go env -w would have its way
	for _, f := range fields(strings.TrimSpace(flags)) {
		name := strings.TrimLeft(f, `'"-`)
		name, _, _ = strings.Cut(name, "=")
		switch name {
		case "mod", "modfile", "modcacherw":
			keep = append(keep, f)
		}
	}
	return strings.Join(keep, " ")
}

// fields splits at spaces that are not in quotes, as the Go command does; the quotes stay.
func fields(s string) []string {
	var out []string
	for s = strings.TrimLeft(s, " \t\n"); s != ""; s = strings.TrimLeft(s, " \t\n") {
		end := strings.IndexAny(s, " \t\n")
		if s[0] == '\'' || s[0] == '"' {
			if end = strings.IndexByte(s[1:], s[0]); end >= 0 {
				end += 2
			}
		}
		if end < 0 {
			end = len(s)
		}
		out = append(out, s[:end])
		s = s[end:]
	}
	return out
}
