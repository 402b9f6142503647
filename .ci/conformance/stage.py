"""What only a stage that runs has: functions that are invoked, queues that feed them,
message move tasks, and metrics. AWS's documentation is the judge here: moto runs no
functions and moves no messages."""

import base64
import json
import time

from sqs import arn, bodies, count, make

FUNCTION = "aiw-demo-workerEcho"


def until(condition, seconds=20):
    """Polls a condition; what it last was."""
    deadline = time.monotonic() + seconds
    while not (result := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return result


def message(worker, job, **job_input):
    return json.dumps({"workerId": worker, "jobId": job, "input": job_input, "context": {}, "metadata": {}})


def worker_queue(sqs, worker):
    return sqs.get_queue_url(QueueName=f"aiw-{worker}-demo")["QueueUrl"]


def messages_of(logs, worker, pattern):
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/aiw-demo-worker{worker}", filterPattern=pattern)
    return [e["message"] for p in pages for e in p["events"]]


def move_tasks(rec, sqs):
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html"""
    dlq = make(sqs, "move-dlq")
    url = make(sqs, "move", RedrivePolicy=json.dumps({"deadLetterTargetArn": arn("move-dlq"), "maxReceiveCount": 1}))
    other = make(sqs, "move-other")

    def bury(n):
        for i in range(n):
            sqs.send_message(QueueUrl=url, MessageBody=f"dead {i}")
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)

    def tasks():
        return sqs.list_message_move_tasks(SourceArn=arn("move-dlq"), MaxResults=10)["Results"]

    def done():
        return tasks()[0]["Status"] != "RUNNING" and tasks()[0]["Status"]

    bury(4)
    rec.equal("buried", count(sqs, dlq), [4, 0, 0])
    rec.call("no tasks yet", sqs.list_message_move_tasks, SourceArn=arn("move-dlq"))
    rec.call("move them back", sqs.start_message_move_task, SourceArn=arn("move-dlq"))
    rec.equal("the task completes", until(done), "COMPLETED")
    rec.equal("they are where they came from", (count(sqs, dlq), count(sqs, url)), ([0, 0, 0], [4, 0, 0]))
    task = tasks()[0]
    rec.equal("what the task did", (task["ApproximateNumberOfMessagesMoved"], task["ApproximateNumberOfMessagesToMove"], "TaskHandle" in task), (4, 4, False))
    moved = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, AttributeNames=["All"])["Messages"]
    rec.equal("their counts begin anew", {m["Attributes"]["ApproximateReceiveCount"] for m in moved}, {"1"})
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)

    started = rec.call("move slowly to another queue", sqs.start_message_move_task, SourceArn=arn("move-dlq"),
                       DestinationArn=arn("move-other"), MaxNumberOfMessagesPerSecond=1)
    rec.fails("two tasks at once", "InvalidParameterValue", sqs.start_message_move_task, SourceArn=arn("move-dlq"))
    rec.call("cancel", sqs.cancel_message_move_task, TaskHandle=started["TaskHandle"])
    rec.equal("it is cancelled", until(lambda: tasks()[0]["Status"] == "CANCELLED"), True)
    rec.equal("none is lost", count(sqs, dlq)[0] + count(sqs, other)[0], 4)
    rec.fails("cancel again", "AWS.SimpleQueueService.UnsupportedOperation", sqs.cancel_message_move_task,
              exception="UnsupportedOperation", TaskHandle=started["TaskHandle"])
    rec.fails("cancel rubbish", "InvalidParameterValue", sqs.cancel_message_move_task, TaskHandle="rubbish")
    rec.fails("tasks of no queue", "ResourceNotFoundException", sqs.list_message_move_tasks,
              exception="ResourceNotFoundException", SourceArn=arn("absent"))
    rec.fails("tasks of what is no ARN", "InvalidParameterValue", sqs.list_message_move_tasks, SourceArn="rubbish")
    rec.fails("eleven tasks", "InvalidParameterValue", sqs.list_message_move_tasks, SourceArn=arn("move-dlq"), MaxResults=11)
    rec.fails("501 messages a second", "InvalidParameterValue", sqs.start_message_move_task, SourceArn=arn("move-dlq"), MaxNumberOfMessagesPerSecond=501)
    rec.fails("move to no queue", "ResourceNotFoundException", sqs.start_message_move_task,
              exception="ResourceNotFoundException", SourceArn=arn("move-dlq"), DestinationArn=arn("absent"))
    rec.fails("move from no queue", "ResourceNotFoundException", sqs.start_message_move_task,
              exception="ResourceNotFoundException", SourceArn=arn("absent"))
    rec.fails("move from no dead-letter queue", "InvalidParameterValue", sqs.start_message_move_task, SourceArn=arn("move"))


def live_tail(rec, logs, unchecked):
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartLiveTail.html"""
    name = "arn:aws:logs:us-east-1:000000000000:log-group:/live"
    logs.create_log_group(logGroupName="/live")
    logs.create_log_stream(logGroupName="/live", logStreamName="s")
    stream = logs.start_live_tail(logGroupIdentifiers=[name], logEventFilterPattern="ERROR")["responseStream"]
    kinds, seen = [], []
    for event in stream:
        kinds += [kind for kind in event if kind not in kinds]
        if "sessionStart" in event:
            logs.put_log_events(logGroupName="/live", logStreamName="s", logEvents=[
                {"timestamp": int(time.time() * 1000), "message": m} for m in ["ERROR one", "fine", "ERROR two"]])
        seen += [e["message"] for e in event.get("sessionUpdate", {}).get("sessionResults", [])]
        if len(seen) >= 2:
            break
    stream.close()
    rec.equal("a live tail begins, then tells", kinds, ["sessionStart", "sessionUpdate"])
    rec.equal("what it tells", seen, ["ERROR one", "ERROR two"])
    for step, code, arguments in [
        ("a live tail of no group", "ResourceNotFoundException", {"logGroupIdentifiers": [name + "-absent"]}),
        ("of eleven groups", "InvalidParameterException", {"logGroupIdentifiers": [f"{name}-{i}" for i in range(11)]}),
        ("of no groups", "InvalidParameterException", {"logGroupIdentifiers": []}),
        ("with a bad pattern", "InvalidParameterException", {"logGroupIdentifiers": [name], "logEventFilterPattern": "{ $.a = }"}),
    ]:
        rec.fails(step, code, unchecked.start_live_tail, exception=code, **arguments)


def functions(rec, lam):
    listed = [f["FunctionName"] for f in lam.list_functions()["Functions"]]
    rec.equal("functions of the stage", listed, [
        "aiw-demo-api", "aiw-demo-workerDigest", "aiw-demo-workerEcho", "aiw-demo-workerFail", "aiw-demo-workerFlaky",
        "aiw-demo-workerPublish", "aiw-demo-workerSlow", "aiw-demo-workerSummarize", "aiw-demo-workerTimeout",
        "aiw-demo-workerVideoProcessing"])
    pages = lam.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 3})
    rec.equal("functions in pages", [len(p["Functions"]) for p in pages], [3, 3, 3, 1])
    got = lam.get_function(FunctionName=FUNCTION)["Configuration"]
    same = lam.get_function_configuration(FunctionName=got["FunctionArn"])
    rec.equal("by name and by ARN", (got["FunctionName"], got["Timeout"], got["MemorySize"], got["State"], got["Handler"]),
              (same["FunctionName"], 10, 128, "Active", "worker.echo"))
    absent = "ResourceNotFoundException"
    for operation in ["get_function", "get_function_configuration", "invoke"]:
        rec.fails(operation + " of no function", absent, getattr(lam, operation), exception=absent, FunctionName="absent")

    def record(body):
        return {"Records": [{"messageId": "m-1", "receiptHandle": "h", "body": body, "attributes": {"ApproximateReceiveCount": "1"},
                             "messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": arn("aiw-echo-demo"), "awsRegion": "us-east-1"}]}

    answer = lam.invoke(FunctionName=FUNCTION, LogType="Tail", Payload=json.dumps(record(message("echo", "conf-1", text="hi"))))
    rec.equal("invoke", (answer["StatusCode"], "FunctionError" in answer, json.load(answer["Payload"]).get("batchItemFailures") or []), (200, False, []))
    tail = base64.b64decode(answer["LogResult"]).decode()
    rec.equal("the log's tail", [w in tail for w in ["START RequestId: ", "conf-1", "END RequestId: ", "REPORT RequestId: "]], [True] * 4)
    answer = lam.invoke(FunctionName=FUNCTION, Payload=json.dumps(record("not json")))
    rec.equal("a job that cannot be read fails alone", json.load(answer["Payload"]), {"batchItemFailures": [{"itemIdentifier": "m-1"}]})
    answer = lam.invoke(FunctionName="aiw-demo-api", Payload=json.dumps({"httpMethod": "GET", "path": "/docs.json", "requestContext": {"stage": "demo"}}))
    rec.equal("the workers API is a function", json.load(answer["Payload"])["statusCode"], 200)
    rec.fails("a payload that is not JSON", "InvalidRequestContentException", lam.invoke,
              exception="InvalidRequestContentException", FunctionName=FUNCTION, Payload=b"{")
    rec.equal("a dry run", lam.invoke(FunctionName=FUNCTION, InvocationType="DryRun")["StatusCode"], 204)
    rec.equal("in the background", lam.invoke(FunctionName=FUNCTION, InvocationType="Event", Payload=json.dumps(record(message("echo", "conf-2", text="hi"))))["StatusCode"], 202)


