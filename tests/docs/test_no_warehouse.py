"""The guides' block for somebody without a warehouse, pasted into an account that has none."""
import json
import re

import pytest
from pages import ROOT, read_page
from reader import Reader

pytest.importorskip("awscli")

EMPTY = ROOT / "tests/sandbox_aws/world_empty.toml"
CREATING_MS = 300_000  # of that world
ADMIN = ("AKIAVESTOADMIN000001", "adminSecretadminSecretadminSecretadmin+1")


class Newcomer(Reader):
    """An AWS admin whose account has no warehouse, and so no Redshift admin either."""

    def account(self):
        told = self.sandbox.endpoints
        return {"AWS_ENDPOINT_URL": told["aws"]["url"], "AWS_CA_BUNDLE": told["ca_file"],
                "AWS_PAGER": "", "AWS_ACCESS_KEY_ID": ADMIN[0], "AWS_SECRET_ACCESS_KEY": ADMIN[1]}

    def values(self):
        return {}


@pytest.mark.parametrize("page, kind", [("docs/guide/redshift.md", "provisioned"),
                                        ("docs/guide/serverless.md", "serverless")])
def test_the_block_makes_one_and_shows_its_endpoint_later(start_sandbox, shop, page, kind):
    read = read_page(page)
    block, = (one for one in read.blocks if "no warehouse" in one.marks)
    region, = re.findall(r"^export REGION=.*$", read.text, re.M)
    sandbox = start_sandbox("no-warehouse-" + kind, "--kind", kind, "--world", EMPTY)
    reader = Newcomer(shop, sandbox)
    try:
        reader.shell.run(region)
        assert reader.paste(block).lower().splitlines()[-1].split() == ["creating", "none"]
        sandbox.control("POST", "/v1/clock", {"offset_ms": CREATING_MS})
        state, endpoint = reader.shell.run("sh warehouse.sh").split()
        assert (state.lower(), endpoint) == ("available", sandbox.endpoints["redshift"]["host"])
        # What the page says of the last line: how the admin's password is read.
        last = (reader.folder / "warehouse.sh").read_text().splitlines()[-1]
        assert last.startswith("# ") and "`awsuser`" in read.text
        secret = json.loads(reader.shell.run(last.removeprefix("# ")))
        assert secret["username"] == "awsuser"
    finally:
        reader.close()
