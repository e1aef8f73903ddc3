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


@pytest.mark.parametrize("page, kind, name", [("docs/guide/redshift.md", "provisioned", "CLUSTER"),
                                              ("docs/guide/serverless.md", "serverless", "WORKGROUP")])
def test_the_blocks_make_one_and_step_4_takes_what_they_print(start_sandbox, shop, page, kind, name):
    read = read_page(page)
    told, made = (one for one in read.blocks if "no warehouse" in one.marks)
    values, = (one for one in read.blocks if "values" in one.marks)
    add, = (one for one in read.blocks if one.text.startswith("vesto destination add acme --kind"))
    region, = re.findall(r"^export REGION=.*$", read.text, re.M)
    sandbox = start_sandbox("no-warehouse-" + kind, "--kind", kind, "--world", EMPTY)
    reader = Newcomer(shop, sandbox)
    try:
        reader.shell.run(region)
        reader.paste(told)
        # Before it is run, script and page say what it makes, and who can reach that.
        script = (reader.folder / "warehouse.sh").read_text()
        assert "# It is publicly accessible" in script and "**publicly accessible**" in made.before
        assert "vesto-acme it makes one: database dev, port 5439, admin awsuser;" in script
        assert all(f"`{word}`" in made.before for word in ("vesto-acme", "dev", "awsuser"))
        state, later = reader.paste(made).splitlines()
        assert state.lower() == "state: creating" and later.startswith("It has no endpoint yet")
        sandbox.control("POST", "/v1/clock", {"offset_ms": CREATING_MS})
        state, endpoint, then = reader.shell.run("sh warehouse.sh").splitlines()
        redshift = sandbox.endpoints["redshift"]
        whole = f"{redshift['host']}:{redshift['port']}/dev"
        assert (state.lower(), endpoint) == ("state: available", "Endpoint: " + whole)
        assert then == "Next: vesto destination add acme --endpoint " + whole
        # What the page says of the last line: how the admin's password is read.
        last = script.splitlines()[-1]
        assert last.startswith("# ") and "`awsuser`" in read.text
        secret = json.loads(reader.shell.run(last.removeprefix("# ")))
        assert secret["username"] == "awsuser" and "`user=awsuser`" in read.text
        # On with steps 2 and 4, by what was printed and by what the page says.
        assert f"`{name}` is `vesto-acme`" in read.text
        reader.values = lambda: {"ENDPOINT": whole, name: "vesto-acme"}
        reader.paste(values)
        assert "acme is in vesto.toml" in reader.paste(add)
        shown = reader.shell.run("vesto destination show acme")
        assert f" {name.lower()} vesto-acme " in shown
        assert f"host {redshift['host']}, port {redshift['port']}, database dev" in shown
    finally:
        reader.close()
