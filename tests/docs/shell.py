"""A shell that runs the blocks of one page, one after the other, as a reader pastes them."""
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time


class Shell:
    """One bash for a page: variables, the folder and background jobs stay from block to block.

    folder: where it begins. environment: all that it has. A block that does not end within limit_s
    is a failure. close() ends the shell and what it has started."""

    def __init__(self, folder, environment):
        self.notes = pathlib.Path(tempfile.mkdtemp(prefix="vesto-page-"))
        self.count = 0
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"], cwd=folder, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)

    def run(self, text, typed="", expected=0, limit_s=60):
        """Runs a block; every line of it must end well, or the last one with `expected`.
        typed: what its commands find on stdin. Returns what it printed, stdout and stderr."""
        self.count += 1
        note = self.notes / str(self.count)
        given, out, code = (note.with_suffix(end) for end in (".in", ".out", ".code"))
        given.write_text(typed)
        # A quote that does not close would have the shell wait for more.
        whole = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True,
                               check=False)
        assert whole.returncode == 0, f"{whole.stderr}\n{text}"
        # -e for the lines of a block, off for one that is to fail. The code is renamed into place,
        # so that it is never read by half.
        option = "-e" if expected == 0 else "+e"
        self.process.stdin.write(
            f"set {option} -o pipefail\n{{\n{text}\n}} <{given} >{out} 2>&1\n"
            f"echo $? >{code}.part; mv {code}.part {code}\n")
        self.process.stdin.flush()
        end = time.monotonic() + limit_s
        while not code.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                break
            time.sleep(0.01)
        printed = out.read_text(errors="replace") if out.exists() else ""
        got = int(code.read_text()) if code.exists() else self.process.poll()
        assert got == expected, f"exit {got}, not {expected}, of:\n{text}\nIt printed:\n{printed}"
        return printed

    def close(self):
        self.process.stdin.close()
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


def line_pattern(line):
    """A line as a page shows it: `...` stands for anything, a number for any number."""
    made = []
    for piece in re.split(r"(\.\.\.|\d+(?:,\d{3})*|\s+)", line.strip()):
        if piece == "...":
            made.append(".*")
        elif piece[:1].isdigit():
            made.append(r"\d+(?:,\d{3})*")
        elif piece.isspace():
            made.append(r"\s+")
        else:
            made.append(re.escape(piece))
    return re.compile("".join(made) + r"\s*$")


def shown_in(shown, printed):
    """The first line of `shown` that does not stand in `printed` behind those before, or None."""
    rest = [line.strip() for line in printed.split("\n")]
    for line in shown.split("\n"):
        if line.strip() in ("", "..."):
            continue
        pattern = line_pattern(line)
        while rest and not pattern.match(rest[0]):
            rest.pop(0)
        if not rest:
            return line
        rest.pop(0)
    return None
