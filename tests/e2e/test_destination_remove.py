"""destination remove while runs into it go on or have left files: a sync that is out of the file has
taken neither along."""
import json
import re
import signal

import pytest
from test_destination_add import ask
from world import DEV, wait_stopped


def without_its_sync(world):
    """As an editor leaves it: the destination stands there, and nothing uses it any more."""
    file = world.folder / "vesto.toml"
    text = file.read_text()
    file.write_text(text[:re.search(r"^\[+sync", text, re.M).start()])


def ready(world):
    world.source("CREATE TABLE a (id bigint PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'x')")
    world.table("public.a").write_config()
    return world


@pytest.mark.parametrize("point", ["stage.after_put", "plan.after_snapshot"])
def test_not_while_a_run_goes_on(one_world, point):
    world = ready(one_world)
    before = (world.folder / "vesto.toml").read_bytes()
    running = world.popen(binary=DEV, environment={"VESTO_STOP_AT": point})
    try:
        wait_stopped(running)
        without_its_sync(world)
        refused = ask(world, "destination", "remove", "rs", "--secrets", "--yes")
        assert refused.returncode != 0 and "RUN-BUSY" in refused.stderr, refused
        assert re.search(rf"sync shop is being run by run_\w+ \(process {running.pid}\)",
                         refused.stderr), refused.stderr
        assert "[destination.rs]" in (world.folder / "vesto.toml").read_text()
    finally:
        running.send_signal(signal.SIGCONT)
        running.communicate(timeout=60)
    # It is over: nothing is in the way, and nothing lies there.
    done = ask(world, "destination", "remove", "rs", "--yes", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["stays"]["staged"] == [], done
    (world.folder / "vesto.toml").write_bytes(before)
    world.must_run()


def test_files_of_a_run_that_was_killed_are_named(one_world):
    world = ready(one_world)
    code, _, _ = world.run(binary=DEV, environment={"VESTO_KILL_AT": "stage.after_put"})
    assert code == -signal.SIGKILL
    before = (world.folder / "vesto.toml").read_bytes()
    without_its_sync(world)
    alone = (world.folder / "vesto.toml").read_bytes()
    done = ask(world, "destination", "remove", "rs", "--yes")
    assert done.returncode == 0, done.stderr
    command = re.search(r"vesto (show run_\w+ --files)   # 1 of sync shop", done.stdout)
    assert command and done.stdout.index(command[0]) < done.stdout.index("is out of"), done.stdout
    (world.folder / "vesto.toml").write_bytes(alone)
    assert "in_bucket" in ask(world, *command[1].split(), "--json").stdout
    done = ask(world, "destination", "remove", "rs", "--yes", "--json")
    (staged,) = json.loads(done.stdout)["stays"]["staged"]
    assert (staged["sync"], staged["objects"]) == ("shop", 1)
    # What it says helps.
    (world.folder / "vesto.toml").write_bytes(before)
    world.must_run()
    world.assert_nothing_left()
    without_its_sync(world)
    done = ask(world, "destination", "remove", "rs", "--yes", "--json")
    assert json.loads(done.stdout)["stays"]["staged"] == []
