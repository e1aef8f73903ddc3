"""Columns that come, go, are renamed, made anew or take another type between two runs."""
import shutil
import subprocess

import pytest

TABLE = ("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), a text, b int);"
         "INSERT INTO t (id, a, b) SELECT i, 'a' || i, i FROM generate_series(1, 10) i;"
         "UPDATE t SET at = now() - interval '1 day'; INSERT INTO t VALUES (11, now(), 'new', 0)")


def target(world, columns="*"):
    return world.sandbox.query(f"SELECT {columns} FROM {world.schema}.t ORDER BY id")


def columns_of(world):
    return [row[0] for row in world.sandbox.query(
        "SELECT column_name FROM svv_columns WHERE table_schema = %s AND table_name = 't' "
        "ORDER BY ordinal_position", world.schema)]


def configure(world, **settings):
    world.tables = []
    world.table("public.t", cursor="at", lookback="1m", **settings).write_config()


def warnings(finished):
    return "\n".join(finished.get("warnings", []))


def test_a_new_column_under_each_policy(world):
    world.source(TABLE)
    configure(world, on_new_column="stop")
    world.must_run()
    world.source("ALTER TABLE t ADD c text DEFAULT 'dflt'; INSERT INTO t VALUES (12, now(), 'x', 1)")
    code, finished, _ = world.run()
    assert code == 4 and "PG-NEW-COLUMN" in str(finished)
    assert len(target(world)) == 11
    configure(world, on_new_column="ignore")
    world.must_run()
    assert "c" not in columns_of(world) and len(target(world)) == 12
    world.source("INSERT INTO t VALUES (13, now(), 'y', 1)")
    world.must_run()  # it stays left out
    assert "c" not in columns_of(world) and len(target(world)) == 13
    configure(world, on_new_column="add")
    world.source("INSERT INTO t VALUES (14, now(), 'z', 1)")
    added = world.must_run()
    assert "new in" in warnings(added)
    assert target(world, "c")[0] == (None,) and target(world, "c")[-1] == ("dflt",)
    assert "new in" not in warnings(world.must_run())
    world.source("ALTER TABLE t ADD d int DEFAULT 7")
    configure(world, on_new_column="add_and_backfill")
    filled = world.must_run()
    assert "d is new: all rows are read once more" in warnings(filled)
    assert set(target(world, "c, d")) == {("dflt", 7)}
    world.assert_equal(("public.t", ["id"]), rows=14)
    assert world.must_run()["rows"]["read"] < 14


def test_a_renamed_column_is_told_and_the_old_one_kept(world):
    world.source(TABLE)
    configure(world)
    world.must_run()
    world.source("ALTER TABLE t RENAME a TO a2; INSERT INTO t VALUES (12, now(), 'late', 1)")
    renamed = world.must_run()
    assert "column a was renamed to a2" in warnings(renamed)
    assert columns_of(world) == ["id", "at", "a", "b", "a2"]
    assert target(world, "a, a2")[0] == ("a1", None)
    assert target(world, "a, a2")[-1] == (None, "late")
    assert "renamed" not in warnings(world.must_run())
    world.must_run("--full-refresh")
    assert target(world, "a, a2")[0] == (None, "a1")


def test_a_rename_is_known_on_another_machine(world):
    """The record of the columns stands in the destination, not only in the local store."""
    world.source(TABLE)
    configure(world)
    world.must_run()
    shutil.rmtree(world.folder / "data")
    world.source("ALTER TABLE t RENAME a TO a2; INSERT INTO t VALUES (12, now(), 'late', 1)")
    assert "column a was renamed to a2" in warnings(world.must_run())


def test_a_dropped_column_is_told_and_kept(world):
    world.source(TABLE)
    configure(world)
    world.must_run()
    world.source("ALTER TABLE t DROP a; INSERT INTO t VALUES (12, now(), 1)")
    assert "no column a any more" in warnings(world.must_run())
    assert target(world, "a")[0] == ("a1",) and target(world, "a")[-1] == (None,)
    assert "any more" not in warnings(world.must_run())


def test_a_column_made_anew_brings_its_own_values(world):
    """Same name, same type, other values: rows before the window would keep the old ones."""
    world.source(TABLE)
    configure(world)
    world.must_run()
    world.source("ALTER TABLE t DROP a; ALTER TABLE t ADD a text DEFAULT 'anew'")
    finished = world.must_run()
    assert "another column of the same name" in warnings(finished)
    assert {row[0] for row in target(world, "a")} == {"anew"}
    world.assert_equal(("public.t", ["id"]), rows=11)


def test_columns_that_change_places(world):
    world.source(TABLE + ";ALTER TABLE t ADD c text DEFAULT 'c'")
    configure(world)
    world.must_run()
    world.source("ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME c TO a; ALTER TABLE t RENAME x TO c")
    world.must_run()
    world.assert_equal(("public.t", ["id"]), rows=11)


