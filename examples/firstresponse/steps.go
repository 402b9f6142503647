package main

// step is one thing that the person does, and what they then wait to see.
type step struct {
	// says is what the step is for.
	says string
	// key is pressed and counted; typed is typed and not counted. Both may be empty.
	key, typed string
	// see is the pattern that the screen must match before the next step.
	see string
	// red is the pattern of a line that must then be in the colour of what is wrong;
	// empty: none.
	red string
	// reads is that the person first reads what they see: a question takes no key in its
	// first moments.
	reads bool
	// picture names the picture of what is then on the screen; empty: none.
	picture string
}

// most is how many key presses the way may take beside typed text.
const most = 12

// The way from a red row to the cause, to an edited replay, to "completed": order 41
// cannot be booked, since its number is odd, and with 42 it can.
var steps = []step{
	{says: "a worker is in trouble, and is the first of the list", see: `WORKER[^\n]*\n▌ fail +dead letters \+`, red: `^▌ fail `, picture: "workers"},
	{key: "x", says: "its dead letters, and what they died of", see: `(?m)^▌ +[0-9]+ +order <n> cannot be booked[\s\S]*order [0-9]+ cannot be booked: its number is odd`, picture: "deadletters"},
	{key: "enter", says: "the messages that died of it", see: `› fail dead letters › order [\s\S]*(?m)^▌ [\s\S]*"order": ?[0-9]*[13579]\b`},
	{key: "e", says: "the input of one, to be changed", see: `› edit [\s\S]* 2:12 [\s\S]*"order": ?[0-9]*[13579]\b`},
	{key: "ctrl+k", see: `(?m)"order": *$`},
	{typed: "42", says: "an even number", see: `"order": 42\b[\s\S]*\+   "order": 42`, picture: "edit"},
	{key: "ctrl+s", says: "kept", see: `(?m)^▌ .*edited, runs`},
	{key: "R", says: "the plan of its replay", see: `check +✓[\s\S]* enter replay 1`, picture: "replay"},
	{key: "enter", says: "asked once more", see: `Replay 1 message of fail\?[\s\S]* y replay 1`, reads: true},
	{key: "y", says: "replayed", see: `✓ 1 message replayed`},
	{key: "enter", says: "its job, followed to its end", see: `✓ (?i:completed)`, picture: "job"},
}

// tour is what the pictures show beside that way.
var tour = []step{
	{see: `(?m)^▌ fail`},
	{key: "enter", says: "a worker's page", see: `Workers › fail[\s\S]*function `},
	{key: "2", says: "its numbers", see: `Workers › fail`, picture: "worker"},
	{key: "l", says: "its logs", see: `following`},
	{key: "z", says: "its invocations", see: `following`, picture: "logs"},
	{key: "q", see: `Workers › fail ─`},
	{key: "q", see: `─ Workers ─`},
	{key: "/", see: `(?m)^ / `},
	{typed: "video", see: `(?m)^▌ video-processing`},
	{key: "enter", see: `d dispatch`},
	{key: "d", says: "an input for another", see: `(?i)dispatch`, picture: "dispatch"},
}
