"""EC2's security groups: the inbound rules of a warehouse, which are its allow_from list, read and
changed by boto3 and awscli and felt at the door."""
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("boto3")
from botocore.exceptions import ClientError  # noqa: E402
from conftest import Cloud  # noqa: E402
from test_security_group import filter_is_there, knock, with_allowed  # noqa: E402

ADMIN = ("AKIAVESTOADMIN000001", "adminSecretadminSecretadminSecretadmin+1")
LOADER = ("AKIAVESTOLOADER00001", "loaderSecretloaderSecretloaderSecret/+01")


@pytest.fixture(scope="module")
def walled(start_sandbox, tmp_path_factory):
    world = with_allowed(tmp_path_factory.mktemp("walled"), 'allow_from = ["127.0.0.1/32"]')
    world.write_text(world.read_text() + '''
[[instance]]
account = "123456789012"
region = "eu-west-1"
private_address = "127.0.0.5"
''')
    return Cloud(start_sandbox("walled", "--world", world))


@pytest.fixture
def ec2(walled):
    return walled.client("ec2", *ADMIN)


@pytest.fixture
def group(walled):
    """The group of the cluster, as DescribeClusters names it; its rules are put back."""
    redshift = walled.client("redshift", *ADMIN)
    cluster = redshift.describe_clusters(ClusterIdentifier="examplecluster")["Clusters"][0]
    yield cluster["VpcSecurityGroups"][0]["VpcSecurityGroupId"]
    walled.control("/v1/security-group", {"allow_from": ["127.0.0.1/32"]})


@pytest.fixture
def port(walled):
    return walled.endpoints["redshift"]["port"]


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return (answer["Error"]["Code"], answer["Error"]["Message"],
            answer["ResponseMetadata"]["HTTPStatusCode"])


def tcp(port, *blocks, to=None):
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": to or port,
             "IpRanges": [{"CidrIp": block} for block in blocks]}]


def rules_of(ec2, group):
    return ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]


def shut():
    return "times out" if filter_is_there() else "hangs"


def test_a_rule_opens_the_door_and_its_absence_shuts_it(walled, ec2, group, port):
    assert knock(walled, "127.0.0.2") == shut()
    added = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{
        "IpProtocol": "tcp", "FromPort": port, "ToPort": port,
        "IpRanges": [{"CidrIp": "127.0.0.2/32", "Description": "vesto"}]}])
    assert added["Return"] is True
    rule = added["SecurityGroupRules"][0]
    assert (rule["CidrIpv4"], rule["FromPort"], rule["IsEgress"], rule["Description"]) == \
        ("127.0.0.2/32", port, False, "vesto")
    assert rules_of(ec2, group) == [{
        "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "Ipv6Ranges": [],
        "PrefixListIds": [], "UserIdGroupPairs": [], "IpRanges": [
            {"CidrIp": "127.0.0.1/32"}, {"CidrIp": "127.0.0.2/32", "Description": "vesto"}]}]
    assert knock(walled, "127.0.0.2") == "answers"
    assert ec2.revoke_security_group_ingress(
        GroupId=group, IpPermissions=tcp(port, "127.0.0.2/32"))["Return"] is True
    assert knock(walled, "127.0.0.2") == shut()
    assert knock(walled, "127.0.0.1") == "answers"


def test_only_rules_for_the_port_count(walled, ec2, group, port):
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
        *tcp(1, "127.0.0.2/32", to=1024),
        {"IpProtocol": "udp", "FromPort": port, "ToPort": port,
         "IpRanges": [{"CidrIp": "127.0.0.2/32"}]}])
    assert knock(walled, "127.0.0.2") == shut()
    ec2.authorize_security_group_ingress(GroupId=group,
                                         IpPermissions=tcp(1, "127.0.0.2/31", to=65535))
    assert knock(walled, "127.0.0.2") == "answers"
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
        {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "127.0.9.0/24"}]}])
    assert knock(walled, "127.0.9.77") == "answers"
    assert knock(walled, "127.0.8.77") == shut()
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=tcp(port, "0.0.0.0/0"))
    assert knock(walled, "127.0.8.77") == "answers"