def test_a_type_that_rounds_reads_all_again(world):
    world.source(TABLE + ";ALTER TABLE t ADD p numeric(9, 2) DEFAULT 1.25")
    configure(world)
    world.must_run()
    world.source("ALTER TABLE t ALTER p TYPE numeric(8, 1)")
    assert "p was numeric(9,2) and is numeric(8,1)" in warnings(world.must_run())
    assert {str(row[0]) for row in target(world, "p")} == {"1.30"}
    assert world.must_run()["rows"]["read"] < 11


@pytest.mark.parametrize("change, kind", [
    ("ALTER TABLE t ALTER b TYPE bigint", "integer"), ("ALTER TABLE t ALTER b TYPE text", "integer"),
    ("ALTER TABLE t DROP b; ALTER TABLE t ADD b date DEFAULT '2026-01-01'", "integer")])
def test_a_type_that_does_not_fit_stops_or_is_rewritten(world, change, kind):
    world.source(TABLE + ";CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1)")
    configure(world)
    world.table("public.other").write_config()
    world.must_run()
    world.source(change)
    code, finished, _ = world.run()
    assert code == 6 and "RS-TABLE-DIFFERS" in str(finished) and "on_type_change" in str(finished)
    assert finished["tables"]["succeeded"] == 1
    configure(world, on_type_change="rewrite")
    rewritten_code, rewritten, rewritten_errors = world.run()
    if "date" in change:
        # There is no cast from integer to date: nothing is changed, and the way out is named.
        assert rewritten_code == 4 and "--full-refresh" in str(rewritten)
        return
    assert rewritten_code == 0, rewritten_errors
    assert "end of the table" in warnings(rewritten)
    assert columns_of(world)[-1] == "b"
    world.assert_equal(("public.t", ["id"]), rows=11)


def test_new_tables_by_pattern(world):
    world.source("CREATE TABLE order_a (id int PRIMARY KEY); INSERT INTO order_a VALUES (1);"
                 "CREATE TABLE order_b (id int PRIMARY KEY); INSERT INTO order_b VALUES (1), (2);"
                 "CREATE TABLE unrelated (id int PRIMARY KEY)")
    world.table("public.order_*").table("public.order_b", mode="replace").write_config()
    first = world.must_run()
    assert first["tables"]["total"] == 2
    world.source('CREATE TABLE "order_C" (id int PRIMARY KEY); INSERT INTO "order_C" VALUES (7)')
    world.must_run()
    assert world.sandbox.query(f"SELECT id FROM {world.schema}.order_c") == [(7,)]
    # A table without a key cannot be merged: it fails alone, and says so.
    world.source("CREATE TABLE order_d (v text); INSERT INTO order_a VALUES (2)")
    code, finished, _ = world.run()
    assert code == 6 and "order_d" in str(finished) and "PG-NO-KEY" in str(finished)
    world.assert_equal(("public.order_a", ["id"]), rows=2)
    world.source('DROP TABLE order_d; CREATE SCHEMA s; CREATE TABLE s.order_a (id int PRIMARY KEY)')
    world.tables = []
    world.table("*.order_*").write_config()
    code, finished, _ = world.run()
    assert code == 6 and "s.order_a would be delivered into" in str(finished)
    only = world.run("--table", "public.order_x")
    assert only[0] == 4 and "PG-NO-TABLE" in str(only)
    plan = subprocess.run(world.command("sync", "plan", "shop"), text=True, capture_output=True,
                          timeout=60)
    assert "order_a" in plan.stdout + plan.stderr


def test_a_pattern_that_matches_nothing_is_told(world):
    world.source("CREATE TABLE t (id int PRIMARY KEY)")
    world.table("public.nothing_*").table("public.t").write_config()
    assert "no table of the source matches public.nothing_*" in warnings(world.must_run())


def test_distkey_sortkey_and_encode_stay(world):
    world.source(TABLE)
    world.table("public.t", mode="replace", distkey="B", sortkey=["at", "id"],
                encode={"a": "zstd"}).write_config()
    world.must_run()
    keys = world.sandbox.query(
        "SELECT \"column\", encoding, distkey, sortkey FROM pg_table_def WHERE schemaname = %s "
        "AND tablename = 't' ORDER BY 1", world.schema)
    found = {row[0]: row[1:] for row in keys}
    if found:  # the search path decides what PG_TABLE_DEF shows
        assert found["b"][1] and found["at"][2] == 1 and found["id"][2] == 2
    world.must_run()
    bad = [("nosuch", "PG-NO-COLUMN")]
    for column, error in bad:
        world.tables = []
        world.table("public.t", mode="replace", distkey=column).write_config()
        code, finished, _ = world.run()
        assert code == 4 and error in str(finished)


