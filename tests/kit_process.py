"""Runs `vesto destination kit` for a configuration of the test."""
import subprocess

from sandbox_process import binary

PROVISIONED = """version = 1
[destination.acme]
kind = "redshift"
endpoint = "examplecluster.abc123.eu-west-1.redshift.amazonaws.com:{port}/dev"
schema = "{schema}"
create_schema = {create}
[destination.acme.auth]
{auth}
[destination.acme.staging]
bucket = "kit-staging"
region = "eu-west-1"
"""
SERVERLESS = PROVISIONED.replace('"redshift"', '"redshift-serverless"').replace(
    "examplecluster.abc123.eu-west-1.redshift.",
    "analytics.123456789012.eu-west-1.redshift-serverless.")
GOOGLE = """role_arn = "arn:aws:iam::123456789012:role/kit/kit-sync"
audience = "vesto-kit-1a2b"
"""
KEY = """user = "kit_load"
password = { env = "KIT_PASSWORD" }
access_key_id = { env = "KIT_KEY" }
secret_access_key = { env = "KIT_SECRET" }
"""


def configuration(template=PROVISIONED, auth=GOOGLE, schema="kit", create=True, port=5439, more=""):
    return template.format(auth=auth, schema=schema, create=str(create).lower(), port=port) + more


def part(folder, config, name, *more, environment=None):
    """One part's text; it must not say anything on stderr."""
    (folder / "vesto.toml").write_text(config)
    done = subprocess.run(
        [str(binary("src/cli/vesto")), "destination", "kit", "acme", "--part", name, *more],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "ASAN_OPTIONS": "detect_leaks=0",
             **(environment or {})})
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout
