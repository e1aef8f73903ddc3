"""Drives tests/tools/s3_probe: Vesto's own S3 client, one command a line."""

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def probe_binary():
    """The probe: VESTO_S3_PROBE, or the newest that a build made."""
    named = os.environ.get("VESTO_S3_PROBE")
    if named:
        return Path(named)
    built = sorted(ROOT.glob("build/*/tests/tools/s3_probe"), key=lambda p: p.stat().st_mtime)
    if not built:
        raise FileNotFoundError("s3_probe is not built: cmake --build --preset dev")
    return built[-1]


class Probe:
    """One client. Use it as a context manager, or close() it."""

    def __init__(self, **options):
        self._process = subprocess.Popen(
            [str(probe_binary())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._send(options)

    def _send(self, value):
        self._process.stdin.write(json.dumps(value) + "\n")
        self._process.stdin.flush()

    def __call__(self, do, **arguments):
        self._send({"do": do, **arguments})
        line = self._process.stdout.readline()
        assert line, f"the probe ended during {do}"
        return json.loads(line)

    def good(self, do, **arguments):
        """The answer, which must be ok."""
        answer = self(do, **arguments)
        assert answer["ok"], answer
        return answer

    def bad(self, do, **arguments):
        """The answer, which must be an error."""
        answer = self(do, **arguments)
        assert not answer["ok"], answer
        return answer

    def close(self):
        self._process.stdin.close()
        assert self._process.wait(timeout=30) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def body(size, seed):
    """The bytes that the probe puts."""
    return bytes((seed + i * 7 + i // 251) % 256 for i in range(size))
