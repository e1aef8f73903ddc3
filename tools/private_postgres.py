"""A private PostgreSQL 15 for the demo and the tests: made in a temporary folder, TCP on loopback
with a password, gone with stop(). Works as root too (the server then runs as user postgres)."""
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import tempfile


def bindir():
    return pathlib.Path(subprocess.check_output(["pg_config", "--bindir"], text=True).strip())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PrivatePostgres:
    def __init__(self, folder=None, port=None, password=None, settings=None):
        self.folder = pathlib.Path(folder) if folder else pathlib.Path(
            tempfile.mkdtemp(prefix="vesto-source-"))
        self.port = port or free_port()
        self.user = "postgres"
        self.password = password or secrets.token_hex(12)
        self.settings = {
            "listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder),
            "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
            "shared_buffers": "128MB", "max_wal_size": "4GB", "timezone": "UTC",
            **(settings or {}),
        }

    def _as_server(self, *command):
        """The command as the user that the server runs under: never root."""
        command = [str(part) for part in command]
        if os.geteuid() != 0:
            return command
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]

    def _run(self, *command):
        done = subprocess.run(self._as_server(*command), cwd="/", text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} failed: {done.stdout[-2000:]}")

    def start(self):
        data = self.folder / "data"
        if not data.exists():
            password_file = self.folder / "pw"
            password_file.write_text(self.password)
            if os.geteuid() == 0:
                shutil.chown(self.folder, "postgres", "postgres")
                shutil.chown(password_file, "postgres", "postgres")
            self._run(bindir() / "initdb", "-D", data, "-U", self.user, "-A", "scram-sha-256",
                      f"--pwfile={password_file}", "-N", "--no-instructions", "-E", "UTF8",
                      "--locale=C.UTF-8")
            password_file.unlink()
        options = f"-p {self.port} " + " ".join(
            f"-c {name}={value}" for name, value in self.settings.items())
        self._run(bindir() / "pg_ctl", "-D", data, "-w", "-t", "60", "-l", self.folder / "log",
                  "-o", options, "start")
        return self

    def stop(self, mode="fast", keep=False):
        subprocess.run(self._as_server(bindir() / "pg_ctl", "-D", self.folder / "data", "-w", "-t",
                                       "30", "-m", mode, "stop"), cwd="/",
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def dsn(self, database="postgres"):
        return (f"host=127.0.0.1 port={self.port} user={self.user} password={self.password} "
                f"dbname={database}")

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()
