"""What stands in an account after the kit was run, piece by piece, read back from AWS and from the
warehouse; and how each piece is taken away alone. Nothing here knows what the kit made."""
import copy
import json
import re

from botocore.exceptions import ClientError

from kit_world import ADMIN, BUCKET, DATABASE, OPERATORS_ADMIN, PODS_ROLE, SCHEMA


OPTION = re.compile(r'[a-z-]+(?:="[^"]*")?')


class Piece:
    """part: whose it is ("permission-policy"); of: what it is, as `vesto destination kit --json`
    names it: one name, or all of a statement's. shown: its name in the table."""

    def __init__(self, part, of, shown, remove):
        self.part, self.of, self.shown, self.remove = part, list(of), shown, remove

    def __repr__(self):
        return f"{self.part}: {self.shown}"


class Refused(Exception):
    """AWS takes nothing of this form: it cannot be removed alone."""


def several(value):
    return value if isinstance(value, list) else [value]


def conditions(statement):
    return [(test, key) for test, keys in statement.get("Condition", {}).items() for key in keys]


def without(document, number, change):
    """The document, in which `change` was done to the statement."""
    changed = copy.deepcopy(document)
    change(changed["Statement"][number])
    return changed


def dropping(name, value):
    def change(statement):
        statement[name] = [one for one in several(statement[name]) if one != value]
    return change


def unconditioned(test, key):
    def change(statement):
        del statement["Condition"][test][key]
        if not statement["Condition"][test]:
            del statement["Condition"][test]
        if not statement["Condition"]:
            del statement["Condition"]
    return change


def lessened(document):
    """(names of pieces, shown, document or None): each statement, action, resource and condition
    is missing once. None: nothing is left of it."""
    for number, statement in enumerate(document["Statement"]):
        actions = several(statement["Action"])
        rest = copy.deepcopy(document)
        del rest["Statement"][number]
        yield actions, "the statement of " + ", ".join(actions), \
            rest if rest["Statement"] else None
        for action in actions if len(actions) > 1 else []:
            yield [action], action, without(document, number, dropping("Action", action))
        resources = several(statement.get("Resource", []))
        for resource in resources if len(resources) > 1 else []:
            yield actions, "resource " + resource, \
                without(document, number, dropping("Resource", resource))
        principals = statement.get("Principal", {})
        for kind, value in principals.items() if isinstance(principals, dict) else []:
            for one in several(value) if len(several(value)) > 1 else []:
                def change(of, kind=kind, one=one):
                    of["Principal"][kind] = [x for x in several(of["Principal"][kind]) if x != one]
                yield [one], "principal " + one, without(document, number, change)
        for test, key in conditions(statement):
            yield ["condition " + key], "condition " + key, \
                without(document, number, unconditioned(test, key))


def _put(iam, kind, owner, name, document):
    who = {("RoleName" if kind == "role" else "UserName"): owner, "PolicyName": name}
    if document is None:
        getattr(iam, f"delete_{kind}_policy")(**who)
    else:
        getattr(iam, f"put_{kind}_policy")(**who, PolicyDocument=json.dumps(document))


def policies(world, kind, owner, who, part):
    iam = world.boto("iam", who)
    asked = {("RoleName" if kind == "role" else "UserName"): owner}
    for name in getattr(iam, f"list_{kind}_policies")(**asked)["PolicyNames"]:
        document = getattr(iam, f"get_{kind}_policy")(**asked, PolicyName=name)["PolicyDocument"]
        for of, shown, rest in lessened(document):
            yield Piece(part, of, shown,
                        lambda rest=rest, name=name: _put(iam, kind, owner, name, rest))


def trust(world, role, part, who=ADMIN):
    iam = world.boto("iam", who)

    def put(document):
        if document is None:
            document = {"Version": "2012-10-17", "Statement": []}
        try:
            iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(document))
        except ClientError as error:
            assert error.response["Error"]["Code"] == "MalformedPolicyDocument", error
            raise Refused(error.response["Error"]["Message"]) from error

    document = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    for of, shown, rest in lessened(document):
        yield Piece(part, of, shown, lambda rest=rest: put(rest))


def roles(world):
    iam = world.boto("iam")
    for role in sorted(one["RoleName"] for one in iam.list_roles()["Roles"]):
        attached = role.endswith("-copy-role")

        def remove(role=role):
            for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
                iam.delete_role_policy(RoleName=role, PolicyName=policy)
            iam.delete_role(RoleName=role)

        yield Piece("copy-role" if attached else "role", ["role"], "the role", remove)
        yield from trust(world, role, "copy-role" if attached else "trust-policy")
        yield from policies(world, "role", role, ADMIN,
                            "copy-role" if attached else "permission-policy")


def pods(world):
    """The role that Vesto's pods run as was there before the kit; whom it trusts is the kit's."""
    if world.identity != "aws":
        return
    iam = world.boto("iam", OPERATORS_ADMIN)
    before = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole"}]}
    yield Piece("eks-trust", ["sts:AssumeRoleWithWebIdentity"], "the statement, as it was before",
                lambda: iam.update_assume_role_policy(
                    RoleName=PODS_ROLE, PolicyDocument=json.dumps(before)))
    yield from trust(world, PODS_ROLE, "eks-trust", OPERATORS_ADMIN)
    yield from policies(world, "role", PODS_ROLE, OPERATORS_ADMIN, "asker")


