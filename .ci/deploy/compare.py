"""Lints the templates of stages, and compares each with what osls makes of its serverless.yml.

Usage: compare.py STAGES CFN-LINT OSLS; the directory STAGES is what TestEmit has written.
"""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

# What cfn-lint says that is no fault, by its rule, with why. A rule that does not come up any
# more fails the run.
IGNORED = {}

# What osls adds of its own: the bucket that it uploads to.
OWN_TYPES = {"AWS::S3::Bucket", "AWS::S3::BucketPolicy"}
OWN_OUTPUTS = {"ServerlessDeploymentBucketName", "ServiceEndpoint"}


class Judge:
    def __init__(self):
        self.passed = self.failed = 0
        self.ignored = set()

    def check(self, what, ok, detail=""):
        if ok:
            self.passed += 1
            return
        self.failed += 1
        print(f"FAIL {what}" + (f"\n     {detail}" if detail else ""))

    def equal(self, what, ours, theirs):
        def text(v):
            return json.dumps(v, sort_keys=True, indent=1)

        lines = []
        if ours != theirs:
            a, b = text(ours).splitlines(), text(theirs).splitlines()
            lines = [f"ours:   {x.strip()}" for x in a if x not in b] + [f"theirs: {x.strip()}" for x in b if x not in a]
        self.check(what, ours == theirs, "\n     ".join(lines) or "the order differs")


