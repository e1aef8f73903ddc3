"""Names that Redshift would fold, cut or refuse: none is lost, none meets another, and no setting
of the cluster changes what they become (docs/names.md)."""
import contextlib

import parity
import pytest

EMOJI = "\N{GRINNING FACE}"
FOUR_BYTES = EMOJI * 15 + "end"  # 63 bytes
COLUMNS = ["k", "Id", "id", "ID", "oid", "insertxid", "DeleteXid", "select", "Order", "user", "tag",
           "my column", " lead", "a.b", 'it\'s "x"', "back\\slash", "per%cent", "semi;--", "/* x */",
           "Über", "über", EMOJI, FOUR_BYTES, "a~1", "A~1", "a~", "~", "~~", "0", "$1", "new\nline",
           "tab\t", "q" * 63, "Q" * 62 + "x", "NULL", "null", "_vesto_x"]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def make(world, table, columns=COLUMNS):
    """Each value says which column it is of, so that no two can be mistaken."""
    definitions = ", ".join(f"{quoted(c)} text{' PRIMARY KEY' if c == 'k' else ''}" for c in columns)
    world.source(f"CREATE TABLE {quoted(table)} ({definitions})")
    for row in range(3):
        marks = ", ".join(["%s"] * len(columns))
        world.source(f"INSERT INTO {quoted(table)} VALUES ({marks})",
                     *[f"{row} of {c}" for c in columns])


def columns_in_warehouse(world, table):
    with contextlib.closing(world.sandbox.connect()) as connection:
        connection.cursor().execute("SET enable_case_sensitive_identifier TO true")
        cursor = connection.cursor()
        cursor.execute(f"SELECT * FROM {quoted(world.schema)}.{quoted(table)} LIMIT 0")
        return [c.name for c in cursor.description]


@pytest.fixture(params=["off", "on"])
def names_world(request, one_world):
    """The load user's sessions keep the case of names, or not."""
    user = one_world.sandbox.endpoints["redshift"]["user"]
    one_world.sandbox.query(
        f'ALTER USER "{user}" SET enable_case_sensitive_identifier TO {request.param}')
    (shown,) = one_world.sandbox.query("SHOW enable_case_sensitive_identifier")
    assert shown == ({"on": "true", "off": "false"}[request.param],)
    yield one_world
    one_world.sandbox.query(f'ALTER USER "{user}" RESET enable_case_sensitive_identifier')


def test_every_name_arrives_under_its_own(names_world):
    world = names_world
    make(world, "t")
    world.table("public.t").write_config()
    world.must_run()
    expected = list(parity.column_names(COLUMNS).values())
    assert len(set(expected)) == len(COLUMNS)
    assert {"id~1", "id", "id~3", "oid~0", "a~1~0", "a~1~1", "insertxid~0"} < set(expected)
    assert columns_in_warehouse(world, "t") == expected
    world.assert_equal(("public.t", ["k"]), rows=3)
    # By way of the staging table, and with a column that only a fold would have made another.
    world.source('UPDATE t SET "Id" = "Id" || \' again\', "ID" = NULL')
    assert world.must_run()["rows"]["updated"] == 3
    world.assert_equal(("public.t", ["k"]), rows=3)
    rows = world.sandbox.query(f'SELECT "id", "id~1", "id~3" FROM "{world.schema}".t ORDER BY k')
    assert rows[0] == ("0 of id", "0 of Id again", None)
    world.assert_nothing_left()


def test_tables_and_their_schema(names_world):
    """A schema with capitals in the configuration is the one in lower case, whatever is set."""
    world = names_world
    world.schema = world.schema.upper() + "_Große Daten"
    lower = parity.fold(world.schema)
    names = ["Orders", "select", "a.b", 'q"q', "x~1", FOUR_BYTES, "Über"]
    for name in names:
        make(world, name, ["k", "V"])
        world.table("public." + (quoted(name) if "." in name or '"' in name else name))
    world.write_config()
    world.must_run()
    tables = world.sandbox.query(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
        "n.nspname = %s AND c.relkind = 'r'", lower)
    assert {t for (t,) in tables if not t.startswith("_vesto_")} == {
        "orders", "select", "a.b", 'q"q', "x~1~0", FOUR_BYTES, "Über"}
    assert world.sandbox.query("SELECT count(*) FROM pg_namespace WHERE nspname = %s",
                               world.schema) == [(0,)]
    world.schema = lower
    world.assert_equal(*[(f"public.{name}", ["k"]) for name in names], rows=3 * len(names))
    # The next run finds them all again, whichever way the schema is written.
    world.write_config()
    finished = world.must_run()
    assert finished["rows"]["updated"] == finished["rows"]["read"] == 3 * len(names)


def test_the_setting_may_change_between_runs(one_world):
    world = one_world
    user = world.sandbox.endpoints["redshift"]["user"]
    make(world, "T", ["k", "Id", "id", "V"])
    world.table("public.T", key=["k"]).write_config()
    try:
        for setting in ("on", "off", "on"):
            world.sandbox.query(f'ALTER USER "{user}" SET enable_case_sensitive_identifier '
                                f"TO {setting}")
            world.source('UPDATE "T" SET "V" = "V" || %s', setting)
            world.must_run()
            world.assert_equal(("public.T", ["k"]), rows=3)
    finally:
        world.sandbox.query(f'ALTER USER "{user}" RESET enable_case_sensitive_identifier')
    assert columns_in_warehouse(world, "t") == ["k", "id~1", "id", "v"]


def test_keys_cursors_and_policies_are_named_as_in_the_source(one_world):
    world = one_world
    world.source('CREATE TABLE t ("ID" int PRIMARY KEY, "Id" bigint, id text, "Oid" numeric(4,2));'
                 "INSERT INTO t SELECT g, g, 'x' || g, g FROM generate_series(1, 20) g;"
                 "INSERT INTO t VALUES (21, 21, 'x', 'NaN')")
    world.table("public.t", cursor="Id", lookback=0, on_unrepresentable={"Oid": "null"})
    world.write_config()
    world.must_run()
    world.source("UPDATE t SET id = 'y', \"Id\" = \"Id\" + 100 WHERE \"ID\" < 5")
    assert world.must_run()["rows"]["read"] == 5
    assert world.sandbox.query(f'SELECT "id~3", "id~1", "id", "oid~1" FROM "{world.schema}".t '
                               'WHERE "id~3" IN (4, 21) ORDER BY 1') == [
        (4, 104, "y", 4), (21, 21, "x", None)]


def test_two_tables_of_one_name_are_refused(one_world):
    world = one_world
    make(world, "Orders", ["k"])
    make(world, "orders", ["k"])
    world.table("public.Orders").table("public.orders").write_config()
    code, _, errors = world.run()
    assert code != 0 and "target" in errors
    world.tables[0][2]["target"] = "Orders_2"
    world.write_config()
    world.must_run()
    assert world.sandbox.query(f'SELECT count(*) FROM "{world.schema}"."orders_2"') == [(3,)]
