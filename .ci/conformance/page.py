"""docs/local-endpoint.md, as far as it is written from what a run knows: the operations
that are served, and the differences that are explained.

Usage: page.py --write writes these parts; a run checks them.
"""

import json
import pathlib
import re
import sys

import botocore.session

import differences
from served import operations

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "local-endpoint.md"
SUITE = ROOT / "aws" / "conformance" / "testdata" / "differences.json"
# What a part is called on the page, and the table or tables that it is made of.
SCENARIOS = {"SQS": differences.SQS, "CloudWatch Logs": differences.LOGS, "Lambda": differences.LAMBDA,
             "STS, CloudWatch and tags": differences.IDENTITY, "S3": differences.S3,
             "Systems Manager and Secrets Manager": differences.SECRETS, "CloudFormation": differences.STACKS, "The AWS CLI": differences.CLI}
PROTOCOLS = {"sqs": "AWS JSON 1.0", "logs": "AWS JSON 1.1", "cloudwatch": "RPC v2 CBOR, AWS JSON 1.0", "lambda": "REST-JSON", "sts": "Query", "resourcegroupstaggingapi": "AWS JSON 1.1",
             "s3": "REST-XML", "cloudformation": "Query", "ssm": "AWS JSON 1.1", "secretsmanager": "AWS JSON 1.1"}


def parts():
    """Name -> the text between its two lines."""
    return {"operations": _operations(), "not put": _not_put(), "differences": _differences(), "suite": _suite()}


def _operations():
    rows = []
    for service, names in operations().items():
        title = botocore.session.get_session().get_service_model(service).metadata["serviceId"]
        rows.append((title, PROTOCOLS[service], ", ".join(names)))
    return _table(("service", "protocol", "operations"), rows)


def _not_put():
    return _table(("what", "why"), differences.NOT_PUT)


def _differences():
    text = []
    for title, rows in SCENARIOS.items():
        if not rows:
            continue
        # Calls that differ in the same way, for the same reason, share a line.
        grouped, last = {}, ""
        for step, path, _, theirs, reason in rows:
            reason = last if reason == "the same" else reason
            last = reason
            grouped.setdefault((_answer(theirs), reason), []).append(step + (f" (`{path}`)" if path else ""))
        text.append(f"**{title}**\n\n" + _table(("step", "moto", "why, and what AWS documents"),
                                              [("; ".join(steps), answer, reason) for (answer, reason), steps in grouped.items()]))
    return "\n\n".join(text)


def _answer(theirs):
    if theirs is ...:
        return "answers otherwise"
    if theirs == differences.ACCEPTED:
        return "accepts it"
    if theirs in (differences.ABSENT, None):
        return "leaves it out"
    code, _, _ = str(theirs).partition(" (")  # an error's class says nothing more than its code
    return f"`{code}`"


def _suite():
    rows, last = [], ""
    for row in json.loads(SUITE.read_text()):
        why = row["why"]
        if why.startswith("the same"):
            why = last + why.removeprefix("the same")
        last = row["why"] if not row["why"].startswith("the same") else last
        rows.append((row["check"], row["endpoint"], why))
    return _table(("check", "fails on", "why, and what AWS does"), rows)


def _table(head, rows):
    lines = [" | ".join(str(c).replace("|", "\\|").replace("\n", " ") for c in row) for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(f"| {line} |" for line in lines)


def written(text):
    """The page with its parts as they should be."""
    for name, part in parts().items():
        between = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        text, n = between.subn(lambda m, part=part: f"{m[1]}{part}\n{m[2]}", text)
        if n != 1:
            raise AssertionError(f"{PAGE} has no place, or several, for its part {name!r}")
    return text


def check(tally):
    stands = PAGE.read_text()
    tally.check(written(stands) == stands, f"{PAGE.relative_to(ROOT)} does not say what this run knows: .ci/conformance/run --write-page, and look at what has changed")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__.strip())
    PAGE.write_text(written(PAGE.read_text()))
