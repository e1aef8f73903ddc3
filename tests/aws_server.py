"""awscli as it is, loaded once: each call is a fork of a process that has imported it already, since
its imports take a second of every call. `aws` in `folder` hands its words, environment, directory
and open files over to it.

    subprocess.run(["sh", "-c", "aws sts get-caller-identity"], env={"PATH": awscli_folder(), ...})
"""
import atexit
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

CLIENT = """#!{python} -IS
import array, json, os, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({path!r})
files = array.array("i", [0, 1, 2])
line.sendmsg([b"f"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
line.sendall(json.dumps({{"words": sys.argv, "environment": dict(os.environ),
                        "folder": os.getcwd()}}).encode())
line.shutdown(socket.SHUT_WR)
code = line.recv(4)
sys.exit(int(code) if code else 255)
"""


def serve(path):
    """Until it is killed; one child for each call."""
    import awscli.clidriver
    import awscli.handlers  # noqa: F401  (what it imports at every start)
    import botocore.httpsession  # noqa: F401
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        line, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            answer(line, awscli.clidriver.main)
        line.close()


def answer(line, run):
    """Waits for the call in a child of its own, so that whatever it does, its code is sent."""
    _, files, _, _ = socket.recv_fds(line, 1, 3)
    text = b""
    while piece := line.recv(65536):
        text += piece
    call = json.loads(text)
    child = os.fork()
    if child == 0:
        line.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
        own = {"AWS_DATA_PATH": os.environ["AWS_DATA_PATH"]}  # set by awscli's import
        os.environ.clear()
        os.environ.update({**own, **call["environment"]})
        os.chdir(call["folder"])
        sys.argv = call["words"]
        try:
            code = run()
        except SystemExit as end:
            code = end.code
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)
    _, status = os.waitpid(child, 0)
    line.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


class AwsServer:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="vesto-aws-")
        path = os.path.join(self.folder, "socket")
        client = pathlib.Path(self.folder) / "aws"
        client.write_text(CLIENT.format(python=sys.executable, path=path))
        client.chmod(0o755)
        self.process = subprocess.Popen([sys.executable, __file__, path], stdout=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


_STARTED = []


def awscli_folder():
    """Where `aws` is: one process for a whole test run, started when it is needed."""
    if not _STARTED:
        _STARTED.append(AwsServer())
        atexit.register(_STARTED[0].close)
    return _STARTED[0].folder


if __name__ == "__main__":
    serve(sys.argv[1])
