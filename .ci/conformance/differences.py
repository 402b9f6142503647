"""Where moto answers otherwise than we do, and what AWS documents.

Each row is (step, path in the answer, our answer, moto's answer, reason); `...` is
any answer. A row that explains nothing fails the run, as does a difference without
a row. What moto cannot do at all is not put to it: message move tasks, filter
patterns other than terms and phrases, functions (it wants Docker), and event source
mappings, of which it sets the visibility timeout to 0 when a function fails, where
AWS lets it run out.
"""

ACCEPTED = "accepted"
ABSENT = "<absent>"

LIMIT = "moto does not check this value; the API reference gives the range"
MODEL = "moto does not check this; the service's model gives the pattern or the list of values"
BATCH = "moto does not check batches of this operation; the API reference lists the error"
OPTIONAL = "moto does not know optional (?) and excluded (-) terms; they are in AWS's description of the syntax"

SQS = [
    ("send traced", "MD5OfMessageSystemAttributes", ..., ABSENT, "moto leaves it out; SendMessage documents it, and SDKs check it when it is there"),
    ("the sum of its trace", "", ..., None, "the same"),
    ("purge again", "", ..., ACCEPTED, "PurgeQueue: only one purge every 60 seconds"),
    ("create with an unknown attribute", "", ..., ACCEPTED, "CreateQueue: InvalidAttributeName"),
    ("set a wrong VisibilityTimeout", "", ..., ACCEPTED, LIMIT),
    ("set a wrong MessageRetentionPeriod", "", ..., ACCEPTED, LIMIT),
    ("set a wrong DelaySeconds", "", ..., ACCEPTED, LIMIT),
    ("set a wrong ReceiveMessageWaitTimeSeconds", "", ..., ACCEPTED, LIMIT),
    ("set a wrong MaximumMessageSize", "", ..., ACCEPTED, LIMIT),
    ("list in pages", "", ..., ..., "moto ignores MaxResults of ListQueues"),
    ("create it again at once", "", ..., ACCEPTED, "CreateQueue: QueueDeletedRecently for 60 seconds"),
    ("hide a batch for longer", "Failed[0].Message", ..., ..., "another wording; the code is the same"),
    ("send a batch partly", "Failed", ..., ..., "moto takes control characters, which SendMessageBatch refuses with InvalidMessageContents, and escapes its messages for XML"),
    ("send a batch partly", "Successful", ..., ..., "the same"),
    ("hide no entries", "", ..., ACCEPTED, BATCH),
    ("hide eleven entries", "", ..., ACCEPTED, BATCH),
    ("hide the same id twice", "", ..., ACCEPTED, BATCH),
    ("delete eleven entries", "", ..., ACCEPTED, BATCH),
    ("a character that XML has not", "", ..., ACCEPTED, "SendMessage: InvalidMessageContents"),
    ("an empty body", "", ..., ACCEPTED, "SendMessage: the minimum size of a message is one character"),
    ("eleven attributes", "", ..., ACCEPTED, "developer guide: a message has up to 10 attributes"),
    ("an attribute called AWS.x", "", ..., ACCEPTED, "developer guide: names must not begin with AWS. or Amazon."),
    ("hide what is visible", "", ..., ACCEPTED, "ChangeMessageVisibility: MessageNotInflight"),
    ("an old handle deletes nothing", "[1]", 1, 0, "DeleteMessage: use the handle of the latest receive, or the message may not be deleted"),
    ("hide what is deleted", "", ..., "ReceiptHandleIsInvalid (ReceiptHandleIsInvalid)", "the handle is well-formed; AWS answers InvalidParameterValue: the message does not exist"),
    ("receive the dead letter", "Messages[0].Attributes.DeadLetterQueueSourceArn", "arn:aws:sqs:us-east-1:000000000000:jobs", ABSENT, "ReceiveMessage lists the attribute; moto does not have it"),
    ("a dead-letter queue that does not exist", "", ..., "AWS.SimpleQueueService.NonExistentQueue (QueueDoesNotExist)", "AWS: InvalidParameterValue, Reason: Dead letter target does not exist"),
    ("a maxReceiveCount of 0", "", ..., ACCEPTED, LIMIT),
    ("a maxReceiveCount of 1001", "", ..., ACCEPTED, LIMIT),
    ("a policy that is not JSON", "", ..., ..., "moto's own fault: it answers 500"),
    ("a dead-letter queue for nobody", "", ..., "InvalidAttributeName (InvalidAttributeName)", "GetQueueAttributes lists RedriveAllowPolicy; moto takes it and does not show it"),
    ("use it", "", ..., ACCEPTED, "developer guide: denyAll lets no queue use it"),
    ("a duplicate has the id of the first", "", True, False, "developer guide: a duplicate is accepted and answered as the first, and not delivered"),
]

LOGS = [
    ("a bad name", "", ..., ACCEPTED, MODEL),
    ("an odd retention", "", ..., ACCEPTED, MODEL),
    ("a stream with a colon", "", ..., ACCEPTED, MODEL),
    ("describe the group", "logGroups[0].logGroupClass", "STANDARD", ABSENT, "moto shows the class only when it was given; AWS always does"),
    ("events too old and too new", "rejectedLogEventsInfo.tooOldLogEventEndIndex", 1, 0, "RejectedLogEventsInfo: the index of the last event that is too old, exclusive"),
    ("describe streams", "logStreams[0].storedBytes", 0, ..., "LogStream: since June 2019 always reported as zero"),
    ("filter one page", "searchedLogStreams", ..., ..., "FilterLogEvents: no longer supported, always an empty list"),
    ("pattern ?ERROR ?ARGUMENTS", "", ..., ..., OPTIONAL),
    ("pattern ?MISSING ?INVALID", "", ..., ..., OPTIONAL),
    ("pattern ERROR -ARGUMENTS", "", ..., ..., OPTIONAL),
    ("streams by prefix", "", 25, 35, "moto ignores logStreamNamePrefix"),
    ("names and a prefix", "", ..., ACCEPTED, "FilterLogEvents: specifying both is InvalidParameterException"),
    ("filter an unknown stream", "", ..., ACCEPTED, "FilterLogEvents: ResourceNotFoundException"),
]
