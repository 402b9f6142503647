#!/usr/bin/env bash
# Takes the README's pictures from a running demo: tmux runs it, freeze
# (github.com/charmbracelet/freeze) draws what the screen holds.
#
#   docs/pictures/take.sh [aiwctl] [columns] [rows]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
aiwctl=${1:-aiwctl}
columns=${2:-110}
rows=${3:-30}
for tool in tmux freeze "$aiwctl"; do
	command -v "$tool" >/dev/null || { echo "take.sh: $tool is not on PATH" >&2; exit 1; }
done
session=aiwctl-pictures-$$
trap 'tmux kill-session -t "$session" 2>/dev/null || true' EXIT

tmux new-session -d -s "$session" -x "$columns" -y "$rows" \
	"COLORTERM=truecolor '$aiwctl' demo --listen 127.0.0.1:0"
tmux set-option -t "$session" status off
tmux set-option -ga terminal-overrides ',*:Tc'

keys() { tmux send-keys -t "$session" "$@"; sleep 0.4; }
picture() {
	tmux capture-pane -t "$session" -e -p >"$here/$1.ansi"
	freeze "$here/$1.ansi" --language ansi --output "$here/$1.svg" \
		--background '#16191F' --padding 16 --border.radius 6 --font.size 13 --line-height 1.25 </dev/null
	rm "$here/$1.ansi"
	echo "$here/$1.svg"
}

sleep "${SETTLE:-60}" # let some jobs fail
picture workers
. "$here/keys.sh"
