"""A source that changes under a run, or is another one at the next run, loses and doubles nothing."""
import contextlib
import json

import psycopg2
import pytest

KEYED = ("CREATE TABLE o (id int PRIMARY KEY, u timestamptz NOT NULL DEFAULT now(), v text);"
         "INSERT INTO o SELECT g, timestamptz '2026-01-01' + g * interval '1 hour', 'x' "
         "FROM generate_series(1, 50) g;")


def run_while_open(world, locking_sql):
    """Starts a run while a transaction holds a lock that the plan waits for, then commits it."""
    with contextlib.closing(psycopg2.connect(world.postgres.dsn(world.database))) as holder:
        holder.cursor().execute(locking_sql)
        process = world.popen()
        wait_for_lock(world)
        holder.commit()
    output, errors = process.communicate(timeout=120)
    finished = [json.loads(line) for line in output.splitlines()][-1]
    assert finished["type"] == "run.finished", errors
    return process.returncode, finished


def wait_for_lock(world, tries=6000):
    """Until a session waits for the holder: the snapshot is taken by then."""
    with contextlib.closing(psycopg2.connect(world.postgres.dsn(world.database))) as watcher:
        watcher.autocommit = True
        cursor = watcher.cursor()
        for _ in range(tries):
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                           "AND datname = current_database()")
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("the run never waited for the lock")


@pytest.mark.parametrize("swap", [
    # The rows of the new table were written by the transaction that renames: none is in the snapshot.
    "CREATE TABLE o_new (LIKE o INCLUDING ALL); INSERT INTO o_new SELECT id, u, 'y' FROM o;"
    "ALTER TABLE o RENAME TO o_old; ALTER TABLE o_new RENAME TO o",
    # The new table has no key.
    "LOCK TABLE o; CREATE TABLE o_new (id int, u timestamptz, v text);"
    "INSERT INTO o_new SELECT 1 + g % 25, now(), 'y' FROM generate_series(1, 50) g;"
    "ALTER TABLE o RENAME TO o_old; ALTER TABLE o_new RENAME TO o",
    # A type is changed without a rewrite.
    "ALTER TABLE o ADD w text; UPDATE o SET w = v; ALTER TABLE o DROP v;"
    "ALTER TABLE o RENAME w TO v",
], ids=["online-migration", "without-key", "new-column"])
@pytest.mark.parametrize("mode", ["replace", "upsert"])
def test_table_that_is_another_after_the_wait(one_world, swap, mode):
    one_world.source(KEYED)
    one_world.table("public.o", mode=mode).write_config()
    code, finished = run_while_open(one_world, swap)
    assert code != 0
    assert "PG-CHANGED" in json.dumps(finished)
    if "1 + g % 25" in swap:
        return  # the new table has no key that an upsert could go by
    one_world.must_run()
    one_world.assert_equal(("public.o", ["id"]), rows=50)
    one_world.assert_nothing_left()


def test_view_that_is_defined_anew_during_the_wait(one_world):
    one_world.source(KEYED + "CREATE VIEW ov AS SELECT * FROM o; CREATE TABLE o2 (LIKE o)")
    one_world.table("public.ov", mode="replace").write_config()
    one_world.must_run()
    code, finished = run_while_open(
        one_world, "INSERT INTO o2 SELECT * FROM o; CREATE OR REPLACE VIEW ov AS SELECT * FROM o2")
    assert code != 0
    assert "PG-CHANGED" in json.dumps(finished)
    assert one_world.sandbox.query(f"SELECT count(*) FROM {one_world.schema}.ov") == [(50,)]
    one_world.must_run()
    one_world.assert_equal(("public.ov", ["id"]), rows=50)


def warnings_of(finished):
    return json.dumps(finished["warnings"])


def test_cursor_that_goes_back(one_world):
    """A source restored from an older copy: new rows take numbers that were delivered before."""
    one_world.source("CREATE TABLE o (id bigint PRIMARY KEY, v text);"
                     "INSERT INTO o SELECT g, 'old' FROM generate_series(1, 1000) g")
    one_world.table("public.o", cursor="id", lookback=0).write_config()
    one_world.must_run()
    one_world.source("DELETE FROM o WHERE id > 900")
    finished = one_world.must_run()
    assert "went back from 1000 to 900" in warnings_of(finished)
    one_world.source("INSERT INTO o SELECT g, 'new' FROM generate_series(901, 1100) g")
    finished = one_world.must_run()
    assert finished["warnings"] in (None, [])
    one_world.assert_equal(("public.o", ["id"]), rows=1100)


