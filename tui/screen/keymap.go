package screen

// Keymap is what a person has bound to actions instead of their own keys. The zero
// value has nothing.
type Keymap struct {
	// Bound are key names by kind of screen and the action's ID.
	Bound map[Kind]map[string][]string
}

// Keys are the keys of an action whose own are standard.
func (k *Keymap) Keys(kind Kind, id string, standard []string) []string {
	if k == nil || id == "" {
		return standard
	}
	if keys, ok := k.Bound[kind][id]; ok {
		return keys
	}
	return standard
}

// Apply gives actions the keys that a person has bound to them. Those without are
// left as they are; the slice given is not changed.
func (k *Keymap) Apply(kind Kind, actions []Action) []Action {
	if k == nil || len(k.Bound[kind]) == 0 {
		return actions
	}
	own := append([]Action(nil), actions...)
	for i := range own {
		own[i].Keys = k.Keys(kind, own[i].ID, own[i].Keys)
	}
	return own
}
