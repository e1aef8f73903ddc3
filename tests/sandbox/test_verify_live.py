"""tools/verify_live.py against sandboxes: every doubt of docs/unverified.md has a probe that runs,
the sandbox answers as chosen, and nothing is left behind however the program ends."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from sandbox_process import ROOT, build_dir

sys.path.insert(0, str(ROOT / "tools"))
from live import document, leftovers, probes, report, settings  # noqa: E402

PROGRAM = ROOT / "tools" / "verify_live.py"
# Probes to which the sandbox may answer otherwise; each says why in its file.
EXCEPTIONS = {37, 63}


def all_probes():
    return [p for _, found in probes.read() for p in found]


# The page and the files

def test_the_page_is_made_from_the_files():
    text = (ROOT / "docs" / "unverified.md").read_text(encoding="utf-8")
    assert text == document.render(probes.read()), "run tools/verify_live.py --write-docs"


def test_every_numbered_doubt_has_a_probe_and_the_reverse():
    text = (ROOT / "docs" / "unverified.md").read_text(encoding="utf-8")
    listed = [int(n) for n in re.findall(r"^### (\d+)\. ", text, re.MULTILINE)]
    files = " ".join(p.read_text(encoding="utf-8") for p in probes.FOLDER.glob("*.toml"))
    written = [int(n) for n in re.findall(r"^number = (\d+)$", files, re.MULTILINE)]
    assert len(set(listed)) == len(listed)
    assert sorted(listed) == sorted(written)
    assert {p.number for p in all_probes() if p.sandbox} == EXCEPTIONS


GOOD = '''title = "t"
order = 1
[[probe]]
number = 1
question = "q"
choice = "c"
step = [{ sql = "SELECT 1" }]
answer = [{ text = "1", means = "m", chosen = true }, { like = ".*", means = "m", change = "x" }]
'''


@pytest.mark.parametrize("old,new,text", [
    ("", "", ""),
    ("number = 1\n", "", "no number"),
    ("choice =", "chioce =", "unknown words"),
    ("{ sql =", "{ sqk =", "does nothing"),
    ("\"SELECT 1\" }", "\"SELECT 1\", qiet = true }", "unknown words"),
    (", chosen = true", ", change = \"x\"", "no answer is the chosen one"),
    (", change = \"x\"", "", "as chosen or says what to change"),
    ("text = \"1\", ", "", "text or like"),
    ("answer =", "manual = \"m\"\nanswer =", "one of them"),
    ("title = \"t\"\n", "", "title, order and probe"),
])
def test_a_mistake_in_a_file_is_named(tmp_path, old, new, text):
    (tmp_path / "a.toml").write_text(GOOD.replace(old, new, 1))
    if not text:
        assert probes.read(tmp_path)[0][1][0].number == 1
        return
    with pytest.raises(ValueError, match=re.escape(text)):
        probes.read(tmp_path)


def test_a_number_is_used_once(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.toml").write_text(GOOD)
    with pytest.raises(ValueError, match="a number that a.toml uses"):
        probes.read(tmp_path)


# Verdicts

def test_verdicts(tmp_path):
    (tmp_path / "a.toml").write_text(GOOD.replace('like = ".*"', 'like = "[2-9]"'))
    probe = probes.read(tmp_path)[0][1][0]
    assert report.judge(probe, ("1", ""), "snapshot") == ("1", report.AS_CHOSEN, "")
    assert report.judge(probe, ("2", ""), "snapshot") == ("2", report.OTHERWISE, "x")
    assert report.judge(probe, ("10", ""), "snapshot")[1] == report.OPEN
    assert report.judge(probe, ("1", "no answer in time"), "snapshot") == (
        "(no answer in time)", report.OPEN, "")
    lines = report.lines_of([probe], {1: ("1", "")}, {1: ("2", "")}, "snapshot")
    table = report.table(lines, 120)
    assert "settled otherwise" in table and max(len(t) for t in table.splitlines()) <= 120
    assert report.summary(lines).startswith("0 settled as chosen, 1 settled otherwise, 0 still")


# Names of runs

def test_only_dead_runs_of_ours_are_swept():
    name = leftovers.new_name()
    assert leftovers.NAME.fullmatch(name) and len(name) < 64
    assert not leftovers.is_dead(name), "this process lives"
    assert leftovers.is_dead(name, time.time() + leftovers.OLD_S + 60)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert leftovers.is_dead(name.replace(f"_{os.getpid()}_", f"_{ended.pid}_"))
    elsewhere = name.replace(leftovers.machine(), "0" * 7 + "1")
    assert not leftovers.is_dead(elsewhere.replace(f"_{os.getpid()}_", f"_{ended.pid}_"))
    for other in ("vesto_verify_", "vesto_verify_x", "public", "vesto_verify_1_2_3_4", name + "x"):
        assert not leftovers.is_dead(other, time.time() * 2)


# The program

@pytest.fixture(scope="module", params=["snapshot", "serializable"])
def live(request, start_sandbox):
    """A sandbox that plays the live warehouse."""
    sandbox = start_sandbox("live-" + request.param, "--isolation", request.param)
    sandbox.level = request.param
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="module")
def one(start_sandbox):
    sandbox = start_sandbox("live-one")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def clean(one):
    yield one
    one.clear_faults()


def environment(sandbox, **changes):
    redshift, aws = sandbox.endpoints["redshift"], sandbox.endpoints["aws"]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("VESTO_LIVE", "AWS_"))}
    env.update({
        "VESTO_LIVE_HOST": redshift["host"], "VESTO_LIVE_PORT": str(redshift["port"]),
        "VESTO_LIVE_DATABASE": redshift["database"], "VESTO_LIVE_USER": redshift["user"],
        "VESTO_LIVE_PASSWORD": redshift["password"], "VESTO_LIVE_BUCKET": aws["bucket"],
        "VESTO_LIVE_PREFIX": "some/where", "VESTO_LIVE_REGION": aws["region"],
        "VESTO_LIVE_CA_FILE": sandbox.endpoints["ca_file"], "VESTO_LIVE_S3_ENDPOINT": aws["url"],
        "AWS_ACCESS_KEY_ID": aws["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": aws["secret_access_key"], "VESTO_BUILD_DIR": str(build_dir())})
    env.update(changes)
    return {k: v for k, v in env.items() if v is not None}


def beside_itself(sandbox, *args):
    """The command where the sandbox is both: quicker, for what is about the program."""
    return [sys.executable, PROGRAM, "--sandbox", str(sandbox.data / "endpoints.json"), *args]


def run(command, env, limit_s=120):
    return subprocess.run([str(c) for c in command], env=env, capture_output=True, text=True,
                          timeout=limit_s, check=False)


def one_number(sandbox, sql):
    connection = sandbox.connect(admin=True)
    cursor = connection.cursor()
    cursor.execute(sql)
    found = cursor.fetchone()[0]
    connection.close()
    return found


def schemas(sandbox):
    return one_number(sandbox, "SELECT count(*) FROM pg_namespace"
                               f" WHERE nspname LIKE '{leftovers.MARK}%'")


def tables(sandbox):
    return one_number(sandbox, "SELECT count(*) FROM pg_class c, pg_namespace n WHERE"
                               f" n.oid = c.relnamespace AND nspname LIKE '{leftovers.MARK}%'")


def nothing_left(sandbox):
    sandbox.wait_left(objects=0, uploads=0, tables=0)
    assert schemas(sandbox) == 0


def test_the_sandbox_answers_as_chosen_and_nothing_is_left(live, tmp_path):
    env = environment(live, TMPDIR=str(tmp_path))
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:3]:
        if parent.owner() == tmp_path.owner() and "pytest" in parent.name:
            parent.chmod(0o755)  # the sandbox's database runs as another user
    answers = tmp_path / "answers.json"
    result = run([sys.executable, PROGRAM, "--json", answers], env)
    assert result.returncode == 1, result.stderr  # the exceptions
    found = {p["number"]: p for p in json.loads(answers.read_text())["probes"]}
    assert json.loads(answers.read_text())["isolation"] == live.level
    for probe in all_probes():
        line = found.pop(probe.number)
        if not probe.automatic():
            assert line["verdict"] == report.OPEN and line["change"] == probe.manual
            continue
        for side in ("sandbox", "live"):
            if probe.sandbox:
                assert re.fullmatch(probe.sandbox["like"], line[side]), (probe.number, line)
            else:
                entry = probe.match(line[side], live.level)
                assert entry and entry.get("chosen"), (probe.number, probe.question, line[side])
        assert probe.sandbox or line["verdict"] == report.AS_CHOSEN
    assert not found
    assert "no   | question" in result.stdout and "settled as chosen" in result.stdout
    for secret in (env["VESTO_LIVE_PASSWORD"], env["AWS_SECRET_ACCESS_KEY"]):
        assert secret not in result.stdout + result.stderr + answers.read_text()
    nothing_left(live)
    assert [p.name for p in tmp_path.iterdir()] == ["answers.json"], "its own sandbox has gone"


def test_it_refuses_to_run_without_settings(one):
    env = environment(one, VESTO_LIVE_HOST=None, VESTO_LIVE_PASSWORD=None,
                      AWS_SECRET_ACCESS_KEY="", VESTO_LIVE_PREFIX="/x", VESTO_LIVE_PORT="0")
    result = run([sys.executable, PROGRAM], env)
    assert result.returncode == 2 and result.stdout == ""
    assert [line.split()[0] for line in result.stderr.splitlines()] == [
        "VESTO_LIVE_HOST", "AWS_SECRET_ACCESS_KEY", "VESTO_LIVE_PREFIX", "VESTO_LIVE_PASSWORD",
        "VESTO_LIVE_PORT"]


@pytest.mark.parametrize("name,value", [
    ("VESTO_LIVE_HOST", "https://x"), ("VESTO_LIVE_BUCKET", "B'--"), ("VESTO_LIVE_PREFIX", "a//b"),
    ("VESTO_LIVE_PREFIX", "a'b"), ("VESTO_LIVE_REGION", "eu west"),
    ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "it's a secret key"),
    ("VESTO_LIVE_IAM_ROLE", "iam:x"), ("VESTO_LIVE_CA_FILE", "/no/such"),
    ("VESTO_LIVE_S3_ENDPOINT", "localhost"), ("VESTO_LIVE_PORT", "x")])
def test_a_bad_setting_is_named_and_not_shown(one, name, value):
    target, problems = settings.from_environment(environment(one, **{name: value}))
    assert target is None and len(problems) == 1
    said = "AWS_SESSION_TOKEN" if value.startswith("ASIA") else name
    assert problems[0].startswith(said) and value not in problems[0]


def test_the_password_may_be_in_a_file(one, tmp_path):
    file = tmp_path / "pw"
    file.write_text("a'b\\c\n")
    env = environment(one, VESTO_LIVE_PASSWORD=None, VESTO_LIVE_PASSWORD_FILE=str(file))
    assert settings.from_environment(env)[0].password == "a'b\\c"
    file.write_text("")
    assert settings.from_environment(env)[1] == ["VESTO_LIVE_PASSWORD_FILE names an empty file"]


def test_aws_addresses(one):
    target = settings.from_environment(environment(one, VESTO_LIVE_S3_ENDPOINT=None))[0]
    target.bucket, target.region = "b", "cn-north-1"
    assert target.s3_address() == ("https://b.s3.cn-north-1.amazonaws.com.cn", "")
    target.bucket, target.region = "b.c", "eu-west-1"
    assert target.s3_address() == ("https://s3.eu-west-1.amazonaws.com", "/b.c")


def test_a_probe_that_fails_is_open_and_the_others_go_on(clean, tmp_path):
    clean.fault("pg.statement", {"drop": "before"}, match="p61")
    answers = tmp_path / "a.json"
    result = run(beside_itself(clean, "--json", answers, "--only", "61", "--only", "62"),
                 environment(clean))
    assert result.returncode == 1
    lines = {p["number"]: p for p in json.loads(answers.read_text())["probes"]}
    assert lines[61]["verdict"] == report.OPEN and "connection lost" in lines[61]["live"]
    assert lines[62]["verdict"] == report.AS_CHOSEN
    nothing_left(clean)


def test_a_wrong_password_ends_it_with_one_line(one):
    env = environment(one, VESTO_LIVE_PASSWORD="not-the-password")
    result = run(beside_itself(one), env)
    assert result.returncode != 0 and "password authentication failed" in result.stderr
    assert "not-the-password" not in result.stdout + result.stderr


# However it ends

@pytest.fixture
def midway(clean):
    """Starts the program and returns when its probes stand in the middle, with tables and objects
    made; a COPY that lasts keeps it there."""
    started = []

    def start():
        clean.fault("copy.object", {"delay_ms": 5000}, count=100)
        process = subprocess.Popen([str(c) for c in beside_itself(clean)], env=environment(clean),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   start_new_session=True)
        started.append(process)
        end = time.monotonic() + 30
        while not (clean.left()["objects"] and tables(clean)):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.02)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_and_nothing_is_left(midway, clean, number):
    process = midway()
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number and "stopped" in errors
    nothing_left(clean)


@pytest.mark.parametrize("whole_group", [False, True])
def test_killed_and_nothing_is_left(midway, clean, whole_group):
    process = midway()
    if whole_group:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate(timeout=60)  # ends when the clean-up has ended too: it holds the pipes
    nothing_left(clean)


def children_of(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task")
    return [int(child) for task in tasks.iterdir()
            for child in (task / "children").read_text().split()]


def test_killed_with_its_clean_up_the_next_run_removes_it(midway, clean):
    process = midway()
    for child in children_of(process.pid):
        os.kill(child, signal.SIGKILL)
    process.kill()
    process.communicate(timeout=60)
    assert clean.left()["objects"] and tables(clean), "else this test shows nothing"
    clean.clear_faults()
    result = run(beside_itself(clean, "--only", "62"), environment(clean))
    assert result.returncode == 0, result.stderr
    assert "removing what the dead run vesto_verify_" in result.stdout
    nothing_left(clean)


def test_what_cannot_be_removed_is_said(clean):
    clean.fault("s3.delete", {"status": 403, "code": "AccessDenied"}, count=1000)
    result = run(beside_itself(clean, "--only", "1"), environment(clean))
    assert result.returncode == 3
    assert "left behind: live: objects below some/where/vesto_verify_" in result.stderr
    clean.clear_faults()
    run(beside_itself(clean, "--only", "62"), environment(clean))
    nothing_left(clean)
