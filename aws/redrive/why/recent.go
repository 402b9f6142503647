package why

// recent is a map that forgets what was not asked for or put in lately: it holds
// the latest most entries, and up to as many more. The zero value holds nothing;
// set most.
type recent[V any] struct {
	most       int
	young, old map[string]V
}

func (r *recent[V]) put(key string, v V) {
	if r.young == nil || len(r.young) >= r.most {
		r.old, r.young = r.young, make(map[string]V)
	}
	r.young[key] = v
	delete(r.old, key)
}

func (r *recent[V]) get(key string) (v V, ok bool) {
	if v, ok = r.young[key]; ok {
		return v, true
	}
	if v, ok = r.old[key]; ok {
		r.put(key, v)
	}
	return v, ok
}
