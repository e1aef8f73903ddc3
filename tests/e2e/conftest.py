import pytest

from world import DEV, RELEASE, SANDBOX, PrivatePostgres, Sandbox, World


@pytest.fixture(scope="session")
def postgres():
    for binary in (DEV, RELEASE, SANDBOX):
        assert binary.exists(), f"{binary} is not built: make test builds it"
    with PrivatePostgres(settings={"max_connections": "50", "max_prepared_transactions": "5"}) as p:
        yield p


def _sandbox(isolation):
    sandbox = Sandbox(isolation)
    sandbox.start()
    return sandbox


@pytest.fixture(scope="session", params=["snapshot", "serializable"])
def sandbox(request):
    """Tests of what must hold under both isolation levels."""
    sandbox = _sandbox(request.param)
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="session")
def one_sandbox():
    """Tests that the isolation level does not concern."""
    sandbox = _sandbox("snapshot")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def world(postgres, sandbox):
    world = World(postgres, sandbox)
    yield world
    sandbox.clear_faults()
    world.close()


@pytest.fixture
def one_world(postgres, one_sandbox):
    world = World(postgres, one_sandbox)
    yield world
    one_sandbox.clear_faults()
    world.close()
