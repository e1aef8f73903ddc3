"""The main job: a first load, changes, an incremental load, equality value by value."""

ORDERS = """
CREATE TABLE orders (id bigint PRIMARY KEY, customer text, amount numeric(12,2), placed date,
  changed timestamptz NOT NULL, note text, flag boolean, ratio float8, code varchar(20));
INSERT INTO orders SELECT i, 'customer ' || i, i * 1.25, date '2024-01-01' + i % 700,
  timestamptz '2026-01-01 00:00:00+00' + i * interval '1 second',
  CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'a "quoted", word' WHEN 3
  THEN E'two\\nlines\\r\\nand a tab\\t' ELSE 'ünïcödé 漢字 🙂' END,
  i % 3 = 0, i / 7.0, 'c' || i FROM generate_series(1, 5000) i;
"""


def test_first_load_then_changes(world):
    world.source(ORDERS)
    world.table("public.orders", cursor="changed", lookback="1s").write_config()
    first = world.must_run()
    assert first["rows"]["read"] == first["rows"]["copied"] == 5000
    world.assert_equal(("public.orders", ["id"]), rows=5000)
    world.source("UPDATE orders SET amount = amount + 1, changed = '2026-06-01' WHERE id % 100 = 7;"
                 "INSERT INTO orders (id, customer, changed) SELECT i, 'new', '2026-06-02' "
                 "FROM generate_series(5001, 5020) i")
    second = world.must_run()
    assert second["rows"]["updated"] >= 50 and second["rows"]["inserted"] == 20
    assert second["rows"]["read"] < 200
    world.assert_equal(("public.orders", ["id"]), rows=5020)
    world.assert_nothing_left()


def test_replace_follows_deletes(world):
    world.source("CREATE TABLE t (id int PRIMARY KEY, v text);"
                 "INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 300) i")
    world.table("public.t", mode="replace").write_config()
    world.must_run()
    world.source("DELETE FROM t WHERE id <= 100")
    world.must_run()
    world.assert_equal(("public.t", ["id"]), rows=200)
    world.source("DELETE FROM t")
    world.must_run()
    world.assert_equal(("public.t", ["id"]), rows=0)
    world.assert_nothing_left()


def test_one_changed_byte_is_seen_by_the_proof(world):
    world.source("CREATE TABLE t (id int PRIMARY KEY, v text);"
                 "INSERT INTO t SELECT i, 'value ' || i FROM generate_series(1, 50) i")
    world.table("public.t").write_config()
    world.must_run()
    world.assert_equal(("public.t", ["id"]), rows=50)
    world.sandbox.query(f"UPDATE {world.schema}.t SET v = 'valuE 7' WHERE id = 7")
    _, differences = world.differences(("public.t", ["id"]))
    assert len(differences) == 1 and "'valuE 7'" in differences[0]


def test_nothing_new_opens_no_warehouse_connection(world):
    world.source("CREATE TABLE t (id int PRIMARY KEY, n bigint)")
    world.table("public.t", cursor="n", lookback=0).write_config()
    world.must_run()
    before = world.sandbox.calls().get("pg.connect", 0)
    finished = world.must_run()
    assert finished["state"] == "skipped"
    assert world.sandbox.calls().get("pg.connect", 0) == before
