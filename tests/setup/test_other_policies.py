"""What others have put beside what the kit makes: more statements in a role's trust policy, policies of
the bucket, further policies of the role, warehouses and buckets of nearly the same name. What the
report says to run is run; it mends what it may, leaves what is another's, and never puts a policy
that would have no effect, or one for a name that is not meant."""
import json

import pytest

from kit_world import (ACCOUNT, AUDIENCE, BUCKET, CLUSTER, COPY_ROLE, DATABASE, OPERATOR, OPERATORS_ADMIN,
                       OPERATORS_KEY, PODS_ROLE, PREFIX, REGION, ROLE, WORKGROUP, KitWorld, bad_checks, by_id)

ROLE_NAME = ROLE.rsplit("/", 1)[1]
POLICY = "vesto-acme-policy"
SUB, OAUD = "accounts.google.com:sub", "accounts.google.com:oaud"
BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"


@pytest.fixture(scope="module")
def worlds():
    made = {}

    def of(**options):
        key = json.dumps(options, sort_keys=True)
        if key not in made:
            made[key] = KitWorld(**options)
            made[key].apply()
        return made[key]

    yield of
    for one in made.values():
        one.close()


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


@pytest.fixture
def by_google(worlds):
    world = worlds()
    kept = trust_of(world)
    yield world, kept[0]
    put_trust(world, kept)


THEIRS = [google(sub="12345"), google(sub=["12345", "777"], oaud="another"),
          account(f"arn:aws:iam::{ACCOUNT}:root")]


def loose_statements(ours):
    sub, oaud = (ours["Condition"]["StringEquals"][key] for key in (SUB, OAUD))
    return {
        "the subject alone": ([google(sub=sub)], [], "aws.trust_bound", ":oaud"),
        "the audience alone": ([google(oaud=oaud)], [], "aws.trust_sub", ":sub"),
        "nothing at all": ([{key: value for key, value in google().items() if key != "Condition"}],
                           [], "aws.trust_sub", ":sub"),
        "others as well": ([google(sub=[sub, "12345"])], [google(sub=["12345"])],
                           "aws.trust_bound", ":oaud"),
        "two of them": ([google(sub=sub), {"Sid": "Named", **google(oaud=oaud)}], [],
                        "aws.trust_bound", ":oaud"),
    }


@pytest.mark.parametrize("with_ours", [True, False])
@pytest.mark.parametrize("name", ["the subject alone", "the audience alone", "nothing at all",
                                  "others as well", "two of them"])
def test_a_loose_statement_goes_and_the_others_stay(by_google, name, with_ours):
    world, ours = by_google
    loose, left, check, condition = loose_statements(ours)[name]
    put_trust(world, loose + THEIRS + [ours] * with_ours)
    report = world.report("--only", "aws.*")
    assert bad_checks(report)[check] == "AWS-TRUST-LOOSE"
    assert condition in by_id(report)[check]["error"]["hint"]
    said = world.fix(by_id(report)[check]["fix"]).stderr
    assert "is taken out" in said and loose[0]["Principal"]["Federated"] in said
    assert trust_of(world) == [ours, *THEIRS, *left]
    assert bad_checks(world.report("--only", "aws.*")) == {}
    # A second time there is nothing to do.
    assert world.fix(by_id(report)[check]["fix"]).stderr == ""
    assert trust_of(world) == [ours, *THEIRS, *left]


def more(statement, **conditions):
    return {**statement, "Condition": {**statement.get("Condition", {}), **conditions}}


@pytest.mark.parametrize("theirs", [
    google(aud="998877665544332211009"),
    more(google(), StringEquals={"Accounts.Google.com:sub": "12345"})])
def test_what_lets_in_others_alone_is_no_fault(by_google, theirs):
    world, ours = by_google
    put_trust(world, [ours, theirs])
    assert bad_checks(world.report("--only", "aws.*")) == {}


