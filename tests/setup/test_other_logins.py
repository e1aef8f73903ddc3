"""A policy that stands lets another installation log in, by a statement of which the one that takes its
place has nothing: to the other kind of warehouse, or to any where this destination has a password."""
import json

import pytest

from kit_world import ACCOUNT, CLUSTER, DATABASE, REGION, UUID
from others import POLICY, ROLE_NAME

LOGINS = {
    "cluster": {"Effect": "Allow", "Action": "redshift:GetClusterCredentialsWithIAM",
                "Resource": [f"arn:aws:redshift:{REGION}:{ACCOUNT}:dbname:{CLUSTER}/{DATABASE}"]},
    "workgroup": {"Effect": "Allow", "Action": "redshift-serverless:GetCredentials",
                  "Resource": f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/{UUID}"}}


@pytest.mark.parametrize("options, theirs", [
    ({"kind": "provisioned"}, "workgroup"), ({"kind": "serverless"}, "cluster"),
    ({"identity": "key"}, "cluster"), ({"identity": "key"}, "workgroup")])
def test_a_login_that_ours_does_not_have(kit_world, options, theirs):
    world = kit_world(**options)
    world.apply("script")
    iam = world.boto("iam")
    of_user = options.get("identity") == "key"
    owner = {"UserName": "vesto-acme"} if of_user else {"RoleName": ROLE_NAME}

    def policy():
        get = iam.get_user_policy if of_user else iam.get_role_policy
        return get(PolicyName=POLICY, **owner)["PolicyDocument"]

    ours = policy()
    standing = {**ours, "Statement": [
        one for one in ours["Statement"] if "redshift" not in json.dumps(one)] + [LOGINS[theirs]]}
    put = iam.put_user_policy if of_user else iam.put_role_policy
    put(PolicyName=POLICY, PolicyDocument=json.dumps(standing), **owner)
    arn = LOGINS[theirs]["Resource"]
    script = world.kit("script")
    said = world.aws(script, code=1).stderr
    assert f"The policy that stands is for {arn if isinstance(arn, str) else arn[0]}" in said
    assert "that login would be gone" in said and "NEW_WAREHOUSE=yes" in said
    assert policy() == standing
    world.aws("NEW_WAREHOUSE=yes\n" + script)
    assert policy() == ours
    # Our own is no other's.
    world.aws(script)
