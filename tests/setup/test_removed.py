"""What `vesto destination remove` prints undoes what the kit did: it is run, comments included."""
import json
import re

import pytest

from kit_world import CLUSTER, SCHEMA, KitWorld

COMMAND = re.compile(r"(?:SECURITY_GROUP=|for KEY in |aws ).*")
PROSE = ("# on the SSH server, as ", "# where Vesto runs on EKS ")


def removed(world):
    done = world.vesto("destination", "remove", "acme", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["stays"]


def sql_of(lines):
    """Somebody judged each comment, and runs it: what stands behind its first ": "."""
    return "\n".join(line.split(": ", 1)[1] if line.startswith("-- ") else line
                     for line in lines) + "\n"


def commands_of(lines):
    """The same of the lines for AWS; what is told in words alone is in PROSE."""
    return "".join(COMMAND.search(line)[0] + "\n" for line in lines
                   if not line.startswith(PROSE))


def users(world):
    return world.psql("SELECT usename FROM pg_user")


VARIANTS = {
    "google-made": {}, "google-premade": {"schema": "premade"},
    "key-made": {"identity": "key"}, "key-premade": {"identity": "key", "schema": "premade"},
    "serverless": {"kind": "serverless"},
    "tunnel": {"identity": "key", "tunnel": True},
    "default-role": {"copy": "default_role"},
}


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_nothing_of_the_kit_is_left(options):
    identity = options.get("identity", "google")
    with KitWorld(**options) as world:
        world.apply()
        assert world.report()["ok"]
        iam = world.boto("iam")
        if identity == "key":  # the key was changed since
            iam.create_access_key(UserName="vesto-acme")
        user = world.database_user
        assert user in users(world)
        stays = removed(world)
        lines = [line for line in stays["redshift"] if not line.startswith("-- only if")]
        world.psql(sql_of(lines))
        assert user not in users(world)
        world.aws("set -eu\nROLE=vesto-acme-copy-role\nIAM_USER=vesto-acme\n" + commands_of(stays["aws"]))
        roles = [one["RoleName"] for one in iam.list_roles()["Roles"]]
        assert [name for name in roles if name.startswith("vesto-acme")] == []
        assert "vesto-acme" not in [one["UserName"] for one in iam.list_users()["Users"]]
        assert world.boto("s3").list_buckets()["Buckets"] == []
        groups = world.boto("ec2").describe_security_groups()["SecurityGroups"]
        assert [one["IpPermissions"] for one in groups if one["IpPermissions"]] == []
        if "copy" in options:
            cluster, = world.boto("redshift").describe_clusters()["Clusters"]
            assert (cluster["ClusterIdentifier"], cluster["IamRoles"]) == (CLUSTER, [])
        told = [line for line in stays["aws"] if line.startswith(PROSE)]
        assert len(told) == ("tunnel" in options), told
        if told:
            ending = re.search("ends in ([^ ]*) out of", told[0])[1]
            line, = world.bastion.lines()
            assert line.endswith(" " + ending)


def add_beta(world, *changes):
    """A second destination with a schema of its own, by the same role or user as the first."""
    text = world.config_text()
    beta = text[text.index("[destination.acme]"):].replace("destination.acme", "destination.beta")
    for old, new in (*changes, (f'schema = "{SCHEMA}"', 'schema = "beta_raw"')):
        assert old in beta, (old, beta)
        beta = beta.replace(old, new)
    (world.folder / "vesto.toml").write_text(text + beta)


def is_well(world, name):
    done = world.vesto("destination", "test", name, "--json", "--wait", "0s")
    report = json.loads(done.stdout)
    return report["ok"], [one for one in report["checks"] if one["status"] == "failed"]


def paste(world, stays):
    world.aws("set -eu\n" + "\n".join(stays["aws"]) + "\n")
    world.psql("\n".join(stays["redshift"]) + "\n")


@pytest.mark.parametrize("options", [{"identity": "google"}, {"identity": "key"},
                                     {"identity": "key", "copy": "attached_role"}],
                         ids=["role", "key", "copy-role"])
def test_what_another_destination_works_by_stays(options):
    with KitWorld(**options) as world:
        world.apply()
        changes = []
        if options["identity"] == "key":  # another key of the same user
            key = world.boto("iam").create_access_key(UserName="vesto-acme")["AccessKey"]
            (world.folder / "beta.id").write_text(key["AccessKeyId"])
            (world.folder / "beta.key").write_text(key["SecretAccessKey"])
            changes = [("aws.id", "beta.id"), ("aws.key", "beta.key")]
        add_beta(world, *changes)
        assert is_well(world, "beta")[0], is_well(world, "beta")
        stays = removed(world)
        rights = [line for line in stays["aws"] if "delete-role-policy" in line
                  or "delete-user-policy" in line]
        assert rights
        for line in rights:
            assert re.match("# (IAM_USER: .*, )?only if nothing else uses it; beta ", line), line
            assert "run that destination's kit first" in line
        assert all(line.startswith("# ") for line in stays["aws"]), stays["aws"]
        paste(world, stays)
        assert is_well(world, "beta")[0], is_well(world, "beta")


def test_keys_and_a_user_go_only_when_somebody_says_so():
    with KitWorld(identity="key") as world:
        world.apply()
        paste(world, removed(world))
        iam = world.boto("iam")
        assert iam.list_access_keys(UserName="vesto-acme")["AccessKeyMetadata"]
        assert iam.list_user_policies(UserName="vesto-acme")["PolicyNames"] == ["vesto-acme-policy"]


def test_the_policy_goes_from_the_user_whose_key_it_is():
    """The kit has put it onto a user that was there, as AWS names it. Nothing of another user, who has
    the name that the kit would have given, is touched."""
    with KitWorld(identity="key") as world:
        iam = world.boto("iam")
        world.apply()
        policy = iam.get_user_policy(UserName="vesto-acme", PolicyName="vesto-acme-policy")
        iam.create_user(UserName="loader")
        iam.put_user_policy(UserName="loader", PolicyName="vesto-acme-policy",
                            PolicyDocument=json.dumps(policy["PolicyDocument"]))
        lines = [line for line in removed(world)["aws"] if " iam " in line]
        assert all(line.startswith("# IAM_USER: whose key it is, vesto-acme where the kit has made it")
                   for line in lines), lines
        world.aws("set -eu\nIAM_USER=loader\n" + commands_of(lines))
        assert [one["UserName"] for one in iam.list_users()["Users"] if
                one["UserName"] in ("loader", "vesto-acme")] == ["vesto-acme"]
        assert iam.list_user_policies(UserName="vesto-acme")["PolicyNames"] == ["vesto-acme-policy"]


def another_name(world):
    """Of the same machine, as a private name or an address stands for a warehouse."""
    host = world.endpoints["redshift"]["host"]
    return host, "localhost" if host != "localhost" else "127.0.0.1"


@pytest.mark.parametrize("schema", ["made", "premade"])
@pytest.mark.parametrize("options", [{"identity": "key"}, {"identity": "google"},
                                     {"identity": "key", "by_reference": True}],
                         ids=["password", "role", "password-by-reference"])
def test_a_warehouse_that_is_reached_by_two_names_keeps_its_grants(options, schema):
    options = dict(options)
    by_reference = options.pop("by_reference", False)
    with KitWorld(schema=schema, **options) as world:
        world.apply()
        host, other = another_name(world)
        changes = [(f'endpoint = "{host}:', f'endpoint = "{other}:')]
        if by_reference:
            (world.folder / "user").write_text(world.database_user)
            changes.append((f'user = "{world.database_user}"', 'user = { file = "user" }'))
        add_beta(world, *changes)
        if schema == "premade":
            world.psql(f"CREATE SCHEMA beta_raw; "
                       f'GRANT ALL ON SCHEMA beta_raw TO "{world.database_user}";')
        assert is_well(world, "beta")[0], is_well(world, "beta")
        stays = removed(world)
        revokes = [line for line in stays["redshift"] if "REVOKE" in line or "DROP USER" in line]
        if options["identity"] == "google":
            # Name, region and account are told: it is that warehouse, and its login stays.
            assert revokes == ([] if schema == "made" else [
                f'REVOKE ALL ON SCHEMA "{SCHEMA}" FROM "{world.database_user}";'])
        else:
            assert len(revokes) == (2 if schema == "made" else 3), stays["redshift"]
        for line in revokes if options["identity"] == "key" else []:
            assert line.startswith("-- only if nothing else logs in as it; beta may: "), line
        paste(world, stays)
        assert is_well(world, "beta")[0], is_well(world, "beta")
