"""The tests of aws/conformance, against aws/local in their own process and against
moto's server."""

import os
import pathlib
import re
import subprocess

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "aws" / "conformance"


def run(tests, endpoint, tally):
    """endpoint is a URL; None is aws/local, which the tests start themselves."""
    env = {**os.environ, "AIWCTL_CONFORMANCE_ENDPOINT": endpoint} if endpoint else dict(os.environ)
    name = "moto" if endpoint else "aws/local"
    done = subprocess.run([tests, "-test.v", "-test.timeout", "300s"], cwd=PACKAGE, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    results = re.findall(r"^ {4}--- (PASS|FAIL|SKIP): TestConformance/(\S+)", done.stdout, re.MULTILINE)
    for result, check in results:
        tally.check(result == "PASS", f"suite: {name}: {check}: {result}")
    known = len(re.findall(r": known of ", done.stdout))
    if not tally.check(done.returncode == 0 and results, f"suite: {name}: the tests ended with {done.returncode}"):
        print(done.stdout, flush=True)
    print(f"suite: {len(results)} checks of package aws against {name}; {known} known differences", flush=True)
