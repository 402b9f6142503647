package bundle

// Compress packs a program.
func Compress(text []byte) (int, error) {
	p, err := compressed(bootstrapName, 0o755, text)
	return len(p.text), err
}
