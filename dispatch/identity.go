package dispatch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// JobIDForKey is the id of the job that WithIdempotencyKey makes for a worker and
// a key: "job-" and 40 hexadecimal digits. It is the same everywhere and for ever,
// so that whoever knows the key can look the job up.
func JobIDForKey(workerID, key string) string {
	// The length keeps ("a", "bc") and ("ab", "c") apart.
	return "job-" + digest(fmt.Sprintf("aiworker-job %d %s %s", len(workerID), workerID, key))
}

// digest is 160 bits of SHA-256: nobody finds two texts with the same one.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:20])
}

// maxQueueID is the longest MessageGroupId and MessageDeduplicationId.
const maxQueueID = 128

// isQueueID is whether SQS takes a text as MessageGroupId or
// MessageDeduplicationId: 1 to 128 ASCII letters, digits and punctuation marks.
// Source: SQS API reference, SendMessage.
func isQueueID(id string) bool {
	return id != "" && len(id) <= maxQueueID &&
		!strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// queueID is the text itself, or one made from it that SQS takes.
func queueID(text string) string {
	if isQueueID(text) {
		return text
	}
	return "id-" + digest(text)
}
