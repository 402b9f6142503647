#!/usr/bin/env bash
# Takes the README's pictures from a running demo: tmux runs it, freeze
# (github.com/charmbracelet/freeze) draws what the screen holds, and librsvg's
# rsvg-convert makes a PNG of it. The font is JetBrains Mono.
#
#   docs/pictures/take.sh path/to/aiwctl
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
aiwctl=$(command -v "${1:-aiwctl}")
for tool in tmux freeze rsvg-convert; do
	command -v "$tool" >/dev/null || { echo "take.sh: $tool is not on PATH" >&2; exit 1; }
done
dir=$(mktemp -d)
t() { tmux -L "aiwctl-pictures-$$" "$@"; }
trap 't kill-server 2>/dev/null || true; rm -rf "$dir"' EXIT

t new-session -d -s p -x 104 -y 27 "env -u TMUX TERM=xterm-256color COLORTERM=truecolor '$aiwctl' demo --listen 127.0.0.1:0"
t set-option -s escape-time 0
t set-option -t p status off

keys() { for k in "$@"; do t send-keys -t p "$k"; sleep 0.3; done; }
type() { t send-keys -t p -l "$1"; sleep 0.3; }
picture() {
	# freeze knows no "default colour" but a full reset; what follows sets its own.
	t capture-pane -t p -e -p | sed $'s/\e\\[49m/\e[0m/g; s/\e\\[39m/\e[38;2;220;220;220m/g' >"$dir/$1.ansi"
	freeze "$dir/$1.ansi" --language ansi --output "$dir/$1.svg" --background '#16191F' \
		--padding 16 --border.radius 6 --font.size 13 --line-height 1.25 </dev/null >/dev/null
	rsvg-convert "$dir/$1.svg" -o "$here/$1.png"
	echo "$here/$1.png"
}
# open KEY on the worker whose name is typed.
open() { keys /; type "$1"; keys Enter "$2"; sleep 1.5; }
back() { keys q; sleep 0.5; keys Escape; }

sleep "${SETTLE:-75}" # let some jobs fail
picture workers

open flaky x
keys Space
picture deadletters
back

open video d
keys Down C-e C-u
type '  "url": 7, "quality": "high"'
sleep 0.7
picture dispatch
keys Escape q
keys Escape

open slow d
keys C-s
sleep 0.8
keys l
sleep 2.2
picture logs
