// Package redisstore keeps job records in Redis, as the documents of the deployed
// TypeScript system: what its workers and its application wrote is read, and what
// is written here they read.
//
// A job is the hash <prefix><job id>, all of whose fields are text:
//
//	jobId, workerId, userId   text
//	status                    queued, running, completed or failed
//	input, output, error      JSON
//	metadata                  a JSON object. It also holds progress (a number),
//	                          progressMessage, tokenUsage {inputTokens,
//	                          outputTokens, budget} and lastError {message, name,
//	                          stack}; the last is ours
//	createdAt, updatedAt,
//	completedAt               as Date.toISOString writes them
//
// and a list <prefix><job id>:internal of its children, each a JSON object {jobId,
// workerId, awaited, delaySeconds}. Older records have the children as JSON in the
// hash field internalJobs. Fields of our own, which the deployed system neither reads
// nor removes, are owner, leaseUntil, messageId, receives, webhook, inputBytes,
// outputBytes, hasChildren and lastWrite.
//
// A job id that ends in ":internal" gets a "~" behind it in its key, which would be
// the key of another job's list otherwise.
//
// # What is tolerated
//
// A field that is JSON twice over (the JSON text of a string that is JSON text),
// plain text where JSON is expected, ids of digits only, missing fields, children in
// either place. A field that cannot be read is left out, and the rest of the
// record stays. Of a status that is none of the four, the job is queued.
//
// Of what is written, errors, stacks and messages of progress are cut at 16 KiB.
//
// # Atomicity
//
// Every change of the hash is one Lua script that compares the fields the change was
// computed from and writes only if they still are what they were; otherwise it
// answers what they are now, and the change is computed again. JSON therefore never
// passes through Lua, whose cjson rounds large numbers and makes empty arrays
// objects. The deployed system reads, changes and writes without any such care: a
// worker of it that runs a job at the same time can still overwrite its metadata.
//
// The script has one key only. The hash and the list of children have the names of
// the deployed system, which hash to different slots of a Redis Cluster, so one
// script cannot have both there; the list is changed by a second script, after the
// first has made sure of the lease. A reader can see the one without the other for a
// moment. A prefix with a hash tag would put every job into one slot, and is not
// needed.
//
// # A job that a TypeScript worker runs
//
// Such a record has no lease: it says running and nothing else, also when its
// worker died long ago. It is taken to be held for 15 minutes after its last change,
// the longest that a Lambda function may run
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html), and
// can be claimed after that.
package redisstore
