"""The gates in front of the tests: each must fail where there is nothing that it could have passed."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import run_tests  # noqa: E402


@pytest.fixture
def gate(tmp_path, monkeypatch):
    """run_tests.py over a folder of its own."""
    monkeypatch.setattr(run_tests, "ROOT", tmp_path)
    monkeypatch.setattr(run_tests, "BUILD", tmp_path)
    monkeypatch.setattr(run_tests, "VENV", tmp_path / "no-venv")
    monkeypatch.setattr(run_tests, "DEBIAN_PYTHON", sys.executable)

    def judge(text, **more):
        (tmp_path / "test_one.py").write_text(text)
        return str(run_tests.pytest(["test_one.py"], "one", 60, **more))
    return judge


@pytest.mark.parametrize("text, tally", [
    ("def test_a(): pass\n", "1 passed, 0 failed, 0 skipped"),
    ("def test_a(): assert False\n", "0 passed, 1 failed, 0 skipped"),
    ("def test_a(:\n", "0 passed, 1 failed, 0 skipped"),
    ("", "0 passed, 1 failed, 0 skipped"),
    ("import pytest\npytest.importorskip('no_such_module')\n", "0 passed, 0 failed, 1 skipped"),
    ("import os\nos._exit(0)\n", "0 passed, 1 failed, 0 skipped"),
], ids=["passes", "fails", "broken", "empty", "skipped", "dies"])
def test_what_a_suite_counts_as(gate, text, tally):
    assert gate(text) == tally


def test_a_suite_without_its_clients_is_skipped_and_says_so(gate, capfd):
    assert gate("import no_such_module\n",
                needs=("os", "no_such_module")) == "0 passed, 0 failed, 1 skipped"
    assert "without no_such_module (tests/requirements.txt)" in capfd.readouterr().out


def formatted(tmp_path, text, path):
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "check_format.sh", tmp_path / "tools")
    shutil.copy(ROOT / ".clang-format", tmp_path)
    (tmp_path / "one.cc").write_text(text)
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "one.cc"], cwd=tmp_path, check=True)
    return subprocess.run([tmp_path / "tools" / "check_format.sh"], capture_output=True, text=True,
                          env={**os.environ, "PATH": path}, check=False)


def test_the_format_is_checked(tmp_path):
    done = formatted(tmp_path, "int   one( ) ;\n", os.environ["PATH"])
    assert done.returncode == 1 and "one.cc" in done.stdout


def test_a_good_format_passes(tmp_path):
    assert formatted(tmp_path, "int one();\n", os.environ["PATH"]).returncode == 0


def test_no_clang_format_is_no_good_format(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "git", "xargs", "dirname", "mkdir", "head"):
        (tools / name).symlink_to(shutil.which(name))
    assert formatted(tmp_path, "int one();\n", str(tools)).returncode == 1


def rooms(tmp_path, name, text):
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "ARCHITECTURE.md", tmp_path / "docs")
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(text)
    return subprocess.run([sys.executable, ROOT / "tools" / "rooms.py", tmp_path],
                          capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name, text, code", [
    ("src/net/a.cc", '#include "base/result.h"\n', 0),
    ("src/net/a.cc", '#include "net/http.h"\n', 0),
    ("src/net/a.cc", '#include "aws/sts.h"\n', 1),
    ("src/kit/a.cc", '#include "pg/quoting.h"\n', 0),
    ("src/kit/a.cc", '#include "pg/connection.h"\n', 1),
    ("src/attic/a.cc", "\n", 1),
    ("sandbox/a.cc", '#include "base/result.h"\n', 0),
    ("sandbox/a.cc", '#include "net/http.h"\n', 1),
])
def test_arrows(tmp_path, name, text, code):
    done = rooms(tmp_path, name, text)
    assert done.returncode == code, done.stdout + done.stderr