def statements_with_more(ours):
    """Nobody can know what they are for; all but the last may let others use the role by Vesto."""
    sub, oaud = (ours["Condition"]["StringEquals"][key] for key in (SUB, OAUD))
    here = {"aws:SourceIp": "127.0.0.1/32"}
    federated = {"Federated": ["accounts.google.com", "graph.facebook.com"]}
    return [more(google(sub=sub), StringLike={OAUD: "vesto-*"}),
            more(google(sub=sub), IpAddress=here),
            {**google(sub=sub), "Principal": federated},
            {**google(), "Condition": {"StringLike": {SUB: [sub, "12345"]}}},
            more(google(), StringEquals={"Accounts.Google.com:sub": "12345"}),
            google(oaud=[oaud, "another"]),
            google(aud="4711-app.apps.googleusercontent.com")]


def test_statements_with_more_to_them_stay_and_are_shown(by_google):
    world, ours = by_google
    theirs = statements_with_more(ours)
    put_trust(world, [ours, *theirs])
    said = world.aws(world.kit("role")).stderr
    assert trust_of(world) == [ours, *theirs]
    heading, shown = said.split("\n", 1)
    assert "by hand" in heading
    assert json.loads(shown) == theirs[:-1]


def changed_by_a_person(ours):
    sub, oaud = (ours["Condition"]["StringEquals"][key] for key in (SUB, OAUD))
    return [more(ours, IpAddress={"aws:SourceIp": "127.0.0.1/32"}),
            google(sub=[sub, "12345"], oaud=oaud), google(sub=sub, oaud=[oaud, "another"])]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_our_statement_as_a_person_has_changed_it(by_google, number):
    """Alone, in the role that the kit has made: it lets Vesto in, and stays; what is loose beside it
    goes, and ours is not put beside what was narrowed."""
    world, ours = by_google
    changed = changed_by_a_person(ours)[number]
    put_trust(world, [changed])
    said = world.aws(world.kit("role")).stderr
    assert "They stay:" in said and trust_of(world) == [changed]
    sub = ours["Condition"]["StringEquals"][SUB]
    put_trust(world, [google(sub=sub), changed])
    world.aws(world.kit("role"))
    assert trust_of(world) == [changed]


def test_a_role_that_does_not_trust_us_stays_as_it_is(by_google):
    """Perhaps it is not the one that is meant."""
    world, _ = by_google
    put_trust(world, THEIRS)
    check = by_id(world.report("--only", "aws.*"))["aws.assume_role"]
    said = world.aws(check["fix"]["snippet"], code=1).stderr
    assert "Add this statement to its trust policy" in said
    assert trust_of(world) == THEIRS


US = f"arn:aws:iam::{OPERATOR}:user/vesto"
OTHER = f"arn:aws:iam::{ACCOUNT}:root"


@pytest.mark.parametrize("loose, left", [
    (account(f"arn:aws:iam::{OPERATOR}:root"), []),
    (account([US, OTHER]), [account([OTHER])]),
])
def test_a_role_that_takes_us_without_the_external_id(worlds, loose, left):
    world = worlds(identity="assume_role")
    ours = trust_of(world)[0]
    theirs = account(OTHER, Condition={"StringEquals": {"sts:ExternalId": "x"}})
    put_trust(world, [theirs, loose, ours])
    try:
        check = by_id(world.report("--only", "aws.*"))["aws.trust_bound"]
        assert check["error"]["code"] == "AWS-TRUST-LOOSE"
        assert "sts:ExternalId" in check["error"]["hint"]
        assert "google" not in check["error"]["hint"]
        world.fix(check["fix"])
        assert trust_of(world) == [ours, theirs, *left]
        assert bad_checks(world.report("--only", "aws.*")) == {}
    finally:
        put_trust(world, [ours])


@pytest.mark.parametrize("theirs", [
    account(f"arn:aws:iam::{OPERATOR}:root", Condition={
        "ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OPERATOR}:role/other-app"}}),
    account(US, Condition={"StringLike": {"sts:ExternalId": "acme-*"}}),
])
def test_a_statement_of_the_account_with_more_to_it_stays(worlds, theirs):
    world = worlds(identity="assume_role")
    ours = trust_of(world)[0]
    put_trust(world, [ours, theirs])
    try:
        said = world.aws(world.kit("role")).stderr
        assert "by hand" in said and json.loads(said.split("\n", 1)[1]) == [theirs]
        assert trust_of(world) == [ours, theirs]
    finally:
        put_trust(world, [ours])


