"""The operations that the local endpoint serves, read from its source, and those that
a run has tried. The endpoint registers an operation of a JSON or CBOR protocol with
Handle("Name", ...), or looks for Target + ".Name" where the answer is a stream; one of
S3 or CloudFormation with handle("Name", ...), one of
Lambda with a method and a path, and one of STS by its action."""

import pathlib
import re

import botocore.session

LOCAL = pathlib.Path(__file__).resolve().parents[2] / "aws" / "local"
HANDLE = r'(?:\.Handle\(|Target \+ )"\.?([A-Z]\w+)"'
BY_NAME = r'\bhandle\("([A-Z]\w+)"'
# The services, by the name that boto3 gives them: the directory of each, and what stands
# in its source.
SERVICES = {
    "sqs": ("queues", HANDLE),
    "logs": ("cwlogs", HANDLE),
    "cloudwatch": ("metrics", HANDLE),
    "lambda": ("functions", None),  # by its routes
    "sts": (".", r'action == "(\w+)"'),
    "resourcegroupstaggingapi": (".", HANDLE),
    "s3": ("objects", BY_NAME),
    "cloudformation": ("stacks", BY_NAME),
    "ssm": ("parameters", HANDLE),
    "secretsmanager": ("secrets", HANDLE),
}


def operations():
    """Service -> the names of its operations, sorted."""
    found = {}
    for service, (directory, pattern) in SERVICES.items():
        text = "\n".join(p.read_text() for p in sorted((LOCAL / directory).glob("*.go")) if not p.name.endswith("_test.go"))
        found[service] = set(re.findall(pattern, text)) if pattern else set(_routes(text))
    for service, names in found.items():
        model = botocore.session.get_session().get_service_model(service)
        unknown = names - set(model.operation_names)
        if unknown or not names:
            raise AssertionError(f"{service} has no operations called {sorted(unknown)}" if unknown else f"no operation of {service} was found in the source")
    return {service: sorted(names) for service, names in found.items()}


def _routes(text):
    """Lambda's operations, by the method and the path of Go's ServeMux patterns."""
    model = botocore.session.get_session().get_service_model("lambda")
    by_route = {}
    for name in model.operation_names:
        http = model.operation_model(name).http
        by_route[http["method"], _shape(http["requestUri"])] = name
    constants = dict(re.findall(r'(\w+)\s*=\s*"(/\d{4}-\d\d-\d\d)"', text))
    for method, path, constant, rest in re.findall(r'[hH]andle(?:Func)?\("(GET|PUT|POST|DELETE) ([^"]*)"(?:\s*\+\s*(\w+)\s*\+\s*"([^"]*)")?', text):
        shape = _shape(path + constants.get(constant, "") + rest)
        if not re.match(r"/\d{4}-\d\d-\d\d/", shape):
            continue  # the Runtime API's, for programs and not for clients
        if (method, shape) not in by_route:
            raise AssertionError(f"no operation of Lambda is {method} {shape}")
        yield by_route[method, shape]


def _shape(path):
    return re.sub(r"\{[^}]*\}", "{}", path.split("?")[0].removesuffix("{$}")).rstrip("/")


class Tried:
    """What was called on the local endpoint, and how it was answered."""

    def __init__(self):
        self.answers = {}

    def watch(self, client):
        """Notes every call of a boto3 client."""
        def note(model, parsed, **_):
            self.note(model.service_model.service_name, model.name, (parsed or {}).get("Error", {}).get("Code"))

        client.meta.events.register("after-call", note)
        return client

    def note(self, service, operation, code):
        self.answers.setdefault((service, operation), set()).add(code)

    def check(self, tally):
        """Every operation must have succeeded, and failed, at least once."""
        total = 0
        for service, names in operations().items():
            for name in names:
                total += 1
                codes = self.answers.get((service, name), set())
                tally.check(None in codes, f"served: {service} {name}: no scenario has it succeed")
                # Nothing that a caller may do makes it fail.
                if (service, name) != ("sts", "GetCallerIdentity"):
                    tally.check(codes - {None}, f"served: {service} {name}: no scenario has it fail")
        return total
