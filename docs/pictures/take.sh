#!/usr/bin/env bash
# Takes the README's pictures: examples/firstresponse goes its way through a demo in
# tmux and keeps what the terminal showed, freeze draws it, and librsvg's rsvg-convert
# makes a PNG of that. The font is JetBrains Mono.
#
#   apt-get install tmux librsvg2-bin fonts-jetbrains-mono
#   go install github.com/charmbracelet/freeze@v0.2.2
#   docs/pictures/take.sh [path/to/aiwctl]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for tool in tmux freeze rsvg-convert; do
	command -v "$tool" >/dev/null || { echo "take.sh: $tool is not on PATH" >&2; exit 1; }
done
program=()
[ $# = 0 ] || program=(-aiwctl "$(command -v "$1")")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$here/../.."

# take THEME BACKGROUND SETTLE: what the terminal showed on such a background.
take() {
	go run ./examples/firstresponse -settle "$3" -size 104x27 -background "$2" -pictures "$dir/$1" "${program[@]}"
}

# draw SCREEN BACKGROUND R;G;B NAME
draw() {
	# freeze knows no "default colour" but a full reset; what follows sets its own. The
	# blanks that a terminal fills a line with would only make the picture larger.
	sed -i $'s/\e\\[49m/\e[0m/g; s/\e\\[39m/\e[38;2;'"$3"$'m/g; 1s/^/\e[38;2;'"$3"'m/' "$1"
	freeze "$1" --language ansi --output "$dir/$4.svg" --background "$2" \
		--padding 16 --border.radius 6 --font.size 13 --line-height 1.25 </dev/null >/dev/null
	rsvg-convert "$dir/$4.svg" -o "$here/$4.png"
	echo "$here/$4.png"
}

take dark '#16191f' "${SETTLE:-75s}"
for screen in "$dir"/dark/*.ansi; do
	draw "$screen" '#16191F' '220;220;220' "$(basename "$screen" .ansi)"
done
take light '#fafafa' "${SETTLE:-20s}"
draw "$dir/light/workers.ansi" '#FAFAFA' '32;32;32' light
