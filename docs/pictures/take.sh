#!/usr/bin/env bash
# Takes the README's pictures: examples/firstresponse goes its way through a demo in
# tmux and keeps what the terminal showed, freeze (github.com/charmbracelet/freeze) draws
# it, and librsvg's rsvg-convert makes a PNG of that. The font is JetBrains Mono.
#
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
go run ./examples/firstresponse -settle "${SETTLE:-75s}" -size 104x27 -pictures "$dir" "${program[@]}"

for screen in "$dir"/*.ansi; do
	name=$(basename "$screen" .ansi)
	# freeze knows no "default colour" but a full reset; what follows sets its own.
	sed -i $'s/\e\\[49m/\e[0m/g; s/\e\\[39m/\e[38;2;220;220;220m/g' "$screen"
	freeze "$screen" --language ansi --output "$dir/$name.svg" --background '#16191F' \
		--padding 16 --border.radius 6 --font.size 13 --line-height 1.25 </dev/null >/dev/null
	rsvg-convert "$dir/$name.svg" -o "$here/$name.png"
	echo "$here/$name.png"
done
