"""redshift.owner: whose the tables are that syncs load, what they hold, and who must act. The fix of the
report makes it green, and takes nothing from people."""
import json
import re

import pytest
from check_reports import admin, owner_check, place_of, ready, report_of, taken


def table_error(document):
    """Of public.a, in what a run or a plan says."""
    tables = document.get("table_results") or document["tables"]
    (table,) = (one for one in tables if one["table"] == "public.a")
    return table["error"]


def test_a_table_of_another_user(one_world):
    world = ready(one_world)
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute("SELECT current_user")
        (somebody,), = cursor.fetchall()
        cursor.execute(f'CREATE SCHEMA "{world.schema}"; GRANT ALL ON SCHEMA "{world.schema}" TO '
                       f'"{user}"; CREATE TABLE "{world.schema}"."a" (id bigint)')
        _, checks = report_of(world)
        assert checks["redshift.owner"]["error"]["code"] == "RS-OWNER"
        assert "a (" + somebody + "; no SELECT, INSERT, DELETE)" in \
            checks["redshift.owner"]["error"]["message"]
        # Vesto has not filled it: it is taken from nobody unasked, and who writes the configuration
        # has to act.
        assert "fix" not in checks["redshift.owner"]
        assert "adopt = true" in checks["redshift.owner"]["error"]["hint"]
        assert checks["redshift.owner"]["error"]["blame"] == "config"
        assert checks["redshift.owner"]["error"]["where"] == [place_of(world, "public.a")]
        # So say a plan and a run: who may read it first is no nearer to the end.
        for finished in (world.run()[1], json.loads(world.vesto("sync", "plan", "shop", "--json").stdout)):
            error = table_error(finished)
            assert (error["code"], error["blame"]) == ("RS-OWNER", "config"), error
            assert f"belongs to {somebody}, and this sync has not filled it" in error["message"]
            assert error["hint"].startswith('Name another target = "..."'), error
        world.tables.clear()
        world.table("public.a", adopt=True).write_config()
        _, checks = report_of(world)
        assert checks["redshift.owner"]["error"]["blame"] == "customer"
        cursor.execute(checks["redshift.owner"]["fix"]["snippet"])
        cursor.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = %s",
                       (world.schema,))
        assert cursor.fetchall() == [(user,)]
        assert report_of(world)[0]["ok"]
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def altered(world, check):
    """The tables whose owner the fix changes as it is pasted, sorted."""
    return sorted(re.match(rf'ALTER TABLE "{world.schema}"\."([^"]*)" OWNER TO ', line)[1]
                  for line in check["fix"]["snippet"].splitlines() if not line.startswith("--"))


def state_table(world, cursor):
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename LIKE %s",
                   (world.schema, "_vesto_state_%"))
    (table,), = cursor.fetchall()
    return table


def fixes_applied(world, cursor):
    """Round after round, until one has nothing to paste; the tables that each handed over."""
    rounds = []
    for _ in range(5):
        _, check = owner_check(world)
        if not check.get("fix") or not altered(world, check):
            return rounds, check
        rounds.append(altered(world, check))
        cursor.execute(check["fix"]["snippet"])
    raise AssertionError((rounds, check))


def test_a_table_of_another_user_that_may_be_filled(one_world):
    world = ready(one_world)
    user = world.sandbox.endpoints["redshift"]["user"]
    assert world.run()[0] == 0
    with admin(world.sandbox) as cursor:
        taken(world, cursor, "a")
        cursor.execute(f'GRANT SELECT, INSERT ON "{world.schema}"."a" TO "{user}"')
        ok, check = owner_check(world)
        assert not ok and "(" in check["error"]["message"]
        assert "no DELETE)" in check["error"]["message"]
        cursor.execute(f'GRANT DELETE ON "{world.schema}"."a" TO "{user}"')
        ok, check = owner_check(world)
        assert ok and (check["status"], check["error"]["code"]) == ("warning", "RS-OWNER")
        world.source("INSERT INTO a VALUES (1, 'new')")
        assert world.run()[0] == 0
        # What the warning says comes true.
        world.source("ALTER TABLE a ADD COLUMN more text; INSERT INTO a VALUES (2, 'x', 'y')")
        code, finished, _ = world.run()
        assert code != 0 and "RS-OWNER" in json.dumps(finished)
        cursor.execute(check["fix"]["snippet"])
        assert owner_check(world)[1]["status"] == "passed"
        assert world.run()[0] == 0


