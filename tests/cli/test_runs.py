"""Runs that cannot get far: what is told of them, then and later. Nobody listens on port 1."""
import json
import os
import pty
import select
import signal
import socket
import sqlite3
import subprocess
import time

import pytest
from conftest import SECRETS, VESTO


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_source_that_is_not_there(vesto):
    vesto.configure()
    done = vesto("run", "shop")
    assert done.returncode == 5
    assert "Error NET-REFUSED: " in done.stderr
    assert "  More: vesto help NET-REFUSED     run: run_" in done.stderr
    assert "started shop -> rs, 2 tables" in done.stderr
    assert done.stdout.startswith("Failed after ")
    for secret in SECRETS.values():
        assert secret not in done.stdout + done.stderr


def test_json_lines_and_nothing_else(vesto):
    vesto.configure()
    done = vesto("run", "shop", "--json")
    events = lines_of(done.stdout)
    assert [events[0]["type"], events[-1]["type"]] == ["run.started", "run.finished"]
    assert events[0]["tables"] == 2 and events[0]["destination"] == "rs"
    last = events[-1]
    assert done.returncode == last["exit_code"] == 5
    assert last["state"] == "failed" and last["error"]["code"] == "NET-REFUSED"
    assert set(last["rows"]) == {"read", "copied", "inserted", "updated", "deleted", "rejected"}


def test_json_of_a_run_that_could_not_begin(vesto):
    vesto.configure()
    os.remove(vesto.folder / "sk")
    done = vesto("run", "shop", "--json")
    (only,) = lines_of(done.stdout)
    assert only["type"] == "run.finished" and only["exit_code"] == done.returncode == 3
    assert only["error"]["code"] == "CFG-SECRET-MISSING"


def test_quiet_and_no_progress(vesto):
    vesto.configure()
    quiet = vesto("run", "shop", "-q")
    assert quiet.stdout == "" and quiet.stderr.startswith("Error NET-REFUSED")
    assert "started shop" not in vesto("run", "shop", "--no-progress").stderr


def test_it_is_in_the_history(vesto):
    vesto.configure()
    assert vesto("history").stdout == "No runs yet.\n"
    run = lines_of(vesto("run", "shop", "--json").stdout)[-1]["run"]
    vesto("run", "shop")
    history = vesto("history", "--json")
    runs = json.loads(history.stdout)["runs"]
    assert history.returncode == 0 and len(runs) == 2 and runs[1]["run"] == run
    table = vesto("history", "shop", "--limit", "1").stdout.splitlines()
    assert len(table) == 2 and table[0].startswith("RUN ") and "NET-REFUSED" in table[1]
    shown = vesto("show", run)
    assert shown.returncode == 0 and shown.stdout.startswith(f"{run}  shop\n")
    assert "NET-REFUSED" in shown.stdout and "Fix: " in shown.stdout
    assert json.loads(vesto("show", run, "--json", "--files", "--sql").stdout)["files"] == []
    assert vesto("show", run.lower()[4:]).returncode == 0
    short = vesto("show", "run_")
    assert short.returncode == 3


def test_status_words_and_exit_codes(vesto):
    vesto.configure()
    fresh = vesto("status")
    assert fresh.returncode == 0
    assert fresh.stdout.splitlines()[1].split() == ["shop", "○", "not", "started", "idle", "-", "-"]
    assert fresh.stdout.splitlines()[-1] == "1 sync: 1 not started"
    vesto("run", "shop")
    failed = vesto("status")
    assert failed.returncode == 5 and "failed  NET-REFUSED" in failed.stdout
    data = json.loads(vesto("status", "shop", "--json").stdout)
    assert data["schema"] == "vesto.status/1"
    (sync,) = data["syncs"]
    # The word says why the exit code is not 0, also before the first success.
    assert sync["health"] == "retrying" and sync["last_run"]["error"]["code"] == "NET-REFUSED"
    overview = vesto()
    assert overview.returncode == 0
    assert overview.stdout.endswith("1 sync: 1 retrying (vesto status)\n")
    assert vesto("--json").stdout == vesto("status", "--json").stdout


def test_a_named_data_directory_that_is_not_there(vesto):
    """A slip of the pen must not look like a sync that has not begun."""
    vesto.configure()
    for command in (["status"], ["history"], ["show", "run_1"]):
        done = vesto(*command, "--data", "mistyped")
        assert done.returncode == 3, command
        assert "SYS-STORE: there is no data directory mistyped" in done.stderr
        assert vesto(*command, environment={"VESTO_DATA": "mistyped"}).returncode == 3
        assert not (vesto.folder / "mistyped").exists()


