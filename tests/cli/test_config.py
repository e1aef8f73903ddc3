"""init, config check, config show."""
import json
import os
import pathlib
import stat
import tempfile

import pytest
from conftest import SECRETS


def test_init_writes_a_file_that_checks(vesto):
    done = vesto("init")
    assert done.returncode == 0
    assert done.stdout.startswith("Made vesto.toml.\nNext:  ")
    assert vesto("config", "check", "--no-secrets").returncode == 0
    before = (vesto.folder / "vesto.toml").read_bytes()
    again = vesto("init")
    assert again.returncode == 3 and "CFG-EXISTS" in again.stderr and again.stdout == ""
    assert (vesto.folder / "vesto.toml").read_bytes() == before


def test_init_somewhere_else(vesto):
    assert vesto("init", "--config", "no/such/dir.toml").returncode == 3
    (vesto.folder / "sub").mkdir()
    assert vesto("init", "--config", "sub/a.toml").returncode == 0
    assert (vesto.folder / "sub/a.toml").exists()


def test_check_says_everything_at_once(vesto):
    vesto.configure()
    good = vesto("config", "check")
    assert good.returncode == 0 and good.stderr == ""
    assert good.stdout == "1 file, 1 source, 1 destination, 1 sync: no problems found.\n"
    text = (vesto.folder / "vesto.toml").read_text()
    vesto.write("vesto.toml", text.replace("host =", "hots =").replace('"replace"', '"append"')
                + 'every = "15m"\n')
    bad = vesto("config", "check")
    assert bad.returncode == 3 and bad.stdout == ""
    lines = [line for line in bad.stderr.splitlines() if not line.startswith("    ")]
    assert lines == [
        "vesto.toml:2:1 CFG-MISSING: host is missing in source.pg",
        'vesto.toml:4:1 CFG-UNKNOWN-KEY: "hots" is not a setting of source.pg; did you mean "host"?',
        "vesto.toml:30:8 CFG-VALUE: sync.shop, table public.customers: append needs a cursor, or each run "
        "would add all rows again",
        'vesto.toml:31:1 CFG-UNKNOWN-KEY: "every" is not a setting of sync.shop.table; did you mean '
        '"query"?',
        "4 problems.",
    ]
    report = json.loads(vesto("config", "check", "--json").stdout)
    assert report["success"] is False and len(report["issues"]) == 4
    assert report["issues"][1]["line"] == 4 and report["issues"][1]["code"] == "CFG-UNKNOWN-KEY"


def test_check_looks_for_the_secrets(vesto):
    vesto.configure()
    (vesto.folder / "sk").unlink()
    done = vesto("config", "check", environment={"VESTO_TEST_PASSWORD": ""})
    assert done.returncode == 3
    assert "CFG-SECRET-MISSING: environment variable VESTO_TEST_PASSWORD is empty" in done.stderr
    assert "file sk cannot be read (No such file or directory)" in done.stderr
    assert vesto("config", "check", "--no-secrets").returncode == 0


WARNED = """version = 1
[identity.google]
source = "token_file"
token_file = "token"
[destination.a]
kind = "redshift"
endpoint = "h:5439/dev"
schema = "s"
[destination.a.auth]
identity = "aws"
warehouse = "w"
region = "eu-west-1"
role_arn = "arn:aws:iam::123456789012:role/x"
[destination.a.staging]
bucket = "staging"
"""


def test_a_prefix_too_long_for_copys_keys(vesto):
    """Found before a run reads anything: it would fail at its first COPY."""
    vesto.configure()
    text = (vesto.folder / "vesto.toml").read_text()
    text = text.replace('region = "eu-west-1"', 'region = "eu-west-1"\nprefix = "%s"' % ("p" * 400))
    vesto.write("vesto.toml", text)
    assert vesto("config", "check").returncode == 0  # the access key's own keys are not narrowed
    text = text.replace("[destination.rs.staging]", 'role_arn = "arn:aws:iam::123456789012:role/x"\n'
                        "[destination.rs.staging]")
    vesto.write("vesto.toml", text)
    line = text.splitlines().index(f'prefix = "{"p" * 400}"') + 1
    for arguments in (["config", "check"], ["config", "check", "--no-secrets"]):
        done = vesto(*arguments)
        assert done.returncode == 3 and done.stdout == "", arguments
        assert f"vesto.toml:{line}:10 CFG-VALUE: destination.rs.staging.prefix has 400 bytes: " \
            in done.stderr, done.stderr
        assert "AWS takes about 1,076 in packed form" in done.stderr
    (issue,) = json.loads(vesto("config", "check", "--json").stdout)["issues"]
    assert issue["code"] == "CFG-VALUE" and issue["line"] == line
    fits = int(issue["hint"].split("Shorten prefix to ")[1].split()[0])
    for command in (["run", "shop", "--json"], ["sync", "plan", "shop", "--json"]):
        done = vesto(*command)
        assert done.returncode == 3 and "staging.prefix has 400 bytes" in done.stdout, command
    vesto.write("vesto.toml", text.replace("p" * 400, "p" * fits))
    assert vesto("config", "check").returncode == 0
    assert vesto("run", "shop").returncode == 5  # nobody answers, as ever


