"""Clusters, namespaces and workgroups made, changed and deleted by boto3: what AWS answers, and what it
refuses. The listener is none of them here (tests/sandbox_aws/test_kit_warehouse.py has that)."""
import concurrent.futures
import json

import pytest

pytest.importorskip("boto3")
from botocore.exceptions import ClientError  # noqa: E402
from conftest import Cloud  # noqa: E402
from test_kit_warehouse import ADMIN, WORLD  # noqa: E402

NOBODY = ("AKIAVESTONOBODY00001", "nobodySecretnobodySecretnobodySecretno+1")
PASSWORD = "Good0password"
CREATING_MS = 100_000
CLUSTER = {"ClusterIdentifier": "one", "NodeType": "ra3.large", "ClusterType": "single-node",
           "MasterUsername": "boss", "MasterUserPassword": PASSWORD}
ROLE = "arn:aws:iam::123456789012:role/load"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": {
    "Effect": "Allow", "Principal": {"Service": "redshift.amazonaws.com"},
    "Action": "sts:AssumeRole"}})


@pytest.fixture(scope="module")
def cloud(start_sandbox, tmp_path_factory):
    # boto3 signs by the machine's clock, which AWS takes for 15 minutes: shorter steps.
    world = tmp_path_factory.mktemp("world") / "world.toml"
    world.write_text(WORLD.read_text().replace("creating_ms = 300000",
                                               f"creating_ms = {CREATING_MS}"))
    made = Cloud(start_sandbox("empty-writes", "--world", world))
    # Takes the listener, so that none of the tests' clusters is it.
    made.client("redshift", *ADMIN).create_cluster(**{**CLUSTER, "ClusterIdentifier": "served"})
    made.client("iam", *ADMIN).create_role(RoleName="load", AssumeRolePolicyDocument=TRUST)
    made.moved_ms = 0
    return made


@pytest.fixture
def redshift(cloud):
    return cloud.client("redshift", *ADMIN)


@pytest.fixture
def serverless(cloud):
    return cloud.client("redshift-serverless", *ADMIN)


def later(cloud):
    """As long as AWS takes for the next step."""
    cloud.moved_ms += CREATING_MS
    cloud.control("/v1/clock", {"offset_ms": cloud.moved_ms})


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    return (error["Error"]["Code"], error["Error"]["Message"],
            error["ResponseMetadata"]["HTTPStatusCode"])


def shown(redshift, name="one"):
    return redshift.describe_clusters(ClusterIdentifier=name)["Clusters"][0]


def test_the_life_of_a_cluster(cloud, redshift):
    made = redshift.create_cluster(**CLUSTER)["Cluster"]
    assert (made["ClusterStatus"], made["ClusterAvailabilityStatus"]) == ("creating", "Modifying")
    assert "Endpoint" not in made and made["PubliclyAccessible"] is False
    group, = made["VpcSecurityGroups"]
    default, = [one for one in cloud.client("ec2", *ADMIN).describe_security_groups()[
        "SecurityGroups"] if one["GroupName"] == "default"]
    assert group["VpcSecurityGroupId"] == default["GroupId"] and default["IpPermissions"] == []
    assert refused(redshift.create_cluster, **CLUSTER) == (
        "ClusterAlreadyExists", "Cluster already exists", 400)
    busy = "There is an operation running on the Cluster. Please try to {} it at a later time."
    assert refused(redshift.delete_cluster, ClusterIdentifier="one",
                   SkipFinalClusterSnapshot=True) == (
        "InvalidClusterState", busy.format("delete"), 400)
    assert refused(redshift.modify_cluster_iam_roles, ClusterIdentifier="one",
                   AddIamRoles=[ROLE]) == ("InvalidClusterState", busy.format("modify"), 400)
    later(cloud)
    assert shown(redshift)["ClusterStatus"] == "available" and "Endpoint" in shown(redshift)
    redshift.modify_cluster(ClusterIdentifier="one", PubliclyAccessible=True)
    redshift.modify_cluster_iam_roles(ClusterIdentifier="one", AddIamRoles=[ROLE],
                                      DefaultIamRoleArn=ROLE)
    told = shown(redshift)
    assert told["PubliclyAccessible"] is True and told["DefaultIamRoleArn"] == ROLE
    assert [one["IamRoleArn"] for one in told["IamRoles"]] == [ROLE]
    redshift.modify_cluster_iam_roles(ClusterIdentifier="one", RemoveIamRoles=[ROLE])
    assert shown(redshift)["IamRoles"] == [] and "DefaultIamRoleArn" not in shown(redshift)
    redshift.delete_cluster(ClusterIdentifier="one", SkipFinalClusterSnapshot=True)
    assert shown(redshift)["ClusterStatus"] == "deleting"
    later(cloud)
    assert refused(redshift.describe_clusters, ClusterIdentifier="one") == (
        "ClusterNotFound", "Cluster one not found.", 404)


