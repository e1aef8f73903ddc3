"""The kit's SQL, run by psql as it stands. What each line gives is looked for, with the line and
without it."""
import subprocess

import pytest
from kit_process import GOOGLE, PROVISIONED, SERVERLESS, configuration, part

NAMED = GOOGLE + 'db_user = "kit_named"\n'


def psql(sandbox, text):
    words = sandbox.dsn(admin=True)
    dsn = " ".join(f"{name}='{value}'" for name, value in words.items())
    return subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", dsn], input=text, text=True,
                          capture_output=True, timeout=120, check=False)


def ran(sandbox, text):
    done = psql(sandbox, text)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return done.stdout


@pytest.fixture
def admin(running_sandbox):
    connection = running_sandbox.connect(admin=True)
    yield connection
    with connection.cursor() as cursor:
        for schema in ("kit", "kit_made"):
            cursor.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        for user in ("kit_named", "IAMR:kit-sync"):
            cursor.execute("SELECT 1 FROM pg_user WHERE usename = %s", (user,))
            if cursor.fetchone():
                cursor.execute(f'REVOKE ALL ON DATABASE dev FROM "{user}"')
                for catalogue in ("information_schema", "pg_catalog"):
                    cursor.execute(f'REVOKE ALL ON SCHEMA {catalogue} FROM "{user}"')
                    cursor.execute(f'REVOKE ALL ON ALL TABLES IN SCHEMA {catalogue} FROM "{user}"')
                cursor.execute(f'DROP USER "{user}"')
    connection.close()


def asked(admin, sql, *values):
    with admin.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]


def may_create(admin, user):
    return asked(admin, "SELECT has_database_privilege(%s, 'dev', 'CREATE')", user)


@pytest.mark.parametrize("template,auth,user", [
    (PROVISIONED, NAMED, "kit_named"),
    (PROVISIONED, GOOGLE, "IAMR:kit-sync"),
    (SERVERLESS, GOOGLE, "IAMR:kit-sync"),
])
def test_psql_runs_the_part(running_sandbox, admin, tmp_path, template, auth, user):
    text = part(tmp_path, configuration(template, auth), "sql")
    ran(running_sandbox, text)
    assert may_create(admin, user)
    assert asked(admin, "SELECT has_database_privilege(%s, 'dev', 'TEMP')", user)


def test_without_its_grant_the_right_is_not_there(running_sandbox, admin, tmp_path):
    lines = part(tmp_path, configuration(auth=NAMED), "sql").splitlines()
    kept = [line for line in lines if not line.startswith("GRANT CREATE")]
    assert len(kept) == len(lines) - 1
    ran(running_sandbox, "\n".join(kept))
    assert not may_create(admin, "kit_named")


def test_a_schema_made_beforehand(running_sandbox, admin, tmp_path):
    text = part(tmp_path, configuration(auth=NAMED, schema="kit_made", create=False), "sql")
    without = psql(running_sandbox, text)
    assert without.returncode == 3 and 'schema "kit_made" does not exist' in without.stderr
    offered = [line[3:] for line in text.splitlines() if line.startswith("-- CREATE SCHEMA")]
    assert offered == ['CREATE SCHEMA "kit_made";']
    lines = [line for line in text.splitlines() if not line.startswith("CREATE USER")]
    ran(running_sandbox, "\n".join(offered + lines))
    assert not may_create(admin, "kit_named")
    for right in ("CREATE", "USAGE"):
        assert asked(admin, "SELECT has_schema_privilege(%s, 'kit_made', %s)", "kit_named", right)


def test_the_lines_that_are_commented_out_run_too(running_sandbox, admin, tmp_path):
    text = part(tmp_path, configuration(auth=NAMED), "sql")
    offered = [line[3:] for line in text.splitlines() if line.startswith("-- GRANT")]
    assert len(offered) == 4
    ran(running_sandbox, text + "\n".join(offered))


def test_tables_of_another_user_are_found(running_sandbox, admin, tmp_path):
    with admin.cursor() as cursor:
        cursor.execute("CREATE SCHEMA kit")
        for table in ("orders", '"od""d"'):
            cursor.execute(f"CREATE TABLE kit.{table} (id INTEGER)")
    assert found_by_query(running_sandbox, tmp_path) == [
        """ALTER TABLE kit."od""d" OWNER TO "kit_named";""",
        """ALTER TABLE kit.orders OWNER TO "kit_named";"""]


