"""More statements in the trust policy of the role than the kit's own. What the report says to run takes out
what lets others use the role by Vesto; what else others have put there stays, and is told of."""
import json

import pytest

from kit_world import ACCOUNT, OPERATOR, bad_checks, by_id
from others import account, google, more, put_trust, trust_of

SUB, OAUD = "accounts.google.com:sub", "accounts.google.com:oaud"


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
