"""vesto-sandbox-s3, the S3 endpoint alone, as a process of the tests."""

import json
import subprocess
import urllib.error
import urllib.request

from sandbox_process import binary


class S3Process:
    """One endpoint on one directory. `e` holds what it printed: url, region, bucket, keys, ca_file."""

    def __init__(self, directory, plain=False):
        self.directory = str(directory)
        self.plain = plain
        self.start()

    def start(self):
        program = binary("sandbox/s3/vesto-sandbox-s3")
        assert program.exists(), f"{program} is not built; VESTO_BUILD_DIR names the directory"
        command = [str(program), self.directory] + (["--plain"] if self.plain else [])
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.e = json.loads(self.process.stdout.readline())

    def stop(self):
        """Ends it in order; returns its exit code."""
        self.process.stdin.close()
        code = self.process.wait(timeout=30)
        self.process.stdout.close()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=30)

    @property
    def port(self):
        return int(self.e["url"].rsplit(":", 1)[1])

    def control(self, method, path, body=None):
        request = urllib.request.Request(
            self.e["control"]["url"] + path, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Bearer " + self.e["control"]["token"]})
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def fault(self, on, then, **more):
        self.control("POST", "/v1/faults", {"on": on, "then": then, **more})

    def left(self):
        return self.control("GET", "/v1/left")
