package tui

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/microfox-ai/aiwctl/tui/bindings"
	"github.com/microfox-ai/aiwctl/tui/screen"
)

// tableRow is an action as a source has it.
type tableRow struct {
	bindings.Action
	at string // file:line
}

// sources are the packages below tui, by directory; the console's own is "".
type sources struct {
	t     *testing.T
	files *token.FileSet
	// byDir are a package's files in their order; kinds are the kinds of screen that
	// one is, found by its Kind method.
	byDir map[string][]*ast.File
	kinds map[string][]screen.Kind
	// named are the constant texts of the package that is read, by their names.
	named map[string]string
}

// readActions finds the actions of every screen in the sources: composite literals of
// screen.Action, whatever state of the screen they are for. Those in a package without
// a screen are of the screens that import it; those of a screen's inner packages are
// the screen's; those in keys.go are of everywhere.
func readActions(t *testing.T) []tableRow {
	t.Helper()
	s := &sources{t: t, files: token.NewFileSet(), byDir: map[string][]*ast.File{}, kinds: map[string][]screen.Kind{}}
	s.parse()
	constants := map[string]screen.Kind{}
	for name, text := range constantsIn(s.byDir["screen"]) {
		constants[name] = screen.Kind(text)
	}
	for dir, files := range s.byDir {
		s.kinds[dir] = kindsIn(files, constants)
	}
	var all []tableRow
	for _, dir := range s.dirs() {
		s.named = constantsIn(s.byDir[dir])
		for _, kind := range s.owners(dir) {
			for _, file := range s.byDir[dir] {
				name := filepath.Base(s.files.Position(file.Pos()).Filename)
				if dir == "" && name != "keys.go" {
					continue
				}
				for _, lit := range actionsIn(file) {
					a := s.action(lit)
					a.Kind = kind
					all = append(all, a)
				}
			}
		}
	}
	return all
}

func (s *sources) parse() {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "testdata" {
			return cmp.Or(err, fs.SkipDir)
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(s.files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if dir == "." {
			dir = ""
		}
		s.byDir[dir] = append(s.byDir[dir], file)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *sources) dirs() []string {
	var dirs []string
	for dir := range s.byDir {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs
}

// constantsIn are the constants of a package that are texts.
func constantsIn(files []*ast.File) map[string]string {
	texts := map[string]string{}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok {
				for i, name := range v.Names {
					if i < len(v.Values) {
						if lit, ok := v.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
							texts[name.Name], _ = strconv.Unquote(lit.Value)
						}
					}
				}
			}
			return true
		})
	}
	return texts
}

// kindsIn are what the Kind methods of a package return.
func kindsIn(files []*ast.File, constants map[string]screen.Kind) []screen.Kind {
	var kinds []screen.Kind
	for _, file := range files {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != "Kind" {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					if kind, ok := constants[sel.Sel.Name]; ok && !slices.Contains(kinds, kind) {
						kinds = append(kinds, kind)
					}
				}
				return true
			})
		}
	}
	return kinds
}

// owners are the kinds of screen that a package's actions belong to.
func (s *sources) owners(dir string) []screen.Kind {
	if dir == "" {
		return []screen.Kind{screen.KindEverywhere}
	}
	for up := dir; up != "."; up = filepath.ToSlash(filepath.Dir(up)) {
		if kinds := s.kinds[up]; len(kinds) > 0 {
			return kinds
		}
	}
	var kinds []screen.Kind
	for _, other := range s.dirs() {
		if other == "" || !s.imports(other, dir) {
			continue
		}
		for up := other; up != "."; up = filepath.ToSlash(filepath.Dir(up)) {
			for _, kind := range s.kinds[up] {
				if !slices.Contains(kinds, kind) {
					kinds = append(kinds, kind)
				}
			}
		}
	}
	return kinds
}

func (s *sources) imports(dir, what string) bool {
	for _, file := range s.byDir[dir] {
		for _, imp := range file.Imports {
			if path, _ := strconv.Unquote(imp.Path.Value); strings.HasSuffix(path, "/aiwctl/tui/"+what) {
				return true
			}
		}
	}
	return false
}