def test_a_table_of_somebody_else_beside_one_of_vestos_own(one_world):
    """Only what Vesto made is in the fix, also where the sync has filled another target before."""
    world = ready(one_world)
    assert world.run()[0] == 0
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'CREATE TABLE "{world.schema}"."b" (id bigint)')
        cursor.execute(f'GRANT SELECT, INSERT, DELETE ON "{world.schema}"."b" TO "{user}"')
        taken(world, cursor, "_vesto_rejected")
        world.tables.clear()
        world.table("public.a", target="b").write_config()
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-OWNER"
        line, = check["fix"]["snippet"].splitlines()
        assert "_vesto_rejected" in line
        assert "has not filled b (" in check["error"]["hint"], check
        cursor.execute(line)
        ok, check = owner_check(world)
        assert ok and check["status"] == "warning" and "fix" not in check, check
        assert "has not filled b (" in check["error"]["hint"]
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def test_a_table_of_another_destinations(one_world):
    """Two destinations with a login each cannot share a schema: that is said before one is robbed."""
    world = ready(one_world)
    world.must_run()
    first = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        as_second_user(world, cursor)
        text = (world.folder / "vesto.toml").read_text()
        head, rest = text.split("[destination.rs]")
        body = rest.split("[sync.shop]")[0].replace("destination.rs", "destination.old")
        body = body.replace(f'user = "{SECOND}"', f'user = "{first}"', 1)
        (world.folder / "vesto.toml").write_text(head + "[destination.old]" + body +
                                                 "[destination.rs]" + rest)
        _, check = owner_check(world)
        assert "_vesto_loads is the destination old's" in check["error"]["hint"], check
        assert "schema of its own" in check["error"]["hint"]
        # What both need is the other's until somebody decides.
        rounds, check = fixes_applied(world, cursor)
        assert rounds == [[state_table(world, cursor)], ["a"]]
        lines = check["fix"]["snippet"].splitlines()
        assert sorted(line.split('"."')[1].split('"')[0] for line in lines) == \
            ["_vesto_loads", "_vesto_rejected", "_vesto_sync_status"]
        assert all(line.startswith('-- ALTER TABLE "') for line in lines), lines
        text = (world.folder / "vesto.toml").read_text()
        own = f'schema = "{world.schema}"'
        at = text.index("[destination.rs]")
        (world.folder / "vesto.toml").write_text(
            text[:at] + text[at:].replace(own, f'schema = "{world.schema}_own"', 1))
        assert owner_check(world)[1]["status"] == "passed"
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


@pytest.mark.parametrize("right", ["INSERT", "DELETE", "SELECT"])
def test_a_right_that_was_revoked_from_the_owner(one_world, right):
    world = ready(one_world)
    world.must_run()
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'REVOKE {right} ON "{world.schema}"."a" FROM "{user}"')
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-PRIV", check
        assert f"a ({user}; no {right})" in check["error"]["message"]
        cursor.execute(check["fix"]["snippet"])
        assert owner_check(world)[1]["status"] == "passed"
        world.source("INSERT INTO a VALUES (7, 'seven')")
        assert world.run()[0] == 0
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


SECOND = "vesto_second"


def as_second_user(world, cursor):
    """The destination logs in as another user from now on, with the grants of the kit."""
    cursor.execute("SELECT 1 FROM pg_user WHERE usename = %s", (SECOND,))
    if not cursor.fetchone():
        password = world.sandbox.endpoints["redshift"]["password"]
        cursor.execute(f"CREATE USER {SECOND} PASSWORD %s", (password,))
        cursor.execute(f'GRANT CREATE, TEMPORARY ON DATABASE '
                       f'"{world.sandbox.endpoints["redshift"]["database"]}" TO {SECOND}')
    cursor.execute(f'GRANT ALL ON SCHEMA "{world.schema}" TO {SECOND}')
    first = world.sandbox.endpoints["redshift"]["user"]
    text = (world.folder / "vesto.toml").read_text()
    before, after = text.split("[destination.rs.auth]")
    assert f'user = "{first}"' in after
    after = after.replace(f'user = "{first}"', f'user = "{SECOND}"', 1)
    (world.folder / "vesto.toml").write_text(before + "[destination.rs.auth]" + after)


