package runtime

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// jsonField is a field of a struct as encoding/json sees it: its own, or promoted
// from an embedded struct.
type jsonField struct {
	name  string
	field reflect.StructField
	index []int // from the outer struct
	path  string
	// tagged says that the name comes from the tag.
	tagged bool
	// optional says that encoding/json may leave the property out: by omitempty or
	// omitzero, or because an embedded pointer on the way to it may be nil.
	optional bool
	// quoted is the option "string" on a type that heeds it.
	quoted bool
}

// embeddedStruct is a struct whose fields are promoted.
type embeddedStruct struct {
	typ      reflect.Type
	index    []int
	path     string
	optional bool
	// times is how often the type is embedded at its depth.
	times int
}

// jsonFields lists the fields of a struct that encoding/json writes, in its order.
// The rules are Go's for promoted fields with two additions: of several fields of
// one name at the same depth a tagged one wins, and where no single one wins all
// are dropped. Source: the documentation of json.Marshal, and what its code does
// where that is silent (a type embedded twice at one depth hides itself).
func jsonFields(t reflect.Type) []*jsonField {
	var found []*jsonField
	seen := map[reflect.Type]bool{}
	for level := []embeddedStruct{{typ: t, times: 1}}; len(level) > 0; {
		var next []embeddedStruct
		for _, e := range level {
			if seen[e.typ] {
				continue
			}
			seen[e.typ] = true
			for i := range e.typ.NumField() {
				f, inner, ok := e.look(i)
				if !ok {
					continue
				}
				if inner == nil {
					found = append(found, f)
					if e.times > 1 {
						found = append(found, f) // so that neither wins
					}
					continue
				}
				if at := slices.IndexFunc(next, func(o embeddedStruct) bool { return o.typ == inner.typ }); at >= 0 {
					next[at].times++
				} else {
					next = append(next, *inner)
				}
			}
		}
		level = next
	}
	return winners(found)
}

// look takes one field: as a field of its own, or as a struct to look into.
func (e embeddedStruct) look(i int) (f *jsonField, inner *embeddedStruct, ok bool) {
	sf := e.typ.Field(i)
	target := sf.Type
	if target.Name() == "" && target.Kind() == reflect.Pointer {
		target = target.Elem()
	}
	if !sf.IsExported() && (!sf.Anonymous || target.Kind() != reflect.Struct) {
		return nil, nil, false
	}
	tag := sf.Tag.Get("json")
	if tag == "-" {
		return nil, nil, false
	}
	name, rest, _ := strings.Cut(tag, ",")
	options := strings.Split(rest, ",")
	if !legalName(name) {
		name = ""
	}
	index := append(slices.Clone(e.index), i)
	path := strings.TrimPrefix(e.path+"."+sf.Name, ".")
	if name == "" && sf.Anonymous && target.Kind() == reflect.Struct {
		return nil, &embeddedStruct{
			typ: target, index: index, path: path, times: 1,
			optional: e.optional || sf.Type.Kind() == reflect.Pointer,
		}, true
	}
	return &jsonField{
		name: cmp.Or(name, sf.Name), tagged: name != "",
		field: sf, index: index, path: path,
		optional: e.optional || slices.Contains(options, "omitempty") || slices.Contains(options, "omitzero"),
		quoted:   slices.Contains(options, "string") && quotable(target),
	}, nil, true
}

// winners drops the fields that are hidden by others.
func winners(found []*jsonField) []*jsonField {
	slices.SortStableFunc(found, func(a, b *jsonField) int {
		return cmp.Or(strings.Compare(a.name, b.name), a.rank(b))
	})
	var out []*jsonField
	for i := 0; i < len(found); {
		end := i + 1
		for end < len(found) && found[end].name == found[i].name {
			end++
		}
		if end == i+1 || found[i].rank(found[i+1]) != 0 {
			out = append(out, found[i])
		}
		i = end
	}
	slices.SortFunc(out, func(a, b *jsonField) int { return slices.Compare(a.index, b.index) })
	return out
}

// rank orders fields of one name: less deep first, then tagged ones.
func (f *jsonField) rank(o *jsonField) int {
	if c := cmp.Compare(len(f.index), len(o.index)); c != 0 || f.tagged == o.tagged {
		return c
	}
	if f.tagged {
		return -1
	}
	return 1
}

// legalName reports whether encoding/json takes a tag's name; of others it takes
// the field's.
func legalName(name string) bool {
	for _, r := range name {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return name != ""
}

// quotable reports whether the option "string" means anything for a type.
func quotable(t reflect.Type) bool {
	k := t.Kind()
	return k >= reflect.Bool && k <= reflect.Float64 || k == reflect.String
}