def mappings(rec, lam, sqs, logs):
    rec.equal("it ran", len(until(lambda: messages_of(logs, "Echo", '{ $.jobId = "conf-2" && $.event = "job.completed" }'))) > 0, True)
    every = lam.list_event_source_mappings()["EventSourceMappings"]
    rec.equal("one mapping for each worker", len(every), 9)
    pages = lam.get_paginator("list_event_source_mappings").paginate(PaginationConfig={"PageSize": 4})
    rec.equal("mappings in pages", [len(p["EventSourceMappings"]) for p in pages], [4, 4, 1])
    one = lam.list_event_source_mappings(EventSourceArn=arn("aiw-echo-demo"))["EventSourceMappings"]
    rec.equal("by queue", [(m["FunctionArn"].rsplit(":", 1)[1], m["BatchSize"], m["FunctionResponseTypes"], m["State"]) for m in one],
              [(FUNCTION, 10, ["ReportBatchItemFailures"], "Enabled")])
    rec.equal("by function", [m["UUID"] for m in lam.list_event_source_mappings(FunctionName=FUNCTION)["EventSourceMappings"]], [one[0]["UUID"]])
    uuid = one[0]["UUID"]
    absent = "ResourceNotFoundException"
    unknown = "00000000-0000-4000-8000-000000000000"
    rec.fails("get no mapping", absent, lam.get_event_source_mapping, exception=absent, UUID=unknown)
    rec.fails("update no mapping", absent, lam.update_event_source_mapping, exception=absent, UUID=unknown, Enabled=False)
    rec.fails("a batch of 10001", "InvalidParameterValueException", lam.update_event_source_mapping,
              exception="InvalidParameterValueException", UUID=uuid, BatchSize=10001)
    rec.fails("a batch of 11 without a window", "InvalidParameterValueException", lam.update_event_source_mapping,
              exception="InvalidParameterValueException", UUID=uuid, BatchSize=11)

    def state():
        return lam.get_event_source_mapping(UUID=uuid)["State"]

    def completed():
        return messages_of(logs, "Echo", '{ $.jobId = "conf-paused" && $.event = "job.completed" }')

    url = worker_queue(sqs, "echo")
    rec.equal("disable answers", lam.update_event_source_mapping(UUID=uuid, Enabled=False)["State"] in ("Disabling", "Disabled"), True)
    rec.equal("it is disabled", until(lambda: state() == "Disabled"), True)
    sqs.send_message(QueueUrl=url, MessageBody=message("echo", "conf-paused", text="hi"))
    time.sleep(1.5)
    rec.equal("nothing is delivered", (count(sqs, url), completed()), ([1, 0, 0], []))
    lam.update_event_source_mapping(UUID=uuid, Enabled=True)
    rec.equal("it is enabled", until(lambda: state() == "Enabled"), True)
    rec.equal("then it is delivered", len(until(completed)), 1)
    rec.equal("and deleted", until(lambda: count(sqs, url) == [0, 0, 0]), True)


