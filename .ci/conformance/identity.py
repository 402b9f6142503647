"""STS, CloudWatch and the Resource Groups Tagging API, as far as a console asks them. The metrics of queues that have
messages are in stage.py: moto's queues do not tell its CloudWatch."""

import time


def scenario(rec, sts, cloudwatch, unchecked, sqs, tagging, unchecked_tagging):
    """The unchecked clients send what botocore would refuse."""
    who = rec.call("who am I", sts.get_caller_identity)
    rec.equal("the caller's ARN names the account", who["Arn"].split(":")[:5], ["arn", "aws", who["Arn"].split(":")[2], "", "000000000000"])
    metrics(rec, cloudwatch, unchecked)
    tagged(rec, sqs, tagging, unchecked_tagging)


def tagged(rec, sqs, tagging, unchecked):
    for i in range(3):
        sqs.create_queue(QueueName=f"tagged-{i}", tags={"fleet": "blue" if i else "green", "owner": "ops"})

    def names(**by):
        return sorted(r["ResourceARN"].rsplit(":", 1)[1] for r in tagging.get_resources(ResourceTypeFilters=["sqs"], **by)["ResourceTagMappingList"])

    rec.holds("queues with a tag", lambda: names(TagFilters=[{"Key": "fleet"}]), ["tagged-0", "tagged-1", "tagged-2"])
    rec.holds("with a value of it", lambda: names(TagFilters=[{"Key": "fleet", "Values": ["blue", "red"]}]), ["tagged-1", "tagged-2"])
    rec.holds("with two tags", lambda: names(TagFilters=[{"Key": "fleet", "Values": ["green"]}, {"Key": "owner", "Values": ["ops"]}]), ["tagged-0"])
    rec.holds("with none of these", lambda: names(TagFilters=[{"Key": "fleet", "Values": ["red"]}]), [])
    pages = tagging.get_paginator("get_resources").paginate(ResourceTypeFilters=["sqs"], TagFilters=[{"Key": "fleet"}], PaginationConfig={"PageSize": 2})
    rec.holds("tagged queues in pages", lambda: [len(p["ResourceTagMappingList"]) for p in pages], [2, 1])
    rec.fails("a page of 101 resources", "InvalidParameterException", unchecked.get_resources, exception="InvalidParameterException", ResourcesPerPage=101)


def query(**changes):
    stat = {"Metric": {"Namespace": "AWS/SQS", "MetricName": "ApproximateAgeOfOldestMessage", "Dimensions": [{"Name": "QueueName", "Value": "never-made"}]},
            "Period": 60, "Stat": "Maximum"}
    return {"Id": "m", "MetricStat": {**stat, **changes}}


def metrics(rec, cloudwatch, unchecked):
    now = time.time()
    times = {"StartTime": now - 600, "EndTime": now}
    rec.call("a metric without datapoints", cloudwatch.get_metric_data, MetricDataQueries=[query()], **times)
    rec.call("a labelled one that is not returned", cloudwatch.get_metric_data,
             MetricDataQueries=[{**query(), "Label": "age"}, {**query(), "Id": "n", "ReturnData": False}], **times)
    for step, queries, between in [
        ("an id twice", [query(), query()], times),
        ("an id with a capital", [{**query(), "Id": "M"}], times),
        ("a period of 61 s", [query(Period=61)], times),
        ("an unknown statistic", [query(Stat="Middle")], times),
        ("an end before the start", [query()], {"StartTime": now, "EndTime": now - 600}),
        ("501 queries", [{**query(), "Id": f"m{i}"} for i in range(501)], times),
        ("no queries", [], times),
        ("neither a metric nor an expression", [{"Id": "m"}], times),
        ("a metric and an expression", [{**query(), "Expression": "1"}], times),
    ]:
        rec.fails(step, "ValidationError", unchecked.get_metric_data, MetricDataQueries=queries, **between)
    rec.fails("no start", "ValidationError", unchecked.get_metric_data, MetricDataQueries=[query()], EndTime=now)
    rec.fails("an unknown page", "InvalidNextToken", unchecked.get_metric_data, exception="InvalidNextToken",
              MetricDataQueries=[query()], NextToken="rubbish", **times)
