"""secret set, list, remove, rotate-key; { secret = } in the configuration; what others may see of
the process."""
import fcntl
import json
import os
import pty
import pwd
import re
import resource
import select
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import termios
import time

import pytest

from conftest import CONFIG, SECRETS, VESTO

VALUE = "pA55-w0rd of acme'\"\\@[]/?#+ &:%"


def give(vesto, value, *arguments, environment=None, **more):
    """vesto with `value` on stdin; its output never shows it."""
    raw = value if isinstance(value, bytes) else value.encode()
    done = subprocess.run([str(VESTO), *arguments], cwd=vesto.folder, input=raw,
                          capture_output=True, timeout=60, check=False,
                          env={**vesto.environment, **(environment or {})}, **more)
    assert len(raw) < 4 or raw.strip() not in done.stdout + done.stderr
    done.out, done.err = done.stdout.decode(), done.stderr.decode()
    return done


def set_secret(vesto, name, value):
    done = give(vesto, value, "secret", "set", name)
    assert done.returncode == 0, done.err
    return done


def names(vesto, *arguments):
    done = vesto("secret", "list", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return [one["name"] for one in json.loads(done.stdout)["secrets"]]


def use_sealed(vesto, port=1):
    """The configuration with every secret in the sealed store."""
    text = CONFIG.format(port=port)
    text = text.replace('{ file = "pw" }', '{ secret = "shop/password" }')
    text = text.replace('{ env = "VESTO_TEST_PASSWORD" }', '{ secret = "acme/password" }')
    text = text.replace('{ file = "sk" }', '{ secret = "acme/aws-secret" }')
    text = text.replace('user = "reader"', 'user = { secret = "shop/user" }')
    vesto.write("vesto.toml", text)
    return text


SEALED = {"shop/password": SECRETS["pw"], "acme/password": SECRETS["env"],
          "acme/aws-secret": SECRETS["sk"], "shop/user": "reader-by-secret"}


def test_set_list_remove(vesto):
    first = set_secret(vesto, "acme/password", VALUE + "\n")
    assert first.out == ("✓ acme/password is set.\n"
                         "Made .vesto/keys/master.key (mode 0600). Keep a copy of it in another "
                         "place: without it the secrets are lost.\n"
                         'Next:  { secret = "acme/password" } in the configuration, then  '
                         "vesto config check\n")
    again = set_secret(vesto, "acme/password", VALUE)
    assert again.out.startswith("✓ acme/password has a new value.\nNext:")
    set_secret(vesto, "a", VALUE)
    shown = vesto("secret", "list")
    lines = shown.stdout.splitlines()
    assert lines[0].split() == ["SECRET", "CREATED", "CHANGED", "KEY"]
    assert [line.split()[0] for line in lines[1:]] == ["a", "acme/password"]
    data = json.loads(vesto("secret", "list", "--json").stdout)
    assert data["schema"] == "vesto.secret-list/1"
    assert set(data["secrets"][0]) == {"name", "created_at", "changed_at", "key"}
    gone = vesto("secret", "remove", "a")
    assert (gone.returncode, gone.stdout, gone.stderr) == (0, "✓ a is removed.\n", "")
    assert names(vesto) == ["acme/password"]
    missing = vesto("secret", "remove", "acme/pasword")
    assert missing.returncode == 3 and missing.stdout == ""
    assert ('Error SEC-MISSING: there is no secret "acme/pasword" in .vesto; did you mean '
            '"acme/password"?') in missing.stderr
    for path in (".vesto/secrets.sealed", ".vesto/keys/master.key"):
        assert stat.S_IMODE((vesto.folder / path).stat().st_mode) == 0o600
        assert VALUE not in (vesto.folder / path).read_text()


def test_another_process_changes_the_secrets(vesto):
    """Ten seconds are waited, then nothing is written."""
    set_secret(vesto, "a", VALUE)
    before = (vesto.folder / ".vesto/secrets.sealed").read_bytes()
    with open(vesto.folder / ".vesto/secrets.lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = give(vesto, VALUE, "secret", "set", "b")
    assert done.returncode == 7 and "Error SYS-STORE-BUSY" in done.err
    assert (vesto.folder / ".vesto/secrets.sealed").read_bytes() == before
    set_secret(vesto, "b", VALUE)


def test_json_and_quiet(vesto):
    done = json.loads(give(vesto, VALUE, "secret", "set", "a", "--json").out)
    assert done == {"schema": "vesto.secret-set/1", "name": "a", "replaced": False,
                    "made_key": True, "key_file": ".vesto/keys/master.key"}
    turned = json.loads(vesto("secret", "rotate-key", "--json").stdout)
    assert turned["schema"] == "vesto.secret-rotate-key/1" and turned["secrets"] == 1
    assert turned["key"] != turned["old_key"]
    assert give(vesto, VALUE, "secret", "set", "b", "-q").out == ""
    assert vesto("secret", "rotate-key", "--quiet").stdout == ""
    assert json.loads(vesto("secret", "remove", "a", "--json").stdout) == \
        {"schema": "vesto.secret-remove/1", "name": "a"}
    failed = vesto("secret", "remove", "a", "--json")
    assert json.loads(failed.stdout)["error"]["code"] == "SEC-MISSING"


def test_nothing_there(vesto):
    done = vesto("secret", "list")
    assert done.returncode == 0
    assert done.stdout == "There are no secrets.\nNext:  vesto secret set NAME\n"
    for command in (["remove", "a"], ["rotate-key"]):
        done = vesto("secret", *command)
        assert done.returncode == 3 and "Error SEC-MISSING: " in done.stderr, command
    for command in (["list"], ["remove", "a"], ["rotate-key"]):
        done = vesto("secret", *command, "--data", "nowhere")
        assert done.returncode == 3 and "there is no data directory nowhere" in done.stderr
    assert os.listdir(vesto.folder) == []


def test_values_from_file_and_stdin(vesto):
    """They arrive byte by byte: the configuration that reads them back is the source's login."""
    path = vesto.write("value", VALUE + "\r\n")
    assert vesto("secret", "set", "a", "--from-file", str(path)).returncode == 0
    assert give(vesto, VALUE, "secret", "set", "b", "--from-file", "-").returncode == 0
    for value, code, text in (
            ("", 3, "CFG-VALUE: the value of a is empty"),
            ("\n", 3, "CFG-VALUE: the value of a is empty"),
            ("a\0b", 3, "CFG-VALUE: the value holds a NUL byte"),
            ("x" * 65537, 3, "CFG-VALUE: the value of a is larger than 64 KiB"),
            ("x" * 1_000_000, 3, "CFG-VALUE: the value of a is larger than 64 KiB"),
            ("x" * 65536, 0, ""), ("x" * 65536 + "\n", 0, ""), ("x\n\n", 0, "")):
        done = give(vesto, value, "secret", "set", "a")
        assert done.returncode == code and text in done.err, (value[:10], done.err)
    for path in ("none", "."):
        done = vesto("secret", "set", "a", "--from-file", path)
        assert done.returncode == 3
        assert f"CFG-SECRET-MISSING: file {path} cannot be read" in done.stderr
    closed = give(vesto, "", "secret", "set", "a", preexec_fn=lambda: os.close(0))
    assert closed.returncode == 3 and "stdin cannot be read" in closed.err


@pytest.mark.parametrize("name", ["A", "/etc/passwd", "../a", "a b", "ä", "a\n", "hunter2 Plain",
                                  "x" * 101, ""])
def test_names(vesto, name):
    done = give(vesto, VALUE, "secret", "set", name)
    assert done.returncode == 2, done.err
    assert "cannot be the name of a secret" in done.err and "hunter2" not in done.err
    assert os.listdir(vesto.folder) == []


def test_a_value_is_never_taken_from_the_command_line(vesto):
    done = vesto("secret", "set", "a", "value")
    assert done.returncode == 2 and "one argument too many" in done.stderr
    help_text = vesto("secret", "set", "--help").stdout
    assert "--from-file" in help_text and "--value" not in help_text
    assert "vesto secret needs one of: set, list, remove, rotate-key." in vesto("secret").stderr


def test_data_directories(vesto):
    give(vesto, VALUE, "secret", "set", "one", "--data", "d1")
    give(vesto, VALUE, "secret", "set", "two", environment={"VESTO_DATA": "d2"})
    assert names(vesto, "--data", "d1") == ["one"] and names(vesto, "--data", "d2") == ["two"]
    assert names(vesto) == []


def terminal(vesto, *typed, arguments=("secret", "set", "a"), end=None):
    """Runs vesto at a terminal; (exit code, what was shown, whether echo is on at the end)."""
    ours, theirs = pty.openpty()
    # Another descriptor of the terminal keeps its settings alive.
    process = subprocess.Popen([str(VESTO), *arguments], cwd=vesto.folder, stdin=theirs,
                               stdout=theirs, stderr=theirs, env=vesto.environment,
                               start_new_session=True,
                               preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    shown = b""

    def wait_for(mark):
        nonlocal shown
        start = len(shown)
        until = time.monotonic() + 20
        while mark not in shown[start:]:
            assert time.monotonic() < until, shown
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    shown += os.read(ours, 4096)
                except OSError:
                    return
            elif process.poll() is not None:
                return

    for prompt, line in typed:
        wait_for(prompt)
        assert not termios.tcgetattr(theirs)[3] & termios.ECHO
        os.write(ours, line)
    if end:
        process.send_signal(end)
    code = process.wait(20)
    echo = bool(termios.tcgetattr(theirs)[3] & termios.ECHO)
    while select.select([ours], [], [], 0.1)[0]:
        shown += os.read(ours, 4096)
    os.close(ours)
    os.close(theirs)
    return code, shown.decode(), echo


def test_terminal_asks_twice_without_echo(vesto):
    typed = VALUE.encode() + b"\n"
    code, shown, echo = terminal(vesto, (b"Value of a (it is not shown): ", typed),
                                 (b"Once more: ", typed))
    assert code == 0 and echo and "a is set." in shown
    assert VALUE not in shown and "pA55" not in shown
    code, shown, echo = terminal(vesto, (b"shown): ", typed), (b"more: ", b"another\n"))
    assert code == 2 and echo and "the two entries are not the same; nothing was set" in shown
    assert "pA55" not in shown and "another" not in shown
    code, shown, echo = terminal(vesto, (b"shown): ", b"\n"))
    assert code == 3 and echo and "the value of a is empty" in shown
    code, shown, echo = terminal(vesto, (b"shown): ", b"\x04"))
    assert code == 3 and echo


@pytest.mark.parametrize("how", ["key", signal.SIGTERM, signal.SIGHUP])
def test_terminal_is_given_back_when_interrupted(vesto, how):
    if how == "key":
        code, shown, echo = terminal(vesto, (b"shown): ", b"pA55\x03"))
        assert code == -signal.SIGINT
    else:
        code, shown, echo = terminal(vesto, (b"shown): ", b"pA55"), end=how)
        assert code == -how
    assert echo and "pA55" not in shown
    assert not (vesto.folder / ".vesto").exists()


def test_configuration_reads_sealed_secrets(vesto):
    text = use_sealed(vesto)
    done = vesto("config", "check")
    assert done.returncode == 3
    assert "vesto.toml:7:23 SEC-MISSING" not in done.stderr
    assert done.stderr.count("SEC-MISSING: there is no secret ") == 4
    assert vesto("config", "check", "--no-secrets").returncode == 0
    assert not (vesto.folder / ".vesto").exists()
    for name, value in SEALED.items():
        set_secret(vesto, name, value)
    done = vesto("config", "check")
    assert done.returncode == 0, done.stderr
    shown = vesto("config", "show").stdout
    assert 'password = { secret = "shop/password" }' in shown
    settings = {s["path"]: s["value"] for s in
                json.loads(vesto("config", "show", "--json").stdout)["settings"]}
    assert settings["destination.rs.auth.password"] == {"secret": "acme/password"}
    vesto.write("vesto.toml", text.replace("acme/aws-secret", "acme/aws-secrt"))
    done = vesto("config", "check")
    at = next(i for i, line in enumerate(text.splitlines(), 1) if "aws-secret" in line)
    assert done.stderr.startswith(f"vesto.toml:{at}:32 SEC-MISSING: there is no secret "
                                  '"acme/aws-secrt" in .vesto; did you mean "acme/aws-secret"?')
    run = vesto("run", "shop", "--json")
    assert run.returncode == 3
    error = json.loads(run.stdout.splitlines()[-1])["error"]
    assert error["code"] == "SEC-MISSING" and error["message"].startswith(f"vesto.toml:{at}:32: ")
    # What was sealed with another key, or may be read by others.
    vesto.write("vesto.toml", text)
    key = vesto.folder / ".vesto/keys/master.key"
    key.chmod(0o644)
    done = vesto("config", "check")
    assert done.returncode == 3 and "may be read by others (its mode is 0644)" in done.stderr
    assert "Fix: chmod 600 " in done.stderr
    key.unlink()
    done = vesto("config", "check")
    assert done.returncode == 3 and "SEC-KEY: there is no key file" in done.stderr
    for secret in SEALED.values():
        assert secret not in done.stdout + done.stderr + shown


def test_references_that_are_none(vesto):
    text = use_sealed(vesto)
    for broken, told in (
            ('{ secret = "Not a name" }', "this cannot be the name of a secret"),
            ('{ secret = "hunter2-PLAIN" }', "this cannot be the name of a secret"),
            ('{ secret = "" }', "source.pg.password.secret is empty"),
            ("{ secret = 3 }", "source.pg.password.secret must be a text, but is an integer"),
            ('{ secret = "a", env = "B" }', "must name one place: secret, env or file"),
            ('"hunter2-plain"', "source.pg.password is a secret and may not stand in the file")):
        vesto.write("vesto.toml", text.replace('{ secret = "shop/password" }', broken))
        done = vesto("config", "check", "--no-secrets")
        assert done.returncode == 3 and told in done.stderr, (broken, done.stderr)
        assert "hunter2" not in done.stderr
    assert "Fix: vesto secret set NAME" in done.stderr


def test_rotation_keeps_every_secret_and_old_keys_open_nothing(vesto):
    use_sealed(vesto)
    for name, value in SEALED.items():
        set_secret(vesto, name, value)
    key = vesto.folder / ".vesto/keys/master.key"
    old = key.read_bytes()
    done = vesto("secret", "rotate-key")
    assert done.returncode == 0 and done.stdout.startswith("✓ 4 secrets sealed anew with key ")
    assert vesto("config", "check").returncode == 0
    key.write_bytes(old)
    done = vesto("config", "check")
    assert done.returncode == 3 and done.stderr.count("SEC-KEY: the key file") == 4


def test_two_processes_at_once(vesto):
    set_secret(vesto, "first", VALUE)
    folder = vesto.write("value", VALUE).parent
    running = [subprocess.Popen([str(VESTO), "secret", "set", f"n{i}", "--from-file", "value"],
                                cwd=folder, env=vesto.environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
               for i in range(8)]
    for process in running:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert VALUE.encode() not in out + err
    assert names(vesto) == ["first"] + [f"n{i}" for i in range(8)]


def test_full_disk(vesto):
    set_secret(vesto, "a", VALUE)
    before = (vesto.folder / ".vesto/secrets.sealed").read_bytes()
    done = give(vesto, "b" * 4000, "secret", "set", "b",
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
    assert done.returncode == 4 and "Error SYS-DISK: " in done.err
    assert (vesto.folder / ".vesto/secrets.sealed").read_bytes() == before
    assert names(vesto) == ["a"]


def test_changed_bytes(vesto):
    set_secret(vesto, "a", VALUE)
    path = vesto.folder / ".vesto/secrets.sealed"
    whole = path.read_bytes()
    for at in range(0, len(whole), 37):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        for command in (["list"], ["remove", "a"], ["rotate-key"]):
            done = vesto("secret", *command)
            assert done.returncode == 3 and "Error SEC-KEY: " in done.stderr, at
            assert done.stdout == ""
    path.write_bytes(whole[:-1])
    assert give(vesto, VALUE, "secret", "set", "b").returncode == 3


@pytest.fixture
def open_folder():
    """A directory that another user may enter, which pytest's own is not."""
    path = tempfile.mkdtemp(prefix="vesto-secret-")
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def for_nobody(vesto, open_folder):
    """Program and folder, copied to where the user nobody may use them."""
    nobody = pwd.getpwnam("nobody")
    folder = f"{open_folder}/w"
    shutil.copytree(vesto.folder, folder)
    binary = shutil.copy(VESTO, f"{open_folder}/vesto")
    os.chmod(binary, 0o755)
    for base, folders, files in os.walk(folder):
        for one in [base, *(f"{base}/{f}" for f in folders + files)]:
            os.chown(one, nobody.pw_uid, nobody.pw_gid)
    return binary, folder, nobody


def test_a_run_that_proc_hides_is_not_taken_for_dead(vesto, open_folder):
    """Under hidepid=2 a process that may not be dumped is hidden even from its own user."""
    hide = ["unshare", "-m", "sh", "-c", 'mount -t proc -o hidepid=2 proc /proc && exec "$@"', "sh"]
    if subprocess.run([*hide, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs root and the right to mount")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        listener.settimeout(30)
        vesto.configure(port=listener.getsockname()[1])
        binary, folder, nobody = for_nobody(vesto, open_folder)
        command = [*hide, "setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}",
                   "--clear-groups", binary, "run", "shop"]
        first = subprocess.Popen(command, cwd=folder, env=vesto.environment,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        try:
            connection, _ = listener.accept()
            second = subprocess.run(command, cwd=folder, env=vesto.environment, timeout=30,
                                    capture_output=True, text=True, check=False)
            connection.close()
        finally:
            first.kill()
            first.wait(20)
        assert second.returncode == 7 and "Error RUN-BUSY: " in second.stderr


def test_what_others_see_of_a_run_that_holds_secrets(vesto, open_folder):
    """A run that waits for its source: no core, not dumpable, nothing in its arguments."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        use_sealed(vesto, port=listener.getsockname()[1])
        for name, value in SEALED.items():
            set_secret(vesto, name, value)
        as_nobody = {}
        binary, folder = str(VESTO), vesto.folder
        if os.geteuid() == 0:
            # Root sees through every wall, so the run is that of an ordinary user.
            binary, folder, nobody = for_nobody(vesto, open_folder)
            as_nobody = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        process = subprocess.Popen([binary, "run", "shop"], cwd=folder, env=vesto.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **as_nobody)
        try:
            listener.settimeout(30)
            connection, _ = listener.accept()  # by now all secrets have been opened
            proc = f"/proc/{process.pid}"
            limits = open(f"{proc}/limits").read()
            assert re.search(r"^Max core file size +0 +0 ", limits, re.M), limits
            # proc(5): the files of a process that may not be dumped belong to root.
            assert os.stat(f"{proc}/environ").st_uid == 0
            assert os.stat(f"{proc}/mem").st_uid == 0
            for one in ("environ", "mem", "maps"):
                read = subprocess.run(["cat", f"{proc}/{one}"], capture_output=True, **as_nobody,
                                      check=False)
                assert read.returncode != 0 and b"ermission denied" in read.stderr, one
            arguments = open(f"{proc}/cmdline").read()
            for value in SEALED.values():
                assert value not in arguments
            connection.close()
        finally:
            process.kill()
            out, err = process.communicate(timeout=20)
        for value in SEALED.values():
            assert value.encode() not in out + err


def test_help_knows_the_commands(vesto):
    for command in ("set", "list", "remove", "rotate-key"):
        done = vesto("help", "secret", command)
        assert done.returncode == 0 and f"vesto secret {command}" in done.stdout
    for code in ("SEC-KEY", "SEC-MISSING"):
        assert vesto("help", code).stdout.startswith(code)