def from_group(port, group):
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port,
             "UserIdGroupPairs": [{"GroupId": group}]}]


def default_group(ec2):
    found = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])
    return found["SecurityGroups"][0]["GroupId"]


def test_a_rule_for_a_group_lets_its_instances_in_alone(walled, ec2, group, port):
    theirs = default_group(ec2)
    assert knock(walled, "127.0.0.5") == shut()
    added = ec2.authorize_security_group_ingress(GroupId=group,
                                                 IpPermissions=from_group(port, theirs))
    rule = added["SecurityGroupRules"][0]
    assert rule["ReferencedGroupInfo"]["GroupId"] == theirs and "CidrIpv4" not in rule
    assert rules_of(ec2, group) == [{
        "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "Ipv6Ranges": [],
        "PrefixListIds": [], "IpRanges": [{"CidrIp": "127.0.0.1/32"}],
        "UserIdGroupPairs": [{"UserId": "123456789012", "GroupId": theirs}]}]
    assert knock(walled, "127.0.0.5") == "answers"
    assert knock(walled, "127.0.0.6") == shut()
    assert refused(ec2.authorize_security_group_ingress, GroupId=group,
                   IpPermissions=from_group(port, theirs))[0] == "InvalidPermission.Duplicate"
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=from_group(port, theirs))
    assert knock(walled, "127.0.0.5") == shut() and knock(walled, "127.0.0.1") == "answers"
    # Its own group holds nobody but the warehouse.
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=from_group(port, group))
    assert knock(walled, "127.0.0.5") == shut()


def test_groups_that_are_not_there(ec2, group, port):
    add = ec2.authorize_security_group_ingress
    assert refused(add, GroupId=group, IpPermissions=from_group(port, "sg-0123456789abcdef0"))[:2] \
        == ("InvalidGroup.NotFound", "The security group 'sg-0123456789abcdef0' does not exist")
    assert refused(add, GroupId=group, IpPermissions=from_group(port, "sg-nonsense"))[0] == \
        "InvalidGroupId.Malformed"


def test_the_test_door_and_ec2_tell_the_same(walled, ec2, group, port):
    walled.control("/v1/security-group", {"allow_from": ["127.0.0.1", "127.0.7.0/24"]})
    ranges = rules_of(ec2, group)[0]["IpRanges"]
    assert [one["CidrIp"] for one in ranges] == ["127.0.0.1/32", "127.0.7.0/24"]
    walled.control("/v1/security-group", {"allow_from": None})
    assert rules_of(ec2, group)[0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]
    walled.control("/v1/security-group", {"allow_from": []})
    assert rules_of(ec2, group) == []


