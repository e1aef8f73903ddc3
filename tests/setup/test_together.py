"""Two and three faults at once: one report shows all that no needed check masks, each with its code,
and says of the masked ones what masks them.

What each fault shows alone is proven first. What several show together is computed from that and
from the needs that `vesto destination test --list --json` tells. To see one of them again:
VESTO_SEED=... pytest tests/setup/test_together.py -k NUMBER.
"""
import os
import random

import pytest

from faults import FAULTS, Ground
from kit_world import KitWorld, by_id

SEED = int(os.environ.get("VESTO_SEED", "20261122"))
COMBINATIONS = {"google": 70, "key": 30}


def ground(identity):
    # Only a role's world has a key of KMS: the other one shows that it goes without.
    world = KitWorld(identity=identity, kms=identity == "google")
    try:
        return Ground(world.apply())
    except BaseException:
        world.close()
        raise


@pytest.fixture(scope="module")
def grounds():
    made = {}

    def of(identity):
        if identity not in made:
            made[identity] = ground(identity)
        return made[identity]

    yield of
    for one in made.values():
        one.world.close()


def predicted(checks, faults):
    """{check: (status, codes or masks)} of all that is not as it should be."""
    bad = {}
    for check in checks:
        name = check["id"]
        masks = set()
        for need in check["needs"]:
            status, what = bad.get(need, ("", set()))
            masks |= {need} if status == "failed" else what if status == "not_run" else set()
        if masks and not check["always"]:
            bad[name] = ("not_run", masks)
            continue
        shown = [one.shows[name] for one in faults if name in one.shows]
        # Nothing is left where nothing was put.
        if check["always"] and bad.get("s3.put", ("",))[0] in ("failed", "not_run"):
            shown = []
        for status in ("failed", "warning"):
            codes = set().union(*(each for of, each in shown if of == status))
            if codes and name not in bad:
                bad[name] = (status, codes)
    return bad


def assert_as_predicted(report, expected):
    checks = by_id(report)
    wrong = {name for name, check in checks.items()
             if check["status"] not in ("passed", "skipped")}
    assert wrong == set(expected), {name: checks[name] for name in wrong ^ set(expected)}
    for name, (status, what) in expected.items():
        check = checks[name]
        assert check["status"] == status, check
        if status == "not_run":
            assert check["masked_by"] in what, check
            assert checks[check["masked_by"]]["title"] in check["reason"], check
        else:
            assert check["error"]["code"] in what, check
    assert report["ok"] == all(status == "warning" for status, _ in expected.values())


def assert_nothing_left(one, expected):
    """Of objects only what clean_up said it could not delete: the next test does, which is let."""
    s3 = one.world.boto("s3")
    left = s3.list_objects_v2(Bucket="acme-stage").get("Contents", [])
    assert not left or "clean_up" in expected, [found["Key"] for found in left]
    one.world.sandbox.wait_left(objects=len(left), uploads=0, tables=0, sessions=0)
    if left:
        assert one.report()["ok"]
    one.world.sandbox.wait_left(objects=0, uploads=0, tables=0, sessions=0)


CASES = [(identity, name) for identity in COMBINATIONS for name, one in FAULTS.items()
         if identity in one.kinds]


@pytest.mark.parametrize("identity,name", CASES, ids=lambda text: text)
def test_alone(grounds, identity, name):
    one = grounds(identity)
    with one.put([FAULTS[name]]):
        report = one.report()
        expected = predicted(one.checks, [FAULTS[name]])
        assert set(FAULTS[name].shows) <= set(expected)
        assert_as_predicted(report, expected)
    assert_nothing_left(one, expected)


def chosen(identity, number):
    generator = random.Random(f"{SEED} {identity} {number}")
    left = [one for one in FAULTS.values() if identity in one.kinds]
    faults = []
    for _ in range(generator.choice((2, 3))):
        faults.append(generator.choice(left))
        left = [one for one in left if one.group != faults[-1].group]
    return faults


@pytest.mark.parametrize("identity,number", [(identity, number)
                                             for identity, count in COMBINATIONS.items()
                                             for number in range(count)])
def test_together(grounds, identity, number):
    one = grounds(identity)
    faults = chosen(identity, number)
    print(f"VESTO_SEED={SEED}: {', '.join(each.name for each in faults)}")
    with one.put(faults):
        report = one.report()
        expected = predicted(one.checks, faults)
        assert_as_predicted(report, expected)
    assert_nothing_left(one, expected)


def test_without_any_all_is_well(grounds):
    """Behind all of them: what was put was taken back."""
    for identity in COMBINATIONS:
        one = grounds(identity)
        with one.put([]):
            assert_as_predicted(one.report(), {})
        assert one.read() == one.rights


def test_the_combinations_say_something():
    """The seed's choice has each fault, and some that mask others."""
    of = {identity: [chosen(identity, number) for number in range(count)]
          for identity, count in COMBINATIONS.items()}
    for identity, all_of_them in of.items():
        assert {one.name for faults in all_of_them for one in faults} == \
            {name for each, name in CASES if each == identity} or SEED != 20261122
        assert {len(faults) for faults in all_of_them} == {2, 3}
    assert len(FAULTS) >= 20
