import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
for folder in (ROOT, ROOT / "e2e"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from world import PrivatePostgres, Sandbox, World  # noqa: E402


@pytest.fixture(scope="session")
def postgres():
    with PrivatePostgres(settings={"max_connections": "50"}) as server:
        yield server


@pytest.fixture(scope="session")
def warehouse():
    sandbox = Sandbox().start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def world(postgres, warehouse):
    made = World(postgres, warehouse)
    yield made
    made.close()
