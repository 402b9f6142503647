"""SQS, as its API reference and developer guide describe it."""

import hashlib
import json
import struct
import time

MIB = 1 << 20


def scenario(rec, sqs, unchecked):
    """unchecked is a client that sends what botocore would refuse."""
    plain(rec, sqs)
    queues(rec, sqs)
    batches(rec, sqs)
    limits(rec, sqs)
    visibility(rec, sqs)
    dead_letters(rec, sqs)
    fifo(rec, sqs)
    missing(rec, sqs, unchecked)


def missing(rec, sqs, unchecked):
    """Parameters that are left out, and lists of a size that they cannot have."""
    url = make(sqs, "missing")
    for operation in ["send_message", "receive_message", "delete_message", "get_queue_attributes", "purge_queue", "delete_queue",
                      "list_queue_tags", "list_dead_letter_source_queues", "send_message_batch"]:
        rec.fails(f"{operation} without a queue", "MissingParameter", getattr(unchecked, operation))
    rec.fails("create without a name", "MissingParameter", unchecked.create_queue)
    rec.fails("get url without a name", "MissingParameter", unchecked.get_queue_url)
    rec.fails("send without a body", "MissingParameter", unchecked.send_message, QueueUrl=url)
    rec.fails("delete without a handle", "MissingParameter", unchecked.delete_message, QueueUrl=url)
    rec.fails("hide without a handle", "MissingParameter", unchecked.change_message_visibility, QueueUrl=url, VisibilityTimeout=1)
    rec.fails("hide without a timeout", "MissingParameter", unchecked.change_message_visibility, QueueUrl=url, ReceiptHandle="x")
    rec.fails("tag without tags", "MissingParameter", unchecked.tag_queue, QueueUrl=url)
    rec.fails("untag without keys", "InvalidParameterValue", unchecked.untag_queue, QueueUrl=url)
    rec.fails("an empty attribute value", "InvalidParameterValue", sqs.send_message, QueueUrl=url, MessageBody="x",
              MessageAttributes={"a": {"DataType": "String", "StringValue": ""}})
    rec.fails("an attribute that is no number", "InvalidParameterValue", sqs.send_message, QueueUrl=url, MessageBody="x",
              MessageAttributes={"a": {"DataType": "Number", "StringValue": "ten"}})
    rec.fails("an unknown system attribute", "InvalidParameterValue", unchecked.send_message, QueueUrl=url, MessageBody="x",
              MessageSystemAttributes={"Other": {"DataType": "String", "StringValue": "x"}})
    rec.fails("list a page of no queues", "InvalidParameterValue", unchecked.list_queues, MaxResults=0)
    rec.fails("list a page of 1001 queues", "InvalidParameterValue", unchecked.list_queues, MaxResults=1001)
    rec.fails("list a page of 1001 sources", "InvalidParameterValue", unchecked.list_dead_letter_source_queues, QueueUrl=url, MaxResults=1001)
    rec.fails("set no attributes", "MissingParameter", unchecked.set_queue_attributes, QueueUrl=url)
    absent = url.replace("missing", "absent")
    code = "AWS.SimpleQueueService.NonExistentQueue"
    for operation, arguments in {
        "tag_queue": {"Tags": {"a": "b"}},
        "untag_queue": {"TagKeys": ["a"]},
        "send_message_batch": {"Entries": [{"Id": "1", "MessageBody": "x"}]},
        "delete_message_batch": {"Entries": [{"Id": "1", "ReceiptHandle": "x"}]},
        "change_message_visibility_batch": {"Entries": [{"Id": "1", "ReceiptHandle": "x", "VisibilityTimeout": 1}]},
    }.items():
        rec.fails(operation + " of no queue", code, getattr(sqs, operation), exception="QueueDoesNotExist", QueueUrl=absent, **arguments)
    rec.fails("an operation that is not served", "UnknownOperationException", sqs.add_permission, QueueUrl=url, Label="x", AWSAccountIds=["111122223333"], Actions=["SendMessage"])


def make(sqs, name, **attributes):
    return sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def arn(name):
    return f"arn:aws:sqs:us-east-1:000000000000:{name}"


def bodies(answer):
    return [m["Body"] for m in (answer or {}).get("Messages", [])]


def handle(answer):
    messages = (answer or {}).get("Messages") or [{"ReceiptHandle": "nothing was received"}]
    return messages[0]["ReceiptHandle"]


