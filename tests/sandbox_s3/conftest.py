"""Each client runs once over TLS and once over plain HTTP."""

import os
import pathlib
import shutil
import tempfile
import uuid

import pytest

from s3_process import S3Process


@pytest.fixture(scope="session", params=["tls", "plain"])
def server(request):
    directory = tempfile.mkdtemp(prefix="vesto-s3-")
    process = S3Process(directory, plain=request.param == "plain")
    yield process
    assert process.stop() == 0
    shutil.rmtree(directory)


@pytest.fixture
def prefix():
    return f"t-{uuid.uuid4().hex[:10]}/"


@pytest.fixture(autouse=True)
def no_faults_stay(request):
    yield
    if "server" in request.fixturenames:
        request.getfixturevalue("server").control("DELETE", "/v1/faults")


@pytest.fixture
def client_environment(server, tmp_path):
    """The environment of a command-line client: only our keys, no file of the user's."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": server.e["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": server.e["secret_access_key"],
            "AWS_REGION": server.e["region"], "AWS_DEFAULT_REGION": server.e["region"],
            "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture(scope="session")
def large_file():
    """70 MiB that do not compress."""
    handle, name = tempfile.mkstemp(prefix="vesto-large-")
    with os.fdopen(handle, "wb") as file:
        for _ in range(70):
            file.write(os.urandom(1 << 20))
    yield pathlib.Path(name)
    os.unlink(name)
