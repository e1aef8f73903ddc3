import sys
import pathlib

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e"), str(HERE.parent)]

from bench import Bench  # noqa: E402
from world import PrivatePostgres  # noqa: E402


@pytest.fixture(scope="session")
def bench():
    with PrivatePostgres(settings={"max_connections": "50"}) as postgres:
        one = Bench(postgres)
        try:
            yield one
        finally:
            one.close()
