#!/usr/bin/env python3
"""Throughput of Vesto's SSH tunnel, of OpenSSH's own `ssh -L` and of no tunnel at all, on loopback,
interleaved, each way for itself: medians and ratios. Bytes are counted at the receiver.

  bench/ssh_tunnel.py [--mib 512] [--pairs 7] [--build build/release]

ssh -L runs with its own choice of cipher and with Vesto's (AES-128-GCM).
"""
import argparse
import contextlib
import multiprocessing
import os
import pathlib
import pwd
import re
import socket
import statistics
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MIB = 1 << 20
CHUNK = 4 * MIB


def send_all(connection, size):
    block = bytes(CHUNK)
    while size > 0:
        part = min(size, CHUNK)
        connection.sendall(memoryview(block)[:part])
        size -= part


def take_all(connection, size):
    block = bytearray(CHUNK)
    while size > 0:
        got = connection.recv_into(block, min(size, CHUNK))
        if got == 0:
            raise SystemExit("the connection ended too early")
        size -= got


def serve(connection):
    """A letter and a size say what to do."""
    with connection:
        order = connection.recv(32)
        if not order:
            return
        size = int(order[1:])
        if order[:1] == b"d":
            send_all(connection, size)
        else:
            connection.sendall(b"+")
            take_all(connection, size)
            connection.sendall(b".")


def target(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def seconds(port, way, size):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(way.encode() + str(size).encode())
        if way == "d":
            start = time.monotonic()
            take_all(connection, size)
        else:
            take_all(connection, 1)
            start = time.monotonic()
            send_all(connection, size)
            take_all(connection, 1)
        return time.monotonic() - start


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    for _ in range(400):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.025)
    raise SystemExit(f"nobody listens on {port}")


def keygen(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


def start_sshd(folder):
    keygen(folder / "host")
    keygen(folder / "key")
    (folder / "authorized_keys").write_text((folder / "key.pub").read_text())
    port = free_port()
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin yes\nPasswordAuthentication no\n")
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", str(folder / "sshd_config"),
                                "-E", str(folder / "log")])
    wait_for(port)
    return process, port


def start_ssh(folder, ssh_port, user, target_port, ciphers):
    port = free_port()
    process = subprocess.Popen(
        ["ssh", "-F", "none", "-N", "-p", str(ssh_port), "-i", str(folder / "key"),
         "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR",
         "-o", f"UserKnownHostsFile={folder}/known", *ciphers,
         "-L", f"127.0.0.1:{port}:127.0.0.1:{target_port}", f"{user}@127.0.0.1"])
    wait_for(port)
    return process, port


def start_vesto(folder, build, ssh_port, user, target_port):
    said = subprocess.run(["ssh-keygen", "-l", "-f", str(folder / "host.pub")], text=True,
                          capture_output=True, check=True).stdout
    fingerprint = re.search(r"SHA256:\S+", said).group()
    process = subprocess.Popen(
        [str(build / "bench" / "ssh_tunnel_bench"), str(ssh_port), user, fingerprint,
         str(folder / "key"), str(target_port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    if not line:
        raise SystemExit("the tunnel could not be opened")
    return process, int(line)


def measure(ports, size, pairs):
    rates = {(name, way): [] for name in ports for way in "du"}
    for _ in range(pairs):
        for name, port in ports.items():
            for way in "du":
                rates[name, way].append(size / MIB / seconds(port, way, size))
    for way, words in (("d", "from the target"), ("u", "to the target")):
        print(f"{words}, MiB/s, median [range]:")
        for name in ports:
            some = rates[name, way]
            ratio = statistics.median(a / b for a, b in zip(rates["vesto", way], some))
            print(f"  {name:22} {statistics.median(some):7.0f} [{min(some):.0f}-{max(some):.0f}]"
                  f"   vesto / this: {ratio:.2f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    options = parser.parse_args()
    user = pwd.getpwuid(os.geteuid()).pw_name
    listener = socket.create_server(("127.0.0.1", 0))
    target_port = listener.getsockname()[1]
    processes = [multiprocessing.Process(target=target, args=(listener,), daemon=True)]
    processes[0].start()
    with tempfile.TemporaryDirectory(prefix="vesto-bench-") as name:
        folder = pathlib.Path(name)
        try:
            sshd, ssh_port = start_sshd(folder)
            processes.append(sshd)
            ports = {"direct": target_port}
            for title, ciphers in (("ssh -L", []), ("ssh -L, AES-128-GCM",
                                                    ["-c", "aes128-gcm@openssh.com"])):
                process, ports[title] = start_ssh(folder, ssh_port, user, target_port, ciphers)
                processes.append(process)
            process, ports["vesto"] = start_vesto(folder, options.build, ssh_port, user,
                                                  target_port)
            processes.append(process)
            print(f"{options.mib} MiB each way, {options.pairs} pairs")
            measure(ports, options.mib * MIB, options.pairs)
        finally:
            for process in reversed(processes):
                process.terminate()


if __name__ == "__main__":
    main()