def test_ascii_where_the_locale_has_no_utf8(vesto):
    vesto.configure()
    done = vesto("status", environment={"LC_ALL": "C"})
    assert done.stdout.isascii() and " o not started" in done.stdout


def test_another_run_holds_the_lease(vesto):
    """A live process, a dead one, and one whose number was given to somebody else."""
    vesto.configure()
    vesto("run", "shop")
    stat = open("/proc/self/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    ticks = int(stat[19])
    boot = open("/proc/sys/kernel/random/boot_id", encoding="ascii").read().strip()
    now = int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)

    def hold(start_ticks, renewed_ms):
        with sqlite3.connect(vesto.folder / ".vesto/vesto.db") as db:
            db.execute("INSERT OR REPLACE INTO lease VALUES ('shop','run_OTHER',1,?,?,?,?,?,60000)",
                       (boot, os.readlink("/proc/self/ns/pid"), os.getpid(), start_ticks,
                        renewed_ms))

    hold(ticks, now)
    busy = vesto("run", "shop")
    assert busy.returncode == 7 and busy.stdout == ""
    assert "Error RUN-BUSY" in busy.stderr
    assert f"Fix: Wait for it, or stop it: kill -INT {os.getpid()}\n" in busy.stderr
    last = lines_of(vesto("run", "shop", "--json").stdout)[-1]
    assert last["exit_code"] == 7
    # What was skipped is in the history, with the reason, and changes nothing of the health.
    runs = json.loads(vesto("history", "--json").stdout)["runs"]
    assert [run["state"] for run in runs] == ["skipped", "skipped", "failed"]
    assert runs[0]["run"] == last["run"] and runs[0]["exit_code"] == 7
    assert "another run is active" in vesto("history").stdout.splitlines()[1]
    shown = vesto("show", last["run"])
    assert shown.returncode == 0 and "\nSkipped: another run is active\n" in shown.stdout
    assert "failed  NET-REFUSED" in vesto("status").stdout
    hold(ticks - 1, now)
    assert vesto("run", "shop").returncode == 5
    hold(ticks, now - 61_000)
    assert vesto("run", "shop").returncode == 5


def test_a_damaged_store(vesto):
    vesto.configure()
    vesto.write(".vesto/vesto.db", "no database at all, " * 500)
    for command in (["run", "shop"], ["status"], ["history"], ["show", "run_1"]):
        done = vesto(*command)
        assert done.returncode == 3, command
        assert "SYS-STORE" in done.stderr and "damaged" in done.stderr