def test_each_known_table_has_its_line(running_sandbox, admin, tmp_path):
    """What there is is found by the query; a line for what was never made stops nothing."""
    sync = """
[source.s]
kind = "postgres"
host = "h"
database = "d"
user = "u"
[sync.shop]
source = "s"
destination = "acme"
[[sync.shop.table]]
name = "public.orders"
[[sync.shop.table]]
name = 'public."o d"'
"""
    with admin.cursor() as cursor:
        cursor.execute("CREATE SCHEMA kit")
        cursor.execute("CREATE TABLE kit.orders (id INTEGER)")
        cursor.execute("CREATE TABLE kit._vesto_loads (id INTEGER)")
        cursor.execute("CREATE VIEW kit._vesto_sync_status AS SELECT id FROM kit._vesto_loads WITH NO SCHEMA BINDING")
        cursor.execute("CREATE VIEW kit.somebodys AS SELECT id FROM kit.orders WITH NO SCHEMA BINDING")
        cursor.execute("CREATE USER kit_named PASSWORD DISABLE")
    text = part(tmp_path, configuration(auth=NAMED) + sync, "owner")
    offered = [line[3:] for line in text.splitlines() if line.startswith("-- ALTER TABLE")]
    assert [line.split(" OWNER TO ")[0] for line in offered] == [
        'ALTER TABLE "kit"."orders"', 'ALTER TABLE "kit"."o d"', offered[2].split(" OWNER TO ")[0],
        'ALTER TABLE "kit"."_vesto_loads"', 'ALTER TABLE "kit"."_vesto_rejected"',
        'ALTER TABLE "kit"."_vesto_sync_status"']
    assert offered[2].startswith('ALTER TABLE "kit"."_vesto_state_')
    found = [line for line in ran(running_sandbox, text).splitlines() if "ALTER" in line]
    assert [line.split('"')[0].split(".")[1].split(" ")[0] for line in found] == [
        "_vesto_loads", "_vesto_sync_status", "orders"]
    ran(running_sandbox, "\n".join(found))
    assert not [line for line in ran(running_sandbox, text).splitlines() if "ALTER" in line]
    owner = "SELECT viewowner FROM pg_views WHERE schemaname = 'kit' AND viewname = %s"
    assert asked(admin, owner, "_vesto_sync_status") == "kit_named"
    assert asked(admin, owner, "somebodys") != "kit_named"
    # Without ON_ERROR_STOP psql goes on behind a line of a table that is not there.
    words = " ".join(f"{name}='{value}'" for name, value in running_sandbox.dsn(admin=True).items())
    done = subprocess.run(["psql", "-X", "-q", words], input="\n".join(offered), text=True,
                          capture_output=True, timeout=120, check=False)
    assert done.stderr.count("does not exist") == 3, done.stderr
    # In psql the query may run what it finds.
    with admin.cursor() as cursor:
        cursor.execute("SELECT current_user")
        cursor.execute(f'ALTER TABLE kit.orders OWNER TO "{cursor.fetchone()[0]}"')
    at = text.index("ORDER BY tablename;") + len("ORDER BY tablename")
    ran(running_sandbox, text[:at] + "\n\\gexec\n")
    assert asked(admin, "SELECT tableowner FROM pg_tables WHERE schemaname = 'kit' AND tablename = "
                        "%s", "orders") == "kit_named"


def found_by_query(sandbox, tmp_path):
    query = part(tmp_path, configuration(auth=NAMED), "owner")
    words = sandbox.dsn(admin=True)
    words["dsn"] = " ".join(f"{name}='{value}'" for name, value in words.items())
    assert query.count("GRANT ALL ON SCHEMA") == 1
    query = "".join(line + "\n" for line in query.splitlines() if not line.startswith("GRANT"))
    shown = subprocess.run(["psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", words["dsn"]],
                           input=query, text=True, capture_output=True, timeout=120, check=True)
    return shown.stdout.splitlines()