def test_what_ec2_refuses(walled, ec2, group, port):
    add = ec2.authorize_security_group_ingress
    assert refused(add, GroupId=group, IpPermissions=tcp(port, "127.0.0.1/32")) == (
        "InvalidPermission.Duplicate", f'the specified rule "peer: 127.0.0.1/32, TCP, from port: '
        f'{port}, to port: {port}, ALLOW" already exists', 400)
    for block in ("127.0.0.1", "10.0.0.1/8", "10.0.0.0/33", "x/8", "::/0"):
        assert refused(add, GroupId=group, IpPermissions=tcp(port, block))[:2] == \
            ("InvalidParameterValue", f"CIDR block {block} is malformed")
    assert refused(add, GroupId=group, IpPermissions=tcp(9, "10.0.0.0/8", to=8))[0] == \
        "InvalidParameterValue"
    assert refused(add, GroupId="sg-0123456789abcdef0", IpPermissions=tcp(1, "10.0.0.0/8")) == (
        "InvalidGroup.NotFound", "The security group 'sg-0123456789abcdef0' does not exist", 400)
    assert refused(add, GroupId="sg-nonsense", IpPermissions=tcp(1, "10.0.0.0/8"))[0] == \
        "InvalidGroupId.Malformed"
    assert refused(add, GroupId=group, IpPermissions=[])[0] == "MissingParameter"
    assert refused(ec2.revoke_security_group_ingress, GroupId=group,
                   IpPermissions=tcp(port, "127.0.0.9/32")) == (
        "InvalidPermission.NotFound",
        "The specified rule does not exist in this security group.", 400)
    # One bad rule among good ones: none is taken.
    assert refused(add, GroupId=group, IpPermissions=tcp(port, "127.0.0.9/32", "127.0.0.1/32"))[0] \
        == "InvalidPermission.Duplicate"
    assert refused(add, GroupId=group, IpPermissions=tcp(
        port, *[f"10.0.{i}.0/24" for i in range(60)]))[0] == "RulesPerSecurityGroupLimitExceeded"
    assert refused(ec2.describe_instances)[0] == "InvalidAction"
    assert refused(ec2.describe_security_groups, GroupIds=["sg-0123456789abcdef0"])[0] == \
        "InvalidGroup.NotFound"
    wrong = walled.client("ec2", ADMIN[0], "not the secret at all")
    assert refused(wrong.describe_security_groups) == (
        "AuthFailure", "AWS was not able to validate the provided access credentials", 401)
    assert [one["CidrIp"] for one in rules_of(ec2, group)[0]["IpRanges"]] == ["127.0.0.1/32"]


def test_each_call_needs_its_right(walled, group, port):
    loader = walled.client("ec2", *LOADER)
    arn = f"arn:aws:ec2:eu-west-1:123456789012:security-group/{group}"
    for call, action, resource in (
            ("authorize_security_group_ingress", "AuthorizeSecurityGroupIngress", arn),
            ("revoke_security_group_ingress", "RevokeSecurityGroupIngress", arn)):
        assert refused(getattr(loader, call), GroupId=group,
                       IpPermissions=tcp(port, "127.0.0.3/32")) == (
            "UnauthorizedOperation", "You are not authorized to perform this operation. User: "
            f"arn:aws:iam::123456789012:user/loader is not authorized to perform: ec2:{action} on "
            f"resource: {resource} because no identity-based policy allows the ec2:{action} "
            "action", 403)
    assert refused(loader.describe_security_groups)[0] == "UnauthorizedOperation"
    walled.control("/v1/iam", {"put_user_policy": {
        "user": "arn:aws:iam::123456789012:user/loader", "name": "net", "policy": {
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": "ec2:AuthorizeSecurityGroupIngress",
                "Resource": arn}]}}})
    loader.authorize_security_group_ingress(GroupId=group,
                                            IpPermissions=tcp(port, "127.0.0.3/32"))
    assert knock(walled, "127.0.0.3") == "answers"
    walled.client("iam", *ADMIN).delete_user_policy(UserName="loader", PolicyName="net")


def test_the_workgroup_has_one_too(walled, ec2):
    serverless = walled.client("redshift-serverless", *ADMIN)
    groups = serverless.get_workgroup(workgroupName="analytics")["workgroup"]["securityGroupIds"]
    shown = ec2.describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["warehouse-analytics"]}])["SecurityGroups"]
    assert [one["GroupId"] for one in shown] == groups and len(groups) == 1
    assert shown[0]["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]


def test_awscli_adds_an_inbound_rule(walled, group, port, tmp_path):
    environment = {
        "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path), "AWS_ENDPOINT_URL": walled.aws["url"],
        "AWS_CA_BUNDLE": walled.endpoints["ca_file"], "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": ADMIN[0], "AWS_SECRET_ACCESS_KEY": ADMIN[1], "AWS_PAGER": ""}
    script = (f"aws ec2 authorize-security-group-ingress --group-id {group} --protocol tcp "
              f"--port {port} --cidr 127.0.5.0/24 && "
              f"aws ec2 describe-security-groups --group-ids {group}")
    done = subprocess.run(["bash", "-c", script], env=environment, timeout=120,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "127.0.5.0/24" in done.stdout
    assert knock(walled, "127.0.5.5") == "answers"
