"""Fixtures that all Python tests share."""

import shutil
import tempfile
import uuid

import pytest

from sandbox_process import Sandbox


@pytest.fixture(scope="session")
def scratch():
    """A directory of the run, removed at the end. Short and open: the sandbox may run its database
    as another user."""
    path = tempfile.mkdtemp(prefix="vesto-test-")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def start_sandbox(scratch):
    """Starts further sandboxes: start_sandbox("name", "--isolation", "serializable").
    The same name means the same data directory. All are stopped at the end of the run."""
    started = []

    def start(name, *args, **options):
        sandbox = Sandbox(f"{scratch}/{name}", *args, **options)
        sandbox.start()
        started.append(sandbox)
        return sandbox

    yield start
    for sandbox in started:
        sandbox.stop()


@pytest.fixture(scope="session")
def running_sandbox(start_sandbox):
    """The run's own sandbox, as an object (sandbox_process.Sandbox)."""
    return start_sandbox("shared")


@pytest.fixture(scope="session")
def sandbox(running_sandbox):
    """Its endpoints.json, parsed."""
    return running_sandbox.endpoints


@pytest.fixture
def connect(running_sandbox):
    """Makes connections to it that are closed after the test: connect(autocommit=True, ...)."""
    made = []

    def make(**options):
        made.append(running_sandbox.connect(**options))
        return made[-1]

    make.made = made
    yield make
    for connection in made:
        connection.close()


@pytest.fixture
def schema(running_sandbox, connect):
    """The name of a schema of the test's own, dropped afterwards."""
    name = "s_" + uuid.uuid4().hex[:12]
    run(running_sandbox, f"create schema {name}")
    yield name
    for connection in connect.made:
        connection.close()  # their locks would make the DROP wait
    run(running_sandbox, f"drop schema if exists {name} cascade")


def run(sandbox, sql):
    connection = sandbox.connect()
    cursor = connection.cursor()
    cursor.execute("set statement_timeout to 20000")
    cursor.execute(sql)
    connection.close()
