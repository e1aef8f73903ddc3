"""What a position counts for: a window is only added to a target that holds what came before."""
import sqlite3

ROWS = ("CREATE TABLE t (id int PRIMARY KEY, code text NOT NULL, v int, at timestamptz NOT NULL);"
        "INSERT INTO t SELECT i, 'c' || i, i, '2026-01-01'::timestamptz + i * interval '1 hour' "
        "FROM generate_series(1, 400) i")


def only_table(world, name, **settings):
    world.tables.clear()
    world.table(name, **settings).write_config()


def test_another_target_is_read_whole(one_world):
    world = one_world
    world.source(ROWS)
    only_table(world, "public.t", cursor="at", lookback="1s")
    assert world.must_run()["rows"]["read"] == 400
    # Somebody made the new target beforehand, so it is not missing, only empty.
    world.sandbox.query(f'CREATE TABLE "{world.schema}"."t2" (id int, code varchar(1024), v int, '
                        "at timestamptz)")
    world.source("UPDATE t SET v = -1, at = '2026-06-01' WHERE id = 3")
    only_table(world, "public.t", cursor="at", lookback="1s", target="t2")
    assert world.must_run()["rows"]["read"] == 400
    assert world.sandbox.query(f'SELECT count(*), sum(v) FROM "{world.schema}"."t2"') == \
        [(400, 400 * 401 // 2 - 4)]
    assert world.must_run()["rows"]["read"] < 5


def test_another_key_is_read_whole(one_world):
    world = one_world
    world.source(ROWS)
    only_table(world, "public.t", cursor="at", lookback="1s")
    world.must_run()
    only_table(world, "public.t", cursor="at", lookback="1s", key=["code"])
    assert world.must_run()["rows"]["read"] == 400
    world.assert_equal(("public.t", ["id"]), rows=400)
    assert world.must_run()["rows"]["read"] < 5


def test_a_lost_store_reads_no_more_than_the_window(one_world):
    """The setup is kept with the position in the destination, not only here."""
    world = one_world
    world.source(ROWS)
    only_table(world, "public.t", cursor="at", lookback="1s")
    world.must_run()
    finished = world.must_run(data=world.folder / "other")
    assert finished["rows"]["read"] < 5


def test_full_refresh_checks_the_key_as_every_load(one_world):
    """A key that only the configuration names: the refresh must not commit what the next window
    could not merge."""
    world = one_world
    world.source("CREATE TABLE t (id int, email text, at timestamptz);"
                 "INSERT INTO t SELECT i, 'm' || i, '2026-01-01' FROM generate_series(1, 50) i")
    only_table(world, "public.t", key=["email"])
    world.must_run()
    world.source("INSERT INTO t VALUES (51, 'm7', '2026-01-02')")
    code, finished, _ = world.run("--full-refresh")
    assert code == 4, finished
    assert finished["table_results"][0]["error"]["code"] == "SRC-DUPLICATE-KEY"
    world.source("DELETE FROM t WHERE id = 51; INSERT INTO t VALUES (52, NULL, '2026-01-02')")
    assert world.must_run("--full-refresh")["rows"]["rejected"] == 1
    world.source("DELETE FROM t WHERE id = 52")
    world.must_run("--full-refresh")
    world.assert_equal(("public.t", ["email"]), rows=50)
    world.assert_nothing_left()


def test_a_schema_in_mixed_case_is_the_one_redshift_makes(one_world):
    world = one_world
    world.source(ROWS)
    lower = world.schema
    world.schema = lower.capitalize()
    only_table(world, "public.t")
    world.must_run()
    world.schema = lower
    world.assert_equal(("public.t", ["id"]), rows=400)


def test_files_in_a_former_bucket_are_told(one_world):
    """Nothing of a bucket that is no longer configured is forgotten in silence."""
    world = one_world
    world.source(ROWS)
    only_table(world, "public.t")
    world.must_run()
    # As a run leaves it that dies after its upload.
    with sqlite3.connect(world.folder / "data" / "vesto.db") as store:
        run = "run_01AAAAAAAAAAAAAAAAAAAAAAAA"
        store.execute("INSERT INTO run SELECT ?, sync, 'running', 'extract', '', 0, '', started_ms, "
                      "0, 0, 0, '' FROM run LIMIT 1", (run,))
        store.execute("INSERT INTO object SELECT 'former', replace(key, run, ?), ?, stream, part, "
                      "rows, raw_bytes, size_bytes, sha256, 1 FROM object_gone LIMIT 1", (run, run))
    finished = world.must_run()
    assert any("no longer configured" in warning and run in warning
               for warning in finished["warnings"]), finished
    finished = world.must_run()
    assert any("no longer configured" in warning for warning in finished["warnings"])
    world.assert_equal(("public.t", ["id"]), rows=400)


def test_rows_of_somebody_else_are_not_touched(one_world):
    """Neither merged, replaced nor altered before a person says so."""
    world = one_world
    world.source(ROWS)
    world.sandbox.query(f'CREATE SCHEMA "{world.schema}"')
    world.sandbox.query(f'CREATE TABLE "{world.schema}"."t" (id int, code varchar(4), v int)')
    world.sandbox.query(f"""INSERT INTO "{world.schema}"."t" VALUES (9001, 'own', 1)""")
    for mode in ("replace", "upsert"):
        only_table(world, "public.t", mode=mode)
        code, finished, _ = world.run()
        assert code == 4
        error = finished["table_results"][0]["error"]
        assert error["code"] == "RS-TABLE-FOREIGN" and "adopt = true" in error["hint"]
    assert world.sandbox.query(f'SELECT * FROM "{world.schema}"."t"') == [(9001, "own", 1)]
    only_table(world, "public.t", mode="upsert", adopt=True)
    world.must_run()
    assert world.sandbox.query(f'SELECT count(*), max(id) FROM "{world.schema}"."t"') == \
        [(401, 9001)]
    only_table(world, "public.t", mode="replace", adopt=False)
    world.must_run()
    world.assert_equal(("public.t", ["id"]), rows=400)


def test_a_new_column_is_told_where_old_rows_lack_it(one_world):
    world = one_world
    world.source(ROWS)
    only_table(world, "public.t", cursor="at", lookback="1s", exclude=["v"])
    world.must_run()
    only_table(world, "public.t", cursor="at", lookback="1s")
    world.source("ALTER TABLE t ADD COLUMN extra text DEFAULT 'x'")
    finished = world.must_run()
    (warning,) = [w for w in finished["warnings"] if "hold NULL" in w]
    assert "extra" in warning and " v" in warning and "--full-refresh" in warning
    assert world.must_run()["warnings"] == []
    world.must_run("--table", "public.t", "--full-refresh")
    world.assert_equal(("public.t", ["id"]), rows=400)


def test_another_destination_is_asked_itself(one_world):
    """What the local store remembers counts for the schema that it was seen in."""
    world = one_world
    world.source(ROWS)
    only_table(world, "public.t", cursor="at", lookback="1s")
    world.must_run()
    world.schema += "_b"
    only_table(world, "public.t", cursor="at", lookback="1s")
    assert world.must_run()["rows"]["read"] == 400
    world.assert_equal(("public.t", ["id"]), rows=400)


def test_a_wrong_region_of_the_bucket_is_corrected(one_world):
    """S3 names the right one: requests and COPY go there, and people are told."""
    world = one_world
    world.source(ROWS)
    only_table(world, "public.t")
    world.write_config(region="us-west-2")
    (warning,) = world.must_run()["warnings"]
    right = world.sandbox.endpoints["aws"]["region"]
    assert "us-west-2" in warning and f'"{right}"' in warning
    world.assert_equal(("public.t", ["id"]), rows=400)
    assert f"REGION '{right}'" in world.output("sync", "plan", "shop", "--sql")
    world.write_config(region=right)
    assert world.must_run()["warnings"] == []