def test_our_statement_of_the_account_as_a_person_has_changed_it(worlds):
    world = worlds(identity="assume_role")
    ours = trust_of(world)[0]
    both = {**ours, "Principal": {"AWS": [US, OTHER]}}
    hard = more(ours, IpAddress={"aws:SourceIp": "127.0.0.1/32"})
    try:
        for changed in both, hard:
            put_trust(world, [changed])
            assert "They stay:" in world.aws(world.kit("role")).stderr
            assert trust_of(world) == [changed]
    finally:
        put_trust(world, [ours])


def test_a_role_of_another_account_without_an_external_id(worlds):
    world = worlds(identity="assume_role")
    ours = trust_of(world)[0]
    put_trust(world, [account(US)])
    bare = "\n".join(line for line in world.auth().splitlines() if "external_id" not in line)
    try:
        world.write_config(auth=bare)
        check = by_id(world.report("--only", "aws.*"))["aws.trust_bound"]
        assert (check["status"], check["error"]["code"]) == ("warning", "AWS-TRUST-LOOSE")
        assert OPERATOR in check["error"]["message"]
        assert (check["fix"]["who"], check["fix"]["kind"]) == ("you", "toml")
        line = check["fix"]["snippet"]
        world.write_config(auth=bare + "\n" + line)
        check = by_id(world.report("--only", "aws.*"))["aws.trust_bound"]
        assert check["error"]["code"] == "AWS-TRUST-LOOSE" and check["fix"]["kind"] == "shell"
        world.fix(check["fix"])
        statement, = trust_of(world)
        assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": line.split('"')[1]}}
        assert bad_checks(world.report("--only", "aws.*")) == {}
    finally:
        world.write_config()
        put_trust(world, [ours])


# --- the role of Vesto's own pods on EKS ---
FAR = f"arn:aws:iam::{OPERATOR}:role/nobody"


def asked_by(world, *lines, **environment):
    """aws.key, with these lines in [destination.acme.auth]."""
    (world.folder / "profiles").write_text(
        f"[profile far]\nrole_arn = {FAR}\nsource_profile = src\n[profile src]\n"
        f"aws_access_key_id = {OPERATORS_KEY[0]}\naws_secret_access_key = {OPERATORS_KEY[1]}\n"
        f"region = {REGION}\n")
    world.write_config(auth="\n".join([world.auth(), *lines]))
    done = world.vesto("destination", "test", "acme", "--json", "--wait", "0s", "--only", "aws.key",
                       environment={"AWS_CONFIG_FILE": str(world.folder / "profiles"), **environment})
    return by_id(json.loads(done.stdout))["aws.key"]


def test_a_profile_is_no_matter_of_the_pods_role(worlds):
    """A pod's token lies there, and AWS refuses the role of a profile: nothing is wrong with whom the
    pods' own role trusts."""
    world = worlds(identity="aws")
    iam = world.boto("iam", OPERATORS_ADMIN)
    kept = iam.get_role(RoleName=PODS_ROLE)["Role"]["AssumeRolePolicyDocument"]
    try:
        for check in (asked_by(world, 'profile = "far"'), asked_by(world, AWS_PROFILE="far")):
            assert check["error"]["code"] == "AWS-ASSUME-DENIED"
            assert FAR in check["error"]["message"] and "fix" not in check
        # By its token the pod is its role, and then it is that role's matter.
        assert asked_by(world)["status"] == "passed"
        iam.update_assume_role_policy(RoleName=PODS_ROLE, PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [account(f"arn:aws:iam::{OPERATOR}:root")]}))
        check = asked_by(world)
        assert check["error"]["code"] == "AWS-ASSUME-DENIED" and PODS_ROLE in check["fix"]["snippet"]
        assert "fix" not in asked_by(world, AWS_PROFILE="far")
        world.fix(check["fix"])
        assert asked_by(world)["status"] == "passed"
    finally:
        iam.update_assume_role_policy(RoleName=PODS_ROLE, PolicyDocument=json.dumps(kept))
        world.write_config()