def test_a_network_that_is_hardly_meant(vesto):
    """A warning: the kit's inbound rules would let all of it in."""
    text = 'version = 1\n[server]\npublic_egress = ["%s"]\n'
    for network, said in (("203.0.113.7", ""), ("0.0.0.0/0", "everybody on the Internet"),
                          ("::/0", "everybody by IPv6"), ("10.0.0.0/8", "a network wider than /16")):
        vesto.write("vesto.toml", text % network)
        done = vesto("config", "check")
        assert done.returncode == 0
        assert bool(said) == (f"vesto.toml:3:17 warning CFG-VALUE: server.public_egress: {network} is "
                              f"{said}" in done.stderr), done.stderr
        assert bool(said) == bool(json.loads(vesto("config", "check", "--json").stdout)["warnings"])


SHOP = "shop.abc123.eu-west-1.redshift.amazonaws.com"


def acme(endpoint, warehouse="shop", region="eu-west-1", staging="eu-west-1"):
    return f"""version = 1
[destination.acme]
kind = "redshift"
endpoint = "{endpoint}:5439/dev"
schema = "s"
[destination.acme.auth]
role_arn = "arn:aws:iam::123456789012:role/x"
audience = "y"
region = "{region}"
warehouse = "{warehouse}"
[destination.acme.staging]
bucket = "stage"
region = "{staging}"
"""


def test_a_warehouse_that_is_not_the_endpoints(vesto):
    """A warning: it says which two names there are."""
    for endpoint, warehouse, warned in (
            (SHOP, "shops", True), (SHOP, "shop", False), ("10.0.0.1", "shops", False),
            ("shop-endpoint-abc123def456.xyz.eu-west-1.redshift.amazonaws.com", "shops", False)):
        vesto.write("vesto.toml", acme(endpoint, warehouse))
        done = vesto("config", "check")
        assert done.returncode == 0
        assert ('vesto.toml:10:13 warning CFG-VALUE: destination.acme.auth.warehouse is "shops", and '
                'the endpoint is that of "shop"' in done.stderr) == warned, done.stderr


@pytest.mark.parametrize("endpoint, region, staging, said", [
    (SHOP, "us-east-1", "eu-west-1",
     "9:10 CFG-VALUE: destination.acme: auth.region is us-east-1, and the endpoint is in eu-west-1"),
    (SHOP, "eu-west", "eu-west-1",
     '9:10 CFG-VALUE: destination.acme: auth.region = "eu-west" is no region of AWS'),
    ("10.0.0.1", "eu-west", "eu-west-1",
     '9:10 CFG-VALUE: destination.acme: auth.region = "eu-west" is no region of AWS'),
    ("10.0.0.1", "eu-west-1", "Ireland",
     "13:10 CFG-VALUE: destination.acme.staging.region is no region of AWS"),
    (SHOP, "eu-west-1", "us-east-1", None), ("10.0.0.1", "us-east-1", "eu-west-1", None)])
def test_a_region_that_is_none_or_not_the_endpoints(vesto, endpoint, region, staging, said):
    vesto.write("vesto.toml", acme(endpoint, region=region, staging=staging))
    done = vesto("config", "check")
    assert done.returncode == (3 if said else 0), done.stderr
    if not said:
        return
    assert f"vesto.toml:{said}" in done.stderr, done.stderr
    (issue,) = json.loads(vesto("config", "check", "--json").stdout)["issues"]
    assert issue["code"] == "CFG-VALUE" and "eu-west-1" in issue["hint"] + issue["message"]


def test_a_store_of_ones_own_may_call_its_region_anything(vesto):
    vesto.write("vesto.toml", acme(SHOP, staging="garage") +
                'endpoint = "https://s3.example.com"\n')
    assert vesto("config", "check").returncode == 0


def test_warnings_change_no_exit_code(vesto):
    (vesto.folder / "vesto.toml").write_text(WARNED)
    (vesto.folder / "token").write_text("t")
    done = vesto("config", "check")
    assert done.returncode == 0 and "no problems found" in done.stdout
    assert "vesto.toml:2:1 warning CFG-VALUE: [identity.google] is not used" in done.stderr
    assert vesto("config", "check", "--quiet").stderr == ""
    shown = json.loads(vesto("config", "check", "--json").stdout)
    assert shown["success"] is True and shown["issues"] == []
    assert [warning["line"] for warning in shown["warnings"]] == [2]
    # What is printed says the same again, and no more.
    printed = vesto("config", "show").stdout
    (vesto.folder / "vesto.toml").write_text(printed)
    assert vesto("config", "check").stderr.count("warning") == 1
    (vesto.folder / "token").unlink()
    gone = vesto("config", "check")
    assert gone.returncode == 3 and "identity.google.token_file: file" in gone.stderr


