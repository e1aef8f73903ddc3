"""mode = "append": what is added arrives once, whatever commits late; and windows that cost nothing."""
import datetime
import random
import time

import psycopg2
import pytest

TABLE = ("CREATE TABLE events (n bigint, at timestamptz NOT NULL, v text);"
         "CREATE INDEX ON events (at)")


def rows_of(world, columns="n, v"):
    return sorted(world.sandbox.query(f"SELECT {columns} FROM {world.schema}.events"))


def source_rows(world, columns="n, v"):
    return sorted(world.source(f"SELECT {columns} FROM events"))


def statements(world, run):
    """What the run sent to the warehouse, as `vesto show RUN --sql` tells it."""
    import subprocess
    done = subprocess.run(world.command("show", run["run"], "--sql"), text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_window_is_replaced(world):
    world.source(TABLE + ";INSERT INTO events SELECT i, now() - interval '1 hour' * (10 - i), 'a' "
                 "FROM generate_series(1, 9) i")
    world.table("public.events", mode="append", cursor="at", lookback="90m").write_config()
    first = world.must_run()
    assert first["rows"]["inserted"] == 9
    # Rows of one value, equal rows, a row that goes and one that comes inside the window.
    world.source("INSERT INTO events SELECT 10, now(), 'b' FROM generate_series(1, 3);"
                 "DELETE FROM events WHERE n = 9;"
                 "INSERT INTO events VALUES (11, now() - interval '20 minutes', 'late')")
    second = world.must_run()
    assert rows_of(world) == source_rows(world)
    # The window begins 90 minutes below row 9.
    assert second["rows"]["deleted"] == 2 and second["rows"]["inserted"] == 5
    # Below the window nothing is looked at: that is the bargain of append.
    world.source("DELETE FROM events WHERE n = 1")
    world.must_run()
    assert len(rows_of(world)) == len(source_rows(world)) + 1
    world.assert_nothing_left()


def test_an_unchanged_window_opens_no_connection(world):
    world.source(TABLE + ";ALTER TABLE events ADD k int GENERATED ALWAYS AS IDENTITY PRIMARY KEY;"
                 "INSERT INTO events SELECT i, now(), NULL FROM generate_series(1, 50) i")
    world.table("public.events", mode="append", cursor="at", lookback="1h")
    world.source("CREATE TABLE items (id int PRIMARY KEY, at timestamptz, v text);"
                 "INSERT INTO items SELECT i, now(), 'x' FROM generate_series(1, 50) i")
    world.table("public.items", cursor="at", lookback="1h").write_config()
    world.must_run()
    world.must_run()  # the first window: its rows were not known as a window yet
    before = world.sandbox.calls()
    same = world.must_run()
    after = world.sandbox.calls()
    assert same["state"] == "skipped" and same["reason"] == "no change"
    assert after["pg.connect"] == before["pg.connect"]
    # One NULL instead of an empty text is another row.
    world.source("UPDATE items SET v = NULL WHERE id = 7")
    changed = world.must_run()
    assert changed["state"] == "succeeded"
    world.assert_equal(("public.items", ["id"]), rows=50)
    # A row that is gone from the window of append goes in the target as well.
    world.must_run()
    world.source("DELETE FROM events WHERE n > 48")
    assert world.must_run()["rows"]["deleted"] == 50
    assert len(rows_of(world)) == 48
    # An empty source is no reason to begin anew; what comes then is read.
    world.source("DELETE FROM events")
    world.must_run()
    assert rows_of(world) == [] and world.must_run()["state"] == "skipped"
    world.source("INSERT INTO events VALUES (99, now(), 'z')")
    world.must_run()
    assert rows_of(world) == [(99, "z")]


def test_the_settings_count_for_the_window(world):
    """Same rows, another policy: they must be loaded again."""
    world.source("CREATE TABLE items (id int PRIMARY KEY, at timestamptz, v numeric(9, 2));"
                 "INSERT INTO items VALUES (1, now(), 'NaN'), (2, now(), 1)")
    world.table("public.items", cursor="at", lookback="1h").write_config()
    world.must_run()
    world.must_run()
    assert world.must_run()["state"] == "skipped"
    world.tables = []
    world.table("public.items", cursor="at", lookback="1h",
                on_unrepresentable={"v": "null"}).write_config()
    world.must_run()
    assert world.sandbox.query(f"SELECT count(*) FROM {world.schema}.items") == [(2,)]


@pytest.mark.parametrize("immutable", [False, True])
def test_late_commits_are_neither_lost_nor_doubled(world, immutable):
    """Several writers whose transactions overlap; timestamps of the program, taken before BEGIN."""
    draw = random.Random(7 if immutable else 8)
    world.source(TABLE)
    settings = {"cursor_is_immutable": True} if immutable else {}
    world.table("public.events", mode="append", cursor="at", lookback="2s", **settings)
    world.source("CREATE TABLE items (id bigint PRIMARY KEY, at timestamptz NOT NULL)")
    world.table("public.items", cursor="at", lookback="2s").write_config()
    writers, number = [], 0
    for _ in range(8):
        for _ in range(draw.randrange(1, 4)):
            at = datetime.datetime.now(datetime.timezone.utc)
            time.sleep(draw.choice([0, 0.05]))
            connection = psycopg2.connect(world.postgres.dsn(world.database))
            cursor = connection.cursor()
            for _ in range(draw.randrange(1, 5)):
                number += 1
                cursor.execute("INSERT INTO events VALUES (%s, %s, 'x');"
                               "INSERT INTO items VALUES (%s, %s)", (number, at, number, at))
            writers.append(connection)
        draw.shuffle(writers)
        while writers and draw.random() < 0.6:
            last = writers.pop()
            last.commit() if draw.random() < 0.9 else last.rollback()
            last.close()
        world.must_run()
    for connection in writers:
        connection.commit()
        connection.close()
    time.sleep(3.5 if immutable else 0)  # its distance to the present: lookback and a second
    world.must_run()
    assert rows_of(world) == source_rows(world)
    world.assert_equal(("public.items", ["id"]))


def test_immutable_needs_the_grant(world):
    world.source(TABLE + ";INSERT INTO events VALUES (1, now(), 'a');"
                 "CREATE ROLE nobody_{0} LOGIN PASSWORD 'pw'; GRANT USAGE ON SCHEMA public TO nobody_{0};"
                 "GRANT SELECT ON events TO nobody_{0}".format(world.database))
    world.table("public.events", mode="append", cursor="at", cursor_is_immutable=True).write_config()
    path = world.folder / "vesto.toml"
    path.write_text(path.read_text().replace(f'user = "{world.postgres.user}"',
                                             f'user = "nobody_{world.database}"'))
    (world.folder / "source.pw").write_text("pw")
    code, finished, _ = world.run()
    assert code == 4 and "GRANT pg_read_all_stats TO" in str(finished)


def test_all_rows_again_is_never_added_to_what_is_there(world):
    """A new cursor would read everything: append must not double it, nor delete an archive."""
    world.source(TABLE + ";ALTER TABLE events ADD id bigint; UPDATE events SET id = n;"
                 "INSERT INTO events SELECT i, now(), 'a', i FROM generate_series(1, 5) i")
    world.table("public.events", mode="append", cursor="at").write_config()
    world.must_run()
    world.tables = []
    world.table("public.events", mode="append", cursor="id", lookback=1).write_config()
    code, finished, _ = world.run()
    assert code == 4 and "RS-APPEND-FULL" in str(finished) and "--full-refresh" in str(finished)
    assert len(rows_of(world)) == 5
    world.must_run("--full-refresh")
    world.source("INSERT INTO events VALUES (6, now(), 'b', 6)")
    world.must_run()
    assert rows_of(world) == source_rows(world)


@pytest.mark.parametrize("fault", [
    {"on": "pg.commit", "then": {"drop": "during"}}, {"on": "pg.commit", "then": {"drop": "after"}},
    {"on": "pg.statement", "match": "DELETE FROM", "then": {"error": "1023"}},
    {"on": "s3.put", "then": {"status": 503, "code": "SlowDown"}}])
def test_faults_in_append(world, fault):
    world.source(TABLE + ";INSERT INTO events SELECT i, now(), 'a' FROM generate_series(1, 20) i")
    world.table("public.events", mode="append", cursor="at", lookback="1h").write_config()
    world.must_run()
    world.source("INSERT INTO events SELECT i, now(), 'b' FROM generate_series(21, 30) i")
    world.sandbox.fault(**fault, nth=1, count=1)
    code, _, errors = world.run()
    world.sandbox.clear_faults()
    if code != 0:
        world.must_run()
    assert rows_of(world) == source_rows(world)
    world.assert_nothing_left()


def test_a_cursor_without_values_yet(world):
    """All rows so far have none: what comes next is still added, and these are replaced."""
    world.source("CREATE TABLE events (n bigint, at timestamptz, v text);"
                 "INSERT INTO events VALUES (1, NULL, 'a'), (2, NULL, 'b')")
    world.table("public.events", mode="append", cursor="at", lookback="1h").write_config()
    world.must_run()
    world.source("DELETE FROM events WHERE n = 1; INSERT INTO events VALUES (3, now(), 'c'), (4, NULL, '')")
    world.must_run()
    assert rows_of(world) == source_rows(world)
    world.source("UPDATE events SET at = now() WHERE n = 2")
    world.must_run()
    assert rows_of(world) == source_rows(world)
