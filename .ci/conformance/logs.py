"""CloudWatch Logs, as its API reference describes it."""

# Patterns and messages from AWS's description of the syntax:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
TERMS = [
    "[ERROR 400] BAD REQUEST",
    "[ERROR 401] UNAUTHORIZED REQUEST",
    "[ERROR 419] MISSING ARGUMENTS",
    "[ERROR 420] INVALID ARGUMENTS",
    "[ERROR 500] INTERNAL SERVER ERROR",
    "[SUCCESS 200] AUTHORIZED REQUEST",
]
TERM_PATTERNS = {
    "": [0, 1, 2, 3, 4, 5],
    "ERROR": [0, 1, 2, 3, 4],
    "error": [],
    "ERROR ARGUMENTS": [2, 3],
    "?ERROR ?ARGUMENTS": [0, 1, 2, 3, 4],
    "?MISSING ?INVALID": [2, 3],
    "ERROR -ARGUMENTS": [0, 1, 4],
    '"INTERNAL SERVER ERROR"': [4],
}
# moto knows terms and phrases only, so it is not asked for these.
REGEX_PATTERNS = {
    "%AUTHORIZED%": [1, 5],
    "%4[01][0-9]%": [0, 1, 2],
    "%UN[A-Z]+ED|BAD%": [0, 1],
}
OBJECT = """{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"],
 "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "cluster.name": "c", "ThisFlag": true,
 "user": {"id": 1, "email": "John.Stiles@example.com"}, "latency": 50.5}"""
OBJECT_PATTERNS = {
    '{ $.eventType = "UpdateTrail" }': True,
    '{ $.eventType = "CreateTrail" }': False,
    "{ $.eventType = %Trail% }": True,
    "{ $.sourceIPAddress != 123.123.* }": True,
    '{ $.arrayKey[0] = "value" }': True,
    "{ $.objectList[1].id = 2 }": True,
    "{ $.objectList[1].id > 2 }": False,
    "{ $.SomeObject IS NULL }": True,
    "{ $.SomeOtherObject NOT EXISTS }": True,
    "{ $.ThisFlag IS TRUE }": True,
    "{ $.ThisFlag IS FALSE }": False,
    '{ ($.user.id = 1) && ($.user.email = "John.*") }': True,
    "{ $.user.id = 7 || $.latency >= 50 }": True,
    "{ ($.user.id = 7 || $.latency >= 50) && $.ThisFlag IS FALSE }": False,
}
ACCESS = [
    '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 200 1534',
    '127.0.0.1 - frank [10/Oct/2000:13:35:22 -0700] "GET /about-us/index.html HTTP/1.0" 404 2326',
    '127.0.0.1 - frank [10/Oct/2000:13:50:35 -0700] "GET /contact-us/index.html HTTP/1.0" 404 1534',
]
ACCESS_PATTERNS = {
    "[ip, user, username, timestamp, request, status_code, bytes]": [0, 1, 2],
    "[ip, user, username, timestamp, request, status_code=4*, bytes>2000]": [1],
    "[..., status_code=404, bytes]": [1, 2],
    "[ip, user, username, timestamp, request =*html*, status_code = 4*, bytes]": [1, 2],
    "[ip, user]": [],
}


def scenario(rec, logs, unchecked, now):
    """now is the present time in milliseconds, unchecked a client that sends what
    botocore would refuse."""
    rec.base = now
    group = "/aws/lambda/conformance"
    groups(rec, logs, group)
    events(rec, logs, group, now)
    reading(rec, logs, group, now)
    rec.fails("an odd retention", "InvalidParameterException", logs.put_retention_policy, logGroupName=group, retentionInDays=8)
    rec.fails("a stream with a colon", "InvalidParameterException", logs.create_log_stream, logGroupName=group, logStreamName="a:b")
    refusals(rec, logs, unchecked, group, now)
    rec.call("delete a stream", logs.delete_log_stream, logGroupName=group, logStreamName="empty")
    rec.call("delete the group", logs.delete_log_group, logGroupName=group)
    absent = "ResourceNotFoundException"
    for operation, arguments in {
        "delete_log_group": {},
        "create_log_stream": {"logStreamName": "x"},
        "describe_log_streams": {},
        "filter_log_events": {},
        "get_log_events": {"logStreamName": "x"},
        "put_log_events": {"logStreamName": "x", "logEvents": [{"timestamp": now, "message": "x"}]},
        "put_retention_policy": {"retentionInDays": 7},
        "delete_retention_policy": {},
        "delete_log_stream": {"logStreamName": "x"},
    }.items():
        rec.fails(operation + " of no group", absent, getattr(logs, operation), exception=absent, logGroupName=group, **arguments)
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    rec.fails("tag no group", absent, logs.tag_resource, exception=absent, resourceArn=arn, tags={"a": "b"})
    rec.fails("untag no group", absent, logs.untag_resource, exception=absent, resourceArn=arn, tagKeys=["a"])
    rec.fails("list tags of no group", absent, logs.list_tags_for_resource, exception=absent, resourceArn=arn)


