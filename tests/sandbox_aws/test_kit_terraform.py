"""The kit's Terraform, read by python-hcl2: syntax alone, nothing is applied."""
import json
import re

import hcl2
import pytest
from kit_process import GOOGLE, KEY, PROVISIONED, SERVERLESS, configuration, part

ATTACHED = """identity = "aws"
role_arn = "arn:aws:iam::123456789012:role/acme-sync"
external_id = "50%{x} ${y} \\"z\\""
copy_role_arn = "arn:aws:iam::123456789012:role/acme-copy"
"""
BUCKET = ["aws_s3_bucket", "aws_s3_bucket_ownership_controls", "aws_s3_bucket_public_access_block",
          "aws_s3_bucket_lifecycle_configuration"]
ROLE = ["aws_iam_role", "aws_iam_role_policy"]
EGRESS = '[server]\npublic_egress = ["203.0.113.7"]\n'


def terraform(folder, config, *more):
    (folder / "vesto.toml").write_text(config)
    return part(folder, config, "terraform", "--offline", "--quiet", *more)


def kinds(parsed, block):
    return [kind.strip('"') for one in parsed.get(block, []) for kind in one]


@pytest.mark.parametrize("template,auth,resources,data", [
    (PROVISIONED, GOOGLE, BUCKET + ROLE + ["aws_vpc_security_group_ingress_rule"],
     ["aws_redshift_cluster"]),
    (SERVERLESS, GOOGLE, BUCKET + ROLE + ["aws_vpc_security_group_ingress_rule"],
     ["aws_redshiftserverless_workgroup"]),
    (PROVISIONED, KEY, BUCKET + ["aws_iam_user", "aws_iam_user_policy", "aws_iam_access_key",
                                 "aws_vpc_security_group_ingress_rule"], ["aws_redshift_cluster"]),
    (SERVERLESS, ATTACHED, BUCKET + ROLE + ROLE + ["aws_vpc_security_group_ingress_rule"],
     ["aws_redshiftserverless_workgroup"]),
])
def test_it_parses(tmp_path, template, auth, resources, data):
    parsed = hcl2.loads(terraform(tmp_path, configuration(template, auth, more=EGRESS)))
    assert kinds(parsed, "resource") == resources
    assert kinds(parsed, "data") == data
    # The network is opened only where that is asked for: others may share the group.
    assert kinds(parsed, "variable") == ["open_network"]
    assert parsed["variable"][0]['"open_network"' if '"open_network"' in parsed["variable"][0]
                                 else "open_network"]["default"] is False
    rule = parsed["resource"][-1]
    (rule,) = next(iter(rule.values())).values()
    assert rule["count"] == "${var.open_network ? 1 : 0}"


def test_an_inbound_rule_that_is_there_is_taken_over(tmp_path):
    """As its comment says, where the part "network" has put it before."""
    text = terraform(tmp_path, configuration(more=EGRESS))
    block = re.findall(r"^# import \{\n(?:#   .*\n)+# \}\n", text, re.MULTILINE)[1]
    parsed = hcl2.loads(text.replace(block, re.sub("(?m)^# ", "", block)))
    (imported,) = parsed["import"]
    assert imported["to"] == "${aws_vpc_security_group_ingress_rule.vesto_1[0]}"
    assert "InvalidPermission.Duplicate" in text


def test_a_bucket_that_is_there_already(tmp_path):
    """Both ways that its comment names leave Terraform that parses."""
    text = terraform(tmp_path, configuration())
    block = re.search(r"^# import \{\n(?:#   .*\n)+# \}\n", text, re.MULTILINE)
    parsed = hcl2.loads(text.replace(block[0], re.sub("(?m)^# ", "", block[0])))
    (imported,) = parsed["import"]
    assert imported["to"] == "${aws_s3_bucket.staging}" and imported["id"].strip('"') == "kit-staging"
    left = re.sub(r'resource "aws_s3_bucket.*?\n\}\n', "", text, flags=re.DOTALL)
    assert kinds(hcl2.loads(left), "resource") == ROLE
    assert "aws_s3_bucket.staging" not in left.replace(block[0], "")


def test_its_policies_are_those_of_the_kit(tmp_path):
    config = configuration(SERVERLESS, ATTACHED)
    text = terraform(tmp_path, config)
    policies = [json.loads(found.replace("$${", "${").replace("%%{", "%{"))
                for found in re.findall(r"<<EOT\n(.*?)\nEOT\n", text, re.DOTALL)]
    trust = json.loads(part(tmp_path, config, "trust-policy", "--offline", "--quiet"))
    assert policies[0] == trust
    assert trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] == \
        '50%{x} ${$}{y} "z"'
    permission = json.loads(part(tmp_path, config, "permission-policy", "--offline", "--quiet"))
    workgroup = ("arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/"
                 "${data.aws_redshiftserverless_workgroup.vesto.workgroup_id}")
    status, login = permission["Statement"][-2:]
    login["Resource"], status["Resource"] = [workgroup], workgroup
    assert policies[1] == permission
    assert policies[2]["Statement"][0]["Principal"]["Service"] == [
        "redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]
    assert policies[3]["Statement"][1]["Action"] == "s3:GetObject"
