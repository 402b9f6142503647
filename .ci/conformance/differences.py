"""Where moto answers otherwise than we do, and what AWS documents.

Each row is (step, path in the answer, our answer, moto's answer, reason); `...` is
any answer. A row that explains nothing fails the run, as does a difference without
a row. What moto cannot do at all is in NOT_PUT. docs/local-endpoint.md is written from
this file (page.py).
"""

ACCEPTED = "accepted"
ABSENT = "<absent>"

LIMIT = "moto does not check this value; the API reference gives the range"
MODEL = "moto does not check this; the service's model gives the pattern or the list of values"
BATCH = "moto does not check batches of this operation; the API reference lists the error"
MISSING = "moto takes what is missing for something empty; the list of common errors has MissingParameter"
REQUIRED = "moto does not check that it is there; the API reference says that it is required"
UPDATING = "EventSourceMappingConfiguration lists the states: an update takes a moment, in which it is Updating"
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
    ("use a dead-letter queue for nobody", "", ..., ACCEPTED, "developer guide: denyAll lets no queue use it"),
    ("a duplicate has the id of the first", "", True, False, "developer guide: a duplicate is accepted and answered as the first, and not delivered"),
    ("send_message without a queue", "", ..., ..., MISSING),
    ("receive_message without a queue", "", ..., ..., MISSING),
    ("delete_message without a queue", "", ..., ..., MISSING),
    ("get_queue_attributes without a queue", "", ..., ..., MISSING),
    ("purge_queue without a queue", "", ..., ..., MISSING),
    ("delete_queue without a queue", "", ..., ..., MISSING),
    ("list_queue_tags without a queue", "", ..., ..., MISSING),
    ("list_dead_letter_source_queues without a queue", "", ..., ..., MISSING),
    ("send_message_batch without a queue", "", ..., ..., MISSING),
    ("create without a name", "", ..., ..., MISSING),
    ("get url without a name", "", ..., ..., MISSING),
    ("send without a body", "", ..., ..., MISSING),
    ("delete without a handle", "", ..., ..., MISSING),
    ("hide without a handle", "", ..., ..., MISSING),
    ("hide without a timeout", "", ..., ..., MISSING),
    ("set no attributes", "", ..., ..., MISSING),
    ("an empty attribute value", "", ..., ACCEPTED, "MessageAttributeValue: empty values are not allowed"),
    ("an attribute that is no number", "", ..., ACCEPTED, "developer guide: the value of a Number is a number"),
    ("an unknown system attribute", "", ..., ACCEPTED, "SendMessage: AWSTraceHeader is the only one"),
    ("list a page of no queues", "", ..., ACCEPTED, LIMIT),
    ("list a page of 1001 queues", "", ..., ACCEPTED, LIMIT),
    ("list a page of 1001 sources", "", ..., ACCEPTED, LIMIT),
    ("an operation that is not served", "", ..., ACCEPTED, "permissions are not served; the endpoint answers as AWS does to an operation that it does not know"),
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
    ("a page of no groups", "", ..., ACCEPTED, MODEL),
    ("a page of no events", "", ..., ACCEPTED, MODEL),
    ("a long pattern", "", ..., ACCEPTED, MODEL),
    ("101 streams", "", ..., ACCEPTED, MODEL),
    ("a page of events that nobody gave", "", ..., ACCEPTED, "moto takes any token"),
    ("no events", "", ..., ACCEPTED, MODEL),
    ("10001 events", "", ..., ACCEPTED, MODEL),
    ("an empty message", "", ..., ACCEPTED, MODEL),
    ("more than a day at once", "", ..., ACCEPTED, "PutLogEvents: a batch cannot span more than 24 hours"),
    ("more than 1 MiB at once", "", ..., ACCEPTED, "PutLogEvents: the maximum batch size is 1,048,576 bytes"),
    ("a group without a name", "", ..., "500 (ClientError)", "moto's own fault"),
    ("a stream without a name", "", ..., ACCEPTED, REQUIRED),
    ("events of no group at all", "", ..., "ResourceNotFoundException (ResourceNotFoundException)", "FilterLogEvents: a name or an identifier must be given, else InvalidParameterException"),
    ("events of no stream", "", ..., ACCEPTED, REQUIRED),
    ("tag no group", "", ..., ACCEPTED, "TagResource: ResourceNotFoundException"),
    ("untag no group", "", ..., ACCEPTED, "UntagResource: ResourceNotFoundException"),
    ("list tags of no group", "", ..., ACCEPTED, "ListTagsForResource: ResourceNotFoundException"),
]

# What moto is not asked, since it cannot do it.
NOT_PUT = [
    ("message move tasks (StartMessageMoveTask, CancelMessageMoveTask, ListMessageMoveTasks)", "moto does not have them"),
    ("StartLiveTail", "moto does not have it"),
    ("filter patterns other than terms and phrases", "moto does not know them; the fixtures are those of AWS's description of the syntax"),
    ("Invoke, and what event source mappings deliver", "moto wants Docker for it, and shows a message again at once when a function fails, where AWS lets its visibility timeout run out"),
    ("metrics of queues that have messages", "moto's queues do not tell its CloudWatch"),
]

REASON = "moto's own words; AWS's are not documented"
RESULT = "moto does not show it; EventSourceMappingConfiguration lists it"

