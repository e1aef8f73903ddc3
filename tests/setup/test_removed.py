"""What `vesto destination remove` prints undoes what the kit did: it is run, comments included."""
import json

import pytest

from kit_world import KitWorld


def removed(world):
    done = world.vesto("destination", "remove", "acme", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["stays"]


def run_all(mark, lines):
    """Somebody judged each comment, and runs it: what stands behind its first ": "."""
    return "\n".join(line.split(": ", 1)[1] if line.startswith(mark) else line for line in lines) + "\n"


def users(world):
    return world.psql("SELECT usename FROM pg_user")


@pytest.mark.parametrize("schema", ["made", "premade"])
@pytest.mark.parametrize("identity", ["google", "key"])
def test_nothing_of_the_kit_is_left(identity, schema):
    with KitWorld(identity=identity, schema=schema) as world:
        world.apply()
        assert world.report()["ok"]
        iam = world.boto("iam")
        if identity == "key":  # the key was changed since
            iam.create_access_key(UserName="vesto-acme")
        user = world.database_user
        assert user in users(world)
        stays = removed(world)
        lines = [line for line in stays["redshift"] if not line.startswith("-- only if")]
        world.psql(run_all("-- ", lines))
        assert user not in users(world)
        world.aws("set -eu\n" + run_all("# ", stays["aws"]))
        assert "vesto-acme-role" not in [one["RoleName"] for one in iam.list_roles()["Roles"]]
        assert "vesto-acme" not in [one["UserName"] for one in iam.list_users()["Users"]]
        assert world.boto("s3").list_buckets()["Buckets"] == []
