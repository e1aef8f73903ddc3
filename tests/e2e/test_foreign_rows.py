"""redshift.owner on what the tables hold: rows of somebody else, and tables of Vesto's own that were
changed by hand. It is red with the code that a run gives."""
import json

import pytest
from check_reports import admin, owner_check, place_of, ready


def test_rows_that_no_sync_delivered(one_world):
    """A run stops at them: so the test says it, of tables of the login's own too."""
    world = ready(one_world)
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'CREATE SCHEMA "{world.schema}"; GRANT ALL ON SCHEMA "{world.schema}" TO '
                       f'"{user}"; CREATE TABLE "{world.schema}"."a" (id bigint, v varchar(300)); '
                       f'ALTER TABLE "{world.schema}"."a" OWNER TO "{user}"')
        assert owner_check(world)[1]["status"] == "passed"
        cursor.execute(f'INSERT INTO "{world.schema}"."a" VALUES (77, \'theirs\')')
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-TABLE-FOREIGN", check
        assert f"of {world.schema} hold rows" in check["error"]["message"]
        assert check["error"]["message"].endswith(": a") and "adopt = true" in check["error"]["hint"]
        # target and adopt stand in the configuration: it is the turn of who writes that.
        assert check["error"]["blame"] == "config" and "fix" not in check, check
        assert check["error"]["where"] == [place_of(world, "public.a")]
        text = world.check("destination", "--only", "redshift.owner").stdout
        assert f"In: {place_of(world, 'public.a')}\n" in text, text
        assert "Who must act: whoever runs Vesto." in text, text
        code, finished, _ = world.run()
        assert code != 0
        error = finished["table_results"][0]["error"]
        assert (error["code"], error["blame"]) == ("RS-TABLE-FOREIGN", "config")
        assert place_of(world, "public.a").split("(")[1][:-1] in error["where"]
        cursor.execute(f'DELETE FROM "{world.schema}"."a"')
        assert owner_check(world)[1]["status"] == "passed"
        assert world.run()[0] == 0
        # From here on the rows are its own.
        assert owner_check(world)[1]["status"] == "passed"
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def test_a_sync_that_was_renamed(one_world):
    """Its rows are a stranger's to the new name; the warehouse shows whose they are."""
    world = ready(one_world)
    world.source("INSERT INTO a VALUES (1, 'one')")
    world.must_run()
    world.write_config(sync="orders")
    ok, check = owner_check(world)
    error = check["error"]
    assert not ok and error["code"] == "RS-TABLE-FOREIGN", check
    assert error["cause"]["name"] == "sync-of-another-name", error
    assert 'the sync "shop" delivered a,' in error["hint"] and 'name "shop" back' in error["hint"]
    assert error["where"] == [place_of(world, "public.a", sync="orders")]
    # A run and a plan say the same.
    code, finished, _ = world.run(sync="orders")
    assert code != 0
    planned = json.loads(world.vesto("sync", "plan", "orders", "--json").stdout)["tables"][0]
    for told in (finished["table_results"][0]["error"], planned["error"]):
        assert (told["code"], told["cause"]["name"]) == (error["code"], error["cause"]["name"]), told
        assert told["hint"] == error["hint"], told
    # A table that it has not delivered is not called its own.
    world.sandbox.query(f'CREATE TABLE "{world.schema}"."b" (id bigint)')
    world.sandbox.query(f'INSERT INTO "{world.schema}"."b" VALUES (1)')
    world.table("public.b").write_config(sync="orders")
    error = owner_check(world)[1]["error"]
    assert error["message"].endswith(": a, b") and "delivered a, and" in error["hint"], error
    # The name given back, as the hint says.
    world.tables.pop()
    world.write_config()
    assert owner_check(world)[1]["status"] == "passed"
    world.must_run()


def test_a_sync_of_the_configuration_was_not_renamed(one_world):
    """It has another target now; another sync has its old one."""
    world = ready(one_world)
    world.source("INSERT INTO a VALUES (1, 'one')")
    world.must_run()
    config = world.folder / "vesto.toml"
    head, own = config.read_text().split("[sync.shop]")
    config.write_text(f'{head}[sync.shop]{own}target = "a2"\n'
                      f'[sync.orders]{own.replace("sync.shop", "sync.orders")}')
    error = owner_check(world)[1]["error"]
    assert error["code"] == "RS-TABLE-FOREIGN" and "cause" not in error, error


