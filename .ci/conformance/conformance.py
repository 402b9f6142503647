"""Runs every scenario. Usage: conformance.py AIWCTL SUITE, where AIWCTL is the built
binary and SUITE the built tests of aws/conformance."""

import os
import signal
import socket
import subprocess
import sys
import time
import traceback

import boto3
from botocore.config import Config

import cli
import deployment
import differences
import identity
import lambdas
import logs
import page
import sqs
import stage
import suite
from recorder import Recorder, Tally, compare
from served import Tried


def main(aiwctl, tests):
    started = time.monotonic()
    tally, tried = Tally(), Tried()
    processes = []
    # Nothing of the machine's own settings may matter: profiles, endpoints, stages, proxies.
    for name in [n for n in os.environ if n.startswith(("AWS_", "AIWCTL_", "WORKER"))]:
        del os.environ[name]
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true",
                      NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
    # A run that is told to end stops what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        judge = start_moto(processes)
        ours = start_demo(processes, aiwctl)
        run(ours, judge, tally, tried)
        suite.run(tests, None, tally)
        suite.run(tests, judge, tally)
        print(f"served: {tried.check(tally)} operations, each tried with a success and a failure", flush=True)
        page.check(tally)
    except Exception:  # noqa: BLE001 - a scenario that cannot go on is a failure like any other
        tally.check(False, traceback.format_exc())
    finally:
        for process in reversed(processes):
            stop(process, tally)
    print(f"took {time.monotonic() - started:.0f} s")
    print(f"{tally.passed} passed, {len(tally.failures)} failed", flush=True)
    return 1 if tally.failures else 0


def run(ours, judge, tally, tried):
    now = int(time.time() * 1000)

    def scenario_of(service, scenario, *more):
        """more are further services, whose clients the scenario gets after the first."""
        return lambda rec, watch: scenario(rec, *[watch(client(s, rec.endpoint)) for s in (service, *more)], watch(client(service, rec.endpoint, checked=False)))

    lambdas.deploy(client("lambda", judge), client("iam", judge), client("sqs", judge))
    for name, scenario, known in [
        ("sqs", scenario_of("sqs", sqs.scenario), differences.SQS),
        ("logs", scenario_of("logs", lambda rec, logs_, unchecked: logs.scenario(rec, logs_, unchecked, now)), differences.LOGS),
        ("lambda", scenario_of("lambda", lambdas.scenario), differences.LAMBDA),
        ("identity", lambda rec, watch: identity.scenario(rec, *[watch(client(s, rec.endpoint, checked)) for s, checked in [
            ("sts", True), ("cloudwatch", True), ("cloudwatch", False), ("sqs", True),
            ("resourcegroupstaggingapi", True), ("resourcegroupstaggingapi", False)]]), differences.IDENTITY),
        ("s3", scenario_of("s3", deployment.objects), differences.S3),
        ("secrets", scenario_of("ssm", deployment.secrets, "secretsmanager"), differences.SECRETS),
        ("stacks", scenario_of("cloudformation", deployment.stacks), differences.STACKS),
        ("cli", lambda rec, watch: cli.scenario(rec, watch(client("logs", rec.endpoint))), differences.CLI),
    ]:
        us, them = Recorder(name, ours, tally), Recorder("moto", judge, None)
        scenario(us, tried.watch)
        scenario(them, lambda c: c)
        explained = compare(us, them, known, tally)
        print(f"{name}: {len(us.steps)} steps, also put to moto; {explained} known differences", flush=True)

    rec = Recorder("stage", ours, tally)
    queues, groups, functions, cloudwatch = [tried.watch(client(s, ours)) for s in ("sqs", "logs", "lambda", "cloudwatch")]
    logs.patterns(rec, groups)
    stage.live_tail(rec, groups, tried.watch(client("logs", ours, checked=False)))
    stage.move_tasks(rec, queues)
    stage.functions(rec, functions)
    stage.mappings(rec, functions, queues, groups)
    stage.failing(rec, queues, groups)
    stage.metrics(rec, queues, cloudwatch)
    deployment.changing(rec, tried.watch(client("cloudformation", ours)), tried.watch(client("s3", ours)), queues)
    cli.stage(rec)
    print(f"stage: {len(rec.steps)} steps", flush=True)


def client(service, endpoint, checked=True):
    """checked is whether botocore looks at the parameters before the endpoint does."""
    return boto3.client(
        service, endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local",
        # StartLiveTail is asked of a host of its own, which a loopback address has not.
        config=Config(retries={"total_max_attempts": 1}, read_timeout=60, parameter_validation=checked, inject_host_prefix=False),
    )


def start_moto(processes):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "MOTO_ACCOUNT_ID": "000000000000"}
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )
    processes.append(process)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return f"http://127.0.0.1:{port}"
        except OSError:
            time.sleep(0.1)
    sys.exit("conformance: moto's server did not come up")


def start_demo(processes, aiwctl):
    """Starts the demo; the endpoint is among the export lines that it prints."""
    process = subprocess.Popen(
        [aiwctl, "demo", "--headless", "--quiet", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )
    processes.append(process)
    for line in process.stdout:
        if line.startswith("export AWS_ENDPOINT_URL="):
            return line.strip().partition("=")[2]
    sys.exit("conformance: aiwctl demo ended without printing its endpoint")


def stop(process, tally):
    """Asks a process to end, and kills its whole group when that is not enough."""
    process.terminate()
    try:
        code = process.wait(15)
        tally.check("demo" not in process.args or code == 0, f"aiwctl demo ended with {code} after SIGTERM")
    except subprocess.TimeoutExpired:
        tally.check(False, f"{process.args[:2]} did not end after SIGTERM")
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    if process.stdout:
        process.stdout.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