# --- the bucket ---
@pytest.fixture
def bucket(worlds):
    """set(*statements) of the bucket's policy, as its owner puts them."""
    world = worlds()
    s3 = world.boto("s3")

    def put(*statements):
        s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(
            {"Version": "2012-10-17", "Statement": statements}))

    yield world, put
    s3.delete_bucket_policy(Bucket=BUCKET)
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration={
        name: True for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy",
                                "RestrictPublicBuckets")})


def statement(effect, action, principal="*", resource=BUCKET_ARN + "/*", **more):
    return {"Effect": effect, "Principal": principal, "Action": action, "Resource": resource, **more}


def looked_at(world, check):
    """What is to be run shows the bucket's policy and changes nothing of the role."""
    before = policy_of(world)
    assert "put-role-policy" not in check["fix"]["snippet"]
    shown = json.loads(world.fix(check["fix"]).stdout)
    assert policy_of(world) == before
    return shown["Statement"]


@pytest.mark.parametrize("action, name", [("s3:PutObject", "s3.put"), ("s3:GetObject", "s3.get"),
                                          ("s3:DeleteObject", "s3.delete")])
def test_a_bucket_whose_policy_denies(bucket, action, name):
    world, put = bucket
    put(statement("Deny", action))
    check = by_id(world.report("--only", "s3.*"))[name]
    assert check["error"]["code"] == "S3-DENIED"
    assert "policy of the bucket" in check["error"]["hint"] and action in check["error"]["hint"]
    denying, = looked_at(world, check)
    assert denying["Effect"] == "Deny"


def test_copy_is_refused_by_the_same_deny(bucket):
    world, put = bucket
    put(statement("Deny", "s3:GetObject"))
    checks = by_id(world.report())
    read, copy = checks["s3.get"], checks["redshift.copy"]
    assert copy["error"]["code"] == "RS-COPY-S3-403"
    assert copy["fix"] == read["fix"] and "put-role-policy" not in copy["fix"]["snippet"]
    assert read["error"]["hint"] in copy["error"]["hint"]


def test_a_role_with_a_policy_that_denies(worlds):
    world = worlds()
    iam = world.boto("iam")
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName="guard", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}]}))
    try:
        check = by_id(world.report("--only", "s3.*"))["s3.put"]
        assert "Another policy of this identity denies it" in check["error"]["hint"]
        assert "put-role-policy" not in check["fix"]["snippet"]
        assert "guard" in world.fix(check["fix"]).stdout
    finally:
        iam.delete_role_policy(RoleName=ROLE_NAME, PolicyName="guard")


def test_a_bucket_that_refuses_the_warehouse(bucket):
    world, put = bucket
    put(statement("Deny", "s3:GetObject",
                  Condition={"IpAddress": {"aws:SourceIp": "198.51.100.10/32"}}))
    check = by_id(world.report())["redshift.copy"]
    assert check["error"]["code"] == "RS-COPY-S3-403"
    assert "the bucket's own policy refuses the warehouse" in check["error"]["hint"]
    # AWS does not always tell that it is the key: the hint does, where none is named.
    assert "only where staging.kms_key_arn names it" in check["error"]["hint"]
    assert looked_at(world, check)[0]["Condition"]


def test_a_bucket_that_everybody_may_list(bucket):
    world, put = bucket
    world.boto("s3").delete_public_access_block(Bucket=BUCKET)
    put(statement("Allow", "s3:ListBucket", resource=BUCKET_ARN))
    check = by_id(world.report("--only", "s3.list_narrow"))["s3.list_narrow"]
    assert check["error"]["code"] == "S3-WIDE"
    assert "the bucket's own policy lets everybody list it" in check["error"]["message"]
    assert looked_at(world, check)[0]["Principal"] == "*"


