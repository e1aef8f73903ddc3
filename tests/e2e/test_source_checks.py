"""vesto source test: a source and every table that a sync names, planned as a run plans it. What a run
would fail for stands in one report, under the code that the run would give."""
import contextlib
import json
import subprocess

import pytest

TABLES = ["source.tables", "source.read", "source.rls", "source.columns", "source.types",
          "source.keys", "source.names", "source.late_rows"]


def report_of(world, *arguments):
    done = world.check("source", "--json", *arguments)
    report = json.loads(done.stdout)
    assert report["schema"] == "vesto.check_report/1", report
    assert report["target"] == {"kind": "source", "name": "pg"}
    assert report["ok"] == (done.returncode == 0), report
    return report, {c["id"]: c for c in report["checks"]}


def failed(report):
    return {c["id"]: c["error"]["code"] for c in report["checks"] if c["status"] == "failed"}


@contextlib.contextmanager
def reader(world, name="reader"):
    """A role that may read nothing yet, as the user of the source."""
    role = f"{name}_{world.database}"
    world.source(f'CREATE ROLE "{role}" LOGIN PASSWORD \'reader pw\'')
    (world.folder / "reader.pw").write_text("reader pw")
    world.source_login = f'user = "{role}"\npassword = {{ file = "reader.pw" }}'
    try:
        yield role
    finally:
        world.source(f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')


def test_all_is_well(one_world):
    one_world.source("CREATE TABLE a (id bigint PRIMARY KEY, v text);"
                     "CREATE TABLE b_1 (id int PRIMARY KEY); CREATE TABLE b_2 (x int)")
    one_world.table("public.a").table("public.b_*", mode="replace").write_config()
    report, checks = report_of(one_world)
    assert report["ok"] and report["counts"]["warning"] == 0, report
    assert list(checks) == ["config.valid", "secret.readable", "net.dns", "net.tcp", "source.login",
                            "source.snapshot", *TABLES]
    assert {"name": "tables", "value": "3"} in checks["source.tables"]["evidence"]
    assert any(e["name"] == "version" and e["value"].startswith("PostgreSQL ")
               for e in checks["source.login"]["evidence"])
    assert {"name": "names", "value": f"file {one_world.folder}/source.pw"} in \
        checks["secret.readable"]["evidence"]
    text = one_world.check("source").stdout
    assert text.startswith("Testing source pg (PostgreSQL, 127.0.0.1:") and "pg is ready." in text
    # Nothing is held once it is over.
    assert one_world.source("SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation "
                            "WHERE c.relname IN ('a', 'b_1', 'b_2')") == [(0,)]


def test_list_only_and_an_unknown_check(one_world):
    one_world.source("CREATE TABLE a (id bigint PRIMARY KEY)")
    one_world.table("public.a").write_config()
    (one_world.folder / "source.pw").unlink()  # --list asks nobody for anything
    listed = json.loads(one_world.check("source", "--list", "--json").stdout)["checks"]
    assert [c["id"] for c in listed][-8:] == TABLES
    report, _ = report_of(one_world)
    assert failed(report) == {"secret.readable": "CFG-SECRET-MISSING"}
    assert {c.get("masked_by") for c in report["checks"]} == {None, "secret.readable"}
    one_world.write_config()
    _, checks = report_of(one_world, "--only", "source.login")
    assert list(checks) == ["config.valid", "secret.readable", "net.dns", "net.tcp", "source.login"]
    done = one_world.check("source", "--only", "source.logins")
    assert done.returncode == 2 and "source.logins" in done.stderr


def test_everything_at_once_and_the_fixes_of_the_report(one_world):
    """The fixes are the report's; this test knows none."""
    one_world.source(
        "CREATE TABLE good (id int PRIMARY KEY); CREATE TABLE closed (id int PRIMARY KEY);"
        "CREATE TABLE hidden (id int PRIMARY KEY); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;"
        "CREATE TABLE keyless (v int); CREATE TABLE times (id int PRIMARY KEY, t interval);"
        "CREATE TABLE upper (id int PRIMARY KEY); CREATE TABLE \"Upper\" (id int PRIMARY KEY)")
    with reader(one_world) as role:
        one_world.source(f"GRANT SELECT ON good, hidden, keyless, times, upper, \"Upper\" TO {role}")
        one_world.table("public.good", exclude=["no_such"]).table("public.closed")
        one_world.table("public.hidden").table("public.keyless").table("public.gone")
        one_world.table("public.times", cursor="t").table("public.uppe*", mode="replace")
        one_world.table("public.Uppe*", mode="replace").table("public.none_*", mode="replace")
        one_world.write_config()
        report, checks = report_of(one_world)
        assert failed(report) == {
            "source.tables": "PG-NO-TABLE", "source.read": "PG-PRIV", "source.rls": "PG-RLS",
            "source.columns": "PG-NO-COLUMN", "source.types": "PG-TYPE", "source.keys": "PG-NO-KEY",
            "source.names": "PG-NAME"}, report
        for check in ("source.read", "source.rls"):
            fix = checks[check]["fix"]
            assert (fix["who"], fix["kind"]) == ("source_admin", "sql"), fix
            one_world.source(fix["snippet"])
        report, checks = report_of(one_world)
        assert {"source.read", "source.rls"}.isdisjoint(failed(report)), report
        text = one_world.check("source").stdout
        assert "pg is not ready" in text and "reader pw" not in text


@pytest.mark.parametrize("table, mode, more, code", [
    ("public.gone", "upsert", {}, "PG-NO-TABLE"), ("public.keyless", "upsert", {}, "PG-NO-KEY"),
    ("public.good", "upsert", {"exclude": ["no_such"]}, "PG-NO-COLUMN"),
    ("public.good", "upsert", {"sortkey": ["no_such"]}, "PG-NO-COLUMN")])
def test_a_run_gives_the_same_code(one_world, table, mode, more, code):
    one_world.source("CREATE TABLE good (id int PRIMARY KEY); CREATE TABLE keyless (v int)")
    one_world.table(table, mode=mode, **more).write_config()
    assert list(failed(report_of(one_world)[0]).values()) == [code]
    _, finished, errors = one_world.run()
    assert finished["state"] == "failed" and code in json.dumps(finished) + errors, finished


@pytest.mark.parametrize("name", ["reader", "are missed. Fix: nothing; x"])
def test_rows_that_commit_late_are_a_warning_with_its_fix(one_world, name):
    one_world.source("CREATE TABLE a (id int PRIMARY KEY, at timestamptz NOT NULL)")
    with reader(one_world, name) as role:
        one_world.source(f'GRANT SELECT ON a TO "{role}"')
        one_world.table("public.a", cursor="at", lookback="10m").write_config()
        report, checks = report_of(one_world)
        late = checks["source.late_rows"]
        assert report["ok"] and late["status"] == "warning", report
        assert late["error"]["message"].endswith(
            f"hidden from {role}: rows that commit later than lookback allows are missed")
        assert late["error"]["hint"] == late["fix"]["snippet"] == \
            f'GRANT pg_read_all_stats TO "{role}";'
        assert one_world.check("source", "--strict").returncode == 8
        one_world.source(late["fix"]["snippet"])
        report, checks = report_of(one_world)
        assert checks["source.late_rows"]["status"] == "passed", report
        assert one_world.check("source", "--strict").returncode == 0


def test_a_pattern_that_nothing_matches_is_a_warning(one_world):
    one_world.source("CREATE TABLE a (id int PRIMARY KEY)")
    one_world.table("public.a").table("public.none_*", mode="replace").write_config()
    report, checks = report_of(one_world)
    assert report["ok"] and checks["source.tables"]["status"] == "warning"
    assert "public.none_*" in checks["source.tables"]["error"]["message"]


@pytest.mark.parametrize("fault, code", [("password", "PG-LOGIN"), ("database", "PG-NO-DATABASE")])
def test_a_login_that_fails_masks_what_needs_it(one_world, fault, code):
    one_world.source("CREATE TABLE a (id int PRIMARY KEY)")
    one_world.table("public.a").write_config()
    if fault == "password":
        (one_world.folder / "source.pw").write_text("not the password")
    else:
        path = one_world.folder / "vesto.toml"
        path.write_text(path.read_text().replace(one_world.database, "no_such_database"))
    report, checks = report_of(one_world)
    assert failed(report) == {"source.login": code}, report
    assert [c for c in checks if checks[c].get("masked_by") == "source.login"] == \
        ["source.snapshot", *TABLES]
    assert "not the password" not in json.dumps(report)


def test_a_source_that_no_sync_reads(one_world):
    one_world.write_config()
    path = one_world.folder / "vesto.toml"
    path.write_text(path.read_text().split("[sync.shop]")[0])
    report, checks = report_of(one_world)
    assert report["ok"], report
    assert {checks[c]["status"] for c in TABLES} == {"skipped"}
    assert "no sync reads from this source" in checks["source.tables"]["reason"]
    text = subprocess.run(one_world.command("source", "test", "pg"), text=True, capture_output=True,
                          timeout=120, check=True).stdout
    assert "pg answers. Its tables were not looked at, as no sync reads from it." in text
    assert "ready" not in text