@pytest.fixture
def silent_server():
    """Accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("first, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_second_signal_ends_at_once(vesto, silent_server, first, code):
    vesto.configure(port=silent_server)
    process = vesto.start("run", "shop")
    assert "started shop" in process.stderr.readline()
    process.send_signal(first)
    name = "Ctrl-C" if first == signal.SIGINT else "SIGTERM"
    for line in process.stderr:
        if line == f"Stopping after {name}; a second one ends at once.\n":
            break
    else:
        pytest.fail("the first signal was not acknowledged")
    if process.poll() is None:
        process.send_signal(first)
    assert process.wait(60) == code


def test_progress_on_request(vesto, silent_server):
    vesto.configure(port=silent_server)
    process = vesto.start("run", "shop")
    assert "started shop" in process.stderr.readline()
    process.send_signal(signal.SIGUSR1)
    assert "0 of 2 tables done, 0 rows read" in process.stderr.readline()
    # The run is in the store a moment after it began.
    end = time.monotonic() + 60
    while json.loads(vesto("status", "--json").stdout)["syncs"][0]["activity"] != "running":
        assert time.monotonic() < end and process.poll() is None
    assert "running: first load 0 of 2 tables" in vesto("status").stdout
    process.kill()
    process.wait(30)
    # Its process has gone, so the sync is free and the run counts as failed.
    status = json.loads(vesto("status", "--json").stdout)["syncs"][0]
    assert status["activity"] == "idle" and status["last_run"]["state"] == "failed"
    assert "its process ended" in vesto("history").stdout
    # Nobody has seen how it ended.
    assert status["last_run"]["exit_code"] is None
    run = status["last_run"]["run"]
    assert json.loads(vesto("show", run, "--json").stdout)["exit_code"] is None
    assert "exit code" not in vesto("show", run).stdout


def on_terminal(vesto, *arguments, environment=None):
    """What the program writes to a terminal of 80 columns, and its exit code."""
    leader, follower = pty.openpty()
    process = subprocess.Popen([str(VESTO), *arguments], cwd=vesto.folder, stdin=follower,
                               stdout=follower, stderr=follower,
                               env={**vesto.environment, **(environment or {})})
    os.close(follower)
    out = b""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        ready, _, _ = select.select([leader], [], [], 1)
        if ready:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                break
            if not piece:
                break
            out += piece
    os.close(leader)
    return out.decode(), process.wait(30)


def test_a_terminal_gets_colours_and_a_block(vesto):
    vesto.configure()
    text, code = on_terminal(vesto, "run", "shop")
    assert code == 5
    assert "\x1b[K" in text and "shop → rs" in text  # drawn
    assert "\x1b[J" in text  # and taken away
    assert "started shop" not in text
    text, _ = on_terminal(vesto, "run", "shop", "--no-progress")
    assert "\x1b[K" not in text
    text, _ = on_terminal(vesto, "run", "shop", environment={"TERM": "dumb"})
    assert "\x1b" not in text and "started shop" in text


def fail_after_success(vesto):
    """A history of one good and one failed run, so that the sync is retrying."""
    vesto.configure()
    vesto("run", "shop")
    good = {"state": "succeeded", "data_as_of": "2026-01-01T00:00:00.000Z",
            "table_results": [{"table": t, "state": "succeeded"}
                              for t in ("public.orders", "public.customers")]}
    with sqlite3.connect(vesto.folder / ".vesto/vesto.db") as db:
        db.execute("INSERT INTO run VALUES ('run_0','shop','succeeded','done','',0,'',1,2,0,2,?)",
                   (json.dumps(good),))


def test_colours_can_be_switched_off(vesto):
    fail_after_success(vesto)
    assert "\x1b[33m" in on_terminal(vesto, "status")[0]
    assert "\x1b[" not in on_terminal(vesto, "status", "--no-color")[0]
    assert "\x1b[" not in on_terminal(vesto, "status", environment={"NO_COLOR": "1"})[0]
    assert "\x1b[" not in vesto("status").stdout


def test_age_and_retrying(vesto):
    fail_after_success(vesto)
    done = vesto("status")
    assert done.returncode == 5
    assert "↻ retrying" in done.stdout and "2026-01-01 00:00:00Z (" in done.stdout
    sync = json.loads(vesto("status", "--json").stdout)["syncs"][0]
    assert sync["health"] == "retrying" and sync["age_ms"] > 0
    assert sync["data_as_of"] == "2026-01-01T00:00:00.000Z"


def test_source_commands_when_nobody_answers(vesto):
    vesto.configure()
    done = vesto("source", "tables", "pg")
    assert done.returncode == 5 and done.stdout == "" and "Error NET-REFUSED" in done.stderr
    done = vesto("source", "test", "pg")
    assert done.returncode == 5 and done.stderr == "" and "Error NET-REFUSED" in done.stdout
    failed = [c for c in json.loads(vesto("source", "test", "pg", "--json").stdout)["checks"]
              if c["status"] == "failed"]
    assert [(c["id"], c["error"]["code"]) for c in failed] == [("net.tcp", "NET-REFUSED")]


def test_libpqs_own_variables_lead_nowhere_else(vesto):
    """PGHOSTADDR names another server, which would get the password."""
    with socket.socket() as other:
        other.bind(("127.0.0.66", 0))
        other.listen(1)
        other.settimeout(0.5)
        vesto.configure(port=other.getsockname()[1])
        vesto.write("service.conf", "[elsewhere]\nhostaddr=127.0.0.66\n")
        for variables in ({"PGHOSTADDR": "127.0.0.66"},
                          {"PGSERVICE": "elsewhere", "PGSERVICEFILE": str(vesto.folder / "service.conf")}):
            done = vesto("source", "test", "pg", environment=variables)
            assert done.returncode == 5 and "NET-REFUSED" in done.stdout
            with pytest.raises(TimeoutError):
                other.accept()


def test_plan_when_nobody_answers(vesto):
    vesto.configure()
    for command in (["sync", "plan", "shop"], ["run", "shop", "--dry-run"],
                    ["sync", "plan", "shop", "--sql"]):
        done = vesto(*command)
        assert done.returncode == 5 and done.stdout == "", command
    assert vesto("history").stdout == "No runs yet.\n"
