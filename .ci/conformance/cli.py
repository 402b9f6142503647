"""The AWS CLI, which is how people ask by hand: version 1, which is what PyPI has. It is
slow to start, so that calls which do not need one another run side by side."""

import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from lambdas import FUNCTION
from recorder import Recorder
from stage import message, until

AWS = os.path.join(os.path.dirname(sys.executable), "aws")


class Command:
    """The CLI against one endpoint."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.env = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_PAGER": ""}

    def run(self, *arguments):
        """Its exit code, what it printed (JSON where it is), and its complaint."""
        done = subprocess.run([AWS, "--endpoint-url", self.endpoint, "--output", "json", *arguments], env=self.env, capture_output=True, text=True, timeout=60)
        try:
            printed = json.loads(done.stdout) if done.stdout.strip() else {}
        except ValueError:
            printed = done.stdout
        return done.returncode, printed, done.stderr.strip()

    def each(self, *commands):
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(lambda c: self.run(*c), commands))


def scenario(rec: Recorder, logs):
    """What both endpoints are asked. logs is boto3's client, for what the CLI reads."""
    command = Command(rec.endpoint)
    url = f"{rec.endpoint}/000000000000/cli"

    def succeeds(step, done):
        code, printed, said = done
        rec.equal(step, (code, said), (0, ""))
        rec.note(step + ": the answer", printed)
        return printed if code == 0 else {}

    def code_of(done):
        """The error code in the CLI's words."""
        return done[2].partition("(")[2].partition(")")[0] if done[0] else "accepted"

    now = int(time.time() * 1000)
    logs.create_log_group(logGroupName="/cli")
    logs.create_log_stream(logGroupName="/cli", logStreamName="s")
    logs.put_log_events(logGroupName="/cli", logStreamName="s", logEvents=[{"timestamp": now - 2 + i, "message": f"line {i}"} for i in range(3)])
    made, events, filtered, mappings = command.each(
        ["sqs", "create-queue", "--queue-name", "cli", "--attributes", "VisibilityTimeout=9"],
        ["logs", "get-log-events", "--log-group-name", "/cli", "--log-stream-name", "s", "--query", "events[].message"],
        ["logs", "filter-log-events", "--log-group-name", "/cli", "--filter-pattern", '"line 2"', "--query", "events[].message"],
        ["lambda", "list-event-source-mappings", "--function-name", FUNCTION, "--query", "EventSourceMappings[].[State, BatchSize]"],
    )
    succeeds("sqs create-queue", made)
    rec.equal("logs get-log-events", events[1], ["line 0", "line 1", "line 2"])
    rec.equal("logs filter-log-events", filtered[1], ["line 2"])
    rec.equal("lambda list-event-source-mappings", mappings[1], [["Enabled", 10]])
    sent, function, who = command.each(
        ["sqs", "send-message", "--queue-url", url, "--message-body", "grüße", "--message-attributes", '{"a":{"DataType":"String","StringValue":"b"}}'],
        ["lambda", "get-function-configuration", "--function-name", FUNCTION, "--query", "[Handler, Timeout]"],
        ["sts", "get-caller-identity", "--query", "Account"],
    )
    succeeds("sqs send-message", sent)
    rec.equal("lambda get-function-configuration", function[1], ["worker.echo", 10])
    rec.equal("sts get-caller-identity", who[1], "000000000000")
    got = succeeds("sqs receive-message", command.run("sqs", "receive-message", "--queue-url", url, "--message-attribute-names", "All"))
    rec.equal("what was sent", [m["Body"] for m in got.get("Messages", [])], ["grüße"])
    wrong = {
        "AWS.SimpleQueueService.NonExistentQueue": ["sqs", "get-queue-url", "--queue-name", "absent"],
        "InvalidParameterValue": ["sqs", "receive-message", "--queue-url", url, "--max-number-of-messages", "11"],
        "ResourceNotFoundException": ["logs", "filter-log-events", "--log-group-name", "/absent"],
        "ResourceNotFoundException (lambda)": ["lambda", "get-function", "--function-name", "absent"],
    }
    for want, done in zip(wrong, command.each(*wrong.values())):
        rec.equal(f"the error {want}", code_of(done), want.partition(" ")[0])


def stage(rec):
    """The commands of the README, and what only a stage that runs can answer."""
    command = Command(rec.endpoint)
    url = f"{rec.endpoint}/000000000000/aiw-echo-demo"
    query = {"Id": "m", "MetricStat": {"Metric": {"Namespace": "AWS/SQS", "MetricName": "ApproximateAgeOfOldestMessage",
                                                  "Dimensions": [{"Name": "QueueName", "Value": "aiw-echo-demo"}]}, "Period": 60, "Stat": "Maximum"}}
    now = int(time.time())
    event = {"Records": [{"messageId": "m-1", "receiptHandle": "h", "body": message("echo", "conf-invoked", text="hi"), "attributes": {"ApproximateReceiveCount": "1"},
                          "messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:aiw-echo-demo", "awsRegion": "us-east-1"}]}
    with tempfile.TemporaryDirectory() as place:
        payload, answer = pathlib.Path(place, "payload.json"), pathlib.Path(place, "answer.json")
        payload.write_text(json.dumps(event))
        listed, sent, measured, invoked = command.each(
            ["sqs", "list-queues", "--queue-name-prefix", "aiw-echo"],
            ["sqs", "send-message", "--queue-url", url, "--message-body", message("echo", "conf-cli", text="from the CLI")],
            ["cloudwatch", "get-metric-data", "--metric-data-queries", json.dumps([query]), "--start-time", str(now - 600), "--end-time", str(now + 60)],
            ["lambda", "invoke", "--function-name", FUNCTION, "--log-type", "Tail", "--payload", f"file://{payload}", str(answer)],
        )
        rec.equal("lambda invoke", (invoked[0], invoked[2], json.loads(answer.read_text() or "null")), (0, "", {"batchItemFailures": []}))
    rec.equal("its log's tail", "conf-invoked" in base64.b64decode((invoked[1] or {}).get("LogResult", "")).decode(), True)
    rec.equal("sqs list-queues", (listed[0], [u.rsplit("/", 1)[1] for u in listed[1].get("QueueUrls", [])], listed[2]), (0, ["aiw-echo-demo", "aiw-echo-dlq-demo"], ""))
    rec.equal("sqs send-message", (sent[0], sent[2], "MessageId" in sent[1]), (0, "", True))
    rec.equal("cloudwatch get-metric-data", (measured[0], measured[2], [r["StatusCode"] for r in measured[1].get("MetricDataResults", [])]), (0, "", ["Complete"]))

    def found():
        code, answer, said = command.run("logs", "filter-log-events", "--log-group-name", "/aws/lambda/" + FUNCTION,
                                         "--filter-pattern", '{ $.jobId = "conf-cli" && $.event = "job.completed" }')
        return (code, said) != (0, "") or [e["message"] for e in answer["events"]]

    rec.equal("logs filter-log-events", "job.completed" in str(until(found)), True)
