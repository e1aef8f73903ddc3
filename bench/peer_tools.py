"""The other tools of bench/peers.py: how each is installed and told to copy one table.

Each is used as its own guide says for PostgreSQL to Redshift with S3 between; what is set besides
names and keys stands in its `settings`. Secrets are in the environment or in files, never in a
command.
"""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HERE = ROOT / "build" / "peers"
INSTALL_TIMEOUT_S = 900


class NotInstalled(Exception):
    pass


class Place:
    """Where a run reads and writes: the source, the sandbox and a folder of its own."""

    def __init__(self, world, folder):
        self.world, self.folder = world, folder
        self.redshift = world.sandbox.endpoints["redshift"]
        self.aws = world.sandbox.endpoints["aws"]
        self.ca_file = world.sandbox.endpoints["ca_file"]

    def source_url(self, kind):
        postgres = self.world.postgres
        return (f"{kind}://{postgres.user}:{postgres.password}@127.0.0.1:{postgres.port}/"
                f"{self.world.database}")

    def environment(self, **more):
        return {**os.environ, "AWS_CA_BUNDLE": self.ca_file, "SSL_CERT_FILE": self.ca_file,
                "AWS_ENDPOINT_URL": self.aws["url"], "AWS_REGION": self.aws["region"],
                "AWS_DEFAULT_REGION": self.aws["region"], **more}

    def write(self, name, value):
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(json.dumps(value))
        return path


class Peer:
    name = ""
    requirements = ()
    pip_options = ()
    slow = False  # given --slow-rows
    stage_only = False
    bar = 0  # times Vesto's CPU that the issue asks for; 0: none
    settings = ""
    does = ""

    @property
    def venv(self):
        return HERE / self.name.split()[0]

    def python(self, program="python"):
        return str(self.venv / "bin" / program)

    def install(self):
        wanted = "\n".join(self.requirements)
        stamp = self.venv / "installed"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        HERE.mkdir(parents=True, exist_ok=True)
        steps = ([sys.executable, "-m", "venv", "--clear", str(self.venv)],
                 [self.python("pip"), "install", "-q", "--disable-pip-version-check",
                  *self.pip_options, *self.requirements])
        for step in steps:
            try:
                done = subprocess.run(step, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                      timeout=INSTALL_TIMEOUT_S)
            except subprocess.TimeoutExpired as error:
                raise NotInstalled("pip did not end in time") from error
            if done.returncode:
                raise NotInstalled(f"{pathlib.Path(step[0]).name} ended with {done.returncode}")
        self.patch()
        stamp.write_text(wanted)

    def patch(self):
        pass

    def schema(self):
        return "peer_" + self.name.replace(" ", "_").replace("-", "_")

    def target(self, table):
        return f"{self.schema()}.{table}"

    def prepare(self, place, table):
        """What it needs before the clock starts."""

    def command(self, place, table):
        """(command, environment, path of its standard input or None)."""
        raise NotImplementedError

    def rows_counted(self, _stdout):
        """For one that ends at the stage: the rows it says it has written."""
        return None


class Sling(Peer):
    name = "sling"
    requirements = ("sling==1.4.11", "sling-linux-amd64==1.4.11")
    bar = 20
    settings = "as it comes: `--mode full-refresh`"
    does = ("Whole job: a table beside the target, COPY of csv.gz files into it, the target "
            "dropped and made anew, INSERT. Guards: none. Not exactly once: nothing is committed with the "
            "rows that says which they are. Types are kept.")

    def command(self, place, table):
        program = next(self.venv.glob("lib/*/site-packages/sling_linux_amd64/bin/sling-*"))
        r, aws = place.redshift, place.aws
        target = {"type": "redshift", "host": r["host"], "port": r["port"], "user": r["user"],
                  "password": r["password"], "database": r["database"], "sslmode": "require",
                  "schema": "public", "aws_bucket": aws["bucket"], "aws_region": aws["region"],
                  "aws_access_key_id": aws["access_key_id"], "aws_endpoint": aws["url"],
                  "aws_secret_access_key": aws["secret_access_key"]}
        environment = place.environment(
            SLING_HOME_DIR=str(place.folder), SLING_DISABLE_TELEMETRY="true",
            SOURCE=place.source_url("postgres") + "?sslmode=disable", TARGET=json.dumps(target))
        return ([str(program), "run", "--src-conn", "SOURCE", "--src-stream", f"public.{table}",
                 "--tgt-conn", "TARGET", "--tgt-object", self.target(table), "--mode",
                 "full-refresh"], environment, None)


