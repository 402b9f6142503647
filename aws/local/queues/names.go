package queues

import (
	"unicode/utf8"

	"github.com/microfox-ai/aiwctl/aws/local/wire"
)

const fifoSuffix = ".fifo"

func nameChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// checkName checks a queue's name; the suffix of FIFO queues counts towards the 80 characters.
func checkName(name string, fifo bool) error {
	if name == "" {
		return missing("QueueName")
	}
	stem := name
	if fifo {
		if len(name) <= len(fifoSuffix) || name[len(name)-len(fifoSuffix):] != fifoSuffix {
			return invalid("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length")
		}
		stem = name[:len(name)-len(fifoSuffix)]
	}
	ok := len(name) <= 80
	for i := range len(stem) {
		ok = ok && nameChar(stem[i])
	}
	if !ok {
		return invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

// checkEntryID checks the id of one entry of a batch.
func checkEntryID(id string) error {
	ok := id != "" && len(id) <= 80
	for i := range len(id) {
		ok = ok && nameChar(id[i])
	}
	if !ok {
		return wire.NewError("InvalidBatchEntryId",
			"A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.").
			WithQueryCode("AWS.SimpleQueueService.InvalidBatchEntryId")
	}
	return nil
}

// checkFIFOID checks a message group id or a deduplication id.
func checkFIFOID(id, parameter string) error {
	ok := id != "" && len(id) <= 128
	for i := range len(id) {
		ok = ok && id[i] > ' ' && id[i] < 0x7f
	}
	if !ok {
		return invalidValue(id, parameter, parameter+" can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	return nil
}

func checkTags(tags map[string]string) error {
	for key, value := range tags {
		if n := utf8.RuneCountInString(key); n < 1 || n > 128 {
			return invalid("Tag keys must be between 1 and 128 characters in length.")
		}
		if utf8.RuneCountInString(value) > 256 {
			return invalid("Tag values must be between 0 and 256 characters in length.")
		}
	}
	return nil
}
