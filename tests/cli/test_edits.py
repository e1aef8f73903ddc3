"""Changes of the configuration file: kills, several at once, odd files, lines that are told."""
import json
import os
import stat
import struct
import subprocess

import pytest
from adding import CLUSTER, add, by_password, destinations
from conftest import ROOT

# Kill points are compiled into the dev build alone.
DEV = ROOT / os.environ.get("VESTO_DEV_DIR", "build/dev") / "src" / "cli" / "vesto"


def test_two_at_once_are_both_there(vesto):
    vesto.write("vesto.toml", "version = 1\n")
    names = ["a", "b", "c", "d"]
    running = [vesto.start("destination", "add", name, *by_password(name, schema=name)) for name in names]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert sorted(destinations(vesto)) == names


@pytest.mark.parametrize("point,there", [("config.before_rename", False), ("config.after_rename", True)])
def test_killed_in_the_middle(vesto, point, there):
    vesto.write("vesto.toml", "version = 1\n# mine\n")
    arguments = ["destination", "add", "acme", *by_password()]
    done = subprocess.run([str(DEV), *arguments], cwd=vesto.folder, capture_output=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=60,
                          env={**vesto.environment, "VESTO_KILL_AT": point, "ASAN_OPTIONS": "detect_leaks=0"})
    assert done.returncode == -9, done.stderr
    text = (vesto.folder / "vesto.toml").read_text()
    assert text.startswith("version = 1\n# mine\n") and ("[destination.acme]" in text) == there
    assert vesto("config", "check", "--no-secrets").returncode == 0
    again = vesto(*arguments)
    assert again.returncode == (3 if there else 0)
    assert destinations(vesto)["acme"]["schema"] == "shop"
    if not there:
        assert os.listdir(vesto.folder) == ["vesto.toml"]


def test_the_one_that_loses_is_told_so(vesto):
    """Two remove the same: one does it, the other finds nothing there; never a fault of the file."""
    for _ in range(5):
        vesto.write("vesto.toml", "version = 1\n")
        add(vesto, "acme", *by_password())
        running = [vesto.start("destination", "remove", "acme", "--yes") for _ in range(4)]
        ended = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
        assert sorted(code for _, code in ended) == [0, 3, 3, 3]
        assert all("CFG-NO-OBJECT" in errors for errors, code in ended if code == 3), ended
        running = [vesto.start("destination", "add", "acme", *by_password()) for _ in range(3)]
        ended = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
        assert sorted(code for _, code in ended) == [0, 3, 3]
        assert all("CFG-DUPLICATE" in errors for errors, code in ended if code == 3), ended
        assert list(destinations(vesto)) == ["acme"]


def test_a_link_to_nothing_stays_a_link(vesto):
    link = vesto.folder / "vesto.toml"
    link.symlink_to("elsewhere/real.toml")
    done = add(vesto, "acme", *by_password())
    assert done.returncode == 3 and "CFG-FILE" in done.stderr and "symbolic link" in done.stderr
    assert link.is_symlink() and os.listdir(vesto.folder) == ["vesto.toml"]
    vesto.write("elsewhere/real.toml", "version = 1\n")
    assert add(vesto, "acme", *by_password()).returncode == 0
    assert link.is_symlink() and "acme" in destinations(vesto, "elsewhere/real.toml")
    link.unlink()
    os.mkfifo(link)
    done = add(vesto, "acme", *by_password())
    assert done.returncode == 3 and "CFG-FILE" in done.stderr and stat.S_ISFIFO(link.stat().st_mode)


def acl(*entries):
    """As the kernel keeps it: tag, rights, whose."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOBODY = 0xFFFFFFFF
# A user who may read, a group that may not: the group's bits of the mode are the mask.
READER = acl((0x01, 6, NOBODY), (0x02, 4, 12345), (0x04, 0, NOBODY), (0x10, 4, NOBODY), (0x20, 0, NOBODY))


def test_who_may_read_the_file_still_may_and_nobody_else(vesto):
    vesto.write("vesto.toml", "version = 1\n")
    path = vesto.folder / "vesto.toml"
    try:
        os.setxattr(path, "system.posix_acl_access", READER)
    except OSError:
        pytest.skip("no access lists on this file system")
    before = path.stat().st_mode
    for command in (["add", "acme", *by_password()], ["remove", "acme", "--yes"]):
        inode = path.stat().st_ino
        assert vesto("destination", *command).returncode == 0
        assert path.stat().st_ino != inode
        assert os.getxattr(path, "system.posix_acl_access") == READER and path.stat().st_mode == before


def test_a_list_of_the_directory_gives_nobody_a_right(vesto):
    vesto.write("vesto.toml", "version = 1\n")
    path = vesto.folder / "vesto.toml"
    path.chmod(0o640)
    try:
        os.setxattr(vesto.folder, "system.posix_acl_default", READER)
    except OSError:
        pytest.skip("no access lists on this file system")
    assert add(vesto, "acme", *by_password()).returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert "system.posix_acl_access" not in os.listxattr(path)


def test_files_of_others_beside_it_stay(vesto):
    vesto.write(".vesto.toml.new", "mine")
    vesto.write("vesto.toml.new", "mine too")
    assert add(vesto, "acme", *by_password()).returncode == 0
    assert (vesto.folder / ".vesto.toml.new").read_text() == "mine"
    assert (vesto.folder / "vesto.toml.new").read_text() == "mine too"


@pytest.mark.parametrize("what", ["fifo", "/dev/zero", "/dev/tty", "directory"])
def test_from_what_is_no_file(vesto, what):
    path = vesto.folder / "from.toml"
    if what == "fifo":
        os.mkfifo(path)
    elif what == "directory":
        path.mkdir()
    else:
        path = what
    done = add(vesto, "acme", "--from", str(path))
    assert done.returncode == 3 and "CFG-FILE" in done.stderr, done.stderr
    assert str(path) in done.stderr and "--from" in done.stderr
    assert not (vesto.folder / "vesto.toml").exists()


@pytest.mark.parametrize("value,kind", [("5", "an integer"), ("true", "true or false"), ('["x"]', "a list"),
                                        ("{ host = \"x\" }", "a section")])
def test_an_endpoint_of_another_kind(vesto, value, kind):
    vesto.write("in.toml", f"[destination.acme]\nendpoint = {value}\n")
    done = add(vesto, "acme", "--from", "in.toml")
    assert done.returncode == 3 and "CFG-VALUE" in done.stderr
    assert f"in.toml:2:12: endpoint is {kind}, and must be a text" in done.stderr, done.stderr


def test_the_lines_that_are_told_agree(vesto):
    vesto.write("vesto.toml", "version = 1\n")
    added = json.loads(add(vesto, "acme", *by_password(), "--json").stdout)
    text = (vesto.folder / "vesto.toml").read_text().replace("[destination.acme]\n",
                                                             "# of acme\n[destination.acme]\n", 1)
    vesto.write("vesto.toml", text)
    header = text.splitlines().index("[destination.acme]") + 1
    assert f"vesto.toml:{header}" in add(vesto, "acme", *by_password()).stderr
    removed = json.loads(vesto("destination", "remove", "acme", "--yes", "--json").stdout)
    assert (added["line"] + 1, removed["line"]) == (header, header)
