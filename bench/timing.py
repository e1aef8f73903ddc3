"""A command, run to its end: what it took, what it held, and what it printed."""
import dataclasses
import os
import pathlib
import select
import signal
import subprocess
import threading
import time

LOOK_EVERY_S = 0.02
LIMIT_S = 3600
# What is timed writes to files; Vesto's events, which are all parsed, are few.
MOST_OUT, MOST_ERRORS = 16 << 20, 64 << 10
PIPES_END_S = 10  # after the process


class Failed(SystemExit):
    """The command did not do its work."""


@dataclasses.dataclass(frozen=True)
class Cost:
    wall_s: float
    cpu_s: float  # of the command and its children, user and system
    peak_mib: float  # 0 if it was not watched
    out: str = ""


def resident(pid):
    """Bytes now and at most. VmHWM begins at exec, unlike ru_maxrss, which keeps what this program
    had at the fork: until then it is a copy of this program, and nothing."""
    here = pathlib.Path(f"/proc/{pid}")
    if (here / "cmdline").read_bytes() == pathlib.Path("/proc/self/cmdline").read_bytes():
        return 0, 0
    words = dict(line.split(":", 1) for line in (here / "status").read_text().splitlines())
    return tuple(int(words.get(key, "0 kB").split()[0]) * 1024 for key in ("VmRSS", "VmHWM"))


def of_process(pid):
    """The most that it ever had."""
    try:
        return resident(pid)[1]
    except OSError:
        return 0


def of_tree(pid):
    """Of the process and its descendants together, or the most that one of them ever had, if that
    is more."""
    together, largest, todo = 0, 0, [pid]
    while todo:
        one = todo.pop()
        try:
            now, most = resident(one)
            together, largest = together + now, max(largest, most)
            for task in pathlib.Path(f"/proc/{one}/task").iterdir():
                todo += [int(child) for child in (task / "children").read_text().split()]
        except (OSError, ValueError):
            continue  # it ended meanwhile
    return max(together, largest)


class Watcher(threading.Thread):
    """What `look` sees can only grow or is looked at again soon: what is missed is the last moment
    of the process."""

    def __init__(self, look, pid):
        super().__init__(daemon=True)
        self.look, self.pid, self.peak, self.ended = look, pid, 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(LOOK_EVERY_S):
            self.peak = max(self.peak, self.look(self.pid))

    def stop(self):
        self.ended.set()
        self.join()


class Drain(threading.Thread):
    """Reads a pipe while the other side writes, which would wait for ever at 64 KiB that nobody
    reads; keeps the last bytes."""

    def __init__(self, pipe, most):
        super().__init__(daemon=True)
        self.pipe, self.most, self.kept, self.cut = pipe, most, bytearray(), False
        self.start()

    def run(self):
        while data := self.pipe.read1(1 << 16):
            self.kept += data
            if len(self.kept) > 2 * self.most:
                self.shorten()

    def shorten(self):
        if len(self.kept) > self.most:
            self.cut = True
            del self.kept[:-self.most]

    def text(self):
        """SystemExit where somebody else still holds the pipe."""
        self.join(PIPES_END_S)
        if self.is_alive():
            raise Failed("it left a process behind that holds its output")
        self.pipe.close()
        self.shorten()
        return self.kept.decode(errors="replace")


def wait_for(process, limit_s):
    """(whether it ended by itself, its status, what it used). The group is ended while its leader
    is not reaped, so the number is nobody else's."""
    handle = os.pidfd_open(process.pid)
    try:
        in_time = bool(select.select([handle], [], [], limit_s)[0])
    except BaseException:  # this program was interrupted
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    finally:
        os.close(handle)
    if not in_time:
        os.killpg(process.pid, signal.SIGKILL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return in_time, usage


def timed(command, environment=None, watch=None, stdin=None, folder=None, limit_s=LIMIT_S):
    """`watch`: of_process or of_tree. Failed where it ends with anything but 0, or not in time."""
    command = [str(part) for part in command]
    with open(stdin or os.devnull, "rb") as given:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=given, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, cwd=folder, start_new_session=True,
                                   env={**os.environ, **(environment or {})})
    out, errors = Drain(process.stdout, MOST_OUT), Drain(process.stderr, MOST_ERRORS)
    watcher = Watcher(watch, process.pid) if watch else None
    try:
        in_time, usage = wait_for(process, limit_s)
        wall = time.monotonic() - start
    finally:
        if watcher:
            watcher.stop()
    printed, said = out.text(), errors.text()
    if not in_time or process.returncode != 0:
        how = f"failed with {process.returncode}" if in_time else f"not done in {limit_s} s"
        raise Failed(f"{how}: {command[:3]}: {printed[-2000:]}{said[-2000:]}")
    if out.cut:
        raise Failed(f"it printed more than {MOST_OUT} bytes: {command[:3]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime,
                watcher.peak / (1 << 20) if watcher else 0, printed)
