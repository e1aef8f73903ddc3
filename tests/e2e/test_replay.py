"""vesto sync rejected --replay: rows that were kept aside are read again by their keys."""
import json
import subprocess

import pytest


def rejected(world, *arguments):
    done = subprocess.run(world.command("sync", "rejected", "shop", *arguments), text=True,
                          capture_output=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def listed(world):
    code, out, errors = rejected(world, "--json")
    assert code == 0, errors
    return sorted(row["key"]["id"] for row in json.loads(out)["rows"])


def table(world, **settings):
    world.source("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL, v numeric(9, 2));"
                 "INSERT INTO t VALUES (1, now() - interval '2 days', 'NaN'),"
                 "(2, now() - interval '2 days', 'NaN'), (3, now() - interval '2 days', 5),"
                 "(4, now(), 6)")
    world.table("public.t", cursor="at", lookback="1m", **settings).write_config()


def position(world):
    return world.sandbox.query(
        f"SELECT \"position\" FROM {world.schema}._vesto_state_{sync_id()} "
        "WHERE \"stream\" = 'public.t' AND \"schema_version\" = 1")


def sync_id():
    import hashlib
    return hashlib.sha256(b"shop").hexdigest()[:8]


def test_a_corrected_row_is_delivered_and_off_the_list(world):
    table(world)
    world.must_run()
    assert listed(world) == ["1", "2"]
    before = position(world)
    world.source("UPDATE t SET v = 7 WHERE id = 1")  # its cursor stays where it is
    code, _, errors = rejected(world, "--replay")
    assert code == 0, errors
    assert listed(world) == ["2"], "what was rejected again stays"
    assert position(world) == before
    assert world.sandbox.query(f"SELECT id, v FROM {world.schema}.t ORDER BY 1")[0][1] == 7
    world.source("UPDATE t SET v = 8 WHERE id = 2; DELETE FROM t WHERE id = 1")
    assert rejected(world, "--replay", "--table", "public.t")[0] == 0
    assert listed(world) == []
    assert "No rejected rows" in rejected(world, "--replay")[1]
    world.must_run()
    assert world.sandbox.query(f"SELECT count(*) FROM {world.schema}.t") == [(4,)]
    world.assert_nothing_left()


def test_replay_beside_a_column_that_is_ignored(world):
    table(world, on_new_column="ignore")
    world.must_run()
    world.source("ALTER TABLE t ADD extra int; UPDATE t SET v = 7 WHERE id < 3")
    world.must_run()
    code, _, errors = rejected(world, "--replay")
    assert code == 0, errors
    assert listed(world) == []


def test_a_key_that_was_kept_in_part_is_not_forgotten(world):
    long_key = "k" * 1100
    world.source("CREATE TABLE t (id text PRIMARY KEY, v numeric(9, 2))")
    world.source("INSERT INTO t VALUES (%s, 'NaN'), ('short', 'NaN')", long_key)
    world.table("public.t").write_config()
    world.must_run()
    world.source("UPDATE t SET v = 1")
    code, _, errors = rejected(world, "--replay")
    assert code == 0 and "1 rejected rows have no whole key" in errors
    assert len(listed(world)) == 1
    world.must_run()
    world.assert_equal(("public.t", ["id"]), rows=2)


def test_another_key_than_the_rows_were_kept_with(world):
    world.source("CREATE TABLE t (a int NOT NULL, b int NOT NULL, v numeric(9, 2), UNIQUE (a, b));"
                 "INSERT INTO t VALUES (1, 2, 'NaN'), (2, 1, 5)")
    world.table("public.t", key=["a", "b"]).write_config()
    world.must_run()
    world.tables = []
    world.table("public.t", key=["b", "a"]).write_config()
    world.must_run()
    world.source("UPDATE t SET v = 1 WHERE v = 'NaN'")
    world.must_run()
    code, _, errors = rejected(world, "--replay")
    assert code in (0, 4), errors
    code, out, _ = rejected(world, "--json")
    rows = json.loads(out)["rows"]
    assert all(row["key"] in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}) for row in rows)


def test_all_rows_are_printed_for_programs(world):
    world.source("CREATE TABLE t (id int PRIMARY KEY, v numeric(9, 2));"
                 "INSERT INTO t SELECT i, 'NaN' FROM generate_series(1, 45) i")
    world.table("public.t").write_config()
    world.must_run()
    assert len(listed(world)) == 45
    assert rejected(world, "--csv")[1].count("\n") == 46
    code, out, errors = rejected(world)
    assert code == 0 and "The newest 20 are shown" in errors


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_replay_in_other_modes(world, mode):
    settings = {"cursor": "at", "lookback": "1m"} if mode == "append" else {}
    world.source("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL, v numeric(9, 2));"
                 "INSERT INTO t VALUES (1, now() - interval '2 days', 'NaN'), (2, now(), 6)")
    world.table("public.t", mode=mode, **settings).write_config()
    world.must_run()
    world.source("UPDATE t SET v = 7 WHERE id = 1")
    code, _, errors = rejected(world, "--replay")
    assert code == 0, errors
    world.assert_equal(("public.t", ["id"]), rows=2)
    world.must_run()
    world.assert_equal(("public.t", ["id"]), rows=2)
