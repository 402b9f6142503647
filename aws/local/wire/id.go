package wire

import "crypto/rand"

// NewID is a random UUID (version 4) in its usual form, as AWS uses for request
// ids and message ids.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	const digits = "0123456789abcdef"
	var s [36]byte
	n := 0
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			s[n] = '-'
			n++
		}
		s[n], s[n+1] = digits[c>>4], digits[c&15]
		n += 2
	}
	return string(s[:])
}
