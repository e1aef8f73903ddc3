"""The same case through the sandbox: objects, one COPY, the rows and the rejects read back."""
import datetime
import decimal
import gzip
import http.client
import pathlib
import subprocess
import urllib.parse

import psycopg2
import psycopg2.extensions as extensions

import reading
from s3_small import SmallS3

SUPER_OID, VARBYTE_OID = 4000, 6551


class KeptOpen(SmallS3):
    """SmallS3 on one connection that stays open: thousands of small objects."""

    def __init__(self, endpoints):
        super().__init__(endpoints)
        where = urllib.parse.urlsplit(self.aws["url"])
        self.connection = http.client.HTTPSConnection(where.hostname, where.port, timeout=30,
                                                      context=self.tls)

    def send(self, method, target, body, headers):
        self.connection.request(method, target, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status < 300, (answer.status, text)
        return text


def pack(data, compression):
    if compression == "gzip":
        return gzip.compress(data, 1, mtime=0)
    if compression == "zstd":
        return subprocess.run(["zstd", "-q", "-c", "-1"], input=data, capture_output=True,
                              check=True).stdout
    return data


def literal(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def column_sql(column):
    kind = column.type
    if kind in ("varchar", "char", "varbyte"):
        kind += f"({column.length})"
    if kind == "decimal":
        kind += f"({column.precision},{column.scale})"
    return f"{column.name} {kind}" + (" NOT NULL" if column.not_null else "")


def copy_sql(case, prefix, s3):
    o = case.options
    words = ["CSV"]
    if o.quote != '"':
        words.append(f"QUOTE AS {literal(o.quote)}")
    if o.delimiter != ",":
        words.append("DELIMITER AS " + ("'\\t'" if o.delimiter == "\t" else literal(o.delimiter)))
    if o.null_as is not None:
        words.append(f"NULL AS {literal(o.null_as)}")
    if o.ignore_header:
        words.append(f"IGNOREHEADER AS {o.ignore_header}")
    for name, word in (("ignore_blank_lines", "IGNOREBLANKLINES"), ("empty_as_null", "EMPTYASNULL"),
                       ("blanks_as_null", "BLANKSASNULL"), ("trim_blanks", "TRIMBLANKS"),
                       ("truncate_columns", "TRUNCATECOLUMNS"), ("round_dec", "ROUNDEC"),
                       ("fill_record", "FILLRECORD")):
        if getattr(o, name):
            words.append(word)
    if o.accept_inv_chars is not None:
        words.append(f"ACCEPTINVCHARS AS {literal(o.accept_inv_chars)}")
    if o.date_format != "YYYY-MM-DD":
        words.append(f"DATEFORMAT AS {literal(o.date_format)}")
    if o.time_format is not None:
        words.append(f"TIMEFORMAT AS {literal(o.time_format)}")
    if case.compression:
        words.append(case.compression.upper())
    return (f"COPY t FROM {literal(s3.url(prefix))} {s3.credentials()} REGION "
            f"'{s3.aws['region']}' {' '.join(words)} MAXERROR {case.max_error} "
            "COMPUPDATE OFF STATUPDATE OFF")


def connect(dsn):
    """All values as text: Python's own types hold less than Redshift's."""
    connection = psycopg2.connect(dsn) if isinstance(dsn, str) else psycopg2.connect(**dsn)
    raw = extensions.new_type((17, 114, 700, 701, 1082, 1083, 1114, 1184, 1266, 3802, SUPER_OID,
                               VARBYTE_OID), "RAW", lambda value, cursor: value)
    extensions.register_type(raw, connection)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SET timezone TO 'UTC'")
        cursor.execute("SET extra_float_digits TO 2")
    return connection


def clock(text):
    hour, minute, second = text.split(":")
    whole, _, fraction = second.partition(".")
    return (int(hour) * 3600 + int(minute) * 60 + int(whole)) * 1_000_000 + int(
        fraction.ljust(6, "0"))


def timetz(text):
    at = max(text.rfind("+"), text.rfind("-"))
    parts = [int(p) for p in text[at + 1:].split(":")] + [0, 0]
    size = parts[0] * 3600 + parts[1] * 60
    return clock(text[:at]), -size if text[at] == "-" else size


def moment(text):
    day, _, rest = text.partition(" ")
    rest = rest.split("+")[0]
    head, _, fraction = rest.partition(".")
    return datetime.datetime.fromisoformat(f"{day} {head}.{fraction:0<6}")


def canonical(column, value):
    """What the server prints, as reading.py's values."""
    kind = column.type
    if value is None:
        return None
    if kind == "char":
        return value.rstrip(" ")
    if kind in ("real", "double precision"):
        return reading.read_float(value.encode(), column, None)
    if kind == "decimal":
        return decimal.Decimal(value)
    if kind == "date":
        return datetime.date.fromisoformat(value)
    if kind in ("timestamp", "timestamptz"):
        return moment(value)
    if kind == "time":
        return clock(value)
    if kind == "timetz":
        return timetz(value)
    if kind == "varbyte":
        return (value[2:] if value.startswith("\\x") else value).lower()
    if kind == "super":
        return reading.json_key(reading.json_value(value))
    return value


class Outcome:
    """rows: values as the reading's; rejects: [(file number, line, column, code)]; error: the
    statement's own, or None."""

    def __init__(self, rows, rejects, error):
        self.rows, self.rejects, self.error = rows, rejects, error


def run_case(case, connection, s3):
    """Loads the case's files by one COPY with their common prefix."""
    prefix = f"diff/{case.seed}/"
    for number, data in enumerate(case.files):
        s3.put(f"{prefix}{number:03}", pack(data, case.compression))
    cursor = connection.cursor()
    cursor.execute("DROP TABLE IF EXISTS t")
    cursor.execute("CREATE TEMP TABLE t (" + ", ".join(map(column_sql, case.columns)) + ")")
    error = None
    try:
        cursor.execute(copy_sql(case, prefix, s3))
    except psycopg2.Error as failure:
        error = str(failure)
    cursor.execute("SELECT " + ", ".join(c.name for c in case.columns) + " FROM t")
    rows = [tuple(canonical(c, v) for c, v in zip(case.columns, row)) for row in cursor.fetchall()]
    cursor.execute("SELECT trim(filename), line_number, trim(colname), err_code, trim(err_reason) "
                   "FROM stl_load_errors WHERE query = pg_last_copy_id()")
    rejects = sorted((int(pathlib.PurePosixPath(name).name), line, column or None, code, reason)
                     for name, line, column, code, reason in cursor.fetchall())
    return Outcome(rows, rejects, error)
