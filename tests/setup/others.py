"""What others have put into the account beside what the kit makes, as the tests of it write and read it."""
import json

from kit_world import ACCOUNT, BUCKET, COPY_ROLE, ROLE

ROLE_NAME = ROLE.rsplit("/", 1)[1]
POLICY = "vesto-acme-policy"
BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
COPY_ROLE_NAME = COPY_ROLE.rsplit("/", 1)[1]

# A second warehouse in the same account.
SECOND = {"provisioned": f'''[[cluster]]
id = "secondcluster"
account = "{ACCOUNT}"
region = "eu-west-1"
databases = ["dev"]
copy_roles = []
allow_from = []
''', "serverless": f'''[[workgroup]]
name = "second"
uuid = "1c6b3d2f-7a1e-4a4b-8b68-2d3e4f5a6b7c"
account = "{ACCOUNT}"
region = "eu-west-1"
databases = ["dev"]
copy_roles = []
allow_from = []
'''}


def role_of(world):
    return world.boto("iam").get_role(RoleName=ROLE_NAME)["Role"]


def trust_of(world):
    return role_of(world)["AssumeRolePolicyDocument"]["Statement"]


def put_trust(world, statements):
    world.boto("iam").update_assume_role_policy(RoleName=ROLE_NAME, PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": statements}))


def policy_of(world):
    return world.boto("iam").get_role_policy(RoleName=ROLE_NAME, PolicyName=POLICY)["PolicyDocument"]


def google(**equals):
    return {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": "accounts.google.com"},
            "Condition": {"StringEquals": {f"accounts.google.com:{key}": value
                                           for key, value in equals.items()}}}


def account(principal, **more):
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": principal}, **more}


def more(statement, **conditions):
    return {**statement, "Condition": {**statement.get("Condition", {}), **conditions}}


def statement(effect, action, principal="*", resource=BUCKET_ARN + "/*", **more):
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": resource, **more}


def looked_at(world, check):
    """What is to be run shows the bucket's policy and changes nothing of the role."""
    before = policy_of(world)
    assert "put-role-policy" not in check["fix"]["snippet"]
    shown = json.loads(world.fix(check["fix"]).stdout)
    assert policy_of(world) == before
    return shown["Statement"]