def test_what_else_lets_the_bucket_be_listed(bucket):
    """Once the kit's policy stands: a policy of the bucket, another one of the role."""
    world, put = bucket
    iam = world.boto("iam")
    wide = statement("Allow", "s3:ListBucket", {"AWS": ROLE}, BUCKET_ARN)
    put(wide)
    check = by_id(world.report("--only", "s3.list_narrow"))["s3.list_narrow"]
    assert check["error"]["code"] == "S3-WIDE"
    said = world.fix(check["fix"]).stderr
    assert "The bucket has a policy of its own" in said and ROLE in said
    assert "other policies" not in said
    put(statement("Deny", "s3:PutObject", resource=BUCKET_ARN + "/nothing"))
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName="lister", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": BUCKET_ARN}]}))
    try:
        said = world.fix(by_id(world.report("--only", "s3.list_narrow"))["s3.list_narrow"]["fix"])
        assert "other policies" in said.stderr and "lister" in said.stderr
        assert "The bucket has a policy" not in said.stderr
    finally:
        iam.delete_role_policy(RoleName=ROLE_NAME, PolicyName="lister")
    assert bad_checks(world.report("--only", "s3.*")) == {}


# --- names ---
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


def test_a_policy_of_another_whose_statement_stands_in_no_list(worlds):
    world = worlds()
    iam, before = world.boto("iam"), policy_of(world)
    theirs = {"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::elsewhere/vesto/*"}}
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=POLICY, PolicyDocument=json.dumps(theirs))
    try:
        said = world.aws(world.kit("role"), code=1).stderr
        assert "The policy that stands is for elsewhere/vesto/*." in said
        assert policy_of(world) == theirs
    finally:
        iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=POLICY, PolicyDocument=json.dumps(before))


def test_a_deny_in_the_policy_stops_before_the_first_change(worlds):
    """It may be the one statement, which stands in no list."""
    world = worlds()
    iam, s3, before = world.boto("iam"), world.boto("s3"), policy_of(world)
    denies = {"Version": "2012-10-17", "Statement": {
        "Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}}
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=POLICY, PolicyDocument=json.dumps(denies))
    s3.delete_bucket_lifecycle(Bucket=BUCKET)  # which the script's first step would mend
    try:
        said = world.aws(world.kit("script"), code=1).stderr
        assert "would not be kept" in said and "NEW_POLICY=yes" in said
        assert policy_of(world) == denies
        with pytest.raises(s3.exceptions.ClientError, match="NoSuchLifecycle"):
            s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)
        world.aws("NEW_POLICY=yes\n" + world.kit("script"))
        assert policy_of(world) == before
        assert bad_checks(world.report("--only", "s3.lifecycle")) == {}
    finally:
        iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=POLICY, PolicyDocument=json.dumps(before))


def test_what_a_person_has_put_into_the_policy_is_told(worlds):
    world = worlds()
    iam, before = world.boto("iam"), policy_of(world)
    by_hand = {"Sid": "ByHand", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
    for more in by_hand, {**by_hand, "Effect": "Deny"}:
        mixed = {**before, "Statement": [*before["Statement"], more]}
        iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=POLICY,
                            PolicyDocument=json.dumps(mixed))
        role = world.kit("role")
        if more is not by_hand:
            said = world.aws(role, code=1).stderr
            assert policy_of(world) == mixed and "NEW_POLICY=yes" in said
            role = "NEW_POLICY=yes\n" + role
        said = world.aws(role).stderr
        shown, _ = json.JSONDecoder().raw_decode(said[said.index("["):])
        assert shown == [more] and "is not kept" in said
        assert policy_of(world) == before


