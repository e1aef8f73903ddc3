"""Names of nearly the same kind, and another Vesto with a destination of the same name: nothing is put for a
name that is not meant, nor in another account."""
import re

import pytest

from kit_world import (ACCOUNT, AUDIENCE, BUCKET, CLUSTER, DATABASE, OPERATOR, OPERATORS_ADMIN, PREFIX,
                       REGION, WORKGROUP, bad_checks, by_id)
from others import ROLE_NAME, SECOND, policy_of, trust_of


@pytest.mark.parametrize("kind, wrong, words", [
    ("provisioned", CLUSTER + "s", "There is no cluster"),
    ("provisioned", "secondcluster", f":dbname:{CLUSTER}/"),
    ("serverless", WORKGROUP + "s", "ResourceNotFound"),
    ("serverless", "second", f"The policy that stands is for {WORKGROUP}."),
])
def test_another_warehouse_than_is_meant(worlds, kind, wrong, words):
    world = worlds(kind=kind, more_world=SECOND[kind])
    before = policy_of(world)
    right = CLUSTER if kind == "provisioned" else WORKGROUP
    world.write_config(auth=world.auth().replace(f'warehouse = "{right}"', f'warehouse = "{wrong}"'))
    try:
        check = by_id(world.report("--only", "redshift.credentials"))["redshift.credentials"]
        if check["error"]["code"] == "RS-CRED-DENIED":  # not yet where AWS says that there is none
            hint = check["error"]["hint"]
            assert "Or correct auth.warehouse (" in hint and f'"{wrong}")' in hint
            said = world.aws(check["fix"]["snippet"], code=255 if "Not" in words else 1).stderr
            assert words in said, said
            assert "auth.warehouse" in said or "Not" in words
        else:
            assert "fix" not in check
        assert policy_of(world) == before
    finally:
        world.write_config()
    assert bad_checks(world.report("--only", "redshift.credentials")) == {}


def test_another_database_user_than_the_policys(worlds):
    """The usual cause is the name in the configuration, not the policy."""
    world = worlds(named=True)
    auth = world.auth()
    right = re.search(r'(?m)^db_user = "(.*)"$', auth)[1]
    world.write_config(auth=auth.replace(f'db_user = "{right}"', 'db_user = "nobody_of_them"'))
    try:
        check = by_id(world.report("--only", "redshift.credentials"))["redshift.credentials"]
        assert check["error"]["code"] == "RS-CRED-DENIED", check
        text = (world.folder / "vesto.toml").read_text().splitlines()
        line = text.index('db_user = "nobody_of_them"') + 1
        assert re.search(rf'Or correct auth\.db_user \([^)]*vesto\.toml:{line}, "nobody_of_them"\)',
                         check["error"]["hint"]), check["error"]["hint"]
    finally:
        world.write_config()
    assert bad_checks(world.report("--only", "redshift.credentials")) == {}


def test_a_warehouse_that_is_not_the_endpoints(worlds):
    """Nobody can know which of the two is meant."""
    world = worlds()
    redshift = world.endpoints["redshift"]
    text = world.config_text().replace(
        f"{redshift['host']}:{redshift['port']}/", "real.abc123.eu-west-1.redshift.amazonaws.com/")
    (world.folder / "vesto.toml").write_text(text)
    try:
        check = by_id(world.report("--only", "config.valid"))["config.valid"]
        assert check["status"] == "warning" and f'is "{CLUSTER}"' in check["error"]["hint"]
        assert check["fix"] == {"who": "you", "kind": "toml", "snippet": 'warehouse = "real"'}
        done = world.aws(world.kit("role"), code=1)
        assert f"auth.warehouse is {CLUSTER}, and the endpoint is that of real." in done.stderr
    finally:
        world.write_config()