def test_table_emptied_and_filled_again(one_world):
    one_world.source("CREATE TABLE o (id bigint PRIMARY KEY, v text);"
                     "INSERT INTO o SELECT g, 'old' FROM generate_series(1, 100) g")
    one_world.table("public.o", cursor="id", lookback=0).write_config()
    one_world.must_run()
    one_world.source("TRUNCATE o")
    assert "went back from 100 to none" in warnings_of(one_world.must_run())
    finished = one_world.must_run()
    assert (finished["state"], finished["reason"]) == ("skipped", "no change")
    one_world.source("INSERT INTO o SELECT g, 'new' FROM generate_series(1, 150) g")
    one_world.must_run()
    one_world.assert_equal(("public.o", ["id"]), rows=150)


def test_table_dropped_and_made_anew(one_world):
    one_world.source(KEYED)
    one_world.table("public.o", cursor="u").write_config()
    one_world.must_run()
    one_world.source("DROP TABLE o;" + KEYED.replace("'x'", "'y'").replace("1 hour", "1 minute"))
    assert "another table has this name" in warnings_of(one_world.must_run())
    one_world.assert_equal(("public.o", ["id"]), rows=50)


def test_row_of_a_prepared_transaction(one_world):
    """It holds the time of BEGIN, and PostgreSQL tells that of PREPARE alone."""
    one_world.source(KEYED)
    one_world.table("public.o", cursor="u", lookback="0s").write_config()
    name = one_world.database
    with contextlib.closing(psycopg2.connect(one_world.postgres.dsn(name))) as late:
        late.autocommit = True
        cursor = late.cursor()
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO o (id) VALUES (1000)")
        cursor.execute("SELECT pg_sleep(1.2)")
        one_world.source("INSERT INTO o (id) VALUES (1001)")
        cursor.execute(f"PREPARE TRANSACTION '{name}'")
        cursor.execute("SELECT pg_sleep(1.2)")
        one_world.must_run()
        one_world.source("INSERT INTO o (id) VALUES (1002)")
        one_world.must_run()
        cursor.execute(f"COMMIT PREPARED '{name}'")
    one_world.must_run()
    one_world.assert_equal(("public.o", ["id"]), rows=53)


def test_begins_that_are_hidden_are_said(one_world):
    one_world.source(KEYED)
    one_world.source(f'ALTER DATABASE "{one_world.database}" SET track_activities = off')
    one_world.table("public.o", cursor="u").write_config()
    with contextlib.closing(psycopg2.connect(one_world.postgres.dsn(one_world.database))) as late:
        late.cursor().execute("INSERT INTO o (id) VALUES (1000)")
        assert "track_activities" in warnings_of(one_world.must_run())


def test_numeric_key_written_in_two_ways(one_world):
    one_world.source("CREATE TABLE o (id numeric PRIMARY KEY, u timestamptz, v text);"
                     "INSERT INTO o VALUES (1.0, '2026-01-01', 'a'), (2, '2026-01-02', 'b')")
    one_world.table("public.o", cursor="u").write_config()
    one_world.must_run()
    one_world.source("UPDATE o SET id = 1.00, v = 'c', u = '2026-01-03' WHERE id = 1")
    one_world.must_run()
    assert one_world.sandbox.query(f"SELECT id, v FROM {one_world.schema}.o ORDER BY id") == [
        ("1", "c"), ("2", "b")]


def test_key_that_ignores_case_is_refused_by_name(one_world):
    one_world.source(
        "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
        "CREATE TABLE o (id text COLLATE ci PRIMARY KEY, v text)")
    one_world.table("public.o").write_config()
    code, finished, _ = one_world.run()
    assert code != 0
    assert "PG-NO-KEY" in json.dumps(finished)
    assert "column id has a collation that is not deterministic" in json.dumps(finished)