class Template:
    """What a template makes, by names instead of logical ids."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.document = json.load(f)
        self.resources = self.document["Resources"]

    def of(self, kind):
        return {i: r["Properties"] for i, r in self.resources.items() if r["Type"] == kind}

    def identity(self, logical):
        """How a resource is known outside of its template."""
        r = self.resources.get(logical)
        if r is None:
            return logical
        p = r["Properties"]
        for name in ("QueueName", "FunctionName", "LogGroupName", "PathPart", "Description"):
            if isinstance(p.get(name), str):
                return f"{r['Type']} {p[name]}"
        return r["Type"]

    def plain(self, v):
        """A value whose references are names. A function may be referred to by name and by ARN."""
        if isinstance(v, dict):
            if len(v) == 1:
                (key, target), = v.items()
                if key == "Ref":
                    return f"<{self.identity(target)}>"
                if key == "Fn::GetAtt":
                    logical, attribute = target
                    who = self.identity(logical)
                    return f"<{who}>" if who.startswith("AWS::Lambda::Function ") else f"<{who}>.{attribute}"
            return {k: self.plain(x) for k, x in v.items()}
        if isinstance(v, list):
            return [self.plain(x) for x in v]
        return v

    def named(self, kind, key, without=()):
        out = {}
        for properties in self.of(kind).values():
            p = self.plain(properties)
            name = json.dumps(key(p))
            out[name] = {k: x for k, x in p.items() if k not in without}
            if "Tags" in out[name]:
                out[name]["Tags"] = sorted(out[name]["Tags"], key=json.dumps)
        return out

    def functions(self):
        out = self.named("AWS::Lambda::Function", lambda p: p["FunctionName"])
        for p in out.values():
            p["Code"] = os.path.basename(p["Code"]["S3Key"])
        return out

    def permissions(self):
        return sorted({(self.plain(p["FunctionName"]), p["Principal"]) for p in self.of("AWS::Lambda::Permission").values()})

    def api(self):
        """What the API answers: method, path, and the function that does it."""
        resources = self.of("AWS::ApiGateway::Resource")

        def path(reference):
            logical = reference.get("Ref")
            if logical not in resources:
                return ""
            return path(resources[logical]["ParentId"]) + "/" + resources[logical]["PathPart"]

        out = {}
        for p in self.of("AWS::ApiGateway::Method").values():
            integration = p["Integration"]
            text = json.dumps(integration["Uri"])
            function = [self.identity(i) for i in self.of("AWS::Lambda::Function") if f'"{i}"' in text or f"${{{i}.Arn}}" in text]
            out[p["HttpMethod"] + " " + path(p["ResourceId"])] = [
                function, integration["Type"], integration["IntegrationHttpMethod"], p["AuthorizationType"], p["ApiKeyRequired"]]
        return out

    def parts(self):
        """Everything that must be the same, by what it is."""
        return {
            "queues": self.named("AWS::SQS::Queue", lambda p: p["QueueName"]),
            "queue policies": self.named("AWS::SQS::QueuePolicy", lambda p: p["Queues"]),
            "functions": self.functions(),
            "log groups": self.named("AWS::Logs::LogGroup", lambda p: p["LogGroupName"], ("Tags",)),
            "event source mappings": self.named("AWS::Lambda::EventSourceMapping", lambda p: [p["EventSourceArn"], p["FunctionName"]], ("Tags",)),
            "schedules": self.named("AWS::Events::Rule", lambda p: p["Description"]),
            "roles": self.named("AWS::IAM::Role", lambda p: p["Description"]),
            "policies": self.named("AWS::IAM::ManagedPolicy", lambda p: p["PolicyDocument"]),
            "alarms": self.named("AWS::CloudWatch::Alarm", lambda p: p["AlarmName"]),
            "api": {"definition": {
                "answers": self.api(),
                "name": [[p["Name"], p["EndpointConfiguration"]] for p in self.of("AWS::ApiGateway::RestApi").values()],
                "stage": [p["StageName"] for p in self.of("AWS::ApiGateway::Deployment").values()],
            }},
            "permissions": {"all": self.permissions()},
            "outputs": {k: self.plain(v["Value"]) for k, v in self.document.get("Outputs", {}).items() if k not in OWN_OUTPUTS},
        }


def lint(judge, program, path, what):
    done = subprocess.run([program, "--format", "json", path], capture_output=True, text=True, timeout=300)
    try:
        found = json.loads(done.stdout or "[]")
    except ValueError:
        judge.check(f"{what}: cfn-lint", False, done.stdout + done.stderr)
        return
    told = []
    for match in found:
        rule = match["Rule"]["Id"]
        if rule in IGNORED:
            judge.ignored.add(rule)
        else:
            told.append(f"{rule} {match['Message']} at {'/'.join(map(str, match['Location'].get('Path') or []))}")
    judge.check(f"{what}: cfn-lint", not told and done.returncode in (0, 2, 4, 6, 8, 10, 12, 14), "\n     ".join(told) or done.stderr)


def package(osls, directory):
    """Runs osls package as somebody without credentials, and returns its words and its template."""
    with tempfile.TemporaryDirectory() as home:
        env = {"PATH": os.environ["PATH"], "HOME": home, "AWS_EC2_METADATA_DISABLED": "true", "SLS_NOTIFICATIONS_MODE": "off", "NO_COLOR": "1"}
        done = subprocess.run([osls, "package"], cwd=directory, env=env, capture_output=True, text=True, timeout=300)
    template = os.path.join(directory, ".serverless", "cloudformation-template-update-stack.json")
    return done.returncode, done.stdout + done.stderr, template


def main():
    stages, cfn_lint, osls = sys.argv[1:]
    judge = Judge()
    templates = sorted(glob.glob(f"{stages}/*/cloudformation/*.json"))
    services = sorted(glob.glob(f"{stages}/*/serverless/**/serverless.yml", recursive=True))
    judge.check("there are templates, and as many serverless.yml files", templates and len(templates) == len(services),
                f"{len(templates)} templates, {len(services)} serverless.yml files")
    for path in templates:
        lint(judge, cfn_lint, path, os.path.relpath(path, stages))
    for rule in sorted(IGNORED.keys() - judge.ignored):
        judge.check(f"cfn-lint's rule {rule} is ignored for a reason", False, "it does not come up any more: take its row away")

    with ThreadPoolExecutor(2) as pool:
        packed = pool.map(lambda path: package(osls, os.path.dirname(path)), services)
        for path, (code, words, template) in zip(services, packed):
            what = os.path.relpath(path, stages)
            judge.check(f"{what}: osls package", code == 0, words)
            judge.check(f"{what}: osls warns of nothing", not re.search(r"warning|deprecat", words, re.I), words)
            if code != 0:
                continue
            theirs = Template(template)
            with open(os.path.join(os.path.dirname(template), "serverless-state.json"), encoding="utf-8") as f:
                state = json.load(f)["service"]
            stage = what.split(os.sep)[0]
            name = f"{state['service']}-{state['provider']['stage']}"
            ours = Template(f"{stages}/{stage}/cloudformation/{name}.json")
            compare(judge, f"{stage}, stack {name}", ours, theirs)

    print(f"deploy: {judge.passed} passed, {judge.failed} failed")
    sys.exit(judge.failed > 0)


def compare(judge, what, ours, theirs):
    known = {r["Type"] for r in ours.resources.values()}
    extra = {r["Type"] for r in theirs.resources.values()} - known - OWN_TYPES
    judge.check(f"{what}: osls makes nothing that we do not", not extra, ", ".join(sorted(extra)))
    our_parts, their_parts = ours.parts(), theirs.parts()
    for kind, mine in our_parts.items():
        other = their_parts[kind]
        for name in sorted(mine.keys() | other.keys()):
            judge.equal(f"{what}: {kind}: {name}", mine.get(name), other.get(name))


if __name__ == "__main__":
    main()