def test_a_slip_in_the_buckets_name_makes_no_second_bucket(worlds):
    world = worlds()
    world.write_config()
    text = world.config_text().replace(f'bucket = "{BUCKET}"', f'bucket = "{BUCKET}s"')
    (world.folder / "vesto.toml").write_text(text)
    try:
        check = by_id(world.report("--only", "s3.bucket"))["s3.bucket"]
        assert check["error"]["code"] == "S3-NO-BUCKET"
        assert "Check the name first" in check["error"]["hint"]
        said = world.aws(check["fix"]["snippet"], code=1).stderr
        assert f"There is no bucket {BUCKET}s." in said and BUCKET + "\n" in said
        names = [one["Name"] for one in world.boto("s3").list_buckets()["Buckets"]]
        assert names == [BUCKET]
    finally:
        world.write_config()


def test_a_slip_that_is_another_bucket_replaces_no_policy(worlds):
    world = worlds()
    world.boto("s3").create_bucket(Bucket=BUCKET + "-old", CreateBucketConfiguration={
        "LocationConstraint": "eu-west-1"})
    before = policy_of(world)
    for old, new in ((f'bucket = "{BUCKET}"', f'bucket = "{BUCKET}-old"'),
                     ('prefix = "', 'prefix = "x')):
        text = world.config_text()
        assert old in text
        (world.folder / "vesto.toml").write_text(text.replace(old, new))
        try:
            check = by_id(world.report("--only", "s3.*"))["s3.put"]
            assert check["error"]["code"] == "S3-DENIED"
            hint = check["error"]["hint"]
            assert "Or correct staging.bucket (" in hint
            said = world.aws(check["fix"]["snippet"], code=1).stderr
            assert f"The policy that stands is for {BUCKET}/" in said
            assert policy_of(world) == before
        finally:
            world.write_config()
    world.boto("s3").delete_bucket(Bucket=BUCKET + "-old")


def standing(world):
    return trust_of(world), policy_of(world), world.boto("s3").list_buckets()["Buckets"]


LOGIN = f"arn:aws:redshift:{REGION}:{ACCOUNT}"


# A second Vesto, whose admin runs the kit in the same account.
@pytest.mark.parametrize("part", ["script", "role"])
@pytest.mark.parametrize("old, new, words", [
    (f'bucket = "{BUCKET}"', 'bucket = "elsewhere-stage"', f"is for {BUCKET}/{PREFIX}*."),
    (f'prefix = "{PREFIX}"', 'prefix = "second/"', f"is for {BUCKET}/{PREFIX}*."),
    (f'warehouse = "{CLUSTER}"', 'warehouse = "secondcluster"', f"is for {LOGIN}:dbname:{CLUSTER}/"),
    (f'/{DATABASE}"', '/second"', f"is for {LOGIN}:dbname:{CLUSTER}/{DATABASE}."),
    (f'warehouse = "{CLUSTER}"', f'warehouse = "{CLUSTER}"\ndb_user = "second"',
     "is for redshift:GetClusterCredentialsWithIAM."),
])
def test_another_vesto_with_a_destination_of_this_name(worlds, part, old, new, words):
    world = worlds(kind="provisioned", more_world=SECOND["provisioned"])
    before = standing(world)
    text = world.config_text()
    assert old in text and AUDIENCE in text
    (world.folder / "vesto.toml").write_text(text.replace(old, new).replace(AUDIENCE, "second-1"))
    try:
        said = world.aws(world.kit(part), code=1).stderr
        assert "The policy that stands " + words in said
        assert "Where another Vesto has a destination of this name" in said
        assert standing(world) == before
    finally:
        world.write_config()
    assert world.aws(world.kit(part)).stderr == "" and standing(world) == before


# That account has no warehouse of the name: what is asked of AWS before would mislead.
@pytest.mark.parametrize("part", ["role", "script"])
def test_nothing_is_changed_in_another_account(worlds, part):
    world = worlds()
    said = world.aws(world.kit(part), who=OPERATORS_ADMIN, code=1).stderr
    assert f"auth.role_arn is of the account {ACCOUNT}, and this runs in {OPERATOR}" in said
    assert world.boto("s3", OPERATORS_ADMIN).list_buckets()["Buckets"] == []
    assert all(role["RoleName"] != ROLE_NAME
               for role in world.boto("iam", OPERATORS_ADMIN).list_roles()["Roles"])