WRONG = [
    ({"ClusterIdentifier": "One"}, "InvalidParameterValue"),
    ({"ClusterIdentifier": "a--b"}, "InvalidParameterValue"),
    ({"NodeType": "t2.micro"}, "InvalidParameterValue"),
    ({"ClusterType": "many"}, "InvalidParameterValue"),
    ({"ClusterType": "multi-node"}, "InvalidParameterCombination"),
    ({"NumberOfNodes": 2}, "InvalidParameterCombination"),
    ({"MasterUsername": "public"}, "InvalidParameterValue"),
    ({"MasterUsername": "rdsdb"}, "InvalidParameterValue"),
    ({"MasterUserPassword": "short1A"}, "InvalidParameterValue"),
    ({"MasterUserPassword": "nodigitsHere"}, "InvalidParameterValue"),
    ({"MasterUserPassword": "With0a/slash"}, "InvalidParameterValue"),
    ({"ManageMasterPassword": True}, "InvalidParameterCombination"),
    ({"MasterUserPassword": None}, "InvalidParameterCombination"),
    ({"Port": 5430}, "InvalidParameterValue"),
    ({"DBName": "no blanks"}, "InvalidParameterValue"),
    ({"VpcSecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidParameterValue"),
    ({"IamRoles": [ROLE + "-gone"]}, "InvalidParameterValue"),
    ({"DefaultIamRoleArn": ROLE}, "InvalidParameterValue"),
    ({"ElasticIp": "192.0.2.1"}, "ValidationError"),
]


@pytest.mark.parametrize("change,code", WRONG, ids=[str(next(iter(one[0].items()))) for one in WRONG])
def test_what_create_cluster_refuses(redshift, change, code):
    given = {name: value for name, value in {**CLUSTER, "ClusterIdentifier": "bad", **change}.items()
             if value is not None}
    assert refused(redshift.create_cluster, **given)[0] == code
    assert refused(redshift.describe_clusters, ClusterIdentifier="bad")[0] == "ClusterNotFound"


def test_who_may_not(cloud):
    redshift, serverless = (cloud.client(name, *NOBODY) for name in
                            ("redshift", "redshift-serverless"))
    code, text, status = refused(redshift.create_cluster, **CLUSTER)
    assert (code, status) == ("AccessDenied", 403)
    assert "redshift:CreateCluster on resource: " \
        "arn:aws:redshift:eu-west-1:123456789012:cluster:one" in text
    for call in (redshift.modify_cluster, redshift.modify_cluster_iam_roles):
        assert refused(call, ClusterIdentifier="served")[0] == "AccessDenied"
    assert refused(serverless.create_namespace, namespaceName="abc")[0] == "AccessDeniedException"
    assert refused(serverless.list_workgroups)[0] == "AccessDeniedException"
    iam = cloud.client("iam", *ADMIN)
    iam.put_user_policy(UserName="nobody", PolicyName="make", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Resource": "*",
                                                "Action": "redshift:CreateCluster"}}))
    try:
        assert "iam:PassRole" in refused(redshift.create_cluster, **CLUSTER, IamRoles=[ROLE])[1]
        managed = {**CLUSTER, "ManageMasterPassword": True}
        del managed["MasterUserPassword"]
        assert refused(redshift.create_cluster, **managed)[0] == "DependentServiceAccessDenied"
    finally:
        iam.delete_user_policy(UserName="nobody", PolicyName="make")


def test_the_life_of_a_workgroup(cloud, serverless):
    assert refused(serverless.create_workgroup, workgroupName="wg1", namespaceName="ns1") == (
        "ResourceNotFoundException", "Serverless namespace ns1 not found.", 400)
    space = serverless.create_namespace(namespaceName="ns1", adminUsername="boss",
                                        adminUserPassword=PASSWORD)["namespace"]
    assert (space["status"], space["dbName"], space["iamRoles"]) == ("AVAILABLE", "dev", [])
    assert refused(serverless.create_namespace, namespaceName="ns1")[0] == "ConflictException"
    group = serverless.create_workgroup(workgroupName="wg1", namespaceName="ns1",
                                        baseCapacity=8)["workgroup"]
    assert group["status"] == "CREATING" and "endpoint" not in group
    for again in ({"workgroupName": "wg1"}, {"workgroupName": "wg2"}):
        assert refused(serverless.create_workgroup, namespaceName="ns1", **again)[0] == \
            "ConflictException"
    assert refused(serverless.delete_workgroup, workgroupName="wg1")[0] == "ConflictException"
    assert refused(serverless.delete_namespace, namespaceName="ns1")[0] == "ConflictException"
    later(cloud)
    assert serverless.list_workgroups()["workgroups"][0]["status"] == "AVAILABLE"
    assert refused(serverless.update_workgroup, workgroupName="wg1", baseCapacity=16,
                   publiclyAccessible=True) == (
        "ValidationException",
        "Can't update multiple configurations at the same time for workgroup wg1.", 400)
    serverless.update_workgroup(workgroupName="wg1", baseCapacity=16)
    assert serverless.get_workgroup(workgroupName="wg1")["workgroup"]["baseCapacity"] == 16
    assert refused(serverless.update_namespace, namespaceName="ns1",
                   defaultIamRoleArn=ROLE)[0] == "ValidationException"
    serverless.update_namespace(namespaceName="ns1", iamRoles=[ROLE], defaultIamRoleArn=ROLE)
    space = serverless.get_namespace(namespaceName="ns1")["namespace"]
    assert space["defaultIamRoleArn"] == ROLE and ROLE in space["iamRoles"][0]
    serverless.delete_workgroup(workgroupName="wg1")
    assert serverless.get_workgroup(workgroupName="wg1")["workgroup"]["status"] == "DELETING"


