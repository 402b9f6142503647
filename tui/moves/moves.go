// Package moves is the keys by which one moves in every list and text: k9s's and vim's,
// and the arrow keys.
package moves

// By is how far a key moves in a window of height lines over count of them; ok is false
// for a key that does not move. What it leads to may lie outside and is for the caller
// to clamp.
func By(key string, height, count int) (by int, ok bool) {
	page, half := max(1, height-1), max(1, height/2)
	switch key {
	case "j", "down":
		return 1, true
	case "k", "up":
		return -1, true
	case "g", "home":
		return -count, true
	case "G", "end":
		return count, true
	case "pgdown", "ctrl+f":
		return page, true
	case "pgup", "ctrl+b":
		return -page, true
	case "ctrl+d":
		return half, true
	case "ctrl+u":
		return -half, true
	}
	return 0, false
}
