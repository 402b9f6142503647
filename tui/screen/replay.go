package screen

import "github.com/microfox-ai/aiwctl/aws/redrive/letter"

// PlanReplay asks for the screen on which a replay, or a deletion, of dead letters is
// planned, agreed to and watched.
type PlanReplay struct {
	WorkerID string
	// IDs are the messages' ids. All, instead, is everything in the queue, seen or not.
	IDs []string
	All bool
	// Edited are those among IDs that somebody has changed, as they are to be sent.
	Edited []letter.Letter
	// Chosen says in words how they were chosen: "all that match timeout"; may be empty.
	Chosen string
	// Where is an expression that chooses the same messages, for the command line;
	// empty when there is none.
	Where string
	// Delete has them deleted instead, after they were written to a file.
	Delete bool
}

// Fate is what became of a dead letter.
type Fate struct {
	MessageID string
	// Status is one of the Status constants of package redrive, Error why it is so.
	Status, Error string
	// NewMessageID and NewJobID are of the copy; NewJobID is empty when the job kept
	// its id.
	NewMessageID, NewJobID string
}

// Fates tells every screen what became of dead letters of a worker, as it is known.
type Fates struct {
	WorkerID string
	Fates    []Fate
}
