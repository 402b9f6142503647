#!/usr/bin/env bash
# Takes the README's pictures: examples/firstresponse goes its way through a demo in
# tmux and keeps what the terminal showed, freeze draws it, and librsvg's rsvg-convert
# makes a PNG of that, which pngquant makes small. The font is JetBrains Mono.
#
#   apt-get install tmux librsvg2-bin pngquant fonts-jetbrains-mono
#   go install github.com/charmbracelet/freeze@v0.2.2
#   docs/pictures/take.sh [path/to/aiwctl]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for tool in tmux freeze rsvg-convert pngquant; do
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
	# freeze knows no default colours but those of a full reset, and its own is not the
	# terminal's: each reset says the colour, bold too, and the one of a background comes before
	# what it would take away.
	local esc=$'\e\\[' default=$'\e[38;2;'"$3m" reset=$'\e[0m'
	sed -i -E "s/(${esc}38;2;[0-9;]*m)${esc}49m/$reset\\1/g; s/${esc}49m/$reset/g
		s/${esc}39m/$default/g; s/${esc}[01]m/&$default/g; 1s/^/$default/" "$1"
	freeze "$1" --language ansi --output "$dir/$4.svg" --background "$2" \
		--padding 16 --border.radius 6 --font.size 13 --line-height 1.25 </dev/null >/dev/null
	rsvg-convert "$dir/$4.svg" | pngquant --force --quality 80-98 --output "$here/$4.png" -
	echo "$here/$4.png"
}

take dark '#16191f' "${SETTLE:-75s}"
for screen in "$dir"/dark/*.ansi; do
	draw "$screen" '#16191F' '220;220;220' "$(basename "$screen" .ansi)"
done
take light '#fafafa' "${SETTLE:-20s}"
draw "$dir/light/workers.ansi" '#FAFAFA' '32;32;32' light
