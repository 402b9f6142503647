"""Deploys, changes, kills, rolls back and removes a stage in moto with the real command.
Usage: push.py AIWCTL ROOT WORK: the built binary, the tree it is of, a directory to use."""

import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import traceback
import zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from project import Project

SERVICE, STAGE, REGION = "shop", "prod", "eu-west-1"
PARTLY_SECRET = "correct-horse-battery-staple"  # looked for in everything that is not SSM


class Tally:
    def __init__(self):
        self.passed, self.failures = 0, []

    def check(self, what, ok, more=""):
        if ok:
            self.passed += 1
        else:
            self.failures.append(what)
            print(f"FAIL {what}: {more}"[:3000], flush=True)
        return ok

    def equal(self, what, got, want):
        return self.check(what, got == want, f"got {got!r}, want {want!r}")


class Run:
    def __init__(self, aiwctl, root, work, tally):
        self.aiwctl, self.root, self.work, self.tally = aiwctl, root, work, tally
        self.project = Project(os.path.join(work, "shop"), root)
        self.said = []  # everything that the command has printed

    def start(self):
        for name in [n for n in os.environ if n.startswith(("AWS_", "AIWCTL_", "WORKER"))]:
            del os.environ[name]
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        os.environ.update(
            AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true",
            AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_REGION=REGION, AWS_DEFAULT_REGION=REGION,
            NO_PROXY="127.0.0.1", no_proxy="127.0.0.1", MOTO_PORT=str(port))
        moto = os.path.join(os.path.dirname(sys.executable), "moto_server")
        self.moto_log = open(os.path.join(self.work, "moto.log"), "w", encoding="utf-8")  # noqa: SIM115 - for the whole run
        self.moto = subprocess.Popen([moto, "-H", "127.0.0.1", "-p", str(port)], stdout=self.moto_log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if self.moto.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError("moto's server did not start; see its log:\n" + self.log_of_moto())

    def log_of_moto(self):
        with open(self.moto_log.name, encoding="utf-8") as f:
            return f.read()[-4000:]

    def client(self, service):
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION,
                            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}))

    def env(self):
        state = os.path.join(self.work, "state")
        return {**os.environ, "AWS_ENDPOINT_URL": self.endpoint, "XDG_STATE_HOME": state,
                "XDG_CONFIG_HOME": os.path.join(self.work, "config"), "GOFLAGS": "-mod=mod"}

    def command(self, *args, code=0, what=None):
        """Runs the command in the project; the outcome."""
        done = subprocess.run([self.aiwctl, *args, "--service", SERVICE, "--stage", STAGE], cwd=self.project.directory,
                              env=self.env(), capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, check=False)
        self.said.append(done.stdout + done.stderr)
        if code is not None:
            self.tally.check(what or " ".join(args), done.returncode == code,
                             f"exit {done.returncode}, want {code}\n{done.stdout}\n{done.stderr}")
        return done

    def push(self, *args, code=0, what=None):
        return self.command("push", *args, "--yes", "--arch", "arm64", code=code, what=what or " ".join(("push", *args)))

    # What is there.

    def stack(self, name=f"{SERVICE}-{STAGE}"):
        try:
            return self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError:
            return None

    def stacks(self):
        return {s["StackName"]: s["StackStatus"] for s in self.client("cloudformation").describe_stacks()["Stacks"]
                if s["StackStatus"] != "DELETE_COMPLETE"}

    def queues(self):
        return sorted(u.rsplit("/", 1)[1] for u in self.client("sqs").list_queues().get("QueueUrls", []))

    def functions(self):
        return {f["FunctionName"]: f for f in self.client("lambda").list_functions()["Functions"]}

    def mappings(self):
        return {m["EventSourceArn"].rsplit(":", 1)[1]: m for m in self.client("lambda").list_event_source_mappings()["EventSourceMappings"]}

    def bucket(self):
        names = [b["Name"] for b in self.client("s3").list_buckets()["Buckets"]]
        return next((n for n in names if n.startswith("aiwctl-artifacts-")), None)

    def objects(self):
        bucket = self.bucket()
        if bucket is None:
            return {}
        return {o["Key"]: o["LastModified"] for o in self.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])}

    def artifacts(self):
        return {k: v for k, v in self.objects().items() if k.endswith(".zip")}

    def send(self, queue, n=1):
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        for _ in range(n):
            sqs.send_message(QueueUrl=url, MessageBody="{}")


