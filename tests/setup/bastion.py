"""The SSH server of a tunnel, in the VPC of the warehouse: a real sshd, behind a door that opens
where EC2's inbound rules of its security group say so. Packets of all others are dropped, as AWS
drops them, so that their connections time out.

Its group is the VPC's default one, as EC2 has it for instances that are started without a word of
groups. The account of whoever maintains it has its home in `home`.
"""
import ctypes
import ipaddress
import pathlib
import socket
import struct

from network import Sshd, TcpProxy

VESTO = ipaddress.ip_address("127.0.0.1")
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27  # socket(7)
DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # classic BPF: return 0 bytes of every packet


class Bastion:
    def __init__(self, home):
        self.authorized = pathlib.Path(home) / ".ssh" / "authorized_keys"
        self.authorized.parent.mkdir(mode=0o700)
        self.authorized.touch(mode=0o600)
        self.sshd = Sshd(AuthorizedKeysFile=self.authorized).__enter__()
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self._shut = False
        self._let_in(False)
        self.proxy = TcpProxy(self.sshd.port, listener=self.listener).__enter__()

    def close(self):
        self.proxy.__exit__(None, None, None)
        self.sshd.__exit__(None, None, None)

    def section(self):
        """[destination.acme.ssh]"""
        return (f'host = "127.0.0.1"\nport = {self.port}\nuser = "{self.sshd.user}"\n'
                f'host_key = "{self.sshd.fingerprint}"\n')

    def follow(self, group):
        """Does at the door what the rules of the security group say."""
        self._let_in(any(
            VESTO in ipaddress.ip_network(block["CidrIp"])
            for rule in group["IpPermissions"] for block in rule.get("IpRanges", [])
            if rule["IpProtocol"] == "-1" or (
                rule["IpProtocol"] == "tcp" and rule["FromPort"] <= self.port <= rule["ToPort"])))

    def _let_in(self, may):
        if may == (not self._shut):
            return
        if may:
            self.listener.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        else:
            code = ctypes.create_string_buffer(DROP_ALL)
            program = struct.pack("HxxxxxxP", 1, ctypes.addressof(code))
            self.listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        self._shut = not may

    # --- the lines of authorized_keys ---
    def lines(self):
        return [line for line in self.authorized.read_text().splitlines() if line]

    def write(self, lines):
        self.authorized.write_text("".join(line + "\n" for line in lines))
