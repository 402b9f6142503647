"""Lambda, as its API reference describes it, as far as a console reads and writes it:
functions, and the event source mappings between them and queues. What runs functions
is in stage.py: moto wants Docker for it."""

import io
import json
import zipfile

from sqs import arn, make

FUNCTION, QUEUE = "aiw-demo-workerEcho", "aiw-echo-demo"
ROLE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def deploy(lam, iam, sqs):
    """Gives the judge a worker as the demo has it. Nothing is sent to its queue."""
    role = iam.create_role(RoleName="conformance", AssumeRolePolicyDocument=json.dumps(ROLE))["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("bootstrap", "#!/bin/sh\n")
    lam.create_function(FunctionName=FUNCTION, Runtime="provided.al2023", Handler="worker.echo", Timeout=10, MemorySize=128, Role=role,
                        Code={"ZipFile": code.getvalue()}, Environment={"Variables": {"STAGE": "demo"}})
    make(sqs, QUEUE, VisibilityTimeout="60")
    lam.create_event_source_mapping(FunctionName=FUNCTION, EventSourceArn=arn(QUEUE), BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"])


def scenario(rec, lam, unchecked):
    """unchecked is a client that sends what botocore would refuse."""
    functions(rec, lam, unchecked)
    tags(rec, lam, unchecked)
    mappings(rec, lam, unchecked)


def functions(rec, lam, unchecked):
    absent = "ResourceNotFoundException"
    fields = ["FunctionName", "FunctionArn", "Runtime", "Handler", "Timeout", "MemorySize", "Version", "State", "LastUpdateStatus",
              "PackageType", "Architectures", "EphemeralStorage", "LoggingConfig", "TracingConfig"]

    def chosen(configuration):
        return {name: configuration.get(name) for name in fields}

    got = lam.get_function(FunctionName=FUNCTION)
    rec.equal("a function's configuration", chosen(got["Configuration"]), {
        "FunctionName": FUNCTION, "FunctionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{FUNCTION}", "Runtime": "provided.al2023",
        "Handler": "worker.echo", "Timeout": 10, "MemorySize": 128, "Version": "$LATEST", "State": "Active", "LastUpdateStatus": "Successful",
        "PackageType": "Zip", "Architectures": got["Configuration"]["Architectures"], "EphemeralStorage": {"Size": 512},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{FUNCTION}"}, "TracingConfig": {"Mode": "PassThrough"},
    })
    rec.equal("its stage", got["Configuration"]["Environment"]["Variables"]["STAGE"], "demo")
    rec.equal("its code has a size, a sum and a place", [bool(got["Configuration"]["CodeSize"]), bool(got["Configuration"]["CodeSha256"]), bool(got["Code"]["Location"])], [True] * 3)
    for step, name in {"name": FUNCTION, "ARN": got["Configuration"]["FunctionArn"], "partial ARN": f"000000000000:function:{FUNCTION}"}.items():
        rec.holds(f"a function by {step}", lambda name=name: chosen(lam.get_function_configuration(FunctionName=name)) == chosen(got["Configuration"]), True)
    for operation in ["get_function", "get_function_configuration"]:
        rec.fails(f"{operation} of no function", absent, getattr(lam, operation), exception=absent, FunctionName="absent")
        rec.fails(f"{operation} of no version", absent, getattr(lam, operation), exception=absent, FunctionName=FUNCTION, Qualifier="7")
        rec.fails(f"{operation} of a bad name", "ValidationException", getattr(unchecked, operation), FunctionName="a b")
    listed = [f for p in lam.get_paginator("list_functions").paginate() for f in p["Functions"]]
    rec.equal("it is listed", [f["FunctionName"] for f in listed if f["FunctionName"] == FUNCTION], [FUNCTION])
    rec.fails("a page of no functions", "ValidationException", unchecked.list_functions, MaxItems=0)
    rec.fails("a page of too many functions", "ValidationException", unchecked.list_functions, MaxItems=10001)
    rec.fails("a list of an unknown version", "ValidationException", unchecked.list_functions, FunctionVersion="SOME")


def tags(rec, lam, unchecked):
    """Tags, and the concurrency that is reserved for a function."""
    name = lam.get_function(FunctionName=FUNCTION)["Configuration"]["FunctionArn"]
    rec.call("tag a function", lam.tag_resource, Resource=name, Tags={"team": "jobs", "x": "y"})
    rec.call("untag a function", lam.untag_resource, Resource=name, TagKeys=["x", "unknown"])
    kept = lam.list_tags(Resource=name)["Tags"]
    rec.equal("a function's tags", (kept.get("team"), "x" in kept), ("jobs", False))
    absent = "ResourceNotFoundException"
    rec.fails("tag no function", absent, lam.tag_resource, exception=absent, Resource=name + "-absent", Tags={"a": "b"})
    rec.fails("untag no function", absent, lam.untag_resource, exception=absent, Resource=name + "-absent", TagKeys=["a"])
    rec.fails("tags of no function", absent, lam.list_tags, exception=absent, Resource=name + "-absent")
    rec.fails("51 tags", "InvalidParameterValueException", lam.tag_resource, exception="InvalidParameterValueException", Resource=name,
              Tags={f"k{i}": "v" for i in range(51)})
    rec.equal("nothing is reserved", lam.get_function_concurrency(FunctionName=FUNCTION).get("ReservedConcurrentExecutions"), None)
    rec.fails("the concurrency of no function", absent, lam.get_function_concurrency, exception=absent, FunctionName="absent")


def mappings(rec, lam, unchecked):
    absent, invalid, unknown = "ResourceNotFoundException", "InvalidParameterValueException", "00000000-0000-4000-8000-000000000000"
    by_queue = rec.call("mappings of a queue", lam.list_event_source_mappings, EventSourceArn=arn(QUEUE))
    uuid = by_queue["EventSourceMappings"][0]["UUID"]

    def uuids(**by):
        return [m["UUID"] for m in lam.list_event_source_mappings(**by)["EventSourceMappings"]] == [uuid]

    rec.holds("mappings of a function", lambda: uuids(FunctionName=FUNCTION), True)
    rec.holds("mappings of a function's ARN", lambda: uuids(FunctionName=by_queue["EventSourceMappings"][0]["FunctionArn"]), True)
    rec.holds("mappings of a function and a queue", lambda: uuids(FunctionName=FUNCTION, EventSourceArn=arn(QUEUE)), True)
    rec.holds("mappings of a queue that has none", lambda: lam.list_event_source_mappings(EventSourceArn=arn("without-mappings"))["EventSourceMappings"], [])
    rec.fails("mappings of no function", absent, lam.list_event_source_mappings, exception=absent, FunctionName="absent")
    rec.fails("a page of no mappings", "ValidationException", unchecked.list_event_source_mappings, MaxItems=0)
    rec.call("get a mapping", lam.get_event_source_mapping, UUID=uuid)
    rec.fails("get no mapping", absent, lam.get_event_source_mapping, exception=absent, UUID=unknown)
    rec.fails("update no mapping", absent, lam.update_event_source_mapping, exception=absent, UUID=unknown, Enabled=False)
    for step, change in {
        "a batch of 0": {"BatchSize": 0},
        "a batch of 10001": {"BatchSize": 10001},
        "a batch of 11 without a window": {"BatchSize": 11},
        "a window of 301 s": {"MaximumBatchingWindowInSeconds": 301},
        "a concurrency of 1": {"ScalingConfig": {"MaximumConcurrency": 1}},
        "a concurrency of 1001": {"ScalingConfig": {"MaximumConcurrency": 1001}},
        "an unknown response type": {"FunctionResponseTypes": ["Everything"]},
    }.items():
        rec.fails(step, invalid, unchecked.update_event_source_mapping, UUID=uuid, **change)
    rec.fails("a mapping to no function", absent, lam.update_event_source_mapping, exception=absent, UUID=uuid, FunctionName="absent")
    rec.call("change a mapping", lam.update_event_source_mapping, UUID=uuid, BatchSize=20, MaximumBatchingWindowInSeconds=2,
             ScalingConfig={"MaximumConcurrency": 7}, FunctionResponseTypes=[])
    changed = lam.get_event_source_mapping(UUID=uuid)
    rec.equal("it is changed", [changed.get(k) for k in ["BatchSize", "MaximumBatchingWindowInSeconds", "ScalingConfig", "FunctionResponseTypes"]],
              [20, 2, {"MaximumConcurrency": 7}, []])
    rec.call("change it back", lam.update_event_source_mapping, UUID=uuid, BatchSize=10, MaximumBatchingWindowInSeconds=0,
             ScalingConfig={}, FunctionResponseTypes=["ReportBatchItemFailures"])