def users(world):
    """Users and keys that were there before the kit are no pieces of it; their policies are."""
    for who in (ADMIN, OPERATORS_ADMIN):
        iam = world.boto("iam", who)
        for user in sorted(one["UserName"] for one in iam.list_users()["Users"]):
            if user == "admin":
                continue
            part = "key" if user == "vesto" else "permission-policy"
            yield from policies(world, "user", user, who, part)
            if user == "vesto":
                continue
            for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
                yield Piece("key", ["access key"], "the access key",
                            lambda user=user, key=key, iam=iam: iam.delete_access_key(
                                UserName=user, AccessKeyId=key["AccessKeyId"]))


RIGHTS = {  # a right: how it is asked for, and how it is taken away
    "CREATE on the database": ("has_database_privilege(%s, '{db}', 'CREATE')",
                               'REVOKE CREATE ON DATABASE "{db}" FROM "{user}"'),
    "TEMPORARY on the database": ("has_database_privilege(%s, '{db}', 'TEMP')",
                                  'REVOKE TEMPORARY ON DATABASE "{db}" FROM "{user}"'),
    "USAGE on the schema": ("has_schema_privilege(%s, '{schema}', 'USAGE')",
                            'REVOKE USAGE ON SCHEMA "{schema}" FROM "{user}"'),
    "CREATE on the schema": ("has_schema_privilege(%s, '{schema}', 'CREATE')",
                             'REVOKE CREATE ON SCHEMA "{schema}" FROM "{user}"'),
}


def grants(world):
    users = [name for name, in world.admin_sql("SELECT usename FROM pg_user")
             if name == world.database_user]
    there = world.admin_sql("SELECT count(*) FROM pg_namespace WHERE nspname = %s", SCHEMA)[0][0]
    for user in users:
        held = []
        for right, (ask, revoke) in RIGHTS.items():
            words = {"db": DATABASE, "user": user, "schema": SCHEMA}
            if "schema" in right and not there:
                continue
            if world.admin_sql("SELECT " + ask.format(**words), user)[0][0]:
                held.append(revoke.format(**words))
                yield Piece("sql", [right], right,
                            lambda sql=held[-1]: world.admin_sql(sql))
        yield Piece("sql", ["user"], "the user", lambda: [
            world.admin_sql(sql) for sql in [*held, f'DROP USER "{user}"']])


def inbound(world):
    ec2 = world.boto("ec2")
    for group in ec2.describe_security_groups()["SecurityGroups"]:
        of_warehouse = group["GroupId"] == world.security_group()
        name = "inbound rule" if not world.bastion else \
            "inbound rule of the " + ("warehouse" if of_warehouse else "SSH server")
        for rule in group["IpPermissions"]:
            sources = [("IpRanges", "CidrIp", block) for block in rule.get("IpRanges", [])] + \
                [("UserIdGroupPairs", "GroupId", pair) for pair in rule.get("UserIdGroupPairs", [])]
            for kind, key, source in sources:
                one = {**{k: rule[k] for k in ("IpProtocol", "FromPort", "ToPort")},
                       kind: [{key: source[key]}]}
                yield Piece("network", [name], f"{name} {source[key]}",
                            lambda group=group, one=one: ec2.revoke_security_group_ingress(
                                GroupId=group["GroupId"], IpPermissions=[one]))


def authorized(world):
    """The lines of the SSH server's authorized_keys, and their options."""
    for line in world.bastion.lines() if world.bastion else []:
        options, key = line.split(" ", 1)

        def write(text, key=key):
            there = [one for one in world.bastion.lines() if not one.endswith(" " + key)]
            world.bastion.write([*there, text] if text else there)

        yield Piece("authorized-keys", ["line"], "the line", lambda write=write: write(""))
        for option in OPTION.findall(options):
            rest = ",".join(one for one in OPTION.findall(options) if one != option)
            name = "option " + option.split("=")[0]
            yield Piece("authorized-keys", [name], name,
                        lambda write=write, text=f"{rest} {key}": write(text))


def bucket(world):
    s3 = world.boto("s3")
    if BUCKET not in [one["Name"] for one in s3.list_buckets()["Buckets"]]:
        return
    of = {"Bucket": BUCKET}
    for name, shown in (("bucket_ownership_controls", "object ownership"),
                        ("public_access_block", "public access block"),
                        ("bucket_lifecycle", "lifecycle rule")):
        reads = {"bucket_lifecycle": "bucket_lifecycle_configuration"}.get(name, name)
        try:
            getattr(s3, "get_" + reads)(**of)
        except ClientError:
            continue
        yield Piece("bucket", [shown], shown,
                    lambda name=name: getattr(s3, "delete_" + name)(**of))
    yield Piece("bucket", ["bucket"], "the bucket", lambda: s3.delete_bucket(**of))


def attached_roles(world):
    """COPY's role, as far as it is attached to the warehouse."""
    if world.copy != "attached_role" or not world.provisioned:
        return
    redshift = world.boto("redshift")
    cluster, = redshift.describe_clusters()["Clusters"]
    for role in cluster.get("IamRoles", []):
        yield Piece("copy-role", ["attachment"], "its attachment to the warehouse",
                    lambda arn=role["IamRoleArn"]: redshift.modify_cluster_iam_roles(
                        ClusterIdentifier=cluster["ClusterIdentifier"], RemoveIamRoles=[arn]))


def all_pieces(world):
    return [piece for kind in (bucket, pods, users, roles, attached_roles, grants, inbound,
                              authorized)
            for piece in kind(world)]