def machine(run, key):
    """The processor that a bootstrap in the bucket is for: e_machine of its ELF header."""
    zipped = run.client("s3").get_object(Bucket=run.bucket(), Key=key)["Body"].read()
    with zipfile.ZipFile(io.BytesIO(zipped)) as z:
        head = z.read("bootstrap")[:20]
    return {0xB7: "AArch64", 0x3E: "x86-64"}.get(int.from_bytes(head[18:20], "little"), head[:20])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


ECHO = ["runtime.WithTimeout(20*time.Second)", 'runtime.WithDescription("Says it again")']
EVERY_QUEUE = ["shop-audit-dlq-prod.fifo", "shop-audit-prod.fifo", "shop-echo-dlq-prod", "shop-echo-prod",
               "shop-media-video-dlq-prod", "shop-media-video-prod", "shop-orders-dlq-prod", "shop-orders-prod"]


def write_project(project):
    project.program("echo", echo=ECHO)
    project.program("orders", orders=['runtime.WithCalls("echo")', 'runtime.WithEnvironment("GREETING")',
                                      'runtime.WithSecrets("PAYMENT_KEY")', 'runtime.WithSchedule("rate(1 day)")'],
                    audit=["runtime.WithFIFO()", "runtime.WithTimeout(10*time.Second)"])
    project.program("video", video=['runtime.WithGroup("media")', "runtime.WithMemory(1024)"])
    project.env(".env", f"GREETING=hello\nPAYMENT_KEY={PARTLY_SECRET}\nNOT_DECLARED=stays-here\n")
    project.tidy()


def dry_run(run):
    t = run.tally
    done = run.command("push", "--dry-run", "--arch", "arm64")
    t.equal("a dry run makes no stack", run.stacks(), {})
    t.equal("a dry run makes no bucket", run.bucket(), None)
    for word in ("echo", "orders", "audit", "video"):
        t.check(f"the plan tells of {word}", word in done.stdout + done.stderr, done.stdout + done.stderr)