def test_show_never_shows_a_secret(vesto):
    vesto.configure()
    done = vesto("config", "show", "--origin")
    assert done.returncode == 0 and done.stderr == ""
    assert 'password = { file = "pw" }' in done.stdout
    assert "# vesto.toml:5:8" in done.stdout and "# default" in done.stdout
    data = json.loads(vesto("config", "show", "--json").stdout)
    settings = {s["path"]: s for s in data["settings"]}
    assert settings["limits.readers"] == {"path": "limits.readers", "value": 4, "origin": "default"}
    assert settings["source.pg.password"]["value"] == {"file": "pw"}
    for secret in SECRETS.values():
        assert secret not in done.stdout and secret not in json.dumps(data)
    # What it prints is the same configuration.
    vesto.write("vesto.toml", vesto("config", "show").stdout)
    assert vesto("config", "check").returncode == 0


def test_plain_secrets_are_refused_and_not_repeated(vesto):
    vesto.configure()
    text = (vesto.folder / "vesto.toml").read_text()
    for broken in ('"hunter2-plain"', "hunter2-plain", '"hunter2-plain', "{ file = hunter2-plain }"):
        vesto.write("vesto.toml", text.replace('{ file = "pw" }', broken))
        for command in (["config", "check"], ["config", "show"], ["run", "shop"], ["status"],
                        ["config", "check", "--json"], ["run", "shop", "--json"]):
            done = vesto(*command)
            assert done.returncode == 3, command
            assert "hunter2" not in done.stdout + done.stderr, command


def test_no_configuration(vesto):
    for command in (["config", "check"], ["status"], ["run", "x"], ["history"],
                    ["source", "test", "x"], ["sync", "plan", "x"]):
        done = vesto(*command)
        assert done.returncode == 3, command
        assert "vesto.toml CFG-NO-FILE: " in done.stderr and "vesto init" in done.stderr


def test_files_by_flag_and_environment(vesto):
    vesto.configure()
    os.rename(vesto.folder / "vesto.toml", vesto.folder / "other.toml")
    assert vesto("config", "check").returncode == 3
    assert vesto("config", "check", "--config", "other.toml").returncode == 0
    assert vesto("config", "check", environment={"VESTO_CONFIG": "other.toml"}).returncode == 0
    vesto.write("more.toml", "[limits]\nreaders = 2\n")
    both = vesto("config", "show", environment={"VESTO_CONFIG": "other.toml:more.toml"})
    assert "readers = 2" in both.stdout
    again = vesto("config", "check", "--config", "other.toml", "--config", "other.toml")
    assert again.returncode == 3 and "CFG-DUPLICATE" in again.stderr


def test_names_that_are_not_there(vesto):
    vesto.configure()
    for command, text in (
            (["run", "shpo"], 'there is no sync "shpo"; did you mean "shop"?'),
            (["sync", "plan", "shpo"], 'there is no sync "shpo"; did you mean "shop"?'),
            (["run", "shop", "--table", "public.order"],
             'sync shop has no table "public.order"; did you mean "public.orders"?'),
            (["source", "test", "pgg"], 'there is no source "pgg"; did you mean "pg"?'),
            (["source", "tables", "pgg"], 'there is no source "pgg"; did you mean "pg"?'),
            (["status", "shpo"], 'there is no sync "shpo"; did you mean "shop"?'),
            (["history", "shpo"], 'there is no sync "shpo"; did you mean "shop"?'),
            (["show", "run_XYZ"], 'there is no run "run_XYZ"')):
        done = vesto(*command)
        assert done.returncode == 3, command
        assert f"Error CFG-NO-OBJECT: {text}" in done.stderr, command
        assert done.stdout == ""


def test_looking_makes_no_store(vesto):
    vesto.configure()
    for command in (["status"], ["history"], ["show", "run_1"], ["config", "check"], []):
        vesto(*command)
    assert not (vesto.folder / ".vesto").exists()


def test_data_directory(vesto):
    vesto.configure()
    vesto("run", "shop")
    store = vesto.folder / ".vesto" / "vesto.db"
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.parent.stat().st_mode) == 0o700
    vesto("run", "shop", "--data", "one")
    vesto("run", "shop", environment={"VESTO_DATA": "two"})
    assert (vesto.folder / "one/vesto.db").exists() and (vesto.folder / "two/vesto.db").exists()


