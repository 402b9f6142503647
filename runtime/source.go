package runtime

import (
	"fmt"
	"path"
	"path/filepath"
	goruntime "runtime"
	"runtime/debug"
	"strings"
)

// codeLine is a line of the program, as the runtime counts them; zero is none. It is told
// apart only when somebody wants to read it, since a function that starts wants to start.
type codeLine uintptr

// callerOf is the line that called the function which calls callerOf.
func callerOf() codeLine {
	var pc [1]uintptr
	goruntime.Callers(3, pc[:])
	return codeLine(pc[0])
}

// places says where lines are, for one program.
type places struct {
	program string   // the main package's path; empty when it is not known
	module  string   // the main module
	others  []string // other modules
}

func newPlaces() places {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return places{}
	}
	p := places{program: info.Path, module: info.Main.Path}
	if p.program == "command-line-arguments" { // go run main.go
		p.program = ""
	}
	for _, d := range info.Deps {
		p.others = append(p.others, d.Path)
	}
	return p
}

// text is file:line. The file is relative to the program's module, and with its package's
// path when it is in another one. It is made from the package's path and not from the
// file's, which is absolute or not, depending on -trimpath.
func (ps places) text(at codeLine) string {
	if at == 0 {
		return ""
	}
	frame, _ := goruntime.CallersFrames([]uintptr{uintptr(at)}).Next()
	if frame.File == "" {
		return ""
	}
	file := filepath.Base(filepath.FromSlash(frame.File))
	return fmt.Sprintf("%s:%d", path.Join(ps.dir(packageOf(frame.Function)), file), frame.Line)
}

// dir is the directory of a package, relative to the main module if it is in there.
func (ps places) dir(pkg string) string {
	if pkg == "main" {
		pkg = ps.program
	}
	if !within(pkg, ps.module) {
		return pkg
	}
	for _, other := range ps.others {
		if len(other) > len(ps.module) && within(pkg, other) { // a module inside of the module's directory
			return pkg
		}
	}
	return strings.TrimPrefix(strings.TrimPrefix(pkg, ps.module), "/")
}

func within(pkg, module string) bool {
	return module != "" && (pkg == module || strings.HasPrefix(pkg, module+"/"))
}

// packageOf is the package's path in a function's name, such as example.test/app/work.init.
// A dot in the last element of the path is written %2e there.
func packageOf(function string) string {
	function, _, _ = strings.Cut(function, "[") // type arguments
	slash := strings.LastIndexByte(function, '/') + 1
	last, _, _ := strings.Cut(function[slash:], ".")
	return function[:slash] + strings.ReplaceAll(last, "%2e", ".")
}