def failing(rec, sqs, logs):
    """A job that fails every time runs exactly maxReceiveCount times. Its message
    comes back when the worker's backoff (a second) is over: not before, and not as
    late as the queue's visibility timeout would have it."""
    url, dlq = worker_queue(sqs, "fail"), worker_queue(sqs, "fail-dlq")
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"])
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "60"})
    start = time.monotonic()
    sqs.send_message(QueueUrl=url, MessageBody=message("fail", "conf-fails", order=1))
    rec.equal("the message gets to the dead-letter queue", until(lambda: count(sqs, dlq) == [1, 0, 0]), True)
    took = time.monotonic() - start
    most = int(policy["maxReceiveCount"])
    rec.equal("after that many backoffs", most - 1 <= took < 30, True)
    runs = until(lambda: messages_of(logs, "Fail", '"[AIWORKER_RUN]" "conf-fails"'))
    rec.equal("it ran exactly maxReceiveCount times", len(runs), most)
    dead = sqs.receive_message(QueueUrl=dlq, AttributeNames=["All"])["Messages"][0]
    rec.equal("the dead letter says so", (dead["Attributes"]["ApproximateReceiveCount"], dead["Attributes"]["DeadLetterQueueSourceArn"]),
              (str(most + 1), arn("aiw-fail-demo")))


