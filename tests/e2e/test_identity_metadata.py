"""The machine's own role, by the real binary: EC2's metadata server (IMDSv2), the credential endpoint
of an ECS task, and EKS Pod Identity with its token file."""
import pathlib

import pytest

from test_identity import ACCOUNT, KINDS, Cell, admin, kept_sql, make_world, tables  # noqa: F401
from world import NOTHING_LEFT, ROOT, Sandbox, nothing_left

WORLD = ROOT / "tests" / "sandbox_aws" / "world.toml"
# Each machine has its role, trusted for its service alone. The pod's trust asks for the session tags
# that EKS sends.
SERVICES = {"instance": "ec2.amazonaws.com", "container": "ecs-tasks.amazonaws.com",
            "pod": "pods.eks.amazonaws.com"}
RIGHTS = """{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "s3:*",
   "Resource": ["arn:aws:s3:::vesto-demo", "arn:aws:s3:::vesto-demo/vesto/*"]},
  {"Effect": "Allow", "Action": ["redshift:GetClusterCredentials",
   "redshift:GetClusterCredentialsWithIAM", "redshift-serverless:GetCredentials"],
   "Resource": "*"}]}"""


def trust(machine, condition=""):
    actions = '["sts:AssumeRole", "sts:TagSession"]' if machine == "pod" else '"sts:AssumeRole"'
    if machine == "pod":
        condition = ', "Condition": {"StringEquals": {"aws:RequestTag/kubernetes-namespace": "default"}}'
    return ('{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ' + actions +
            ', "Principal": {"Service": "' + SERVICES[machine] + '"}' + condition + "}]}")


def machine_world(folder):
    roles = "".join(f"\n[[account.role]]\nname = \"vesto-{machine}\"\npath = \"/machines/\"\n"
                    f"trust = '''{trust(machine)}'''\npolicies = ['''{RIGHTS}''']\n"
                    for machine in SERVICES)
    named = "".join(f'{machine}_role = "{ACCOUNT}machines/vesto-{machine}"\n' for machine in SERVICES)
    text = WORLD.read_text().replace('name = "customer"\n', 'name = "customer"\n' + roles, 1)
    file = pathlib.Path(folder) / "world.toml"
    file.write_text(named + text)
    return file


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """A sandbox of each kind whose machines have roles, with database users for them."""
    world = machine_world(tmp_path_factory.mktemp("machines"))
    started = {}

    def of(kind):
        if kind not in started:
            started[kind] = Sandbox(extra=["--kind", kind, "--world", str(world)]).start()
            for machine in SERVICES:
                admin(started[kind], f'CREATE USER "IAMR:vesto-{machine}" PASSWORD DISABLE')
                admin(started[kind], "GRANT CREATE, TEMPORARY ON DATABASE dev TO "
                                     f'"IAMR:vesto-{machine}"')
        return started[kind]

    yield of
    for sandbox in started.values():
        sandbox.stop()


class MachineCell(Cell):
    """Where Vesto finds itself: nothing in its configuration but identity = "aws"."""

    def on(self, machine):
        self.role = "vesto-" + machine
        self.lines.append('identity = "aws"')
        del self.environment["AWS_EC2_METADATA_DISABLED"]

    def instance(self):
        self.on("instance")
        self.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = \
            self.sandbox.endpoints["ec2"]["metadata"]

    def container(self):
        self.on("container")
        container = self.sandbox.endpoints["container"]
        self.environment |= {"AWS_CONTAINER_CREDENTIALS_FULL_URI": container["credentials"],
                             "AWS_CONTAINER_AUTHORIZATION_TOKEN": container["authorization"]}

    def pod(self):
        self.on("pod")
        pod = self.sandbox.endpoints["pod"]
        self.environment |= {"AWS_CONTAINER_CREDENTIALS_FULL_URI": pod["credentials"],
                             "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": pod["token_file"]}


@pytest.mark.parametrize("copy", ["session_keys", "attached_role"])
@pytest.mark.parametrize("machine", list(SERVICES))
@pytest.mark.parametrize("kind", KINDS)
def test_a_machine_syncs(machines, make_world, kind, machine, copy):  # noqa: F811
    sandbox = machines(kind)
    world = make_world(sandbox)
    cell = MachineCell(world, sandbox, kind, machine, copy, user=None)
    tables(world)
    world.write_config()
    before = sandbox.calls()
    code, finished, errors = world.run(environment=cell.environment)
    assert code == 0, errors
    assert finished["rows"]["copied"] == 50
    world.assert_equal(("public.orders", ["id"]), ("public.items", ["id"]), rows=50)
    assert nothing_left(sandbox) == NOTHING_LEFT
    asked = {name for name, count in sandbox.calls().items() if count > before.get(name, 0)}
    if machine == "instance":
        assert {"ec2.token", "ec2.metadata"} <= asked and "container.credentials" not in asked
    else:
        assert "container.credentials" in asked and not {"ec2.token", "ec2.metadata"} & asked
    copies = [sql for sql in kept_sql(world, cell) if sql.startswith("COPY")]
    assert len(copies) == 2
    for sql in copies:
        assert ("IAM_ROLE" in sql) == (copy == "attached_role")
        assert ("SESSION_TOKEN" in sql) == (copy == "session_keys")


@pytest.mark.parametrize("machine", list(SERVICES))
def test_a_role_that_does_not_trust_the_machine(machines, make_world, machine):  # noqa: F811
    sandbox = machines("provisioned")
    role = f"{ACCOUNT}machines/vesto-{machine}"
    other = {"instance": "container", "container": "pod", "pod": "instance"}[machine]
    world = make_world(sandbox)
    cell = MachineCell(world, sandbox, "provisioned", machine, "session_keys", user=None)
    tables(world)
    world.write_config()
    sandbox.control("POST", "/v1/iam", {"put_role_trust": {"role": role, "policy": trust(other)}})
    try:
        code, finished, errors = world.run(environment=cell.environment)
    finally:
        sandbox.control("POST", "/v1/iam",
                        {"put_role_trust": {"role": role, "policy": trust(machine)}})
    assert code != 0 and "AWS-" in errors + str(finished), errors
    assert nothing_left(sandbox) == NOTHING_LEFT


def test_a_wrong_authorization_opens_nothing(machines, make_world, tmp_path):  # noqa: F811
    """The pod's endpoint wants the pod's token; the task's is another's."""
    sandbox = machines("provisioned")
    world = make_world(sandbox)
    cell = MachineCell(world, sandbox, "provisioned", "pod", "session_keys", user=None)
    token = tmp_path / "token"
    token.write_text(sandbox.endpoints["container"]["authorization"])
    cell.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(token)
    tables(world)
    world.write_config()
    code, finished, errors = world.run(environment=cell.environment)
    said = errors + str(finished)
    assert code != 0 and "AWS-" in said, said
    assert token.read_text() not in said
    assert nothing_left(sandbox) == NOTHING_LEFT