def test_what_is_wrong_is_named_where_it_stands(vesto):
    vesto.configure()
    good = (vesto.folder / "vesto.toml").read_text()

    def lines(text, *arguments):
        vesto.write("vesto.toml", text)
        done = vesto("config", "check", *arguments)
        assert done.returncode == 3
        return done.stderr.splitlines()

    # An object that is not there: the line that names it.
    at = good.splitlines().index('source = "pg"') + 1
    assert lines(good.replace('source = "pg"', 'source = "gp"'))[0].startswith(
        f'vesto.toml:{at}:10 CFG-VALUE: sync.shop names the source "gp"')
    # A CA file that is not there: its own line, and why.
    at = good.splitlines().index('bucket = "staging"') + 2
    told = lines(good.replace('bucket = "staging"\n',
                              'bucket = "staging"\ntls_ca_file = "no.pem"\n'))[0]
    assert told.startswith(f"vesto.toml:{at}:15 CFG-VALUE: destination.rs.staging.tls_ca_file: ")
    assert "no.pem cannot be read (No such file or directory)" in told
    # A line to write, not a description of one.
    told = lines(good.replace('bucket = "staging"\n', ""), "--no-secrets")
    assert told[1] == '    Fix: Add: bucket = "..."      (S3 bucket.)'
    # A name with a dot is one mistake, not three.
    told = lines(good.replace("[sync.shop]", "[sync.my.shop]").replace("[[sync.shop.table]]",
                                                                      "[[sync.my.shop.table]]"))
    assert 'CFG-VALUE: "my.shop" cannot be the name of a sync: it holds a dot' in told[0]
    assert told[-1] == "1 problem."
    assert "a quote is not closed in this line" in lines(good.replace('"reader"', '"reader'))[0]


def test_a_file_that_may_not_be_read(vesto):
    """Not the same as one that is not there."""
    vesto.configure()
    (vesto.folder / "vesto.toml").unlink()
    (vesto.folder / "vesto.toml").mkdir()
    done = vesto("config", "check")
    assert done.returncode == 3
    assert "vesto.toml CFG-FILE: the file cannot be read (Is a directory)" in done.stderr
    assert "vesto init" not in done.stderr


def test_errors_of_a_connection_name_its_section(vesto):
    vesto.configure()
    done = vesto("source", "test", "pg")
    assert done.returncode == 5 and "  In: source.pg.host (vesto.toml:4)\n" in done.stdout
    # What the server said stands there once.
    assert done.stdout.count("Connection refused") == 1
    assert "Is the server running" not in done.stdout


def test_no_user_of_redshift_holds_a_control_character(vesto):
    vesto.configure()
    text = (vesto.folder / "vesto.toml").read_text()
    for old, new, where in (('user = "loader"', 'user = "a\\u0007b"', "auth.user"),
                            ('user = "loader"\npassword = { env = "VESTO_TEST_PASSWORD" }',
                             'method = "iam_role"\nregion = "eu-west-1"\nwarehouse = "w"\n'
                             'db_user = "a\\nb"', "auth.db_user")):
        assert text.count(old) == 1, old
        vesto.write("vesto.toml", text.replace(old, new))
        done = vesto("config", "check", "--no-secrets")
        assert done.returncode == 3 and "CFG-VALUE" in done.stderr, done.stderr
        assert f"{where} holds a control character" in done.stderr, done.stderr


def test_a_secret_that_everybody_may_read_is_a_warning(vesto):
    """Not an error: it works, and containers mount secrets with mode 0644."""
    vesto.configure()
    with tempfile.TemporaryDirectory(prefix="vesto-open-") as folder:
        os.chmod(folder, 0o755)
        text = (vesto.folder / "vesto.toml").read_text()
        for name in ("pw", "sk"):
            text = text.replace(f'{{ file = "{name}" }}', f'{{ file = "{folder}/{name}" }}')
            path = pathlib.Path(folder) / name
            path.write_text("s3cr3t")
            path.chmod(0o640)
        vesto.write("vesto.toml", text)
        assert "warning" not in vesto("config", "check").stderr
        (pathlib.Path(folder) / "sk").chmod(0o644)
        done = vesto("config", "check")
        assert done.returncode == 0 and f"everybody on this machine may read or change the file {folder}/sk" in \
            done.stderr and "chmod o-rwx" in done.stderr and "s3cr3t" not in done.stderr
        assert vesto("config", "check", "--no-secrets").stderr == ""
        told = json.loads(vesto("doctor", "secret.readable", "--json").stdout)
        host = next(c for r in told["reports"] for c in r["checks"] if c["id"] == "secret.readable")
        assert host["status"] == "warning" and f"{folder}/sk" in host["error"]["message"]
