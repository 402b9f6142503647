package theme

import "strings"

// The glyphs of the console. Every one is a single cell wide and has a single
// ASCII character to stand for it (see ToASCII).
const (
	GlyphCursor = "▌" // the row under the cursor
	GlyphMark   = "●" // a marked row
	GlyphUp     = "▲" // a number that rose
	GlyphDown   = "▼" // a number that fell
	GlyphDone   = "✓"
	GlyphFailed = "✗"
	GlyphBusy   = "◌"
	GlyphDot    = "·" // between facts on one line
	GlyphCrumb  = "›"
	GlyphRule   = "─"
	GlyphBar    = "│"
	// GlyphMissing is a time of a chart of which nothing is known.
	GlyphMissing = "╌"
)

// Sparks are the steps of a sparkline, lowest first. The first stands for zero.
const Sparks = "▁▂▃▄▅▆▇█"

var ascii = strings.NewReplacer(
	GlyphCursor, ">", GlyphMark, "*", GlyphUp, "^", GlyphDown, "v",
	GlyphDone, "+", GlyphFailed, "x", GlyphBusy, "o", GlyphDot, "-",
	GlyphCrumb, ">", GlyphRule, "-", GlyphBar, "|", GlyphMissing, "~",
	"…", "~", "╭", "+", "╮", "+", "╰", "+", "╯", "+",
	"├", "+", "┤", "+", "┬", "+", "┴", "+", "┼", "+",
	"┌", "+", "┐", "+", "└", "+", "┘", "+",
	"▁", "_", "▂", ".", "▃", ":", "▄", "-", "▅", "=", "▆", "+", "▇", "*", "█", "#",
	"←", "<", "→", ">", "↑", "^", "↓", "v", "–", "-", "—", "-",
	"‘", "'", "’", "'", "“", "\"", "”", "\"",
)

// ToASCII replaces the console's glyphs by ASCII characters of the same width.
// Letters of other scripts are left alone: they are data.
func ToASCII(frame string) string { return ascii.Replace(frame) }
