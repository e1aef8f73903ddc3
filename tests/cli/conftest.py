"""The command line from outside: texts, exit codes, what goes to stdout and what to stderr. No
warehouse is needed here."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("VESTO_BUILD_DIR", "build/release")
VESTO = BUILD / "src" / "cli" / "vesto"

CONFIG = """version = 1
[source.pg]
kind = "postgres"
host = "127.0.0.1"
port = {port}
database = "shop"
user = "reader"
password = {{ file = "pw" }}
sslmode = "disable"
[destination.rs]
kind = "redshift"
endpoint = "localhost:1/dev"
schema = "shop"
[destination.rs.auth]
user = "loader"
password = {{ env = "VESTO_TEST_PASSWORD" }}
access_key_id = "AKIAEXAMPLE"
secret_access_key = {{ file = "sk" }}
[destination.rs.staging]
bucket = "staging"
region = "eu-west-1"
endpoint = "http://127.0.0.1:1"
[sync.shop]
source = "pg"
destination = "rs"
[[sync.shop.table]]
name = "public.orders"
[[sync.shop.table]]
name = "public.customers"
mode = "replace"
"""


def destination(kind, name="acme"):
    """One of the destinations that the kit's unit tests know, as a part of a configuration."""
    text = (ROOT / "tests" / "support" / "destinations" / f"{kind}.toml").read_text()
    return text.replace("[destination.acme", f"[destination.{name}")


SECRETS = {"pw": "source-password", "env": "warehouse-password", "sk": "aws-secret-key"}


class Vesto:
    """Runs the program in a directory of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {k: v for k, v in os.environ.items()
                            if not k.startswith("VESTO_") and k != "NO_COLOR"}
        self.environment.update(LC_ALL="C.UTF-8", TERM="xterm", VESTO_TEST_PASSWORD=SECRETS["env"])

    def start(self, *arguments, **more):
        return subprocess.Popen([str(VESTO), *arguments], cwd=self.folder, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=self.environment, **more)

    def __call__(self, *arguments, environment=None):
        return subprocess.run([str(VESTO), *arguments], cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                              env={**self.environment, **(environment or {})}, check=False)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def configure(self, port=1):
        """A whole configuration; nobody listens on port 1."""
        self.write("vesto.toml", CONFIG.format(port=port))
        self.write("pw", SECRETS["pw"] + "\n")
        self.write("sk", SECRETS["sk"])


@pytest.fixture
def vesto(tmp_path):
    if not VESTO.exists():
        pytest.fail(f"{VESTO} is not built")
    return Vesto(tmp_path)