def test_a_filter_and_a_query(world):
    world.source(TABLE + ";CREATE TABLE p (t int, x numeric(9, 2)); INSERT INTO p SELECT i % 3 + 1, i "
                 "FROM generate_series(1, 9) i")
    world.table("public.t", cursor="at", lookback="1m", filter="b < 5 OR a = 'new'")
    world.table("totals", mode="replace", query="SELECT t, sum(x) AS total FROM public.p GROUP BY t")
    world.table("latest", key=["id"], cursor="at", lookback="1m", target="fresh",
                query="SELECT id, at, upper(a) AS \"A\" FROM public.t")
    world.write_config()
    world.must_run()
    assert [row[0] for row in target(world, "id")] == [1, 2, 3, 4, 11]
    assert sorted((r[0], float(r[1])) for r in world.sandbox.query(
        f"SELECT t, total FROM {world.schema}.totals")) == [(1, 18.0), (2, 12.0), (3, 15.0)]
    assert len(world.sandbox.query(f"SELECT id FROM {world.schema}.fresh WHERE a = 'NEW'")) == 1
    world.source("UPDATE t SET a = 'later', at = now() WHERE id = 3")
    world.must_run()
    assert (3, "later") in target(world, "id, a")
    assert world.sandbox.query(f"SELECT a FROM {world.schema}.fresh WHERE id = 3") == [("LATER",)]
    # Another filter: what it lets through now, and did not before, lies before the window.
    world.tables = []
    world.table("public.t", cursor="at", lookback="1m", filter="b < 8").write_config()
    world.must_run()
    assert [row[0] for row in target(world, "id")] == [1, 2, 3, 4, 5, 6, 7, 11]


def test_columns_of_others_keep_their_values(world):
    """Somebody adds columns to our table and fills them: a merge must not empty them."""
    world.source(TABLE + ";ALTER TABLE t ADD gone text DEFAULT 'g'")
    configure(world)
    world.must_run()
    world.source("ALTER TABLE t DROP gone; UPDATE t SET a = 'changed', at = now() WHERE id IN (1, 11)")
    name = f"{world.schema}.t"
    world.sandbox.query(f"ALTER TABLE {name} ADD COLUMN note VARCHAR(20)")
    world.sandbox.query(f"ALTER TABLE {name} ADD COLUMN seen INTEGER NOT NULL DEFAULT 5")
    world.sandbox.query(f"UPDATE {name} SET note = 'n' || id, seen = id")
    world.source("INSERT INTO t VALUES (12, now(), 'new', 1)")
    finished = world.must_run()
    assert finished["rows"]["updated"] == 2 and finished["rows"]["inserted"] == 1
    rows = {row[0]: row[1:] for row in target(world, "id, a, note, seen, gone")}
    assert rows[1] == ("changed", "n1", 1, None)
    assert rows[2] == ("a2", "n2", 2, "g")
    assert rows[12] == ("new", None, 5, None)
    world.source("UPDATE t SET b = NULL, at = now() WHERE id = 12")
    world.must_run()
    world.assert_equal(("public.t", ["id"]), rows=12)


def test_a_table_of_keys_alone_beside_columns_of_others(world):
    world.source("CREATE TABLE t (id int, k text, PRIMARY KEY (id, k)); INSERT INTO t VALUES (1, 'a')")
    world.table("public.t").write_config()
    world.must_run()
    name = f"{world.schema}.t"
    world.sandbox.query(f"ALTER TABLE {name} ADD COLUMN note VARCHAR(20)")
    world.sandbox.query(f"UPDATE {name} SET note = 'mine'")
    world.source("INSERT INTO t VALUES (1, 'a '), (2, 'b')")
    finished = world.must_run()
    assert finished["rows"]["updated"] == 1 and finished["rows"]["inserted"] == 2
    assert sorted(world.sandbox.query(f"SELECT id, k, note FROM {name}")) == [
        (1, "a", "mine"), (1, "a ", None), (2, "b", None)]


def test_a_column_that_comes_back_brings_its_own_values(world):
    """Dropped, delivered without, then added again: the target still has the old values."""
    world.source(TABLE + ";ALTER TABLE t ADD c text DEFAULT 'c'")
    configure(world)
    world.must_run()
    world.source("ALTER TABLE t DROP a; UPDATE t SET at = now() WHERE id = 11")
    world.must_run()
    world.source("ALTER TABLE t ADD a text DEFAULT 'anew'")
    assert "another column of the same name" in warnings(world.must_run())
    assert {row[0] for row in target(world, "a")} == {"anew"}
    world.source("ALTER TABLE t DROP a; UPDATE t SET at = now() WHERE id = 11")
    world.must_run()
    world.source("ALTER TABLE t RENAME c TO a")
    world.must_run()
    world.assert_equal(("public.t", ["id"]), rows=11)