def test_a_policy_that_may_not_be_read_is_not_replaced(worlds):
    world = worlds()
    iam = world.boto("iam")
    others = json.dumps(policy_of(world)).replace(BUCKET, "elsewhere-stage")
    name = {"RoleName": ROLE_NAME, "PolicyName": POLICY}
    ours = json.dumps(policy_of(world))
    iam.create_user(UserName="blind")
    iam.put_user_policy(UserName="blind", PolicyName="blind", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "iam:GetRolePolicy", "Resource": "*"}]}))
    key = iam.create_access_key(UserName="blind")["AccessKey"]
    iam.put_role_policy(**name, PolicyDocument=others)
    try:
        said = world.aws(world.kit("role"), code=1,
                         who=(key["AccessKeyId"], key["SecretAccessKey"])).stderr
        assert "(AccessDenied)" in said and "GetRolePolicy" in said
        assert policy_of(world) == json.loads(others)
    finally:
        iam.put_role_policy(**name, PolicyDocument=ours)
        iam.delete_access_key(UserName="blind", AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName="blind", PolicyName="blind")
        iam.delete_user(UserName="blind")


def test_a_copy_role_that_another_vesto_uses(worlds):
    """Its own role is another one: the one that COPY reads by is shared."""
    world = worlds(copy="attached_role")

    def policy():
        return world.boto("iam").get_role_policy(
            RoleName="vesto-acme-copy-role", PolicyName="vesto-acme-copy-policy")["PolicyDocument"]

    before = policy()
    for old, new in ((f'bucket = "{BUCKET}"', 'bucket = "elsewhere-stage"'),
                     (f'prefix = "{PREFIX}"', 'prefix = "second/"')):
        (world.folder / "vesto.toml").write_text(world.config_text().replace(old, new))
        try:
            said = world.aws(world.kit("copy-role"), code=1).stderr
            assert f"The policy that stands is for {BUCKET}/{PREFIX}*." in said
            assert policy() == before
            world.aws("NEW_BUCKET=yes\n" + world.kit("copy-role"))
            assert policy() != before
        finally:
            world.write_config()
        world.aws("NEW_BUCKET=yes\n" + world.kit("copy-role"))
        assert policy() == before
    world.aws(world.kit("copy-role"))


COPY_ROLE_NAME = COPY_ROLE.rsplit("/", 1)[1]
EC2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize("kind", ["provisioned", "serverless"])
def test_a_copy_role_that_does_not_trust_the_warehouse(worlds, kind):
    world = worlds(kind=kind, copy="attached_role")
    iam = world.boto("iam")
    ours, = copy_trust(world)
    assert bad_checks(world.report()) == {}

    def trusts(*statements):
        iam.update_assume_role_policy(RoleName=COPY_ROLE_NAME, PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": statements}))

    def refused():
        check = by_id(world.report())["redshift.copy"]
        assert check["error"]["code"] == "RS-COPY-S3-403"
        return check["fix"]

    mark = iam.get_role(RoleName=COPY_ROLE_NAME)["Role"]["Description"]
    try:
        iam.update_role(RoleName=COPY_ROLE_NAME, Description="another's")
        trusts(EC2)
        said = world.aws(refused()["snippet"], code=1).stderr
        shown = json.loads(said.split("\n", 1)[1])
        assert "Add this statement" in said and shown == ours
        assert copy_trust(world) == [EC2]
        trusts(EC2, shown)
        assert bad_checks(world.report()) == {}
        # The kit's own is given it.
        iam.update_role(RoleName=COPY_ROLE_NAME, Description=mark)
        trusts(EC2)
        assert world.fix(refused()).stderr == "" and copy_trust(world) == [ours, EC2]
        assert bad_checks(world.report()) == {}
        world.aws(world.kit("copy-role"))
        assert copy_trust(world) == [ours, EC2]
        # What a person has put a condition on stays, and is told of.
        narrow = more(ours, StringEquals={"sts:ExternalId": OPERATOR})
        trusts(narrow)
        said = world.fix(refused()).stderr
        assert "under conditions, which stay" in said and OPERATOR in said
        assert copy_trust(world) == [narrow]
    finally:
        iam.update_role(RoleName=COPY_ROLE_NAME, Description=mark)
        trusts(ours)
    assert bad_checks(world.report()) == {}


def copy_trust(world):
    return world.boto("iam").get_role(RoleName=COPY_ROLE_NAME)["Role"][
        "AssumeRolePolicyDocument"]["Statement"]


def test_a_copy_role_that_a_deny_refuses(worlds):
    """No right that the kit gives it helps: the policy that denies is named, and shown."""
    world = worlds(copy="attached_role")
    iam, s3 = world.boto("iam"), world.boto("s3")
    deny = statement("Deny", "s3:GetObject", {"AWS": COPY_ROLE})
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(
        {"Version": "2012-10-17", "Statement": [deny]}))
    try:
        check = by_id(world.report())["redshift.copy"]
        assert check["error"]["code"] == "RS-COPY-S3-403"
        assert "The policy of the bucket itself denies it" in check["error"]["hint"]
        assert "s3:GetObject" in check["error"]["hint"]
        assert looked_at(world, check) == [deny]
    finally:
        s3.delete_bucket_policy(Bucket=BUCKET)
    name = {"RoleName": COPY_ROLE_NAME, "PolicyName": "guard"}
    iam.put_role_policy(**name, PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}]}))
    try:
        check = by_id(world.report())["redshift.copy"]
        assert "Another policy of COPY's role denies it" in check["error"]["hint"]
        assert check["fix"]["kind"] == "text"
    finally:
        iam.delete_role_policy(**name)
    assert bad_checks(world.report()) == {}


