import sys
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from reader import HERE, Reader, source  # noqa: E402


@pytest.fixture(scope="session")
def shop():
    postgres = source()
    yield postgres
    postgres.stop()


@pytest.fixture
def reader_of(start_sandbox, shop):
    """reader_of(world): a reader with an empty folder. world: "" (no account), "plain" (one with
    all that vesto needs), "provisioned" or "serverless" (one with nothing for vesto)."""
    made = []

    def make(world=""):
        sandbox = None
        if world:
            words = []
            if world != "plain":
                words = ["--kind", world, "--world", HERE / "reader_world.toml"]
            sandbox = start_sandbox("reader-" + uuid.uuid4().hex[:8], *words)
        made.append(Reader(shop, sandbox))
        return made[-1]

    yield make
    for reader in made:
        reader.close()
        if reader.sandbox:
            reader.sandbox.stop()