def metrics(rec, sqs, cloudwatch):
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html and the SQS developer
    guide's "Available CloudWatch metrics for Amazon SQS". Newest first; the minute may end meanwhile."""
    url = make(sqs, "measured")
    for i in range(3):
        sqs.send_message(QueueUrl=url, MessageBody=f"{i}")
    sqs.receive_message(QueueUrl=url)

    def ask(name, queue="measured", **query):
        stat = {"Metric": {"Namespace": "AWS/SQS", "MetricName": name, "Dimensions": [{"Name": "QueueName", "Value": queue}]},
                "Period": 60, "Stat": "Maximum"}
        return {"Id": "m", "MetricStat": stat, **query}

    def get(*queries):
        now = time.time()
        return cloudwatch.get_metric_data(MetricDataQueries=list(queries), StartTime=now - 600, EndTime=now + 60)

    for name, want in [("Visible", 2), ("NotVisible", 1), ("Delayed", 0)]:
        answer = get(ask(f"ApproximateNumberOfMessages{name}"))["MetricDataResults"][0]
        rec.equal(f"messages: {name}", (answer["Values"][:1], answer["StatusCode"], answer["Label"]), ([want], "Complete", f"ApproximateNumberOfMessages{name}"))
    answer = get(ask("ApproximateAgeOfOldestMessage"))["MetricDataResults"][0]
    rec.equal("the age of the oldest message", 0 <= answer["Values"][0] < 60, True)
    rec.equal("a datapoint of this minute or the one before", time.time() // 60 - answer["Timestamps"][0].timestamp() / 60 in (0, 1), True)
    rec.equal("a queue that is not there", get(ask("ApproximateAgeOfOldestMessage", "absent"))["MetricDataResults"][0]["Values"], [])
    rec.equal("two at once", [r["Id"] for r in get(ask("ApproximateAgeOfOldestMessage"), ask("NumberOfMessagesSent", Id="n"))["MetricDataResults"]], ["m", "n"])
    rec.fails("an id twice", "ValidationError", lambda **_: get(ask("x"), ask("x")))
    rec.fails("a bad id", "ValidationError", lambda **_: get(ask("x", Id="1")))
