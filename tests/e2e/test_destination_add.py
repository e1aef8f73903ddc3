"""destination add against the sandbox: it ends with a green test, and what it wrote syncs."""
import json
import os
import subprocess

from world import RELEASE, RUN_TIMEOUT_S


def ask(world, *arguments):
    sts = {"AWS_ENDPOINT_URL_STS": world.sandbox.endpoints["aws"]["url"]}
    return subprocess.run(world.command(*arguments, binary=RELEASE), text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=RUN_TIMEOUT_S, env={**os.environ, **sts},
                          check=False)


def test_add_ends_with_a_green_test_and_remove_takes_it_back(one_world):
    world = one_world
    world.source("CREATE TABLE a (id bigint PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'x')")
    world.table("public.a").write_config()
    file = world.folder / "vesto.toml"
    before = file.read_bytes()
    given = ("--from", str(file), "--schema", world.schema.upper(), "--test", "--wait", "0s")
    done = ask(world, "destination", "add", "two", *given, "--json")
    data = json.loads(done.stdout)
    assert done.returncode == 0 and data["report"]["ok"], (data, done.stderr)
    assert data["settings"]["schema"] == world.schema
    assert data["report"]["target"] == {"kind": "destination", "name": "two"}
    world.assert_nothing_left()
    # A right that is missing: the exit code is the test's, the destination is there.
    assert ask(world, "destination", "remove", "two", "--yes").returncode == 0
    assert file.read_bytes() == before
    done = ask(world, "destination", "add", "two", *given, "--bucket", "no-such-bucket-here")
    assert done.returncode == 4, done.stdout
    assert "S3-NO-BUCKET" in done.stdout and "two is not ready." in done.stdout
    assert "[destination.two]" in file.read_text()
    assert ask(world, "destination", "remove", "two", "--yes").returncode == 0
    # What it writes is what a sync delivers to.
    assert ask(world, "destination", "add", "two", *given[:-3]).returncode == 0
    file.write_text(file.read_text().replace('destination = "rs"', 'destination = "two"'))
    world.must_run()
    assert world.sandbox.query(f'SELECT count(*) FROM "{world.schema}".a') == [(1,)]
    refused = ask(world, "destination", "remove", "two", "--yes")
    assert refused.returncode == 3 and "sync.shop" in refused.stderr
