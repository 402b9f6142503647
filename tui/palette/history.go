package palette

// keptCommands bounds the history.
const keptCommands = 100

// History is what was chosen before, in the words it was typed in. The zero value is
// empty.
type History struct{ lines []string }

// Add notes a command; one that is there already becomes the newest.
func (h *History) Add(line string) {
	if line == "" {
		return
	}
	kept := h.lines[:0]
	for _, l := range h.lines {
		if l != line {
			kept = append(kept, l)
		}
	}
	h.lines = append(kept, line)
	if extra := len(h.lines) - keptCommands; extra > 0 {
		h.lines = append(h.lines[:0], h.lines[extra:]...)
	}
}

// at is the command so many steps back, from 1; ok is false when there are not so many.
func (h *History) at(back int) (line string, ok bool) {
	if h == nil || back < 1 || back > len(h.lines) {
		return "", false
	}
	return h.lines[len(h.lines)-back], true
}
