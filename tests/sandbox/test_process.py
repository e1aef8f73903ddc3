"""The process: starts, restarts, survives being killed, ends in order, under any user."""

import glob
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import time

import psycopg2
import pytest

from sandbox_process import Sandbox, binary

STARTED = time.time()

START_LIMIT_S = 3.0


@pytest.fixture
def place(scratch, request):
    path = pathlib.Path(scratch) / ("process-" + request.node.name[:40])
    yield path
    shutil.rmtree(path, ignore_errors=True)


def fill(sandbox):
    connection = sandbox.connect()
    cursor = connection.cursor()
    cursor.execute("create table public.kept (x int)")
    cursor.execute("insert into public.kept values (1), (2)")
    connection.close()


def kept(sandbox):
    connection = sandbox.connect()
    cursor = connection.cursor()
    cursor.execute("select count(*) from public.kept")
    value = cursor.fetchone()[0]
    connection.close()
    return value


def test_stop_and_start_again(place):
    sandbox = Sandbox(place, sync=True)
    sandbox.start()
    first = sandbox.endpoints
    fill(sandbox)
    file = place / "endpoints.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    socket_dir = (place / "pg.socket").read_text()
    assert os.path.isdir(socket_dir)
    assert sandbox.stop() == 0
    assert not file.exists()
    assert not os.path.exists(socket_dir)
    took = sandbox.start()
    assert took < START_LIMIT_S, f"{took:.2f} s"
    assert kept(sandbox) == 2
    for part in ("user", "password"):
        assert sandbox.endpoints["redshift"][part] == first["redshift"][part]
    assert sandbox.endpoints["aws"]["secret_access_key"] == first["aws"]["secret_access_key"]
    sandbox.stop()


def test_killed_and_started_again(place):
    sandbox = Sandbox(place, sync=True)
    sandbox.start()
    fill(sandbox)
    postmaster = int((place / "pg" / "postmaster.pid").read_text().split()[0])
    socket_dir = (place / "pg.socket").read_text()
    sandbox.kill()
    sandbox.start()
    assert kept(sandbox) == 2
    assert not os.path.exists(socket_dir), "what the killed one left is removed"
    assert int((place / "pg" / "postmaster.pid").read_text().split()[0]) != postmaster
    sandbox.stop()


def test_postmaster_that_outlived_its_sandbox_is_ended(place):
    sandbox = Sandbox(place)
    sandbox.start()
    fill(sandbox)
    postmaster = int((place / "pg" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGSTOP)  # it cannot obey when its parent goes
    sandbox.kill()
    os.kill(postmaster, signal.SIGCONT)
    sandbox.start()
    assert kept(sandbox) == 2
    sandbox.stop()


def test_database_dies_and_the_sandbox_says_so(place):
    sandbox = Sandbox(place)
    sandbox.start()
    postmaster = int((place / "pg" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    assert sandbox.process.wait(15) == 1
    assert "the database ended" in sandbox.log_tail()
    sandbox.process = None
    sandbox.start()
    sandbox.stop()


def test_first_start_cut_short(place):
    place.mkdir(mode=0o755)
    process = subprocess.Popen([str(binary()), "--data", str(place), "--port-redshift", "0",
                                "--port-aws", "0", "--no-sync"], stdout=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while not (place / "pg" / "PG_VERSION").exists():
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.wait()
    with Sandbox(place) as sandbox:
        fill(sandbox)
        assert kept(sandbox) == 2


def test_one_at_a_time(place):
    with Sandbox(place):
        second = subprocess.run([str(binary()), "--data", str(place), "--port-redshift", "0",
                                 "--port-aws", "0"], capture_output=True, text=True, timeout=30)
        assert second.returncode == 1
        assert "another vesto-sandbox is running" in second.stderr
        assert (place / "endpoints.json").exists()


def test_sessions_are_ended_with_the_sandbox(place):
    sandbox = Sandbox(place)
    sandbox.start()
    connection = sandbox.connect()
    connection.cursor().execute("begin")
    begin = time.monotonic()
    assert sandbox.stop() == 0
    assert time.monotonic() - begin < 10
    with pytest.raises(psycopg2.Error):
        connection.cursor().execute("select 1")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become others")
@pytest.mark.parametrize("way", ["closed directory", "ordinary user"])
def test_other_identities(place, way):
    home = pathlib.Path(f"{place}-{way.split()[0]}")
    command = [str(binary()), "--data", str(home / "data"), "--port-redshift", "0", "--port-aws",
               "0", "--no-sync"]
    home.mkdir(mode=0o700)
    if way == "ordinary user":
        os.chown(home, 65534, 65534)
        copy = pathlib.Path(f"{place}-bin")
        shutil.copy(binary(), copy)
        copy.chmod(0o755)
        os.chmod(place.parent, 0o755)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(copy),
                   *command[1:]]
    log = open(f"{home}.log", "w+")
    process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 60
        while not (home / "data" / "endpoints.json").exists():
            log.seek(0)
            assert process.poll() is None, log.read()
            assert time.monotonic() < end
            time.sleep(0.02)
        sandbox = Sandbox(home / "data")
        import json
        sandbox.endpoints = json.loads((home / "data" / "endpoints.json").read_text())
        fill(sandbox)
        assert kept(sandbox) == 2
        owner = (home / "data" / "pg").stat().st_uid
        assert owner == (65534 if way == "ordinary user" else 0)
    finally:
        process.terminate()
        assert process.wait(30) == 0
        shutil.rmtree(home, ignore_errors=True)


def test_bad_arguments():
    for arguments in ([], ["--data", "/proc/nowhere/x"], ["--data", "/tmp", "--isolation", "x"],
                      ["--data", "/tmp", "--port-aws", "70000"]):
        done = subprocess.run([str(binary()), *arguments], capture_output=True, timeout=30)
        assert done.returncode != 0
        assert done.stderr or done.stdout


def test_nothing_is_left_in_tmp(scratch):
    """Every sandbox of this run that has ended has removed its socket directory."""
    for directory in glob.glob("/tmp/vesto-pg-*"):
        if os.stat(directory).st_mtime < STARTED:
            continue  # of somebody else, before this run
        assert glob.glob(directory + "/.s.PGSQL.*"), f"{directory} is left behind"


@pytest.mark.parametrize("arguments, said", [
    (["--bogus"], '"--bogus" is not known'),
    ([], "--data DIR is missing"),
    (["--data", "x", "--kind", "foo"], "--kind: foo not in {provisioned,serverless}"),
    (["--data", "x", "--port-aws", "99999"], "--port-aws"),
    (["--data", "x", "more"], '"more" is not known'),
])
def test_a_wrong_command_line(scratch, arguments, said):
    """2, as every command of the project; and nothing is made."""
    done = subprocess.run([binary(), *arguments], cwd=scratch, capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 2 and done.stdout == ""
    first, *more = done.stderr.splitlines()
    assert first.startswith("vesto-sandbox: ") and said in first
    assert more == ["  Example: vesto-sandbox --data sandbox", "  More: vesto-sandbox --help"]
    assert not (pathlib.Path(scratch) / "x").exists()