def test_a_key_that_assumes_the_role_of_another_vesto(worlds):
    world = worlds(identity="assume_role")

    def policy():
        return world.boto("iam", OPERATORS_ADMIN).get_user_policy(
            UserName="vesto", PolicyName=POLICY)["PolicyDocument"]

    before = policy()
    assert before["Statement"][0]["Resource"] == ROLE
    try:
        world.write_config(auth=world.auth().replace(ROLE, ROLE + "-second"))
        key = world.kit("key")
        said = world.aws(key, who=OPERATORS_ADMIN, code=1).stderr
        assert f"The policy that stands allows to assume {ROLE}." in said
        assert "Where another Vesto has a destination of this name" in said
        assert policy() == before
        world.aws("NEW_ROLE=yes\n" + key, who=OPERATORS_ADMIN)
        assert policy()["Statement"][0]["Resource"] == ROLE + "-second"
    finally:
        world.write_config()
        world.boto("iam", OPERATORS_ADMIN).put_user_policy(
            UserName="vesto", PolicyName=POLICY, PolicyDocument=json.dumps(before))
    world.aws(world.kit("key"), who=OPERATORS_ADMIN)
    assert policy() == before


# That account has no warehouse of the name: what is asked of AWS before would mislead.
@pytest.mark.parametrize("part", ["role", "script"])
def test_nothing_is_changed_in_another_account(worlds, part):
    world = worlds()
    said = world.aws(world.kit(part), who=OPERATORS_ADMIN, code=1).stderr
    assert f"auth.role_arn is of the account {ACCOUNT}, and this runs in {OPERATOR}" in said
    assert world.boto("s3", OPERATORS_ADMIN).list_buckets()["Buckets"] == []
    assert all(role["RoleName"] != ROLE_NAME
               for role in world.boto("iam", OPERATORS_ADMIN).list_roles()["Roles"])


def test_a_slip_in_the_copy_roles_arn(worlds):
    world = worlds(copy="attached_role")
    roles = [role["RoleName"] for role in world.boto("iam").list_roles()["Roles"]]
    right = world.auth()
    try:
        world.write_config(auth=right.replace("-copy-role", "-copy-rol"))
        check = by_id(world.report())["redshift.copy"]
        said = world.aws(check["fix"]["snippet"], code=1).stderr
        assert "typo in auth.copy_role_arn" in said
        world.write_config(auth=right.replace(f"{ACCOUNT}:role/vesto-acme-copy-role",
                                              f"{OPERATOR}:role/vesto-acme-copy-role"))
        check = by_id(world.report())["redshift.copy"]
        said = world.aws(check["fix"]["snippet"], code=1).stderr
        assert f"auth.copy_role_arn is of the account {OPERATOR}" in said
        assert roles == [role["RoleName"] for role in world.boto("iam").list_roles()["Roles"]]
    finally:
        world.write_config()
