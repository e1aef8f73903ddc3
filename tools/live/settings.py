"""Where a run of the probes connects to, read from the environment or from a sandbox's file."""
import dataclasses
import json
import os
import pathlib
import re

SYSTEM_CA_FILE = "/etc/ssl/certs/ca-certificates.crt"
# What each setting is, said when it is missing.
NEEDED = {
    "VESTO_LIVE_HOST": "the host name of the cluster or workgroup",
    "VESTO_LIVE_DATABASE": "the database, in which the user may create a schema",
    "VESTO_LIVE_USER": "the database user",
    "VESTO_LIVE_BUCKET": "the bucket for the probes' objects",
    "VESTO_LIVE_PREFIX": "the prefix in the bucket, below which a folder of the run's own is made",
    "VESTO_LIVE_REGION": "the bucket's region",
    "AWS_ACCESS_KEY_ID": "the key that may put, get, list and delete below the prefix",
    "AWS_SECRET_ACCESS_KEY": "the secret of the key",
}
SUFFIXES = {"cn-": "amazonaws.com.cn", "eusc-": "amazonaws.eu"}


@dataclasses.dataclass
class Target:
    """One warehouse with its bucket."""
    name: str
    host: str
    port: int
    database: str
    user: str
    password: str = dataclasses.field(repr=False)
    ca_file: str
    bucket: str
    prefix: str  # ends with "/"
    region: str
    endpoint: str  # of S3; empty: AWS's own
    key_id: str = dataclasses.field(repr=False)
    secret: str = dataclasses.field(repr=False)
    token: str = dataclasses.field(default="", repr=False)
    iam_role: str = ""

    def secrets(self):
        return [s for s in (self.password, self.secret, self.token, self.key_id) if s]

    def serverless(self):
        return ".redshift-serverless." in self.host

    def keys(self):
        """The keys as COPY takes them."""
        token = f" SESSION_TOKEN '{self.token}'" if self.token else ""
        return f"ACCESS_KEY_ID '{self.key_id}' SECRET_ACCESS_KEY '{self.secret}'{token}"

    def authorization(self):
        return f"IAM_ROLE '{self.iam_role}'" if self.iam_role else self.keys()

    def s3_address(self):
        """(https://host, path in front of the key)."""
        if self.endpoint:
            return self.endpoint.rstrip("/"), f"/{self.bucket}"
        suffix = next((s for p, s in SUFFIXES.items() if self.region.startswith(p)),
                      "amazonaws.com")
        if "." in self.bucket:  # the certificate covers one label only
            return f"https://s3.{self.region}.{suffix}", f"/{self.bucket}"
        return f"https://{self.bucket}.s3.{self.region}.{suffix}", ""


def read_password(env, problems):
    file = env.get("VESTO_LIVE_PASSWORD_FILE", "")
    if env.get("VESTO_LIVE_PASSWORD"):
        return env["VESTO_LIVE_PASSWORD"]
    if not file:
        problems.append("VESTO_LIVE_PASSWORD is not set, nor VESTO_LIVE_PASSWORD_FILE: the "
                        "password of the database user")
        return ""
    try:
        text = pathlib.Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeError) as error:
        problems.append(f"VESTO_LIVE_PASSWORD_FILE cannot be read: {type(error).__name__}")
        return ""
    if not text:
        problems.append("VESTO_LIVE_PASSWORD_FILE names an empty file")
    return text


# What goes into SQL text or an address, so what it may hold is narrow.
SHAPES = {
    "VESTO_LIVE_HOST": (r"[A-Za-z0-9.-]{1,253}", "a host name without port or scheme"),
    "VESTO_LIVE_BUCKET": (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "a bucket's name"),
    "VESTO_LIVE_PREFIX": (r"(?!/)(?!.*//)[A-Za-z0-9!_.*()/-]{1,500}",
                          "letters, digits and !_.*()-/ and does not begin with /"),
    "VESTO_LIVE_REGION": (r"[a-z0-9-]{5,40}", "a region such as eu-west-1"),
    "VESTO_LIVE_IAM_ROLE": (r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]{1,512}", "a role's ARN"),
    "AWS_ACCESS_KEY_ID": (r"\w{16,128}", "an access key id"),
    "AWS_SECRET_ACCESS_KEY": (r"[A-Za-z0-9/+=]{16,128}", "a secret access key"),
    "AWS_SESSION_TOKEN": (r"[A-Za-z0-9/+=_-]{16,8192}", "a session token"),
}


def from_environment(env=None):
    """(Target or None, problems): one line for each setting that is missing or wrong."""
    env = os.environ if env is None else env
    problems = [f"{name} is not set: {what}" for name, what in NEEDED.items() if not env.get(name)]
    for name, (shape, what) in SHAPES.items():
        if env.get(name) and not re.fullmatch(shape, env[name]):
            problems.append(f"{name} is not {what}" if name != "VESTO_LIVE_PREFIX" else
                            f"{name} may hold {what}")
    password = read_password(env, problems)
    port = env.get("VESTO_LIVE_PORT") or "5439"
    if not re.fullmatch(r"\d{1,5}", port) or not 0 < int(port) < 65536:
        problems.append("VESTO_LIVE_PORT is not a port number")
    if env.get("AWS_ACCESS_KEY_ID", "").startswith("ASIA") and not env.get("AWS_SESSION_TOKEN"):
        problems.append("AWS_SESSION_TOKEN is not set: the key is of a session and needs it")
    ca_file = env.get("VESTO_LIVE_CA_FILE") or SYSTEM_CA_FILE
    if not pathlib.Path(ca_file).is_file():
        problems.append("VESTO_LIVE_CA_FILE names no file: the certificates to trust")
    endpoint = env.get("VESTO_LIVE_S3_ENDPOINT", "")
    if endpoint and not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d+)?/?", endpoint):
        problems.append("VESTO_LIVE_S3_ENDPOINT is not a URL such as https://host:9000")
    if problems:
        return None, problems
    return Target(
        "live", env["VESTO_LIVE_HOST"], int(port), env["VESTO_LIVE_DATABASE"],
        env["VESTO_LIVE_USER"], password, ca_file, env["VESTO_LIVE_BUCKET"],
        env["VESTO_LIVE_PREFIX"].rstrip("/") + "/", env["VESTO_LIVE_REGION"], endpoint,
        env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env.get("AWS_SESSION_TOKEN", ""),
        env.get("VESTO_LIVE_IAM_ROLE", "")), []


def from_sandbox(file):
    """The Target of a sandbox, from its endpoints.json."""
    data = json.loads(pathlib.Path(file).read_text(encoding="utf-8"))
    redshift, aws = data["redshift"], data["aws"]
    return Target("sandbox", redshift["host"], redshift["port"], redshift["database"],
                  redshift["user"], redshift["password"], data["ca_file"], aws["bucket"],
                  "vesto/", aws["region"], aws["url"], aws["access_key_id"],
                  aws["secret_access_key"])


class Redactor:
    """Takes the secrets of all targets out of whatever is about to be shown."""

    def __init__(self, *targets):
        secrets = {s for target in targets if target for s in target.secrets()}
        self.secrets = sorted(secrets, key=len, reverse=True)

    def __call__(self, text):
        text = str(text)
        for secret in self.secrets:
            text = text.replace(secret, "<secret>")
        return text
