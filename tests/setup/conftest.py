import json
import shutil

import pytest

pytest.importorskip("boto3")

from kit_world import KitWorld  # noqa: E402
from private_postgres import PrivatePostgres  # noqa: E402


@pytest.fixture(scope="session")
def postgres():
    """The source of first runs."""
    with PrivatePostgres() as process:
        yield process


@pytest.fixture
def kit_world(request):
    """kit_world(kind=..., identity=..., ...): an empty account; ended after the test."""
    made = []

    def make(**options):
        if options.pop("source", False):
            options["postgres"] = request.getfixturevalue("postgres")
        made.append(KitWorld(**options))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture(scope="module")
def worlds():
    """worlds(kind=..., ...): one whose kit was applied, the same for all tests of a file that ask so."""
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


@pytest.fixture(scope="session", autouse=True)
def tools():
    for name in ("psql", "sh"):
        assert shutil.which(name), f"{name} is needed"