// actionsIn are the literals of screen.Action of a file, in its order.
func actionsIn(file *ast.File) []*ast.CompositeLit {
	var found []*ast.CompositeLit
	is := func(e ast.Expr) bool {
		sel, ok := e.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		pkg, ok := sel.X.(*ast.Ident)
		return ok && pkg.Name == "screen" && sel.Sel.Name == "Action"
	}
	ast.Inspect(file, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		if is(lit.Type) && len(lit.Elts) > 0 {
			found = append(found, lit)
		}
		if list, ok := lit.Type.(*ast.ArrayType); ok && is(list.Elt) {
			for _, e := range lit.Elts {
				if inner, ok := e.(*ast.CompositeLit); ok && inner.Type == nil {
					found = append(found, inner)
				}
			}
		}
		return true
	})
	return found
}

// action reads a literal. An ID that is computed is none: nobody can write it down.
func (s *sources) action(lit *ast.CompositeLit) tableRow {
	at := s.files.Position(lit.Pos())
	a := tableRow{at: fmt.Sprintf("tui/%s:%d", filepath.ToSlash(at.Filename), at.Line)}
	label := ""
	for _, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			s.t.Fatalf("%s: an action without its fields' names", a.at)
		}
		switch name := kv.Key.(*ast.Ident).Name; name {
		case "ID":
			a.ID = s.whole(kv.Value)
		case "Keys":
			a.Keys = s.keysOf(kv.Value, lit)
		case "Help":
			a.Help = s.whole(kv.Value)
		case "Label":
			label = s.whole(kv.Value)
		case "WhileTyping", "Writes":
			v, ok := kv.Value.(*ast.Ident)
			yes := ok && v.Name == "true"
			if name == "Writes" {
				a.Writes = yes
			} else {
				a.WhileTyping = yes
			}
		}
	}
	a.Help = cmp.Or(a.Help, label)
	return a
}

// whole is a text that stands in the source as a whole; of one that is computed, nothing.
func (s *sources) whole(e ast.Expr) string {
	text, ok := s.textOf(e)
	if !ok {
		return ""
	}
	return text
}

// keysOf are the keys that stand in an expression, or in what was assigned to a
// variable of it in the same function: all that it may be.
func (s *sources) keysOf(e ast.Expr, around ast.Node) []string {
	var keys []string
	add := func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok {
			if text, ok := s.textOf(lit); ok && !slices.Contains(keys, text) {
				keys = append(keys, text)
			}
		}
		return true
	}
	ast.Inspect(e, add)
	names := map[string]bool{}
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			names[id.Name] = true
		}
		return true
	})
	ast.Inspect(s.function(around), func(n ast.Node) bool {
		as, ok := n.(*ast.AssignStmt)
		if !ok || len(as.Lhs) != len(as.Rhs) {
			return true
		}
		for i, left := range as.Lhs {
			list, isList := as.Rhs[i].(*ast.CompositeLit)
			if id, ok := left.(*ast.Ident); ok && isList && names[id.Name] {
				if array, ok := list.Type.(*ast.ArrayType); ok && fmt.Sprint(array.Elt) == "string" {
					ast.Inspect(list, add)
				}
			}
		}
		return true
	})
	return keys
}

// function is the one that a node stands in.
func (s *sources) function(of ast.Node) ast.Node {
	for _, files := range s.byDir {
		for _, file := range files {
			for _, d := range file.Decls {
				if d.Pos() <= of.Pos() && of.End() <= d.End() {
					return d
				}
			}
		}
	}
	return of
}

// textOf is a string that stands in the source, perhaps in parts.
func (s *sources) textOf(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		x, okX := s.textOf(e.X)
		y, okY := s.textOf(e.Y)
		return x + y, okX && okY && e.Op == token.ADD
	case *ast.Ident:
		text, ok := s.named[e.Name]
		return text, ok
	case *ast.ParenExpr:
		return s.textOf(e.X)
	}
	return "", false
}