def refusals(rec, logs, unchecked, group, now):
    """Values outside of their limits, parameters left out, and what cannot be together."""
    invalid, absent, day = "InvalidParameterException", "ResourceNotFoundException", 24 * 60 * 60 * 1000
    named = {"logGroupName": group}
    put = {**named, "logStreamName": "one"}

    def refused(step, operation, /, code=invalid, **arguments):
        rec.fails(step, code, operation, exception=code, **arguments)

    refused("a page of no groups", unchecked.describe_log_groups, limit=0)
    refused("a page of 51 groups", unchecked.describe_log_groups, limit=51)
    refused("a page of 51 streams", unchecked.describe_log_streams, limit=51, **named)
    refused("streams by time and prefix", logs.describe_log_streams, orderBy="LastEventTime", logStreamNamePrefix="t", **named)
    refused("streams in an unknown order", unchecked.describe_log_streams, orderBy="Size", **named)
    refused("a page of 10001 events", unchecked.filter_log_events, limit=10001, **named)
    refused("a page of no events", unchecked.get_log_events, limit=0, **put)
    refused("a long pattern", unchecked.filter_log_events, filterPattern="x" * 1025, **named)
    refused("101 streams", unchecked.filter_log_events, logStreamNames=[f"s{i}" for i in range(101)], **named)
    refused("a page of events that nobody gave", logs.filter_log_events, nextToken="rubbish", **named)
    refused("no events", unchecked.put_log_events, logEvents=[], **put)
    refused("10001 events", unchecked.put_log_events, logEvents=[{"timestamp": now, "message": "x"}] * 10001, **put)
    refused("an empty message", unchecked.put_log_events, logEvents=[{"timestamp": now, "message": ""}], **put)
    refused("more than a day at once", logs.put_log_events, logEvents=[{"timestamp": now - 25 * day // 24, "message": "x"}, {"timestamp": now, "message": "x"}], **put)
    refused("more than 1 MiB at once", logs.put_log_events, logEvents=[{"timestamp": now, "message": "x" * 200_000}] * 6, **put)
    refused("a group without a name", unchecked.create_log_group)
    refused("a stream without a name", unchecked.create_log_stream, **named)
    refused("events of no group at all", unchecked.filter_log_events)
    refused("events of no stream", unchecked.get_log_events, **named)
    refused("get events of an unknown stream", logs.get_log_events, code=absent, **{**put, "logStreamName": "absent"})
    refused("delete an unknown stream", logs.delete_log_stream, code=absent, **{**put, "logStreamName": "absent"})
    rec.call("keep for ever", logs.delete_retention_policy, **named)
    rec.equal("it is kept for ever", "retentionInDays" in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0], False)


def groups(rec, logs, group):
    rec.call("create a group", logs.create_log_group, logGroupName=group)
    rec.fails("create it again", "ResourceAlreadyExistsException", logs.create_log_group,
              exception="ResourceAlreadyExistsException", logGroupName=group)
    rec.fails("a bad name", "InvalidParameterException", logs.create_log_group, logGroupName="a b")
    rec.call("set retention", logs.put_retention_policy, logGroupName=group, retentionInDays=7)
    rec.call("describe the group", logs.describe_log_groups, logGroupNamePrefix=group)
    rec.call("describe no group", logs.describe_log_groups, logGroupNamePrefix="/nothing")
    for i in range(3):
        logs.create_log_group(logGroupName=f"/pages/{i}")
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/pages/", PaginationConfig={"PageSize": 2})
    rec.equal("groups in pages", [[g["logGroupName"] for g in p["logGroups"]] for p in pages],
              [["/pages/0", "/pages/1"], ["/pages/2"]])
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    rec.call("tag", logs.tag_resource, resourceArn=arn, tags={"team": "jobs", "x": "y"})
    rec.call("untag", logs.untag_resource, resourceArn=arn, tagKeys=["x"])
    rec.call("list tags", logs.list_tags_for_resource, resourceArn=arn)
    for name in ["one", "two", "access", "object", "empty"]:
        rec.call(f"create stream {name}", logs.create_log_stream, logGroupName=group, logStreamName=name)
    rec.fails("create a stream again", "ResourceAlreadyExistsException", logs.create_log_stream,
              exception="ResourceAlreadyExistsException", logGroupName=group, logStreamName="one")


def events(rec, logs, group, now):
    def put(step, stream, messages, at):
        rec.call(step, logs.put_log_events, logGroupName=group, logStreamName=stream,
                 logEvents=[{"timestamp": at + i, "message": m} for i, m in enumerate(messages)])

    put("put terms", "one", TERMS, now - 5000)
    put("put more", "two", [f"line {i}" for i in range(25)], now - 4000)
    put("put access lines", "access", ACCESS, now - 3000)
    put("put an object", "object", [OBJECT], now - 2000)
    invalid = "InvalidParameterException"
    rec.fails("events out of order", invalid, logs.put_log_events, exception=invalid, logGroupName=group, logStreamName="one",
              logEvents=[{"timestamp": now, "message": "b"}, {"timestamp": now - 1, "message": "a"}])
    rec.fails("put into no stream", "ResourceNotFoundException", logs.put_log_events, exception="ResourceNotFoundException",
              logGroupName=group, logStreamName="absent", logEvents=[{"timestamp": now, "message": "x"}])
    day = 24 * 60 * 60 * 1000
    rec.call("events too old and too new", logs.put_log_events, logGroupName=group, logStreamName="empty", logEvents=[
        {"timestamp": now - 15 * day, "message": "too old"}, {"timestamp": now + 3 * 60 * 60 * 1000, "message": "too new"}])
    rec.call("describe streams", logs.describe_log_streams, logGroupName=group, logStreamNamePrefix="t")
    by_time = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True)
    with_events = [s["logStreamName"] for s in by_time["logStreams"] if "lastEventTimestamp" in s]
    rec.equal("streams by time", with_events, ["object", "access", "two", "one"])
    pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=group, PaginationConfig={"PageSize": 2})
    rec.equal("streams in pages", [[s["logStreamName"] for s in p["logStreams"]] for p in pages],
              [["access", "empty"], ["object", "one"], ["two"]])


