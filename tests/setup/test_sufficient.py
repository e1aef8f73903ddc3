"""A destination made from the kit alone passes every check and syncs."""
import pytest

from kit_world import bad_checks

VARIANTS = [
    {}, {"kind": "serverless"}, {"identity": "key"}, {"identity": "assume_role"},
    {"schema": "premade"}, {"kms": True},
]


@pytest.mark.parametrize("options", VARIANTS, ids=lambda o: "-".join(map(str, o)) or "provisioned")
def test_the_kit_alone_suffices(kit_world, options):
    world = kit_world(source=True, **options)
    world.apply()
    report = world.report()
    assert report["ok"] and bad_checks(report) == {}, bad_checks(report)
    assert world.sync() == 20
    report = world.report()
    assert report["ok"] and bad_checks(report) == {}, bad_checks(report)
