"""Calls are recorded under the name of a step, so that what two endpoints
answered to the same steps can be compared."""

import re

from botocore.exceptions import ClientError

# What is another value on every endpoint or in every run. Of these only the type counts.
VOLATILE = re.compile(
    r"(ReceiptHandle|MessageId|SequenceNumber|SenderId|TaskHandle|.*Timestamp|creationTime|ingestionTime|"
    r"lastIngestionTime|eventId|.*[tT]oken|RequestId|UUID|EventSourceMappingArn|LastModified|UserId|StackId)$"
)


class Tally:
    """What passed and what failed, over all recorders."""

    def __init__(self):
        self.passed = 0
        self.failures = []

    def check(self, ok, message):
        if ok:
            self.passed += 1
        else:
            self.failures.append(message)
            print("FAIL " + message, flush=True)
        return ok


class Recorder:
    """Runs the steps of a scenario against one endpoint.

    tally is where expectations count; None for a judge, whose answers are
    recorded and nothing more.
    """

    def __init__(self, name, endpoint, tally):
        self.name, self.endpoint, self.tally = name, endpoint, tally
        self.base = 0  # log timestamps are recorded relative to it
        self.steps = {}

    def call(self, step, operation, /, **arguments):
        """A call that should succeed. None when it did not."""
        try:
            answer = operation(**arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            self.note(step, _error(error))
            self._check(False, step, f"failed: {error}")
            return None
        answer.pop("ResponseMetadata", None)
        self.note(step, answer)
        self._check(True, step, "")
        return answer

    def fails(self, step, code, operation, /, exception=None, **arguments):
        """A call that AWS refuses with that code, and boto3 raises as that class."""
        try:
            answer = operation(**arguments)
        except Exception as error:  # noqa: BLE001 - as above
            got = _error(error)
        else:
            answer.pop("ResponseMetadata", None)
            got = "accepted"
        self.note(step, got)
        # An error that has no class of its own in the service's model is a plain ClientError.
        want = f"{code} ({exception or 'ClientError'})"
        self._check(got == want or exception is None and got.startswith(code + " ("), step, f"want {want}, got {got}")

    def equal(self, step, got, want):
        """An expectation, which a judge has its own answer to."""
        self.note(step, got)
        self._check(got == want, step, f"got {got!r}, want {want!r}")

    def holds(self, step, answer, want):
        """equal, where getting the answer may fail: the error is the answer then."""
        try:
            got = answer()
        except Exception as error:  # noqa: BLE001 - as above
            got = _error(error)
        self.equal(step, got, want)

    def note(self, step, value):
        """An answer that is compared, and otherwise not judged."""
        if step in self.steps:
            raise AssertionError(f"two steps are called {step!r}")
        self.steps[step] = self._plain(value)

    def _check(self, ok, step, message):
        if self.tally is not None:
            self.tally.check(ok, f"{self.name}: {step}: {message}")

    def _plain(self, value, key=""):
        if isinstance(value, dict):
            return {k: self._plain(v, k) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._plain(v, key) for v in value]
        if key == "timestamp" or key in ("firstEventTimestamp", "lastEventTimestamp"):
            return f"base{value - self.base:+d}"
        if VOLATILE.match(key):
            return f"<{type(value).__name__}>"
        if isinstance(value, str):
            return value.replace(self.endpoint, "<endpoint>")
        return value


def _error(error):
    if isinstance(error, ClientError):
        return f"{error.response['Error']['Code']} ({type(error).__name__})"
    return f"{type(error).__name__}: {error}"


def differences(ours, theirs, path=""):
    """The places where two answers are not the same, as (path, ours, theirs)."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(set(ours) | set(theirs)):
            yield from differences(ours.get(key, "<absent>"), theirs.get(key, "<absent>"), f"{path}.{key}".lstrip("."))
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for i, (a, b) in enumerate(zip(ours, theirs)):
            yield from differences(a, b, f"{path}[{i}]")
    elif ours != theirs:
        yield path, ours, theirs


def compare(ours, judge, known, tally):
    """Every difference must be a row of known: (step, path, ours, theirs, reason).

    A row that explains nothing is a failure too: the table would go stale.
    ours and theirs are what the two sides answer, or ... for "whatever it is".
    """
    used = set()
    for step, answer in ours.steps.items():
        unexplained = []
        for path, a, b in differences(answer, judge.steps.get(step, "<no such step>")):
            row = next((i for i, k in enumerate(known) if _explains(k, step, path, a, b)), None)
            if row is None:
                unexplained.append(f"{path or 'answer'}: {ours.name} {a!r}, {judge.name} {b!r}")
            else:
                used.add(row)
        tally.check(not unexplained, f"compare: {step}: " + "; ".join(unexplained))
    for i, row in enumerate(known):
        tally.check(i in used, f"compare: the table explains a difference that there is not: {row[0]}: {row[1]}")
    return len(used)


def _explains(row, step, path, ours, theirs):
    return (
        row[0] == step
        and row[1] == path
        and (row[2] is ... or row[2] == ours)
        and (row[3] is ... or row[3] == theirs)
    )
