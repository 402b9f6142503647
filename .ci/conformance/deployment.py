"""What a deployment asks for: S3, Systems Manager's parameters, Secrets Manager, and CloudFormation. Of stacks, what moto
answers as well is here; what only stacks that change in the background have is in `changing`, which is not put to it."""

import io
import json
import time
import zipfile

BUCKET = "conformance-artifacts"


def until(condition, seconds=20):
    """Polls a condition; what it last was."""
    deadline = time.monotonic() + seconds
    while not (result := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return result


def objects(rec, s3, unchecked):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/"""
    def status(operation, **arguments):
        return lambda: operation(**arguments)["ResponseMetadata"]["HTTPStatusCode"]

    absent = {"Bucket": "conformance-absent"}
    here = {"Bucket": BUCKET}
    rec.holds("make a bucket", status(s3.create_bucket, **here), 200)
    rec.holds("make it again", status(s3.create_bucket, **here), 200)  # us-east-1
    rec.fails("make one of a bad name", "InvalidBucketName", unchecked.create_bucket, Bucket="Bad_Name")
    rec.holds("is it there", status(s3.head_bucket, **here), 200)
    rec.fails("is another", "404", s3.head_bucket, **absent)
    rec.call("where is it", s3.get_bucket_location, **here)
    rec.fails("where is another", "NoSuchBucket", s3.get_bucket_location, exception="NoSuchBucket", **absent)
    block = {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}}
    rec.fails("no public access block yet", "NoSuchPublicAccessBlockConfiguration", s3.get_public_access_block, **here)
    rec.call("block public access", s3.put_public_access_block, **here, **block)
    rec.fails("block that of another", "NoSuchBucket", s3.put_public_access_block, exception="NoSuchBucket", **absent, **block)
    rec.call("is it blocked", s3.get_public_access_block, **here)
    rec.fails("no tags yet", "NoSuchTagSet", s3.get_bucket_tagging, **here)
    rec.call("tag it", s3.put_bucket_tagging, **here, Tagging={"TagSet": [{"Key": "owner", "Value": "ops"}]})
    rec.fails("tag another", "NoSuchBucket", s3.put_bucket_tagging, exception="NoSuchBucket", **absent, Tagging={"TagSet": []})
    rec.call("its tags", s3.get_bucket_tagging, **here)

    rec.holds("put an object", lambda: s3.put_object(**here, Key="a/b c.txt", Body=b"hello", Metadata={"made": "here"})["ETag"], '"5d41402abc4b2a76b9719d911017c592"')
    rec.fails("put one nowhere", "NoSuchBucket", s3.put_object, exception="NoSuchBucket", **absent, Key="k", Body=b"x")
    rec.fails("put what is not what it says", "BadDigest", s3.put_object, **here, Key="k", Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    s3.delete_object(**here, Key="k")
    rec.holds("get it", lambda: s3.get_object(**here, Key="a/b c.txt")["Body"].read(), b"hello")
    rec.fails("get none", "NoSuchKey", s3.get_object, exception="NoSuchKey", **here, Key="absent")
    rec.holds("its head", lambda: [s3.head_object(**here, Key="a/b c.txt")[k] for k in ("ContentLength", "Metadata", "ContentType")], [5, {"made": "here"}, "binary/octet-stream"])
    rec.fails("the head of none", "404", s3.head_object, **here, Key="absent")
    for key in ("a/1", "a/2", "b"):
        s3.put_object(**here, Key=key, Body=b"x")
    rec.holds("list what is below", lambda: [o["Key"] for o in s3.list_objects_v2(**here, Prefix="a/")["Contents"]], ["a/1", "a/2", "a/b c.txt"])
    pages = s3.get_paginator("list_objects_v2").paginate(**here, PaginationConfig={"PageSize": 3})
    rec.holds("list in pages", lambda: [len(p["Contents"]) for p in pages], [3, 1])
    rec.fails("list nothing", "NoSuchBucket", s3.list_objects_v2, exception="NoSuchBucket", **absent)
    rec.call("delete one", s3.delete_object, **here, Key="b")
    rec.fails("delete one of nothing", "NoSuchBucket", s3.delete_object, exception="NoSuchBucket", **absent, Key="b")
    rec.fails("delete a bucket that is not empty", "BucketNotEmpty", s3.delete_bucket, **here)
    rec.holds("delete several", lambda: sorted(d["Key"] for d in s3.delete_objects(**here, Delete={"Objects": [{"Key": k} for k in ("a/1", "a/2", "a/b c.txt", "never")]})["Deleted"]),
              ["a/1", "a/2", "a/b c.txt", "never"])
    rec.fails("delete several of nothing", "NoSuchBucket", s3.delete_objects, exception="NoSuchBucket", **absent, Delete={"Objects": [{"Key": "k"}]})
    rec.holds("delete the bucket", status(s3.delete_bucket, **here), 204)


def secrets(rec, ssm, manager, unchecked):
    """https://docs.aws.amazon.com/systems-manager/latest/APIReference/ and https://docs.aws.amazon.com/secretsmanager/latest/apireference/"""
    name = "/conformance/demo/KEY"

    def value(**by):
        return lambda: [ssm.get_parameter(**{"Name": name, **by})["Parameter"][k] for k in ("Name", "Type", "Value", "Version", "ARN")]

    rec.holds("put a parameter", lambda: ssm.put_parameter(Name=name, Value="one", Type="SecureString", Tags=[{"Key": "STAGE", "Value": "demo"}])["Version"], 1)
    rec.fails("put it again", "ParameterAlreadyExists", ssm.put_parameter, exception="ParameterAlreadyExists", Name=name, Value="two", Type="SecureString")
    rec.holds("put over it", lambda: ssm.put_parameter(Name=name, Value="two", Type="SecureString", Overwrite=True)["Version"], 2)
    rec.fails("put over it with tags", "ValidationException", ssm.put_parameter, Name=name, Value="two", Type="SecureString", Overwrite=True, Tags=[{"Key": "a", "Value": "b"}])
    rec.fails("put one that begins with aws", "AccessDeniedException", ssm.put_parameter, exception="AccessDeniedException", Name="/aws/key", Value="x", Type="String")
    rec.holds("get it decrypted", value(WithDecryption=True), [name, "SecureString", "two", 2, "arn:aws:ssm:us-east-1:000000000000:parameter" + name])
    rec.holds("get it as it is stored", lambda: "two" == value()()[2], False)
    rec.fails("get none", "ParameterNotFound", ssm.get_parameter, exception="ParameterNotFound", Name="/conformance/absent")
    both = [name, "/conformance/absent"]
    rec.holds("get several", lambda: (a := ssm.get_parameters(Names=both)) and [[p["Name"] for p in a["Parameters"]], a["InvalidParameters"]], [[name], ["/conformance/absent"]])
    rec.fails("get eleven", "ValidationException", unchecked.get_parameters, Names=[f"/conformance/{i}" for i in range(11)])
    rec.holds("below a path", lambda: [p["Name"] for p in ssm.get_parameters_by_path(Path="/conformance", Recursive=True)["Parameters"]], [name])
    rec.holds("right below it", lambda: ssm.get_parameters_by_path(Path="/conformance")["Parameters"], [])
    rec.fails("below what is no path", "ValidationException", ssm.get_parameters_by_path, Path="conformance")
    tag = {"ResourceType": "Parameter", "Tags": [{"Key": "owner", "Value": "ops"}]}
    rec.call("tag it", ssm.add_tags_to_resource, ResourceId=name, **tag)
    rec.fails("tag none", "InvalidResourceId", ssm.add_tags_to_resource, exception="InvalidResourceId", ResourceId="/conformance/absent", **tag)
    rec.holds("its tags", lambda: sorted(t["Key"] for t in ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]), ["STAGE", "owner"])
    rec.fails("the tags of none", "InvalidResourceId", ssm.list_tags_for_resource, exception="InvalidResourceId", ResourceType="Parameter", ResourceId="/conformance/absent")
    rec.call("delete it", ssm.delete_parameter, Name=name)
    rec.fails("delete it again", "ParameterNotFound", ssm.delete_parameter, exception="ParameterNotFound", Name=name)

    rec.holds("make a secret", lambda: manager.create_secret(Name="conformance", SecretString="one")["Name"], "conformance")
    rec.fails("make it again, too", "ResourceExistsException", manager.create_secret, exception="ResourceExistsException", Name="conformance", SecretString="x")
    rec.holds("put another value", lambda: manager.put_secret_value(SecretId="conformance", SecretString="two")["VersionStages"], ["AWSCURRENT"])
    rec.fails("put a value into none", "ResourceNotFoundException", manager.put_secret_value, exception="ResourceNotFoundException", SecretId="absent", SecretString="x")
    rec.holds("its value", lambda: manager.get_secret_value(SecretId="conformance")["SecretString"], "two")
    rec.holds("the value before", lambda: manager.get_secret_value(SecretId="conformance", VersionStage="AWSPREVIOUS")["SecretString"], "one")
    rec.fails("the value of none", "ResourceNotFoundException", manager.get_secret_value, exception="ResourceNotFoundException", SecretId="absent")


