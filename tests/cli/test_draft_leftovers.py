"""Drafts whose kit makes something: what removing them tells of it, and "none" as a flag. Nothing is
dialled."""
import json

import pytest
from adding import ACCOUNT, CLUSTER, add, by_password, destinations


def left(vesto, name):
    done = vesto("destination", "remove", name, "--yes")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_the_kit_of_a_draft_may_have_made_is_told(vesto):
    """A live key's user, its role and the bucket stay where nobody is told of them."""
    given = ("--endpoint", f"{CLUSTER}:5439/dev", "--identity", "access_key", "--bucket", "stage",
             "--schema", "shop", "--role-arn", f"arn:aws:iam::{ACCOUNT}:role/acme", "--draft")
    add(vesto, "acme", *given)
    told = left(vesto, "acme")
    assert "If its kit has been run: what stays at AWS." in told
    assert "If its kit has been run: what stays in Redshift." in told
    for words in ("IAM_USER: whose key it is, vesto-acme where the kit has made it", "iam delete-access-key",
                  "iam delete-user ", "iam delete-role-policy --region eu-west-1 --role-name acme "
                  "--policy-name vesto-acme-policy", "s3api delete-bucket --region eu-west-1 --bucket stage",
                  "REVOKE ALL ON DATABASE"):
        assert words in told, words
    assert "delete-cluster" not in told  # whose name is not the kit's
    add(vesto, "acme", *given)
    data = json.loads(vesto("destination", "remove", "acme", "--yes", "--json").stdout)
    assert any("iam delete-user " in line for line in data["stays"]["aws"]) and data["stays"]["redshift"]
    add(vesto, "acme", "--draft", "--endpoint", CLUSTER)
    assert "stays" not in left(vesto, "acme")


def test_a_warehouse_that_the_kit_of_a_draft_may_have_made_is_told(vesto):
    add(vesto, "acme", "--draft", "--kind", "serverless", "--region", "eu-west-1")
    told = left(vesto, "acme")
    assert "# the workgroup vesto-acme, where the kit has made it: AWS bills whoever queries it, and it is publicly " \
        "accessible; only if nothing else uses it: aws redshift-serverless delete-workgroup --region eu-west-1 " \
        "--workgroup-name vesto-acme\n" in told
    assert "delete-namespace --region eu-west-1 --namespace-name vesto-acme\n" in told
    assert "Redshift admin" not in told and "s3 rm" not in told
    add(vesto, "acme", "--draft", "--kind", "redshift", "--region", "eu-west-1", "--bucket", "stage")
    told = left(vesto, "acme")
    assert "the cluster vesto-acme, where the kit has made it: AWS bills it until it is deleted" in told
    assert "aws redshift delete-cluster --region eu-west-1 --cluster-identifier vesto-acme " in told
    assert "aws s3 rm --region eu-west-1 s3://stage/vesto/ --recursive" in told
    add(vesto, "beta", *by_password(endpoint="vesto-acme.abc.eu-west-1.redshift.amazonaws.com/dev"))
    add(vesto, "acme", "--draft", "--endpoint", "vesto-acme.abc.eu-west-1.redshift.amazonaws.com")
    assert "only if all that is in it may go; beta uses it: aws redshift delete-cluster" in left(vesto, "acme")


def test_nothing_is_told_where_others_may_use_it_unseen(vesto):
    add(vesto, "acme", "--draft", "--kind", "redshift", "--region", "eu-west-1")
    vesto.write("vesto.toml", "version = 1\nnonsense = 1\n")
    told = left(vesto, "acme")
    assert "delete-cluster" not in told and "the configuration cannot be read" in told


@pytest.mark.parametrize("by_flag", [True, False])
def test_none_as_a_flag_keeps_a_draft_as_in_the_dialogue(vesto, by_flag):
    given = ("--endpoint", f"{CLUSTER}:5439/dev", "--bucket", "stage", "--schema", "shop", "--user", "loader",
             "--password-env", "PW")
    if not by_flag:  # what a draft has of another one goes
        add(vesto, "acme", "--draft", "--identity", "google", "--audience", "a")
    done = add(vesto, "acme", *given, "--access-key-id", "none")
    assert done.returncode == 0 and "A draft of acme is kept. It lacks --access-key-id" in done.stdout
    assert "vesto destination kit acme --part script" in done.stdout
    assert not (vesto.folder / "vesto.toml").exists()
    assert '"none"' not in (vesto.folder / ".vesto" / "drafts" / "acme.toml").read_text()
    assert "iam create-access-key" in vesto("destination", "kit", "acme", "--part", "script").stdout
    done = add(vesto, "acme", "--access-key-id", "AKIAEXAMPLE", "--secret-access-key-env", "SK")
    assert done.returncode == 0 and destinations(vesto)["acme"]["auth"]["access_key_id"] == "AKIAEXAMPLE"


def test_none_for_the_key_of_somebody_who_has_none(vesto):
    done = add(vesto, "acme", "--identity", "google", "--access-key-id", "none")
    assert done.returncode == 3 and "--access-key-id is for the identity access_key, not google" in done.stderr
    assert not (vesto.folder / ".vesto").exists()


def test_none_for_the_endpoint_as_a_flag(vesto):
    done = add(vesto, "acme", "--endpoint", "none", "--kind", "serverless", "--region", "eu-west-1")
    assert done.returncode == 0 and "vesto destination kit acme --part warehouse" in done.stdout, done.stderr
    assert "none" not in (vesto.folder / ".vesto" / "drafts" / "acme.toml").read_text()
    assert "create-workgroup" in vesto("destination", "kit", "acme", "--part", "warehouse").stdout