class Dlt(Peer):
    requirements = ("dlt[redshift,s3,parquet]==1.31.0", "s3fs==2026.9.0", "SQLAlchemy==2.1.9",
                    "psycopg2-binary==2.9.13", "pyarrow==26.0.1")
    backend = ""
    file_format = None  # dlt's own choice

    def command(self, place, table):
        r, aws = place.redshift, place.aws
        settings = place.write("dlt.json", {
            "source": place.source_url("postgresql+psycopg2"), "table": table,
            "backend": self.backend, "file_format": self.file_format,
            "folder": str(place.folder), "schema": self.schema(), "stage_only": self.stage_only,
            "bucket_url": f"s3://{aws['bucket']}/{self.schema()}",
            "redshift": {"host": r["host"], "port": r["port"], "username": r["user"],
                         "password": r["password"], "database": r["database"]},
            "aws": {"aws_access_key_id": aws["access_key_id"], "endpoint_url": aws["url"],
                    "aws_secret_access_key": aws["secret_access_key"],
                    "region_name": aws["region"]}})
        return ([self.python(), str(ROOT / "bench" / "dlt_peer.py"), str(settings)],
                place.environment(RUNTIME__DLTHUB_TELEMETRY="false"), None)

    def rows_counted(self, stdout):
        return json.loads(stdout.splitlines()[-1])["rows"]


class DltPyarrow(Dlt):
    name = "dlt pyarrow"
    backend = "pyarrow"
    stage_only = True
    bar = 20
    settings = "`sql_table(backend=\"pyarrow\")`, else as it comes"
    does = ("Ends at the stage: it writes Parquet, which the sandbox's COPY does not take. So its "
            "figures are of reading and uploading alone, and those of Vesto beside them until all "
            "is staged. Guards: none. Whether the rows are right is not compared.")


class DltPyarrowJsonl(Dlt):
    name = "dlt pyarrow jsonl"
    backend = "pyarrow"
    file_format = "jsonl"
    slow = True
    bar = 20
    settings = "`sql_table(backend=\"pyarrow\")`, `loader_file_format=\"jsonl\"`"
    does = ("The same reading, and the whole job: jsonl files, which the sandbox's COPY takes. "
            "Into Redshift itself dlt would write Parquet, with less CPU. Guards: none; resumed, not "
            "exactly once, as below.")


class DltDefault(Dlt):
    name = "dlt default"
    backend = "sqlalchemy"
    slow = True
    bar = 80
    settings = "`sql_table(backend=\"sqlalchemy\")`, else as it comes"
    does = ("Whole job, by jsonl files: the target is emptied and filled, then the load is written "
            "into its own tables, so a load that was cut is resumed, not exactly once. Guards: "
            "none. Integers become BIGINT, every text VARCHAR(65535); two columns are added.")


