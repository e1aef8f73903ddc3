"""Every block of README.md and docs/ is run or checked, by what its fence says it is. What cannot
be run says why in a comment right before it, and is counted here."""
import json
import re
import subprocess
import tomllib

import psycopg2
import pytest
from pages import pages, read_page
from sandbox_process import binary
from shell import shown_in

# Blocks with <!-- not run: why -->, by page. One more is a decision: it is written down here.
NOT_RUN = {"README.md": 3, "docs/ARCHITECTURE.md": 3, "docs/guide/google-identity.md": 3,
           "docs/guide/from-stitch.md": 1,
           "docs/guide/redshift.md": 1, "docs/guide/serverless.md": 1, "docs/sandbox.md": 1}
# Made by a tool that knows no such comments: page, line of the block, why it is not run.
GENERATED = {("docs/unverified.md", "make verify-live\n"): "it asks a real Redshift"}
# Who reads the pages with shell blocks: see reader_of. test_new_user.py pastes the other two.
WORLDS = {"README.md": "plain", "docs/identity.md": "", "docs/sandbox.md": "",
          "docs/guide/google-identity.md": "provisioned"}
FOLLOWED = ("docs/guide/redshift.md", "docs/guide/serverless.md")
LANGUAGES = ("sh", "text", "toml", "sql", "json", "http")

BLOCKS = [block for page in pages() for block in page.blocks]


def cases(language, *pages_left_out):
    found = [b for b in BLOCKS if b.language == language and "not run" not in b.marks
             and b.page not in pages_left_out]
    return pytest.mark.parametrize("block", found, ids=[b.place for b in found])


def test_every_block_is_of_a_kind_that_is_run_or_says_why_it_is_not():
    wrong = [b.place for b in BLOCKS if b.language not in LANGUAGES and
             (b.page, b.text) not in GENERATED]
    assert wrong == [], f"these name none of {LANGUAGES}"
    counted = {}
    for block in BLOCKS:
        if "not run" in block.marks:
            counted[block.page] = counted.get(block.page, 0) + 1
    assert counted == NOT_RUN
    for page, text in GENERATED:
        assert any((b.page, b.text) == (page, text) for b in BLOCKS), f"{page} has it no more"


def test_every_page_with_shell_blocks_has_a_reader():
    pasted = {b.page for b in BLOCKS if b.language == "sh" and "not run" not in b.marks}
    assert pasted == set(WORLDS) | set(FOLLOWED)
    shown = {b.page for b in BLOCKS if b.language in ("text", "json", "http")
             and "not run" not in b.marks}
    assert shown <= pasted | {"docs/sandbox.md"}


@pytest.mark.parametrize("page", WORLDS)
def test_a_page_is_pasted_from_its_top(reader_of, page):
    reader = reader_of(WORLDS[page])
    printed = ""
    for block in read_page(page).blocks:
        if "not run" in block.marks:
            continue
        if "file" in block.marks:
            reader.write(block)
        elif block.language == "sh":
            printed = reader.paste(block)
        elif block.language == "text":
            missing = shown_in(block.text, printed)
            assert missing is None, f"{block.place}: not shown: {missing}\n{printed}"
        elif block.language == "http":
            reader.send(block)


# What a block leaves out, since the page has said it before or the reader has it already.
BASE = tomllib.loads("""
version = 1
[source.shop]
kind     = "postgres"
host     = "localhost"
database = "shop"
user     = "vesto_read"
[destination.acme]
kind          = "redshift"
endpoint      = "examplecluster.abc123.eu-west-1.redshift.amazonaws.com:5439/dev"
schema        = "shop"
create_schema = true
[destination.acme.auth]
role_arn = "arn:aws:iam::123456789012:role/vesto-acme-role"
audience = "vesto-acme-7f3a"
[destination.acme.staging]
bucket = "acme-vesto-staging"
[sync.shop-orders]
source      = "shop"
destination = "acme"
[[sync.shop-orders.table]]
name = "public.orders"
""")


def completed(given):
    """The block's settings, and what it leaves out. Logins and lists are taken as a whole."""
    made = json.loads(json.dumps(BASE))
    if "sync" in given:
        del made["sync"]
        for sync in given["sync"].values():
            sync.setdefault("source", "shop")
            sync.setdefault("destination", "acme")

    def put(into, settings):
        for name, value in settings.items():
            if isinstance(value, dict) and isinstance(into.get(name), dict) and name != "auth":
                put(into[name], value)
            else:
                into[name] = value

    put(made, given)
    return made


def toml(value, name=""):
    """A table of settings as TOML: dotted names, everything else inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def check_config(folder, text):
    (folder / "vesto.toml").write_text(text)
    return subprocess.run([binary("src/cli/vesto"), "config", "check", "--no-secrets", "--json"],
                          cwd=folder, capture_output=True, text=True, timeout=60, check=False,
                          env={"ASAN_OPTIONS": "detect_leaks=0"})


@cases("toml")
def test_a_block_of_settings_passes_config_check(block, tmp_path):
    settings = tomllib.loads(block.text)
    text = block.text if "version" in settings else "".join(
        f"{name} = {toml(value)}\n" for name, value in completed(settings).items())
    done = check_config(tmp_path, text)
    assert done.returncode == 0, f"{block.text}\n{done.stdout}{done.stderr}"
    assert json.loads(done.stdout).get("warnings", []) == []


def test_a_wrong_setting_is_noticed(tmp_path):
    """That what is completed above is really checked."""
    wrong = completed(tomllib.loads('[destination.acme.staging]\nbuckett = "x"\n'))
    text = "".join(f"{name} = {toml(value)}\n" for name, value in wrong.items())
    assert check_config(tmp_path, text).returncode == 3


def test_json_blocks_parse():
    for block in BLOCKS:
        if block.language == "json":
            json.loads(block.text)


@cases("sql")
def test_a_block_of_sql_runs(block, running_sandbox, shop, connect):
    """In the warehouse as its admin, or in the source where it makes a role; rolled back."""
    if "CREATE ROLE" in block.text:
        connection = psycopg2.connect(shop.dsn("shop"))
        text = block.text.replace("vesto_read", "vesto_read_2")
    else:
        connection = connect(admin=True, autocommit=False)
        connection.cursor().execute(
            "CREATE SCHEMA shop; CREATE TABLE shop.orders (note VARCHAR(9))")
        text = block.text
    try:
        for statement in re.split(r";\s*\n", text):
            if statement.strip():
                connection.cursor().execute(statement)
    finally:
        connection.rollback()
        connection.close()