def count(sqs, url):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return [int(attributes[name]) for name in names]


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def md5_of_attributes(attributes):
    """botocore does not check these sums, other SDKs do. The developer guide,
    "Calculating the MD5 message digest for message attributes"."""
    digest = hashlib.md5()

    def sized(data):
        digest.update(struct.pack(">I", len(data)) + data)

    for name in sorted(attributes):
        value = attributes[name]
        sized(name.encode())
        sized(value["DataType"].encode())
        binary = "BinaryValue" in value
        digest.update(b"\x02" if binary else b"\x01")
        sized(value["BinaryValue"] if binary else value["StringValue"].encode())
    return digest.hexdigest()


def plain(rec, sqs):
    """One message there and back."""
    rec.call("create", sqs.create_queue, QueueName="plain")
    url = sqs.get_queue_url(QueueName="plain")["QueueUrl"]
    body = 'grüße "<&>" \U0001f98a\n\ttab'
    attributes = {
        "text": {"DataType": "String", "StringValue": "ä"},
        "number": {"DataType": "Number.int", "StringValue": "-12.5e3"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff\x01"},
    }
    sent = rec.call("send", sqs.send_message, QueueUrl=url, MessageBody=body, MessageAttributes=attributes)
    rec.equal("its sums", (sent["MD5OfMessageBody"], sent["MD5OfMessageAttributes"]), (md5(body), md5_of_attributes(attributes)))
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    traced = rec.call("send traced", sqs.send_message, QueueUrl=url, MessageBody="traced", DelaySeconds=900, MessageSystemAttributes=trace)
    rec.equal("the sum of its trace", traced.get("MD5OfMessageSystemAttributes"), md5_of_attributes(trace))
    rec.equal("counts of one visible and one delayed", count(sqs, url), [1, 0, 1])
    got = rec.call("receive everything of it", sqs.receive_message, QueueUrl=url, MessageAttributeNames=["All"],
                   MessageSystemAttributeNames=["All"], MaxNumberOfMessages=10)
    rec.equal("the body is unharmed", bodies(got), [body])
    rec.equal("the attributes, too", got["Messages"][0]["MessageAttributes"] == attributes, True)
    rec.equal("the sums of what was received", (got["Messages"][0]["MD5OfBody"], got["Messages"][0]["MD5OfMessageAttributes"]),
              (md5(body), md5_of_attributes(attributes)))
    rec.call("receive nothing", sqs.receive_message, QueueUrl=url)
    rec.call("delete", sqs.delete_message, QueueUrl=url, ReceiptHandle=handle(got))
    rec.call("delete again", sqs.delete_message, QueueUrl=url, ReceiptHandle=handle(got))
    rec.equal("counts after the delete", count(sqs, url), [0, 0, 1])

    sqs.send_message(QueueUrl=url, MessageBody="chosen", MessageAttributes=attributes)
    some = rec.call("receive some attributes", sqs.receive_message, QueueUrl=url, MessageAttributeNames=["te.*", "number"],
                    AttributeNames=["SentTimestamp"])["Messages"][0]
    rec.equal("the sum of these", some["MD5OfMessageAttributes"], md5_of_attributes(some["MessageAttributes"]))
    rec.call("purge", sqs.purge_queue, QueueUrl=url)
    rec.equal("counts after the purge", count(sqs, url), [0, 0, 0])
    rec.fails("purge again", "AWS.SimpleQueueService.PurgeQueueInProgress", sqs.purge_queue, exception="PurgeQueueInProgress", QueueUrl=url)

    waited = make(sqs, "waited")
    start = time.monotonic()
    rec.call("long poll of an empty queue", sqs.receive_message, QueueUrl=waited, WaitTimeSeconds=1)
    rec.equal("it waited about a second", 0.9 < time.monotonic() - start < 5, True)
    sqs.send_message(QueueUrl=waited, MessageBody="late", DelaySeconds=1)
    rec.equal("a delayed message is not there", bodies(sqs.receive_message(QueueUrl=waited)), [])
    rec.equal("a long poll waits for the delay", bodies(sqs.receive_message(QueueUrl=waited, WaitTimeSeconds=5)), ["late"])


def queues(rec, sqs):
    rec.call("create with attributes", sqs.create_queue, QueueName="settings-1", Attributes={"VisibilityTimeout": "7", "DelaySeconds": "3"},
             tags={"team": "jobs"})
    rec.call("create the same again", sqs.create_queue, QueueName="settings-1", Attributes={"VisibilityTimeout": "7"})
    rec.fails("create with other attributes", "QueueAlreadyExists", sqs.create_queue, exception="QueueNameExists",
              QueueName="settings-1", Attributes={"VisibilityTimeout": "8"})
    rec.fails("create with a bad name", "InvalidParameterValue", sqs.create_queue, QueueName="not a name")
    rec.fails("create with a long name", "InvalidParameterValue", sqs.create_queue, QueueName="x" * 81)
    rec.fails("create with an unknown attribute", "InvalidAttributeName", sqs.create_queue, exception="InvalidAttributeName",
              QueueName="other", Attributes={"Colour": "red"})
    url = sqs.get_queue_url(QueueName="settings-1")["QueueUrl"]
    rec.call("get url", sqs.get_queue_url, QueueName="settings-1")
    rec.fails("get url of no queue", "AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_url, exception="QueueDoesNotExist", QueueName="absent")
    absent = url.replace("settings-1", "absent")
    for operation, arguments in {
        "send_message": {"MessageBody": "x"},
        "receive_message": {},
        "delete_message": {"ReceiptHandle": "x"},
        "purge_queue": {},
        "delete_queue": {},
        "get_queue_attributes": {"AttributeNames": ["All"]},
        "set_queue_attributes": {"Attributes": {"DelaySeconds": "1"}},
        "change_message_visibility": {"ReceiptHandle": "x", "VisibilityTimeout": 1},
        "list_queue_tags": {},
        "list_dead_letter_source_queues": {},
    }.items():
        rec.fails(operation + " of no queue", "AWS.SimpleQueueService.NonExistentQueue", getattr(sqs, operation),
                  exception="QueueDoesNotExist", QueueUrl=absent, **arguments)

    rec.call("get all attributes", sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["All"])
    rec.call("get two attributes", sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["QueueArn", "DelaySeconds"])
    rec.call("get no attributes", sqs.get_queue_attributes, QueueUrl=url)
    rec.fails("get an unknown attribute", "InvalidAttributeName", sqs.get_queue_attributes, exception="InvalidAttributeName",
              QueueUrl=url, AttributeNames=["Colour"])
    rec.call("set attributes", sqs.set_queue_attributes, QueueUrl=url,
             Attributes={"VisibilityTimeout": "11", "MessageRetentionPeriod": "60", "ReceiveMessageWaitTimeSeconds": "20"})
    rec.call("get what was set", sqs.get_queue_attributes, QueueUrl=url,
             AttributeNames=["VisibilityTimeout", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "DelaySeconds"])
    for name, value in {"VisibilityTimeout": "43201", "MessageRetentionPeriod": "59", "DelaySeconds": "901",
                        "ReceiveMessageWaitTimeSeconds": "21", "MaximumMessageSize": "1023"}.items():
        rec.fails("set a wrong " + name, "InvalidAttributeValue", sqs.set_queue_attributes, exception="InvalidAttributeValue",
                  QueueUrl=url, Attributes={name: value})
    rec.call("list tags", sqs.list_queue_tags, QueueUrl=url)
    rec.call("tag", sqs.tag_queue, QueueUrl=url, Tags={"owner": "ops", "team": "batch"})
    rec.call("untag", sqs.untag_queue, QueueUrl=url, TagKeys=["owner", "unknown"])
    rec.call("list tags again", sqs.list_queue_tags, QueueUrl=url)

    for i in range(2, 6):
        make(sqs, f"settings-{i}")
    rec.call("list by prefix", sqs.list_queues, QueueNamePrefix="settings-")
    rec.call("list none", sqs.list_queues, QueueNamePrefix="nothing-has-this")
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix="settings-", PaginationConfig={"PageSize": 2})
    rec.equal("list in pages", [[u.rsplit("/", 1)[1] for u in p["QueueUrls"]] for p in pages],
              [["settings-1", "settings-2"], ["settings-3", "settings-4"], ["settings-5"]])
    rec.call("delete queue", sqs.delete_queue, QueueUrl=url)
    rec.fails("get url of a deleted queue", "AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_url, QueueName="settings-1")
    rec.fails("create it again at once", "AWS.SimpleQueueService.QueueDeletedRecently", sqs.create_queue,
              exception="QueueDeletedRecently", QueueName="settings-1")


def batches(rec, sqs):
    url = make(sqs, "batches")
    code = "AWS.SimpleQueueService."

    def entries(n):
        return [{"Id": f"id-{i}", "MessageBody": f"body {i}"} for i in range(n)]

    rec.call("send a batch", sqs.send_message_batch, QueueUrl=url, Entries=entries(10))
    got = rec.call("receive a batch", sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=10)
    handles = [m["ReceiptHandle"] for m in got["Messages"]]
    rec.equal("all ten", sorted(bodies(got)), [f"body {i}" for i in range(10)])
    rec.call("hide a batch for longer", sqs.change_message_visibility_batch, QueueUrl=url, Entries=[
        {"Id": "good", "ReceiptHandle": handles[0], "VisibilityTimeout": 60},
        {"Id": "bad", "ReceiptHandle": "rubbish", "VisibilityTimeout": 60},
    ])
    rec.call("delete a batch", sqs.delete_message_batch, QueueUrl=url,
             Entries=[{"Id": str(i), "ReceiptHandle": h} for i, h in enumerate(handles)])
    rec.equal("counts after the batch", count(sqs, url), [0, 0, 0])
    rec.call("delete a batch partly", sqs.delete_message_batch, QueueUrl=url,
             Entries=[{"Id": "done", "ReceiptHandle": handles[0]}, {"Id": "rubbish", "ReceiptHandle": "rubbish"}])
    rec.call("send a batch partly", sqs.send_message_batch, QueueUrl=url, Entries=[
        {"Id": "good", "MessageBody": "x"},
        {"Id": "late", "MessageBody": "x", "DelaySeconds": 901},
        {"Id": "control", "MessageBody": "\x01"},
    ])

    twice = [{"Id": "same", "MessageBody": "x"}] * 2
    large = [{"Id": str(i), "MessageBody": "x" * (MIB // 2)} for i in range(3)]
    for step, want, list_ in [
        ("no entries", "EmptyBatchRequest", []),
        ("eleven entries", "TooManyEntriesInBatchRequest", entries(11)),
        ("the same id twice", "BatchEntryIdsNotDistinct", twice),
        ("an id with a space", "InvalidBatchEntryId", [{"Id": "a b", "MessageBody": "x"}]),
        ("too much in all", "BatchRequestTooLong", large),
    ]:
        rec.fails("send " + step, code + want, sqs.send_message_batch, exception=want, QueueUrl=url, Entries=list_)
    for step, want, list_ in [
        ("no entries", "EmptyBatchRequest", []),
        ("eleven entries", "TooManyEntriesInBatchRequest", [{"Id": str(i), "ReceiptHandle": handles[0] + str(i)} for i in range(11)]),
        ("the same id twice", "BatchEntryIdsNotDistinct", [{"Id": "same", "ReceiptHandle": handles[0]}] * 2),
    ]:
        rec.fails("delete " + step, code + want, sqs.delete_message_batch, exception=want, QueueUrl=url, Entries=list_)
        timed = [{**e, "VisibilityTimeout": 1} for e in list_]
        rec.fails("hide " + step, code + want, sqs.change_message_visibility_batch, exception=want, QueueUrl=url, Entries=timed)


def limits(rec, sqs):
    url = make(sqs, "limits")
    rec.fails("a character that XML has not", "InvalidMessageContents", sqs.send_message, exception="InvalidMessageContents",
              QueueUrl=url, MessageBody="bell \x07")
    rec.fails("an empty body", "MissingParameter", sqs.send_message, QueueUrl=url, MessageBody="")
    rec.call("a body of 1 MiB", sqs.send_message, QueueUrl=url, MessageBody="x" * MIB)
    rec.equal("it comes back whole", MIB in [len(b) for b in bodies(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10))], True)
    rec.fails("a body of 1 MiB and a byte", "InvalidParameterValue", sqs.send_message, QueueUrl=url, MessageBody="x" * (MIB + 1))
    rec.fails("a delay of 901 s", "InvalidParameterValue", sqs.send_message, QueueUrl=url, MessageBody="x", DelaySeconds=901)
    rec.fails("an attribute of an unknown type", "InvalidParameterValue", sqs.send_message, QueueUrl=url, MessageBody="x",
              MessageAttributes={"a": {"DataType": "Colour", "StringValue": "red"}})
    rec.fails("eleven attributes", "InvalidParameterValue", sqs.send_message, QueueUrl=url, MessageBody="x",
              MessageAttributes={f"a{i}": {"DataType": "String", "StringValue": "x"} for i in range(11)})
    rec.fails("an attribute called AWS.x", "InvalidParameterValue", sqs.send_message, QueueUrl=url, MessageBody="x",
              MessageAttributes={"AWS.x": {"DataType": "String", "StringValue": "x"}})
    rec.fails("receive no message", "InvalidParameterValue", sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=0)
    rec.fails("receive eleven messages", "InvalidParameterValue", sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11)
    rec.fails("wait 21 s", "InvalidParameterValue", sqs.receive_message, QueueUrl=url, WaitTimeSeconds=21)
    rec.fails("hide for 43201 s", "InvalidParameterValue", sqs.receive_message, QueueUrl=url, VisibilityTimeout=43201)


def visibility(rec, sqs):
    url = make(sqs, "visibility")
    sqs.send_message(QueueUrl=url, MessageBody="x")
    first = sqs.receive_message(QueueUrl=url, VisibilityTimeout=30)
    rec.equal("a received message is hidden", count(sqs, url), [0, 1, 0])
    rec.call("show it", sqs.change_message_visibility, QueueUrl=url, ReceiptHandle=handle(first), VisibilityTimeout=0)
    shown = make(sqs, "shown")
    sqs.send_message(QueueUrl=shown, MessageBody="x")
    rec.fails("hide what is visible", "AWS.SimpleQueueService.MessageNotInflight", sqs.change_message_visibility, exception="MessageNotInflight",
              QueueUrl=shown, ReceiptHandle=handle(sqs.receive_message(QueueUrl=shown, VisibilityTimeout=0)), VisibilityTimeout=5)
    second = rec.call("receive it again", sqs.receive_message, QueueUrl=url, VisibilityTimeout=30, AttributeNames=["ApproximateReceiveCount"])
    rec.equal("it has another handle", handle(first) != handle(second), True)
    rec.fails("hide it too long", "InvalidParameterValue", sqs.change_message_visibility, QueueUrl=url,
              ReceiptHandle=handle(second), VisibilityTimeout=43201)
    rec.fails("12 hours are counted from the receive", "InvalidParameterValue", sqs.change_message_visibility, QueueUrl=url,
              ReceiptHandle=handle(second), VisibilityTimeout=43200)
    rec.call("delete with the old handle", sqs.delete_message, QueueUrl=url, ReceiptHandle=handle(first))
    rec.equal("an old handle deletes nothing", count(sqs, url), [0, 1, 0])
    rec.fails("hide with a bad handle", "ReceiptHandleIsInvalid", sqs.change_message_visibility, exception="ReceiptHandleIsInvalid",
              QueueUrl=url, ReceiptHandle="rubbish", VisibilityTimeout=1)
    rec.fails("delete with a bad handle", "ReceiptHandleIsInvalid", sqs.delete_message, exception="ReceiptHandleIsInvalid",
              QueueUrl=url, ReceiptHandle="rubbish")
    rec.call("delete with the new handle", sqs.delete_message, QueueUrl=url, ReceiptHandle=handle(second))
    rec.fails("hide what is deleted", "InvalidParameterValue", sqs.change_message_visibility, QueueUrl=url,
              ReceiptHandle=handle(second), VisibilityTimeout=1)
    sqs.send_message(QueueUrl=url, MessageBody="back soon")
    sqs.receive_message(QueueUrl=url, VisibilityTimeout=1)
    rec.equal("it is back after its timeout", bodies(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=3)), ["back soon"])


def dead_letters(rec, sqs):
    dlq = make(sqs, "jobs-dlq")
    policy = json.dumps({"deadLetterTargetArn": arn("jobs-dlq"), "maxReceiveCount": 3})
    url = make(sqs, "jobs", RedrivePolicy=policy)
    sqs.send_message(QueueUrl=url, MessageBody="poison", MessageAttributes={"a": {"DataType": "String", "StringValue": "kept"}})
    receives = []
    for _ in range(5):
        got = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, AttributeNames=["ApproximateReceiveCount"])
        receives += [m["Attributes"]["ApproximateReceiveCount"] for m in got.get("Messages", [])]
    rec.equal("delivered exactly maxReceiveCount times", receives, ["1", "2", "3"])
    rec.equal("it has left its queue", count(sqs, url), [0, 0, 0])
    rec.equal("it is in the dead-letter queue", count(sqs, dlq), [1, 0, 0])
    rec.call("receive the dead letter", sqs.receive_message, QueueUrl=dlq, AttributeNames=["All"], MessageAttributeNames=["All"])
    rec.call("sources of the dead-letter queue", sqs.list_dead_letter_source_queues, QueueUrl=dlq)
    rec.call("no sources", sqs.list_dead_letter_source_queues, QueueUrl=url)
    for step, text in {
        "a dead-letter queue that does not exist": json.dumps({"deadLetterTargetArn": arn("absent"), "maxReceiveCount": 3}),
        "a maxReceiveCount of 0": json.dumps({"deadLetterTargetArn": arn("jobs-dlq"), "maxReceiveCount": 0}),
        "a maxReceiveCount of 1001": json.dumps({"deadLetterTargetArn": arn("jobs-dlq"), "maxReceiveCount": 1001}),
        "a policy without a target": json.dumps({"maxReceiveCount": 3}),
    }.items():
        rec.fails(step, "InvalidParameterValue", sqs.set_queue_attributes, QueueUrl=url, Attributes={"RedrivePolicy": text})
    rec.fails("a policy that is not JSON", "InvalidAttributeValue", sqs.set_queue_attributes, exception="InvalidAttributeValue",
              QueueUrl=url, Attributes={"RedrivePolicy": "rubbish"})
    allow = make(sqs, "closed-dlq", RedriveAllowPolicy=json.dumps({"redrivePermission": "denyAll"}))
    rec.call("a dead-letter queue for nobody", sqs.get_queue_attributes, QueueUrl=allow, AttributeNames=["RedriveAllowPolicy"])
    rec.fails("use a dead-letter queue for nobody", "InvalidParameterValue", sqs.set_queue_attributes, QueueUrl=url,
              Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn("closed-dlq"), "maxReceiveCount": 3})})
    rec.call("take the policy away", sqs.set_queue_attributes, QueueUrl=url, Attributes={"RedrivePolicy": ""})
    rec.equal("it is gone", "RedrivePolicy" in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"], False)


def fifo(rec, sqs):
    rec.fails("a FIFO queue without the suffix", "InvalidParameterValue", sqs.create_queue, QueueName="f", Attributes={"FifoQueue": "true"})
    url = make(sqs, "orders.fifo", FifoQueue="true")
    rec.call("all attributes of a FIFO queue", sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["All"])
    rec.fails("no group", "MissingParameter", sqs.send_message, QueueUrl=url, MessageBody="x", MessageDeduplicationId="1")
    rec.fails("no deduplication id", "InvalidParameterValue", sqs.send_message, QueueUrl=url, MessageBody="x", MessageGroupId="a")
    rec.fails("a delay of its own", "InvalidParameterValue", sqs.send_message, QueueUrl=url, MessageBody="x", MessageGroupId="a",
              MessageDeduplicationId="d", DelaySeconds=1)
    ids = []
    for group, dedup in [("a", "1"), ("a", "2"), ("b", "3"), ("a", "1")]:
        sent = rec.call(f"send {dedup} to {group}, message {len(ids)}", sqs.send_message, QueueUrl=url, MessageBody=f"{group}{dedup}",
                        MessageGroupId=group, MessageDeduplicationId=dedup)
        ids.append((sent or {}).get("MessageId"))
    rec.equal("a duplicate has the id of the first", ids[3] == ids[0], True)
    rec.equal("a duplicate is not delivered", count(sqs, url), [3, 0, 0])
    first = rec.call("receive one", sqs.receive_message, QueueUrl=url, AttributeNames=["All"])
    rec.equal("the first of a group", bodies(first), ["a1"])
    second = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    rec.equal("a group waits for its message in flight", bodies(second), ["b3"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=handle(first))
    rec.equal("then it goes on", bodies(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)), ["a2"])

    content = make(sqs, "content.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    for _ in range(2):
        sqs.send_message(QueueUrl=content, MessageBody="once", MessageGroupId="g")
    rec.equal("the same content is a duplicate", count(sqs, content), [1, 0, 0])
