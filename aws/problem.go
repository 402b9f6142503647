package aws

// Problem is something wrong with a worker's deployment, or with the stage's.
type Problem struct {
	// Severity is "error" when jobs do not run or are lost without a trace, else
	// "warning"; "info" among notes and findings is not wrong at all.
	Severity string `json:"severity"`
	// Kind is the problem in two or three words, for a table.
	Kind ProblemKind `json:"kind"`
	// Object is what a finding is about, a queue, a chain or a worker by name;
	// empty for a worker's own problems.
	Object string `json:"object,omitempty"`
	// Text says what is wrong, from what that is known, what follows from it, and
	// what to do. It stands alone.
	Text string `json:"text"`
}

// ProblemKind names a Problem.
type ProblemKind string

// The problems of a worker that discovery finds.
const (
	ProblemNoQueue         ProblemKind = "no queue"
	ProblemQueueGone       ProblemKind = "queue does not exist"
	ProblemQueueUnread     ProblemKind = "queue not readable"
	ProblemQueueIsDLQ      ProblemKind = "queue is a dead-letter queue"
	ProblemNoMapping       ProblemKind = "no mapping"
	ProblemNoFunction      ProblemKind = "queue without function"
	ProblemMappingDisabled ProblemKind = "mapping disabled"
	ProblemMappingState    ProblemKind = "mapping changing"
	ProblemMappingFilters  ProblemKind = "mapping filters"
	ProblemSeveralMappings ProblemKind = "several mappings"
	ProblemFunctionGone    ProblemKind = "function does not exist"
	ProblemFunctionFailed  ProblemKind = "function failed"
	ProblemFunctionState   ProblemKind = "function not ready"
	ProblemUpdateFailed    ProblemKind = "function update failed"
	ProblemFunctionStopped ProblemKind = "function stopped"
	ProblemOutrun          ProblemKind = "mapping outruns function"
	ProblemPartialFailures ProblemKind = "failures not reported"
	ProblemShortVisibility ProblemKind = "visibility too short"
	ProblemNoDLQ           ProblemKind = "no dead-letter queue"
	ProblemDLQGone         ProblemKind = "dead-letter queue does not exist"
	ProblemDLQUnread       ProblemKind = "dead-letter queue not readable"
	ProblemDLQElsewhere    ProblemKind = "dead-letter queue elsewhere"
	ProblemDLQKind         ProblemKind = "dead-letter queue of another kind"
	ProblemDLQRetention    ProblemKind = "dead letters expire early"
	ProblemSingleAttempt   ProblemKind = "one attempt only"
	ProblemSameQueue       ProblemKind = "queue shared"
	ProblemUnlisted        ProblemKind = "not in workers/config"
	ProblemManifest        ProblemKind = "differs from manifest"
)

// What is worth knowing of a worker, in its Notes.
const (
	NoteConcurrency ProblemKind = "concurrency limited"
	NoteVisibility  ProblemKind = "visibility below 6x"
	NoteRetention   ProblemKind = "dead letters keep their age"
	NoteUpdating    ProblemKind = "function updating"
	NoteReserved    ProblemKind = "concurrency reserved"
	NoteMappingOff  ProblemKind = "another mapping is off"
)

// The findings about a stage.
const (
	FindingOrphanDLQ    ProblemKind = "orphan dead-letter queue"
	FindingChainStep    ProblemKind = "chain names an unknown worker"
	FindingChainEmpty   ProblemKind = "chain without steps"
	FindingNotDeployed  ProblemKind = "not deployed"
	FindingQueuesUnread ProblemKind = "queues not looked at"
	FindingNoAPI        ProblemKind = "workers API not found"
)