def reading(rec, logs, group, now):
    def search(**arguments):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, **arguments)
        return [e["message"] for p in pages for e in p["events"]]

    rec.call("filter one page", logs.filter_log_events, logGroupName=group, logStreamNames=["one"], filterPattern="ARGUMENTS")
    for pattern, want in TERM_PATTERNS.items():
        rec.equal(f"pattern {pattern}", search(logStreamNames=["one"], filterPattern=pattern), [TERMS[i] for i in want])
    rec.equal("a time range, both ends included", search(startTime=now - 3999, endTime=now - 3997), ["line 1", "line 2", "line 3"])
    rec.equal("streams by prefix", len(search(logStreamNamePrefix="t")), 25)
    rec.equal("streams by name", len(search(logStreamNames=["one", "access"])), 9)
    sizes = [len(p["events"]) for p in logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, logStreamNames=["two"], PaginationConfig={"PageSize": 10})]
    rec.equal("pages of ten", sizes, [10, 10, 5])
    invalid = "InvalidParameterException"
    rec.fails("names and a prefix", invalid, logs.filter_log_events, exception=invalid, logGroupName=group,
              logStreamNames=["one"], logStreamNamePrefix="t")
    rec.fails("filter an unknown stream", "ResourceNotFoundException", logs.filter_log_events,
              exception="ResourceNotFoundException", logGroupName=group, logStreamNames=["absent"])

    def get(step, **arguments):
        return rec.call(step, logs.get_log_events, logGroupName=group, logStreamName="two", **arguments)

    head = get("the first page from the head", startFromHead=True, limit=10)
    middle = get("the next page", startFromHead=True, limit=10, nextToken=head["nextForwardToken"])
    last = get("the last page", startFromHead=True, limit=10, nextToken=middle["nextForwardToken"])
    end = get("behind the end", startFromHead=True, limit=10, nextToken=last["nextForwardToken"])
    again = logs.get_log_events(logGroupName=group, logStreamName="two", startFromHead=True, nextToken=end["nextForwardToken"])
    rec.equal("the token repeats at the end", again["nextForwardToken"] == end["nextForwardToken"], True)
    back = get("a page back", limit=10, nextToken=last["nextBackwardToken"])
    rec.equal("which is the one before", [e["message"] for e in back["events"]], [f"line {i}" for i in range(10, 20)])
    tail = get("from the tail", limit=3)
    rec.equal("its last lines in order", [e["message"] for e in tail["events"]], ["line 22", "line 23", "line 24"])
    rec.fails("a bad token", invalid, logs.get_log_events, exception=invalid, logGroupName=group, logStreamName="two", nextToken="rubbish")


def patterns(rec, logs):
    """The patterns that moto does not know, with the same fixtures."""
    import time

    group, now = "/patterns", int(time.time() * 1000)
    logs.create_log_group(logGroupName=group)
    for stream, messages in {"terms": TERMS, "object": [OBJECT], "access": ACCESS}.items():
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": now, "message": m} for m in messages])

    def search(stream, pattern):
        answer = logs.filter_log_events(logGroupName=group, logStreamNames=[stream], filterPattern=pattern)
        return [e["message"] for e in answer["events"]]

    for pattern, want in REGEX_PATTERNS.items():
        rec.equal(f"pattern {pattern}", search("terms", pattern), [TERMS[i] for i in want])
    for pattern, want in OBJECT_PATTERNS.items():
        rec.equal(f"pattern {pattern}", search("object", pattern), [OBJECT] if want else [])
    for pattern, want in ACCESS_PATTERNS.items():
        rec.equal(f"pattern {pattern}", search("access", pattern), [ACCESS[i] for i in want])
    for pattern in ["{ $.a = }", "[a, b", "%(group)%", "%a space%", "a=b"]:
        rec.fails(f"pattern {pattern}", "InvalidParameterException", logs.filter_log_events, logGroupName=group, filterPattern=pattern)