def test_a_table_of_a_pattern_that_was_never_delivered(one_world):
    """The source is asked whether it has it: then a run would stop at its rows."""
    world = one_world
    world.source("CREATE TABLE order_a (id bigint PRIMARY KEY); "
                 "CREATE TABLE order_b (id bigint PRIMARY KEY)")
    world.table("public.order_*").write_config()
    world.sandbox.query(f'CREATE SCHEMA "{world.schema}"')
    for table in ("order_b", "order_c", "reports"):
        world.sandbox.query(f'CREATE TABLE "{world.schema}"."{table}" (id bigint)')
    assert owner_check(world)[1]["status"] == "passed"
    for table in ("order_b", "order_c", "reports"):
        world.sandbox.query(f'INSERT INTO "{world.schema}"."{table}" VALUES (1)')
    ok, check = owner_check(world)
    error = check["error"]
    assert not ok and error["code"] == "RS-TABLE-FOREIGN", check
    # order_c is not in the source: whosever it is, no run touches it.
    assert error["message"].endswith(": order_b"), error
    assert "entry of its own" in error["hint"], error
    assert error["where"] == [place_of(world, "public.order_*").replace("order_*", "order_b")]
    code, finished, _ = world.run()
    assert code != 0
    assert {t["table"]: t["error"]["code"] for t in finished["table_results"] if t.get("error")} == \
        {"public.order_b": "RS-TABLE-FOREIGN"}
    # A source that does not answer leaves a doubt and no more.
    world.write_config(source_port=1)
    ok, check = owner_check(world)
    assert ok and (check["status"], check["error"]["code"]) == ("warning", "RS-TABLE-FOREIGN"), check
    assert check["error"]["message"].endswith(": order_b, order_c"), check
    assert check["evidence"] == [{"name": "source_not_asked", "value": "pg: NET-REFUSED"}]
    world.write_config()
    world.sandbox.query(f'DELETE FROM "{world.schema}"."order_b"')
    assert owner_check(world)[1]["status"] == "passed"
    world.must_run()
    assert owner_check(world)[1]["status"] == "passed"


@pytest.mark.parametrize("table, column, code", [
    ("_vesto_loads", "mode", "RS-SQL"), ("_vesto_loads", "committed_at", "RS-SQL"),
    ("_vesto_rejected", "value_bytes", "RS-SQL"), ("_vesto_state_%", "writer", "RS-TABLE-DIFFERS"),
    ("_vesto_state_%", "position", "RS-TABLE-DIFFERS")])
def test_a_table_of_vestos_own_that_lacks_a_column(one_world, table, column, code):
    world = ready(one_world)
    world.max_rejected_rows = 10
    world.source("ALTER TABLE a ADD COLUMN d date; INSERT INTO a VALUES (1, 'one', NULL)")
    world.write_config().must_run()
    (table,), = world.sandbox.query("SELECT tablename FROM pg_tables WHERE schemaname = %s AND "
                                    "tablename LIKE %s", world.schema, table)
    world.sandbox.query(f'ALTER TABLE "{world.schema}"."{table}" DROP COLUMN "{column}"')
    ok, check = owner_check(world)
    error = check["error"]
    assert not ok and error["code"] == code, check
    assert f"{table} of Vesto's own lacks {column}" in error["message"], error
    # The second row cannot be delivered, so that it is kept in _vesto_rejected.
    world.source("INSERT INTO a VALUES (2, 'two', 'infinity')")
    exit_code, finished, errors = world.run()
    assert exit_code != 0 and code in json.dumps(finished) + errors, (finished, errors)
    if code == "RS-SQL":
        assert error["cause"]["name"] == "own-table-changed"
        assert "own-table-changed" in json.dumps(finished), finished
        world.sandbox.query(check["fix"]["snippet"])
        assert owner_check(world)[1]["status"] == "passed"
        world.must_run()