class PipelineWise(Peer):
    name = "pipelinewise-target-redshift"
    requirements = ("pipelinewise-target-redshift==1.6.0", "pipelinewise-singer-python==2.0.1",
                    "boto3==1.44.5", "inflection==0.5.1", "joblib==1.6.0", "jsonschema==4.26.0",
                    "psycopg2-binary==2.9.13", "backoff==2.2.1", "ciso8601==2.4.1",
                    "python-dateutil==2.9.0.post0", "pytz==2026.6", "simplejson==4.3.0",
                    "orjson==3.13.0", "attrs==26.1.0", "botocore==1.44.5", "jmespath==1.1.0",
                    "cloudpickle==3.1.2",
                    "s3transfer==0.19.3", "urllib3==2.8.0", "six==1.17.0", "referencing==0.37.0",
                    "rpds-py==2026.9.1", "jsonschema-specifications==2025.9.1",
                    "typing-extensions==4.16.0")
    pip_options = ("--no-deps",)  # its own pins are older than this Python
    slow = True
    settings = ("gzip; patched at install: `collections.MutableMapping` is `collections.abc."
                "MutableMapping` since Python 3.10; newer libraries than it asks for")
    does = ("The half behind the source: a Singer file made beforehand is its input, and making it "
            "is not counted. Whole load from there, 100,000 rows a COPY, UPDATE and INSERT. Not "
            "exactly once: its state is printed after each load. Guards: none; its COPY says "
            "TRIMBLANKS and TRUNCATECOLUMNS. Decimals become DOUBLE PRECISION, integers "
            "NUMERIC(18,0), dates TIMESTAMP.")

    def patch(self):
        for path in self.venv.glob("lib/*/site-packages/target_redshift/db_sync.py"):
            text = path.read_text()
            text = text.replace("import collections\n", "import collections.abc\n")
            path.write_text(text.replace("collections.Mut", "collections.abc.Mut"))

    @staticmethod
    def property_of(kind):
        if kind in ("integer", "bigint", "smallint"):
            return {"type": ["null", "integer"]}
        if kind in ("numeric", "double precision"):
            return {"type": ["null", "number"]}
        if kind.startswith(("date", "timestamp")):
            return {"type": ["null", "string"], "format": "date-time"}
        return {"type": ["null", "string"]}

    def prepare(self, place, table):
        columns = place.world.source(
            "SELECT attname, format_type(atttypid, NULL), attnum = ANY (conkey) FROM pg_attribute "
            "JOIN pg_constraint ON conrelid = attrelid AND contype = 'p' "
            "WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum", table)
        schema = {"type": "SCHEMA", "stream": table,
                  "schema": {"properties": {name: self.property_of(kind)
                                            for name, kind, _ in columns}},
                  "key_properties": [name for name, _, key in columns if key]}
        state = {"type": "STATE", "value": {"bookmarks": {}}}
        statement = (f"COPY (SELECT json_build_object('type', 'RECORD', 'stream', '{table}', "
                     f"'record', row_to_json(t)) FROM {table} t) TO STDOUT (FORMAT csv, "
                     "QUOTE E'\\x01', DELIMITER E'\\x02')")
        with open(self.input(place), "w", encoding="utf-8") as file:
            file.write(json.dumps(schema) + "\n" + json.dumps(state) + "\n")
            file.flush()
            subprocess.run(["psql", "-qX", place.world.postgres.dsn(place.world.database), "-c",
                            statement], stdout=file, check=True)
            file.write(json.dumps(state) + "\n")

    @staticmethod
    def input(place):
        return place.folder / "singer.jsonl"

    def command(self, place, table):
        r, aws = place.redshift, place.aws
        settings = place.write("target.json", {
            "host": r["host"], "port": r["port"], "user": r["user"], "password": r["password"],
            "dbname": r["database"], "s3_bucket": aws["bucket"], "s3_key_prefix": "pipelinewise/",
            "aws_access_key_id": aws["access_key_id"], "compression": "gzip",
            "aws_secret_access_key": aws["secret_access_key"],
            "default_target_schema": self.schema()})
        return ([self.python("target-redshift"), "--config", str(settings)], place.environment(),
                self.input(place))


PEERS = (Sling(), DltPyarrow(), DltPyarrowJsonl(), DltDefault(), PipelineWise())
