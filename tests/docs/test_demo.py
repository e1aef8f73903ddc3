"""make demo prints what README.md shows, here with fewer rows and without building."""
import os
import subprocess

from pages import ROOT, read_page
from sandbox_process import build_dir
from shell import shown_in

DEBIAN_PYTHON = os.environ.get("PYTHON", "/usr/bin/python3")


def demo(folder, *arguments):
    return subprocess.run(
        [DEBIAN_PYTHON, ROOT / "tools/demo.py", *arguments], cwd=ROOT, capture_output=True,
        text=True, timeout=120, check=False, env={
            **os.environ, "VESTO_DEMO_DATA": str(folder / "demo-data"), "VESTO_DEMO_ORDERS": "4000",
            "VESTO_BUILD_DIR": str(build_dir()), "ASAN_OPTIONS": "detect_leaks=0"})


def test_the_demo_of_the_readme(tmp_path):
    shown, = (b for b in read_page("README.md").blocks if b.language == "text")
    lines = [line.split("PGPASSFILE=")[0] for line in shown.text.split("\n")
             if "--config" not in line and "psql" not in line]
    try:
        done = demo(tmp_path)
        assert done.returncode == 0, done.stderr
        assert shown_in("\n".join(lines), done.stdout) is None, done.stdout
    finally:
        demo(tmp_path, "--stop")
