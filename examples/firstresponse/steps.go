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
	// picture names the picture of what is then on the screen; empty: none.
	picture string
}

// most is how many key presses the way may take beside typed text.
const most = 12

// The way from a red row to the cause, to an edited replay, to "completed": order 41
// cannot be booked, since its number is odd, and with 42 it can.
var steps = []step{
	{says: "a worker is in trouble, and is the first of the list", see: `WORKER[^\n]*\n▌ fail `, red: `^▌ fail `, picture: "workers"},
	{key: "x", says: "its dead letters", see: `fail dead letters[\s\S]*"order": ?[0-9]*[13579]\b`, picture: "deadletters"},
	{key: "l", says: "the cause, in the job's own lines", see: `order [0-9]+ cannot be booked: its number is odd`, picture: "logs"},
	{key: "q", says: "back to the letter", see: `fail dead letters ─`},
	{key: "e", says: "its input, to be changed", see: `Dispatch to fail[\s\S]*"order": ?[0-9]*[13579]\b`},
	{key: "down", see: ` 2:1 `},
	{key: "end", see: ` 2:1[0-9] `},
	{key: "backspace", see: `(?m)"order": ?[0-9]*\s`},
	{typed: "2", says: "an even number", see: `"order": ?[0-9]*2\b`, picture: "dispatch"},
	{key: "ctrl+s", says: "sent", see: `follow the job`},
	{key: "enter", says: "the job is followed to its end", see: `✓ (?i:completed)`, picture: "completed"},
}