def test_another_identity_of_a_live_destination(one_world):
    """What the first user made is handed over by the fixes: Vesto's own tables and its view, and with
    the state what was filled. A target that never was is somebody's."""
    world = ready(one_world)
    world.must_run()
    world.source("CREATE TABLE b (id bigint PRIMARY KEY); CREATE TABLE c (id bigint PRIMARY KEY)")
    world.table("public.b").table("public.c", adopt=True).write_config()
    with admin(world.sandbox) as cursor:
        for table in ("b", "c"):
            cursor.execute(f'CREATE TABLE "{world.schema}"."{table}" (id bigint)')
        as_second_user(world, cursor)
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-OWNER"
        assert "run the test again" in check["error"]["hint"], check
        own = ["_vesto_loads", "_vesto_rejected", state_table(world, cursor), "_vesto_sync_status",
               "c"]
        rounds, check = fixes_applied(world, cursor)
        assert rounds == [own, ["a"]]
        assert not check.get("fix") and "has not filled b (" in check["error"]["hint"], check
        text = (world.folder / "vesto.toml").read_text()
        assert 'name = "public.b"' in text
        (world.folder / "vesto.toml").write_text(
            text.replace('name = "public.b"', 'name = "public.b"\nadopt = true'))
        rounds, check = fixes_applied(world, cursor)
        assert rounds == [["b"]] and check["status"] == "passed", check
        world.source("INSERT INTO a VALUES (7, 'seven')")
        assert world.run()[0] == 0
        cursor.execute(f"SET SESSION AUTHORIZATION {SECOND}")
        cursor.execute(f'SELECT count(*) FROM "{world.schema}"._vesto_sync_status')
        assert cursor.fetchone()[0] == 3
        cursor.execute("RESET SESSION AUTHORIZATION")
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def test_a_state_that_its_owner_cannot_read(one_world):
    """It is opened first: what was filled is known by it alone."""
    world = ready(one_world)
    world.must_run()
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'REVOKE SELECT ON "{world.schema}"."{state_table(world, cursor)}" '
                       f'FROM "{user}"')
        taken(world, cursor, "a")
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-PRIV", check
        cursor.execute(check["fix"]["snippet"])
        rounds, check = fixes_applied(world, cursor)
        assert rounds == [["a"]] and check["status"] == "passed", check
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def test_the_fix_says_how_many_tables_are_left(one_world):
    """It is repeated until nothing is left."""
    world = one_world
    for number in range(1003):
        world.table(f"public.t{number}", adopt=True)
    world.write_config()
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'CREATE SCHEMA "{world.schema}"; '
                       f'GRANT ALL ON SCHEMA "{world.schema}" TO "{user}"')
        for first in range(0, 1003, 500):
            cursor.execute(";".join(f'CREATE TABLE "{world.schema}".t{n} (i int)'
                                    for n in range(first, min(first + 500, 1003))))
        _, check = owner_check(world)
        lines = check["fix"]["snippet"].splitlines()
        assert len(lines) == 1001
        assert lines[-1] == "-- 3 more tables: run the test again for their lines."
        cursor.execute(check["fix"]["snippet"])
        ok, check = owner_check(world)
        assert not ok and len(check["fix"]["snippet"].splitlines()) == 3
        cursor.execute(check["fix"]["snippet"])
        assert owner_check(world)[1]["status"] == "passed"
        for first in range(0, 1003, 500):
            cursor.execute("DROP TABLE " + ",".join(f'"{world.schema}".t{n}'
                                                    for n in range(first, min(first + 500, 1003))))
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def test_a_table_of_another_user_that_a_pattern_stands_for(one_world):
    world = one_world
    world.source("CREATE TABLE order_a (id bigint PRIMARY KEY); "
                 'CREATE TABLE "Order_b" (id bigint PRIMARY KEY)')
    world.table("public.order_*").table("public.Order_*").write_config()
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'CREATE SCHEMA "{world.schema}"; '
                       f'GRANT ALL ON SCHEMA "{world.schema}" TO "{user}"; '
                       f'CREATE TABLE "{world.schema}"."order_c" (id bigint); '
                       f'CREATE TABLE "{world.schema}"."reports" (id bigint)')
        # The source has no such table.
        ok, check = owner_check(world)
        assert ok and check["status"] == "passed", check
        # Nobody knows whether it has.
        world.write_config(source_port=1)
        ok, check = owner_check(world)
        assert ok and (check["status"], check["error"]["code"]) == ("warning", "RS-OWNER")
        assert "order_c (" in check["error"]["message"] and "fix" not in check
        assert "reports" not in json.dumps(check)
        assert check["evidence"] == [{"name": "source_not_asked", "value": "pg: NET-REFUSED"}]
        world.write_config()
        assert world.run()[0] == 0
        taken(world, cursor, "order_a")
        taken(world, cursor, "order_b")
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-OWNER"
        assert "order_c" not in json.dumps(check)
        world.source("INSERT INTO order_a VALUES (1)")
        code, finished, _ = world.run()
        assert code != 0 and "RS-PRIV" in json.dumps(finished)
        cursor.execute(check["fix"]["snippet"])
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s AND tableowner = %s "
                       "AND tablename LIKE 'order%%' ORDER BY 1", (world.schema, user))
        assert cursor.fetchall() == [("order_a",), ("order_b",)]
        assert owner_check(world)[0]
        assert world.run()[0] == 0
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def test_what_a_pattern_leaves_to_an_entry_of_its_own(one_world):
    """Such a table goes into its own target, as in a run: one of the name that the pattern would give
    is a person's, and is not handed over."""
    world = one_world
    world.source("CREATE TABLE orders (id bigint PRIMARY KEY); INSERT INTO orders VALUES (1); "
                 "CREATE TABLE items (id bigint PRIMARY KEY)")
    world.table("public.*").table('public."orders"', target="shop_orders").write_config()
    world.must_run()
    with admin(world.sandbox) as cursor:
        cursor.execute(f'CREATE TABLE "{world.schema}"."orders" (id bigint)')
        # No run touches it, so there is nothing to say.
        ok, check = owner_check(world)
        assert ok and check["status"] == "passed", check
        for table in ("items", "shop_orders"):
            taken(world, cursor, table)
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-OWNER", check
        assert altered(world, check) == ["items", "shop_orders"]
        assert " orders" not in json.dumps(check["error"]), check
        assert world.run()[0] != 0
        cursor.execute(check["fix"]["snippet"])
        assert owner_check(world)[1]["status"] == "passed"
        world.must_run()
        # Without that entry the pattern stands for it; what was delivered went elsewhere.
        world.tables.clear()
        world.table("public.*").write_config()
        ok, check = owner_check(world)
        assert not ok and "orders (" in check["error"]["message"] and "fix" not in check, check
        assert "has not filled orders (" in check["error"]["hint"]
        world.write_config(source_port=1)
        ok, check = owner_check(world)
        assert ok and "orders (" in check["error"]["message"] and "fix" not in check, check
        assert "if Vesto made them" in check["error"]["hint"]
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def test_a_view_of_a_targets_name(one_world):
    """A run says the same; whose the view is does not matter."""
    world = ready(one_world)
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'CREATE SCHEMA "{world.schema}"; GRANT ALL ON SCHEMA "{world.schema}" TO '
                       f'"{user}"; CREATE VIEW "{world.schema}"."a" AS SELECT 1 AS id')
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-TABLE-DIFFERS", check
        assert f"table {world.schema}.a: there is a view" in check["error"]["message"]
        assert "another target" in check["error"]["hint"] and "rename" in check["error"]["hint"]
        cursor.execute(f'ALTER TABLE "{world.schema}"."a" OWNER TO "{user}"')
        assert owner_check(world)[1]["error"] == check["error"]
        code, finished, _ = world.run()
        assert code != 0 and check["error"]["message"] in json.dumps(finished), finished
        assert "another target" in json.dumps(finished)
        # Vesto's own names can be given to nothing else.
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE; CREATE SCHEMA "{world.schema}"; '
                       f'GRANT ALL ON SCHEMA "{world.schema}" TO "{user}"; '
                       f'CREATE VIEW "{world.schema}"._vesto_loads AS SELECT 1 AS id')
        ok, check = owner_check(world)
        assert not ok and "_vesto_loads: there is a view" in check["error"]["message"]
        code, finished, _ = world.run()
        assert code != 0 and "RS-TABLE-DIFFERS" in json.dumps(finished), finished
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def test_what_was_not_looked_at_is_not_passed(one_world):
    """More tables of others than are looked at, which a pattern may stand for."""
    world = one_world
    world.source("CREATE TABLE order_a (id bigint PRIMARY KEY)")
    world.table("public.order_*").write_config()
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'CREATE SCHEMA "{world.schema}"; '
                       f'GRANT ALL ON SCHEMA "{world.schema}" TO "{user}"')
        for first in range(0, 5001, 500):
            cursor.execute(";".join(f'CREATE TABLE "{world.schema}".z{n} (i int)'
                                    for n in range(first, min(first + 500, 5001))))
        ok, check = owner_check(world)
        assert check["status"] == "skipped" and "first 5000 tables" in check["reason"], check
        cursor.execute(f'DROP TABLE "{world.schema}".z0')
        assert owner_check(world)[1]["status"] == "passed"
        for first in range(1, 5001, 500):
            cursor.execute("DROP TABLE " + ",".join(f'"{world.schema}".z{n}'
                                                    for n in range(first, min(first + 500, 5001))))
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')