@pytest.mark.parametrize("given", [
    {"workgroupName": "ab"}, {"workgroupName": "Upper"}, {"baseCapacity": 9}, {"port": 80},
    {"securityGroupIds": ["sg-0123456789abcdef0"]}, {"maxCapacity": 16}])
def test_what_create_workgroup_refuses(serverless, given):
    wanted = {"workgroupName": "bad-one", "namespaceName": "bad-one", **given}
    if given.get("workgroupName") == "ab":
        wanted["workgroupName"] = "x" * 65
    assert refused(serverless.create_workgroup, **wanted)[0] == "ValidationException"


def at_once(calls):
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result()


def test_changes_at_the_same_time_lose_nothing(cloud, redshift, serverless):
    iam = cloud.client("iam", *ADMIN)
    names = [f"load-{n}" for n in range(8)]
    arns = ["arn:aws:iam::123456789012:role/" + name for name in names]
    for name in names:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    redshift.create_cluster(**{**CLUSTER, "ClusterIdentifier": "busy"})
    serverless.create_namespace(namespaceName="busy")
    later(cloud)

    def attached():
        cluster = redshift.describe_clusters(ClusterIdentifier="busy")["Clusters"][0]
        return sorted(role["IamRoleArn"] for role in cluster["IamRoles"])
    for _ in range(5):
        at_once([lambda arn=arn: redshift.modify_cluster_iam_roles(
            ClusterIdentifier="busy", AddIamRoles=[arn]) for arn in arns])
        assert attached() == arns
        at_once([lambda arn=arn: redshift.modify_cluster_iam_roles(
            ClusterIdentifier="busy", RemoveIamRoles=[arn]) for arn in arns])
        assert attached() == []
        # One changes the roles, the other the admin: both are there afterwards.
        at_once([lambda: serverless.update_namespace(namespaceName="busy", iamRoles=arns[:2]),
                 lambda: serverless.update_namespace(namespaceName="busy", adminUsername="boss",
                                                     adminUserPassword=PASSWORD)])
        space = serverless.get_namespace(namespaceName="busy")["namespace"]
        assert (len(space["iamRoles"]), space["adminUsername"]) == (2, "boss")
        serverless.update_namespace(namespaceName="busy", iamRoles=[])
        serverless.update_namespace(namespaceName="busy", adminUsername="other",
                                    adminUserPassword=PASSWORD)
    serverless.delete_namespace(namespaceName="busy")
    # A new password of the listener's own admin takes a while: what else changes meanwhile stays.
    for turn in range(10):
        wanted = turn % 2 == 0
        at_once([lambda: redshift.modify_cluster(ClusterIdentifier="served",
                                                 MasterUserPassword=PASSWORD),
                 lambda wanted=wanted: redshift.modify_cluster(
                     ClusterIdentifier="served", EnhancedVpcRouting=wanted)])
        assert shown(redshift, "served")["EnhancedVpcRouting"] == wanted, turn


def test_the_admins_secret_is_one(cloud, serverless):
    secrets = cloud.client("secretsmanager", *ADMIN)

    def value(arn):
        return secrets.get_secret_value(SecretId=arn)["SecretString"]

    def managed(**more):
        space = serverless.update_namespace(namespaceName="kept", manageAdminPassword=True, **more)
        return space["namespace"]["adminPasswordSecretArn"]
    first = serverless.create_namespace(namespaceName="kept", adminUsername="boss",
                                        manageAdminPassword=True)["namespace"]
    first = first["adminPasswordSecretArn"]
    kept = value(first)
    # Asked for again it is the same one, with the same password.
    assert managed() == first
    assert managed(adminUsername="boss") == first
    assert value(first) == kept
    # Another admin has a secret of another name, and the first is gone.
    second = managed(adminUsername="other")
    assert second != first
    assert json.loads(value(second))["username"] == "other"
    assert refused(secrets.get_secret_value, SecretId=first)[0] == "ResourceNotFoundException"
    serverless.update_namespace(namespaceName="kept", adminUsername="other",
                                adminUserPassword=PASSWORD)
    assert refused(secrets.get_secret_value, SecretId=second)[0] == "ResourceNotFoundException"
    serverless.delete_namespace(namespaceName="kept")