def created(run):
    t = run.tally
    run.push()
    t.equal("the stacks", run.stacks(), {"shop-prod": "CREATE_COMPLETE", "shop-media-prod": "CREATE_COMPLETE"})
    t.equal("the queues", run.queues(), EVERY_QUEUE)
    functions = run.functions()
    t.equal("the functions", sorted(functions), ["shop-media-prod-workerVideo", "shop-prod-api", "shop-prod-workerAudit",
                                                 "shop-prod-workerEcho", "shop-prod-workerOrders"])
    echo, orders = functions["shop-prod-workerEcho"], functions["shop-prod-workerOrders"]
    t.equal("what runs", (echo["Runtime"], echo["Handler"], echo["Timeout"]), ("provided.al2023", "worker.echo", 20))
    # moto's CloudFormation leaves Architectures out: the program itself says what it is for.
    t.equal("what it runs on", {machine(run, key) for key in run.artifacts()}, {"AArch64"})
    variables = orders["Environment"]["Variables"]
    t.equal("a plain variable", variables.get("GREETING"), "hello")
    t.check("a secret is handed on by reference", variables.get("AIWORKER_SECRET_PAYMENT_KEY") == "ssm:/shop/prod/PAYMENT_KEY"
            and "PAYMENT_KEY" not in variables, variables)
    t.check("what is not declared is not shipped", "NOT_DECLARED" not in variables, variables)
    t.check("whom it calls", "WORKER_QUEUE_URL_ECHO" in variables and "WORKER_QUEUE_URL_AUDIT" not in variables, variables)
    for queue, mapping in run.mappings().items():
        t.equal(f"{queue} reports batch item failures", mapping["FunctionResponseTypes"], ["ReportBatchItemFailures"])
    t.equal("the mappings", sorted(run.mappings()), [q for q in EVERY_QUEUE if "-dlq-" not in q])
    sqs = run.client("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=sqs.get_queue_url(QueueName="shop-echo-prod")["QueueUrl"], AttributeNames=["All"])["Attributes"]
    policy = json.loads(attributes["RedrivePolicy"])
    t.equal("the queue", (attributes["VisibilityTimeout"], attributes["MessageRetentionPeriod"], int(policy["maxReceiveCount"]),
                          policy["deadLetterTargetArn"].rsplit(":", 1)[1]), ("120", "1209600", 3, "shop-echo-dlq-prod"))
    ssm = run.client("ssm")
    for name, want in (("PAYMENT_KEY", PARTLY_SECRET), ("WORKERS_API_KEY", None)):
        parameter = ssm.get_parameter(Name=f"/shop/prod/{name}", WithDecryption=True)["Parameter"]
        t.check(f"{name} is in SSM", parameter["Type"] == "SecureString" and (want is None and len(parameter["Value"]) >= 32 or parameter["Value"] == want))
    template = json.dumps([run.client("cloudformation").get_template(StackName=s, TemplateStage="Original")["TemplateBody"] for s in run.stacks()])
    key = ssm.get_parameter(Name="/shop/prod/WORKERS_API_KEY", WithDecryption=True)["Parameter"]["Value"]
    for text, name in ((template, "a template"), (json.dumps(functions, default=str), "a function"), ("".join(run.said), "what the command says")):
        t.check(f"no secret in {name}", PARTLY_SECRET not in text and key not in text)
    apis = run.client("apigateway").get_rest_apis()["items"]
    t.equal("the workers API", len(apis), 1)
    stages = run.client("apigateway").get_stages(restApiId=apis[0]["id"])["item"]
    t.equal("its stage", [s["stageName"] for s in stages], ["prod"])
    tags = {k: v for k, v in ((x["Key"], x["Value"]) for x in run.stack()["Tags"])}
    t.equal("the stack's tags", (tags.get("STAGE"), tags.get("aiwctl:project")), (STAGE, SERVICE))


def found(run):
    """What aiwctl finds of it afterwards, by itself."""
    done = run.command("workers", "-o", "json")
    rows = json.loads(done.stdout or "[]")
    rows = rows.get("workers", rows) if isinstance(rows, dict) else rows
    run.tally.equal("aiwctl workers finds them all", sorted(r.get("id") or r.get("workerId") for r in rows), ["audit", "echo", "orders", "video"])


def unchanged(run):
    before, artifacts = len(run.client("cloudformation").describe_stack_events(StackName="shop-prod")["StackEvents"]), run.artifacts()
    done = run.push(what="push of unchanged code")
    said = (done.stdout + done.stderr).lower()
    run.tally.equal("nothing is uploaded", run.artifacts(), artifacts)
    run.tally.equal("no event in the stack", len(run.client("cloudformation").describe_stack_events(StackName="shop-prod")["StackEvents"]), before)
    run.tally.check("it says so", "nothing" in said or "no changes" in said or "unchanged" in said, said)


def changed(run):
    t, project = run.tally, run.project
    before = run.functions()
    project.program("echo", echo=[*ECHO, "runtime.WithMemory(256)"], parrot=[])
    done = run.push("--dry-run", what="dry run of a change")
    t.check("the plan shows the change", all(w in done.stdout + done.stderr for w in ("parrot", "512", "256")), done.stdout + done.stderr)
    t.equal("and nothing was changed", run.functions()["shop-prod-workerEcho"]["MemorySize"], 512)
    run.push(what="push of a change")
    after = run.functions()
    t.equal("the memory", after["shop-prod-workerEcho"]["MemorySize"], 256)
    t.check("a worker that is new", "shop-prod-workerParrot" in after and "shop-parrot-prod" in run.queues())
    t.equal("the others are as before", after["shop-prod-workerOrders"]["CodeSha256"], before["shop-prod-workerOrders"]["CodeSha256"])


def status(run):
    done = run.command("push", "status", "-o", "json")
    run.tally.check("the status", "shop-prod" in done.stdout and "UPDATE_COMPLETE" in done.stdout, done.stdout)
    run.command("push", "status")


def rolled_back(run):
    t = run.tally
    run.send("shop-parrot-prod", 2)
    done = run.command("push", "rollback", "--yes", code=None)
    t.check("a roll-back that would delete messages is refused", done.returncode not in (0, 5) and "shop-parrot-prod" in done.stdout + done.stderr,
            f"exit {done.returncode} {done.stdout}{done.stderr}")
    t.equal("and did nothing", run.functions()["shop-prod-workerEcho"]["MemorySize"], 256)
    run.command("push", "rollback", "--yes", "--delete-queue", "shop-parrot-prod", what="roll-back with the queue's name")
    t.equal("the memory is what it was", run.functions()["shop-prod-workerEcho"]["MemorySize"], 512)
    t.check("the new worker is gone", "shop-parrot-prod" not in run.queues() and "shop-prod-workerParrot" not in run.functions())


def removed_worker(run):
    t, project = run.tally, run.project
    # Another name than the one that was rolled back: moto does not make again what a stack of
    # it has had before under the same logical id.
    project.program("echo", echo=[*ECHO, "runtime.WithMemory(256)"], magpie=[])
    run.push(what="push of what comes after the roll-back")
    project.remove("video")
    run.send("shop-media-video-dlq-prod")
    done = run.push(code=None)
    t.check("a group's queue with messages is not deleted", done.returncode not in (0, 5) and "shop-media-video-dlq-prod" in done.stdout + done.stderr,
            f"exit {done.returncode} {done.stdout}{done.stderr}")
    t.check("it is still there", "shop-media-video-dlq-prod" in run.queues())
    run.push("--delete-queue", "shop-media-video-dlq-prod", what="push without the group, its queue named")
    t.check("the group is gone", "shop-media-prod" not in run.stacks() and not any("video" in q for q in run.queues()), str(run.stacks()))


def foreign(run):
    """A stack of that name that somebody else has made is left alone."""
    t = run.tally
    cloudformation = run.client("cloudformation")
    template = {"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "other-echo-prod"}}}}
    cloudformation.create_stack(StackName="other-prod", TemplateBody=json.dumps(template))
    done = subprocess.run([run.aiwctl, "push", "--yes", "--service", "other", "--stage", STAGE, "./workers/echo"], cwd=run.project.directory,
                          env=run.env(), capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, check=False)
    said = done.stdout + done.stderr
    t.check("it is refused", done.returncode not in (0, 5) and "other-echo-prod" in said and "--adopt" in said, f"exit {done.returncode} {said}")
    t.equal("the foreign stack is as it was", run.stack("other-prod")["StackStatus"], "CREATE_COMPLETE")
    cloudformation.delete_stack(StackName="other-prod")


def killed(run, rounds):
    """SIGKILL and SIGINT at random moments: the next run finishes the job."""
    t, project = run.tally, run.project
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    for n in range(rounds):
        memory = 640 + 64 * n
        project.program("echo", echo=[*ECHO, f"runtime.WithMemory({memory})"], **{f"extra{n}": []})
        run.command("push", "--dry-run", "--arch", "arm64", what="a dry run before the kill")  # builds, so that the kill hits the deployment
        process = subprocess.Popen([run.aiwctl, "push", "--yes", "--arch", "arm64", "--service", SERVICE, "--stage", STAGE], cwd=project.directory, env=run.env(),
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        after, how = dice.uniform(0.3, 4.0), dice.choice([signal.SIGKILL, signal.SIGINT])
        time.sleep(after)
        process.send_signal(how)
        process.communicate(timeout=120)
        run.push("--delete-queue", f"shop-extra{n - 1}-prod", what=f"push after {how.name} after {after:.2f} s (seed {seed}, round {n})")
        t.equal("it is finished", (run.functions()["shop-prod-workerEcho"]["MemorySize"], f"shop-extra{n}-prod" in run.queues()), (memory, True))
        t.check("and whole", run.stacks()["shop-prod"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), str(run.stacks()))


def removed(run):
    t = run.tally
    run.send("shop-orders-prod", 3)
    done = run.command("push", "remove", "--yes", code=None)
    t.check("a stage with messages is not removed", done.returncode not in (0, 5) and "shop-orders-prod" in done.stdout + done.stderr,
            f"exit {done.returncode} {done.stdout}{done.stderr}")
    t.check("it is still there", "shop-orders-prod" in run.queues())
    run.command("push", "remove", "--yes", "--delete-queue", "shop-orders-prod", what="remove with the queue's name")
    t.equal("no stack", run.stacks(), {})
    t.equal("no queue", run.queues(), [])
    t.equal("no function", run.functions(), {})
    parameters = run.client("ssm").get_parameters_by_path(Path="/shop/prod/", Recursive=True)["Parameters"]
    t.equal("no parameter", parameters, [])
    t.equal("no artifact", run.artifacts(), {})
    run.command("push", "remove", "--yes", code=3, what="nothing is left to remove")


def main(aiwctl, root, work):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started, tally = time.monotonic(), Tally()
    run = Run(aiwctl, root, work, tally)
    try:
        run.start()
        write_project(run.project)
        for step in (dry_run, created, found, unchanged, changed, status, rolled_back, removed_worker, foreign):
            print(f"-- {step.__name__}", flush=True)
            step(run)
        print("-- killed", flush=True)
        killed(run, int(os.environ.get("KILLS", "4")))
        print("-- removed", flush=True)
        removed(run)
    except Exception:  # noqa: BLE001 - a scenario that cannot go on is a failure like any other
        tally.check("the run", False, traceback.format_exc() + run.log_of_moto())
    finally:
        run.moto.terminate()
        run.moto.wait(10)
        run.moto_log.close()
    print(f"took {time.monotonic() - started:.0f} s")
    print(f"{tally.passed} passed, {len(tally.failures)} failed", flush=True)
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
