"""A policy that AWS knows everywhere only after seven minutes: a test that was started before waits
for it and ends green, without a person. The clock is moved, in a build for tests alone."""
import json
import os
import pathlib
import subprocess
import threading
import time

import pytest

from kit_world import BUCKET, ROLE, ROOT, KitWorld

DEV = ROOT / os.environ.get("VESTO_DEV_DIR", "build/dev") / "src" / "cli" / "vesto"
ROLE_NAME = ROLE.rsplit("/", 1)[1]
POLICY_NAME = "vesto-acme-policy"
PROPAGATION_S = 420
LIMIT_S = 90  # of what a test waits for
# What waits while it is not known: the check that is shown first.
POLICIES = {"trust": ("aws.assume_role", "AWS-ASSUME-DENIED"),
            "permission": ("redshift.credentials", "RS-CRED-DENIED"),
            "bucket": ("s3.put", "S3-DENIED")}


class Late:
    """A world of the kit, in which one policy is wrong and then mended, which takes its time."""

    def __init__(self, kind):
        self.world = KitWorld(kind=kind)
        self.offset_s = 0  # it only ever grows
        self.file = self.world.folder / "clock"
        self.file.write_text("0")
        try:
            self.world.apply()
            iam = self.world.boto("iam")
            self.trust = iam.get_role(RoleName=ROLE_NAME)["Role"]["AssumeRolePolicyDocument"]
            self.permission = iam.get_role_policy(
                RoleName=ROLE_NAME, PolicyName=POLICY_NAME)["PolicyDocument"]
        except BaseException:
            self.world.close()
            raise

    def put(self, policy, right):
        getattr(self, "put_" + policy)(right)

    def put_trust(self, right):
        document = json.loads(json.dumps(self.trust))
        if not right:
            document["Statement"][0]["Condition"]["StringEquals"]["accounts.google.com:oaud"] = "x"
        self.change("put_role_trust", role=ROLE, policy=document)

    def put_permission(self, right):
        nothing = {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::elsewhere/*"}]}
        self.change("put_role_policy", role=ROLE, name=POLICY_NAME,
                    policy=self.permission if right else nothing)

    def put_bucket(self, right):
        prefix = "nothing" if right else "*"
        self.change("put_bucket_policy", bucket=BUCKET, policy={
            "Version": "2012-10-17", "Statement": [
                {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
                 "Resource": f"arn:aws:s3:::{BUCKET}/{prefix}"}]})

    def change(self, what, **values):
        """Not by awscli: it signs with this machine's clock, which is not the moved one."""
        self.world.sandbox.control("POST", "/v1/iam", {what: values})

    def mend_late(self, policy):
        """Somebody mends it; AWS says so at once, and does so in seven minutes."""
        self.propagation(0)
        self.put(policy, right=False)
        self.propagation(PROPAGATION_S)
        self.put(policy, right=True)
        self.propagation(0)

    def propagation(self, seconds):
        self.world.sandbox.control("POST", "/v1/propagation", {"ms": seconds * 1000})

    def move(self, seconds):
        """Vesto's clock and AWS's, together."""
        self.offset_s += seconds
        waiting = pathlib.Path(f"{self.file}.new")
        waiting.write_text(str(self.offset_s * 1000))
        os.replace(waiting, self.file)
        self.world.sandbox.control("POST", "/v1/clock", {"offset_ms": self.offset_s * 1000})

    def asked(self):
        return sum(self.world.sandbox.control("GET", "/v1/calls").values())

    def test(self, *arguments):
        return Running(subprocess.Popen(
            [str(DEV), *self.world.command("destination", "test", "acme", *arguments)[1:]],
            cwd=self.world.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**self.world.environment(), "VESTO_CLOCK_OFFSET_FILE": str(self.file)}))


class Running:
    """A test that runs; what it has said so far."""

    def __init__(self, process):
        self.process, self.said = process, ""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.said += line

    def until(self, true, what):
        end = time.monotonic() + LIMIT_S
        while not true():
            assert self.process.poll() is None, f"it ended before {what}:\n{self.said}"
            assert time.monotonic() < end, f"no {what}:\n{self.said}"
            time.sleep(0.02)

    def end(self):
        code = self.process.wait(LIMIT_S)
        self.reader.join(LIMIT_S)
        errors = self.process.stderr.read()
        self.process.stderr.close()
        return code, errors

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def lates():
    made = {}

    def of(kind):
        if kind not in made:
            made[kind] = Late(kind)
        return made[kind]

    yield of
    for one in made.values():
        one.world.close()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", ["provisioned", "serverless"])
def test_green_after_seven_minutes(lates, kind, policy):
    late = lates(kind)
    _, code = POLICIES[policy]
    late.mend_late(policy)
    running = late.test()
    try:
        running.until(lambda: "for AWS, which may not know of a change yet" in running.said, "wait")
        assert code in running.said and "waiting up to 15m" in running.said, running.said
        if kind == "provisioned" and policy == "trust":
            # After six minutes AWS is asked once more, and does not know yet.
            before = late.asked()
            late.move(PROPAGATION_S - 60)
            running.until(lambda: late.asked() > before, "second attempt")
            late.move(61)
        else:
            late.move(PROPAGATION_S + 1)
        ended, errors = running.end()
    finally:
        running.close()
    assert (ended, errors) == (0, ""), running.said
    assert "acme is ready." in running.said
    late.world.sandbox.wait_left(objects=0, uploads=0, tables=0, sessions=0)


@pytest.mark.parametrize("policy", POLICIES)
def test_who_does_not_wait_is_told_what_is_wrong(lates, policy):
    """What the waiting is to be held against: the same without it is red."""
    late = lates("provisioned")
    check, code = POLICIES[policy]
    late.mend_late(policy)
    running = late.test("--json", "--wait", "0s")
    try:
        ended, errors = running.end()
    finally:
        running.close()
    failed = {one["id"]: one["error"]["code"] for one in json.loads(running.said)["checks"]
              if one["status"] == "failed"}
    assert ended == 4 and failed[check] == code, (ended, errors, failed)
    late.move(PROPAGATION_S + 1)