def template(**queues):
    return json.dumps({
        "AWSTemplateFormatVersion": "2010-09-09", "Description": "conformance",
        "Resources": {name: {"Type": "AWS::SQS::Queue", "Properties": properties} for name, properties in queues.items()},
        "Outputs": {name: {"Value": {"Fn::GetAtt": [name, "Arn"]}} for name in queues},
    })


def settled(cfn, name):
    """What becomes of a stack in the end."""
    return until(lambda: (s := cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]).endswith("_IN_PROGRESS") is False and s)


def stacks(rec, cfn, unchecked):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/"""
    name, first, second = "conformance", template(A={"QueueName": "cfn-a"}), template(A={"QueueName": "cfn-a", "VisibilityTimeout": 60}, B={"QueueName": "cfn-b"})

    def change_set(set_name, kind, body):
        cfn.create_change_set(StackName=name, ChangeSetName=set_name, ChangeSetType=kind, TemplateBody=body)
        return until(lambda: (s := cfn.describe_change_set(StackName=name, ChangeSetName=set_name)["Status"]) in ("CREATE_COMPLETE", "FAILED") and s)

    def changes(set_name):
        described = cfn.describe_change_set(StackName=name, ChangeSetName=set_name)
        return sorted((c["ResourceChange"]["Action"], c["ResourceChange"]["LogicalResourceId"], c["ResourceChange"].get("Replacement", "")) for c in described["Changes"])

    rec.fails("describe no stack", "ValidationError", cfn.describe_stacks, StackName="absent")
    rec.fails("a change set of no stack", "ValidationError", cfn.create_change_set, StackName="absent", ChangeSetName="c", TemplateBody=first)
    rec.holds("plan a stack", lambda: change_set("made", "CREATE", first), "CREATE_COMPLETE")
    rec.holds("it is in review", lambda: cfn.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"], "REVIEW_IN_PROGRESS")
    rec.holds("what it would add", lambda: changes("made"), [("Add", "A", "")])
    rec.holds("the change sets", lambda: [c["ChangeSetName"] for c in cfn.list_change_sets(StackName=name)["Summaries"]], ["made"])
    rec.fails("the change sets of no stack", "ValidationError", cfn.list_change_sets, StackName="absent")
    rec.fails("describe no change set", "ChangeSetNotFound", cfn.describe_change_set, exception="ChangeSetNotFoundException", StackName=name, ChangeSetName="absent")
    rec.fails("execute no change set", "ChangeSetNotFound", cfn.execute_change_set, exception="ChangeSetNotFoundException", StackName=name, ChangeSetName="absent")
    rec.call("execute it", cfn.execute_change_set, StackName=name, ChangeSetName="made")
    rec.holds("it is made", lambda: settled(cfn, name), "CREATE_COMPLETE")
    rec.holds("its outputs", lambda: [(o["OutputKey"], o["OutputValue"]) for o in cfn.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]], [("A", "arn:aws:sqs:us-east-1:000000000000:cfn-a")])
    rec.holds("nothing to change", lambda: change_set("same", "UPDATE", first), "FAILED")
    rec.fails("nothing to execute", "InvalidChangeSetStatus", cfn.execute_change_set, exception="InvalidChangeSetStatusException", StackName=name, ChangeSetName="same")
    rec.call("delete a change set", cfn.delete_change_set, StackName=name, ChangeSetName="same")
    rec.fails("delete one of no stack", "ValidationError", cfn.delete_change_set, StackName="absent", ChangeSetName="same")
    rec.holds("plan a change", lambda: change_set("changed", "UPDATE", second), "CREATE_COMPLETE")
    rec.holds("what it would change", lambda: changes("changed"), [("Add", "B", ""), ("Modify", "A", "False")])
    rec.call("change it", cfn.execute_change_set, StackName=name, ChangeSetName="changed")
    rec.holds("it is changed", lambda: settled(cfn, name), "UPDATE_COMPLETE")
    rec.holds("its resources", lambda: [(r["LogicalResourceId"], r["ResourceType"], r["ResourceStatus"]) for r in sorted(cfn.list_stack_resources(StackName=name)["StackResourceSummaries"], key=lambda r: r["LogicalResourceId"])],
              [("A", "AWS::SQS::Queue", "UPDATE_COMPLETE"), ("B", "AWS::SQS::Queue", "CREATE_COMPLETE")])
    rec.fails("the resources of no stack", "ValidationError", cfn.list_stack_resources, StackName="absent")
    rec.holds("its resources described", lambda: sorted(r["LogicalResourceId"] for r in cfn.describe_stack_resources(StackName=name)["StackResources"]), ["A", "B"])
    rec.fails("no stack's described", "ValidationError", cfn.describe_stack_resources, StackName="absent")
    rec.holds("its events begin", lambda: (e := cfn.describe_stack_events(StackName=name)["StackEvents"])[-1]["ResourceStatus"] + " " + e[0]["ResourceStatus"], "REVIEW_IN_PROGRESS UPDATE_COMPLETE")
    rec.fails("the events of no stack", "ValidationError", cfn.describe_stack_events, StackName="absent")
    rec.holds("its template", lambda: cfn.get_template(StackName=name)["TemplateBody"] == json.loads(second), True)
    rec.fails("the template of no stack", "ValidationError", cfn.get_template, StackName="absent")
    rec.holds("the stacks", lambda: [s["StackName"] for s in cfn.list_stacks(StackStatusFilter=["UPDATE_COMPLETE"])["StackSummaries"]], [name])
    rec.fails("the stacks of no state", "ValidationError", cfn.list_stacks, StackStatusFilter=["FINE"])

    rec.call("a template is looked at", cfn.validate_template, TemplateBody=first)
    rec.fails("a template that is none", "ValidationError", cfn.validate_template, TemplateBody="{")
    rec.holds("a template in short", lambda: cfn.get_template_summary(TemplateBody=first)["ResourceTypes"], ["AWS::SQS::Queue"])
    rec.fails("no stack's in short", "ValidationError", cfn.get_template_summary, StackName="absent")
    rec.call("make another", cfn.create_stack, StackName="conformance-2", TemplateBody=template(C={"QueueName": "cfn-c"}))
    rec.holds("it is made, too", lambda: settled(cfn, "conformance-2"), "CREATE_COMPLETE")
    rec.fails("make it again", "AlreadyExistsException", cfn.create_stack, exception="AlreadyExistsException", StackName="conformance-2", TemplateBody=first)
    unknown = json.dumps({"Resources": {"X": {"Type": "AWS::Conformance::Nothing"}}})
    rec.fails("make what nobody knows", "ValidationError", cfn.create_stack, StackName="conformance-3", TemplateBody=unknown)
    missing = json.dumps({"Resources": {"X": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Nothing"}}}}})
    rec.fails("make what refers to nothing", "ValidationError", cfn.create_stack, StackName="conformance-4", TemplateBody=missing)
    role = json.dumps({"Resources": {"X": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}}})
    rec.fails("make a role unasked", "InsufficientCapabilitiesException", cfn.create_stack, exception="InsufficientCapabilitiesException", StackName="conformance-5", TemplateBody=role)
    rec.call("change it at once", cfn.update_stack, StackName="conformance-2", TemplateBody=template(C={"QueueName": "cfn-c", "DelaySeconds": 5}))
    rec.holds("it is changed, too", lambda: settled(cfn, "conformance-2"), "UPDATE_COMPLETE")
    rec.fails("change nothing", "ValidationError", cfn.update_stack, StackName="conformance-2", TemplateBody=template(C={"QueueName": "cfn-c", "DelaySeconds": 5}))
    for stack in (name, "conformance-2"):
        rec.call(f"delete {stack}", cfn.delete_stack, StackName=stack)
    rec.fails("delete what is no name", "ValidationError", unchecked.delete_stack, StackName="-")

    def gone():
        return [s["StackStatus"] for s in cfn.list_stacks()["StackSummaries"] if s["StackName"] == name] == ["DELETE_COMPLETE"]

    rec.holds("it is gone", lambda: until(gone), True)


def changing(rec, cfn, s3, sqs):
    """Stacks while they change, and what fails in the middle."""
    s3.create_bucket(Bucket=BUCKET)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("bootstrap", "#!/bin/sh\n")

    def put(key):
        s3.put_object(Bucket=BUCKET, Key=key, Body=archive.getvalue())

    def body(key, *queues):
        function = {"Runtime": "provided.al2023", "Handler": "x", "Role": "arn:aws:iam::000000000000:role/x", "Code": {"S3Bucket": BUCKET, "S3Key": key}}
        resources = {"A": {"Type": "AWS::Lambda::Function", "Properties": function}}
        for i, queue in enumerate(queues):
            resources[f"Q{i}"] = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": queue}, "DependsOn": "A"}
        return json.dumps({"Resources": resources})

    def statuses(name):
        return [e["ResourceStatus"] for e in cfn.describe_stack_events(StackName=name)["StackEvents"] if e["LogicalResourceId"] == name][::-1]

    put("one.zip"), put("two.zip")
    sqs.create_queue(QueueName="changing-taken")
    cfn.create_stack(StackName="changing-new", TemplateBody=body("one.zip", "changing-taken"))
    rec.holds("a stack that cannot be made", lambda: settled(cfn, "changing-new") and statuses("changing-new"), ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"])
    rec.fails("it can only be deleted", "ValidationError", cfn.update_stack, StackName="changing-new", TemplateBody=body("one.zip"))

    cfn.create_stack(StackName="changing", TemplateBody=body("one.zip"))
    settled(cfn, "changing")
    rec.fails("nothing to go on with", "ValidationError", cfn.continue_update_rollback, StackName="changing")
    rec.fails("nothing to cancel", "ValidationError", cfn.cancel_update_stack, StackName="changing")
    s3.delete_object(Bucket=BUCKET, Key="one.zip")
    cfn.update_stack(StackName="changing", TemplateBody=body("two.zip", "changing-taken"))
    rec.holds("an update that cannot go back", lambda: settled(cfn, "changing"), "UPDATE_ROLLBACK_FAILED")
    put("one.zip")
    rec.call("it goes on", cfn.continue_update_rollback, StackName="changing")
    rec.holds("and is as before", lambda: settled(cfn, "changing"), "UPDATE_ROLLBACK_COMPLETE")
    cfn.update_stack(StackName="changing", TemplateBody=body("two.zip", *[f"changing-{i}" for i in range(200)]))
    rec.fails("an update during an update", "ValidationError", cfn.update_stack, StackName="changing", TemplateBody=body("one.zip"))
    rec.call("an update is cancelled", cfn.cancel_update_stack, StackName="changing")
    rec.holds("and undone", lambda: settled(cfn, "changing"), "UPDATE_ROLLBACK_COMPLETE")
    rec.holds("nothing of it stays", lambda: sqs.list_queues(QueueNamePrefix="changing-").get("QueueUrls", [])[1:], [])
    for name in ("changing", "changing-new"):
        cfn.delete_stack(StackName=name)
