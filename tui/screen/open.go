package screen

import "time"

// Kind names a kind of screen, in the palette and in the configuration file's keys.
type Kind string

// The kinds of screens.
const (
	KindWorkers  Kind = "workers"
	KindWorker   Kind = "worker"
	KindDispatch Kind = "dispatch"
	KindJob      Kind = "job"
	KindLogs     Kind = "logs"
	KindDead     Kind = "dead-letters"
	KindReplay   Kind = "replay"
	KindHistory  Kind = "history"
	KindStages   Kind = "stages"
	// KindEverywhere has the keys that work on every screen.
	KindEverywhere Kind = "everywhere"
)

// The messages that ask for a screen. The root opens it on top of the others.

// OpenWorker asks for everything about one worker.
type OpenWorker struct{ WorkerID string }

// OpenDispatch asks for the dispatch screen of a worker.
type OpenDispatch struct {
	WorkerID string
	// Input, when not empty, is the text to begin with.
	Input string
	// Metadata, when not empty, is the job's metadata to begin with, as JSON: of a job
	// that is sent again.
	Metadata string
	// Again is the job whose input this is; may be empty.
	Again string
}

// OpenJob asks for one job's life.
type OpenJob struct {
	JobID string
	// WorkerID may be empty: then it is looked for.
	WorkerID string
	// Since is when the job may have begun; zero means that nobody knows.
	Since time.Time
}

// OpenLogs asks for the logs of workers.
type OpenLogs struct {
	WorkerIDs []string
	// JobID or RequestID, when not empty, keep the lines of one job or invocation.
	JobID, RequestID string
	// Filter is the filter to begin with, as a person would type it.
	Filter string
	Since  time.Time
}

// OpenDead asks for the dead letters of a worker.
type OpenDead struct {
	WorkerID string
	// JobID or MessageID, when not empty, is the letter to begin with.
	JobID, MessageID string
}

// OpenReplay asks for an interrupted replay, to be looked at and finished. Journal is
// its file's path; empty means the latest.
type OpenReplay struct{ Journal string }

// OpenHistory asks for the trail of writes.
type OpenHistory struct{}

// OpenStages asks for the picker of stage, profile and region.
type OpenStages struct{}