@pytest.mark.parametrize("policy", ["add", "ignore", "add_and_backfill"])
def test_a_new_column_that_takes_a_name(world, policy):
    world.source(TABLE + ';ALTER TABLE t RENAME a TO "A"')
    configure(world, on_new_column=policy)
    world.must_run()
    world.source("ALTER TABLE t ADD a text; INSERT INTO t VALUES (12, now(), 'Cap', 1, 'low')")
    world.must_run()
    if policy == "ignore":
        assert target(world, "a")[0] == ("a1",) and target(world, "a")[-1] == ("Cap",)
    else:
        world.assert_equal(("public.t", ["id"]), rows=12)


def test_a_new_column_that_takes_the_name_of_the_cursor_of_append(world):
    world.source('CREATE TABLE events (n int, "At" timestamptz NOT NULL);'
                 "INSERT INTO events SELECT i, now() - interval '1 minute' * i FROM generate_series(1, 10) i")
    world.table("public.events", mode="append", cursor="At", lookback="5m").write_config()
    world.must_run()
    world.source("ALTER TABLE events ADD at timestamptz; INSERT INTO events VALUES (11, now(), NULL)")
    code, finished, _ = world.run()
    assert code == 4 and "RS-APPEND-FULL" in str(finished)
    assert world.sandbox.query(f"SELECT count(*) FROM {world.schema}.events") == [(10,)]


@pytest.mark.parametrize("change", [
    "ALTER TABLE t ALTER a TYPE varchar(50) USING upper(a)",
    "ALTER TABLE t ALTER s TYPE integer USING s * 1000"])
def test_a_type_with_using_is_read_again(world, change):
    world.source(TABLE + ";ALTER TABLE t ADD s smallint DEFAULT 2")
    configure(world, on_type_change="rewrite")
    world.must_run()
    world.source(change)
    world.must_run()
    world.assert_equal(("public.t", ["id"]), rows=11)


def test_a_policy_of_text_reads_all_again(world):
    world.source(TABLE + ";ALTER TABLE t ADD x boolean DEFAULT true; ALTER TABLE t ADD y real DEFAULT 3.4e10")
    configure(world, on_type_change="rewrite")
    world.must_run()
    configure(world, on_type_change="rewrite", on_unrepresentable={"x": "text", "y": "text"})
    world.source("INSERT INTO t (id, a) VALUES (12, 'n')")
    world.must_run()
    assert len(set(target(world, "x, y"))) == 1


def test_a_pattern_does_not_pass_over_what_it_may_not_read(world):
    role = f"reader_{world.database}"
    world.source("CREATE TABLE order_a (id int PRIMARY KEY); CREATE TABLE order_b (id int PRIMARY KEY);"
                 f"CREATE ROLE {role} LOGIN PASSWORD 'pw'; GRANT pg_read_all_stats TO {role};"
                 f"GRANT USAGE ON SCHEMA public TO {role}; GRANT SELECT ON order_a, order_b TO {role}")
    world.table("public.order_*").write_config()
    path = world.folder / "vesto.toml"
    path.write_text(path.read_text().replace(f'user = "{world.postgres.user}"', f'user = "{role}"'))
    (world.folder / "source.pw").write_text("pw")
    world.must_run()
    world.source(f"REVOKE SELECT ON order_b FROM {role}; INSERT INTO order_a VALUES (1)")
    code, finished, _ = world.run()
    assert code == 6 and "PG-PRIV" in str(finished) and "GRANT SELECT ON" in str(finished)
    world.source("DROP TABLE order_b")
    assert "public.order_b (public.order_*) is gone in the source" in warnings(world.must_run())


def test_a_filter_may_name_its_table_also_where_it_has_partitions(world):
    world.source("CREATE TABLE t (id int, k text, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
                 "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);"
                 "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20);"
                 "INSERT INTO t SELECT i, i % 3 FROM generate_series(0, 19) i")
    world.table("public.t", filter="t.k <> '1' AND EXISTS (SELECT FROM public.t o WHERE o.id = t.id)")
    world.write_config()
    world.must_run()
    assert len(target(world, "id")) == 13


def test_an_established_table_keeps_its_target(world):
    world.source('CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE b.orders (id int PRIMARY KEY);'
                 "INSERT INTO b.orders VALUES (1)")
    world.table("*.orders").write_config()
    world.must_run()
    world.source("CREATE TABLE a.orders (id int PRIMARY KEY); INSERT INTO a.orders VALUES (7);"
                 "INSERT INTO b.orders VALUES (2)")
    code, finished, _ = world.run()
    assert code == 6 and "a.orders would be delivered into" in str(finished)
    assert sorted(world.sandbox.query(f"SELECT id FROM {world.schema}.orders")) == [(1,), (2,)]
