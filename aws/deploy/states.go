package deploy

import "strings"

// failed is whether a status says that something failed.
func failed(status string) bool { return strings.HasSuffix(status, "_FAILED") }

// cancelled is whether a reason says that something was given up because something else
// had failed.
func cancelled(reason string) bool {
	return strings.Contains(reason, "Resource creation cancelled") || strings.Contains(reason, "Resource update cancelled")
}

// condition is what a stack's status allows.
type condition int

const (
	absent    condition = iota // there is no stack, or one that nothing was made of
	busy                       // something is under way
	whole                      // it can be updated
	unmade                     // it was never made whole: it can only be deleted
	stuck                      // its roll-back has failed, and can be continued
	undeleted                  // its deletion has failed
)

// conditionOf sorts CloudFormation's statuses.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
func conditionOf(status string) condition {
	switch status {
	case "", "DELETE_COMPLETE", "REVIEW_IN_PROGRESS":
		return absent
	case "CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED":
		return unmade
	case "UPDATE_ROLLBACK_FAILED":
		return stuck
	case "DELETE_FAILED":
		return undeleted
	}
	if strings.HasSuffix(status, "_IN_PROGRESS") {
		return busy
	}
	return whole // *_COMPLETE, and UPDATE_FAILED, which takes another update
}

// asWanted is whether a stack that has settled is what was asked for, and was not rolled back.
func asWanted(status string) bool {
	return status == "CREATE_COMPLETE" || status == "UPDATE_COMPLETE" || status == "IMPORT_COMPLETE"
}