LAMBDA = [
    ("a function's configuration", "LoggingConfig", {"LogFormat": "Text", "LogGroup": "/aws/lambda/aiw-demo-workerEcho"}, None, "moto does not have it; FunctionConfiguration lists it"),
    ("a function by partial ARN", "", True, ..., "moto's own fault; FunctionName lists the format"),
    ("get_function of a bad name", "", ..., ..., MODEL),
    ("get_function_configuration of a bad name", "", ..., ..., MODEL),
    ("a page of no functions", "", ..., ACCEPTED, MODEL),
    ("a page of too many functions", "", ..., ACCEPTED, MODEL),
    ("a list of an unknown version", "", ..., ACCEPTED, MODEL),
    ("mappings of a queue", "EventSourceMappings[0].LastProcessingResult", ..., ABSENT, RESULT),
    ("mappings of a queue", "EventSourceMappings[0].MaximumBatchingWindowInSeconds", 0, ABSENT, RESULT),
    ("mappings of a queue", "EventSourceMappings[0].StateTransitionReason", ..., ..., REASON),
    ("mappings of a function's ARN", "", True, False, "moto knows the name that the mapping was made with only; FunctionName lists the formats"),
    ("mappings of no function", "", ..., ACCEPTED, "ListEventSourceMappings: ResourceNotFoundException"),
    ("a page of no mappings", "", ..., ACCEPTED, MODEL),
    ("get a mapping", "LastProcessingResult", ..., ABSENT, RESULT),
    ("get a mapping", "MaximumBatchingWindowInSeconds", 0, ABSENT, RESULT),
    ("get a mapping", "StateTransitionReason", ..., ..., REASON),
    ("51 tags", "", ..., ACCEPTED, "TagResource: a function has up to 50"),
    ("update no mapping", "", ..., ACCEPTED, "UpdateEventSourceMapping: ResourceNotFoundException"),
    ("a batch of 0", "", ..., ACCEPTED, LIMIT),
    ("a batch of 10001", "", ..., "500 (ClientError)", "moto's own fault"),
    ("a batch of 11 without a window", "", ..., ACCEPTED, "BatchSize: above 10, MaximumBatchingWindowInSeconds must be at least 1"),
    ("a window of 301 s", "", ..., ACCEPTED, LIMIT),
    ("a concurrency of 1", "", ..., ACCEPTED, LIMIT),
    ("a concurrency of 1001", "", ..., ACCEPTED, LIMIT),
    ("an unknown response type", "", ..., ACCEPTED, MODEL),
    ("change a mapping", "LastProcessingResult", ..., ABSENT, RESULT),
    ("change a mapping", "StateTransitionReason", ..., ..., REASON),
    ("change a mapping", "State", "Updating", "Enabled", UPDATING),
    ("change it back", "State", "Updating", "Enabled", UPDATING),
    ("change it back", "LastProcessingResult", ..., ABSENT, RESULT),
    ("change it back", "StateTransitionReason", ..., ..., REASON),
    ("change it back", "ScalingConfig", ABSENT, {}, "an empty object takes the setting away, so that there is nothing to show"),
]

IDENTITY = [
    ("who am I", "Arn", "arn:aws:iam::000000000000:user/local", ..., "each endpoint has a caller of its own; a user's ARN is one of IAM"),
    ("the caller's ARN names the account", "[2]", "iam", "sts", "the same"),
    ("a metric without datapoints", "Messages", [], ABSENT, "GetMetricData lists it; AWS sends the empty list"),
    ("a metric without datapoints", "MetricDataResults[0].Label", "ApproximateAgeOfOldestMessage", ..., "CloudWatch makes a label where none is given, and does not say how"),
    ("a labelled one that is not returned", "Messages", [], ABSENT, "GetMetricData lists it; AWS sends the empty list"),
    ("an id twice", "", ..., ACCEPTED, "MetricDataQuery: ids are unique in a call"),
    ("an id with a capital", "", ..., ACCEPTED, "MetricDataQuery: the first character is a lowercase letter"),
    ("a period of 61 s", "", ..., ACCEPTED, "MetricStat: 1, 5, 10, 20, 30 or a multiple of 60"),
    ("an unknown statistic", "", ..., ACCEPTED, "user guide: the statistics that there are"),
    ("501 queries", "", ..., ACCEPTED, "GetMetricData: up to 500"),
    ("no queries", "", ..., ACCEPTED, REQUIRED),
    ("a metric and an expression", "", ..., ACCEPTED, "MetricDataQuery: one of the two, not both"),
    ("no start", "", ..., "500 (ClientError)", REQUIRED),
    ("a page of 101 resources", "", ..., ACCEPTED, LIMIT),
    ("an unknown page", "", ..., ACCEPTED, "GetMetricData: InvalidNextToken"),
]

S3 = [
    ("make one of a bad name", "", ..., ACCEPTED, "user guide: the names that buckets may have"),
    ("put what is not what it says", "", ..., ACCEPTED, "PutObject: Content-MD5 is held against the body"),
]

SECRETS = [
    ("below what is no path", "", ..., ACCEPTED, "GetParametersByPath: a path begins with a slash"),
]

STACKS = []

CLI = []
