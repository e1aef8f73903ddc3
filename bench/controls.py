"""What Vesto is compared with: the server alone, and what an expert types into a shell."""
import datetime
import hashlib
import hmac
import re
import subprocess
import urllib.parse

from house import SESSION, statements
from timing import timed

# Pieces of one lane of the expert's pipeline: while one is uploaded the next is read.
PIECES = 4
CODECS = {"zstd": ("zstd -q -1 -c", "zst"), "gzip": ("igzip -q -1 -c", "gz")}


class Select:
    """The SELECT that Vesto sends, taken apart."""

    def __init__(self, world):
        self.sent = statements(world)
        # Where no type needs a cast and one range is enough, it is the table itself.
        plain = re.fullmatch(r"COPY (\S+) \((.*)\) TO STDOUT WITH (\(.*\))", self.sent[0])
        found = re.fullmatch(r"COPY \((SELECT .* FROM ONLY (\S+))(?: WHERE ctid .*)?\) "
                             r"TO STDOUT WITH (\(.*\))", self.sent[0])
        if plain:
            self.relation, columns, self.options = plain.groups()
            self.select = f"SELECT {columns} FROM ONLY {self.relation}"
        elif found:
            self.select, self.relation, self.options = found.groups()
        else:
            raise SystemExit(f"not a COPY that the bench knows: {self.sent[0][:300]}")

    def whole(self):
        if len(self.sent) == 1:
            return self.sent[0]
        return f"COPY ({self.select}) TO STDOUT WITH {self.options}"

    def pieces(self, world, count):
        """As many statements, each for as many pages."""
        pages = world.source("SELECT greatest(1, pg_relation_size(%s::regclass) / "
                             "current_setting('block_size')::int)", self.relation)[0][0]
        cuts = [pages * i // count for i in range(count)] + [1 << 32]
        return [f"COPY ({self.select} WHERE ctid >= '({low},0)'::tid AND ctid < "
                f"'({min(high, (1 << 32) - 1)},0)'::tid) TO STDOUT WITH {self.options}"
                for low, high in zip(cuts, cuts[1:])]


def psql(world, sql):
    return ["psql", "-qX", "-v", "ON_ERROR_STOP=1", world.postgres.dsn(world.database) +
            f" options='{SESSION}'", "-c", sql]


def to_dev_null(world, select):
    """The floor: the server prints what Vesto asks for, and nobody receives it."""
    return timed(psql(world, "; ".join(sql.replace(" TO STDOUT ", " TO '/dev/null' ")
                                       for sql in select.sent)))


def plain_to_dev_null(world, select):
    return timed(psql(world, f"COPY {select.relation} TO '/dev/null' WITH {select.options}"))


def shell(script, world, **variables):
    return timed(["bash", "-e", "-o", "pipefail", "-c", script], {
        "DSN": world.postgres.dsn(world.database), "PGOPTIONS": SESSION, **variables})


def read_to_dev_null(world, select):
    """What a client costs that does nothing with the rows."""
    return shell('psql -qX "$DSN" -c "$SQL" > /dev/null', world, SQL="; ".join(select.sent))


def to_dev_null_beside_work(world, select):
    """The floor, while another process compresses what it has in memory."""
    work = subprocess.Popen(["timeout", "300", "zstd", "-qq", "-b1", "-i300"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return to_dev_null(world, select)
    finally:
        work.terminate()
        work.wait()


def psql_into_file(world, select, codec, folder):
    command, ending = CODECS[codec]
    return shell(f'psql -qX "$DSN" -c "$SQL" | {command} > {folder}/whole.{ending}', world,
                 SQL=select.whole())


def presigned_put(endpoints, key, now=None):
    """A URL that takes one PUT of any length within the hour (SigV4 in the query)."""
    aws = endpoints["aws"]
    now = now or datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{now[:8]}/{aws['region']}/s3/aws4_request"
    path = urllib.parse.quote(f"/{aws['bucket']}/{key}", safe="/-_.~")
    query = urllib.parse.urlencode(sorted({
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Date": now, "X-Amz-Expires": "3600",
        "X-Amz-Credential": f"{aws['access_key_id']}/{scope}",
        "X-Amz-SignedHeaders": "host"}.items()), quote_via=urllib.parse.quote)
    host = urllib.parse.urlsplit(aws["url"]).netloc
    canonical = f"PUT\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    signing = ("AWS4" + aws["secret_access_key"]).encode()
    for part in (now[:8], aws["region"], "s3", "aws4_request"):
        signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(signing, text.encode(), hashlib.sha256).hexdigest()
    return f"{aws['url']}{path}?{query}&X-Amz-Signature={signature}"


def expert_key(codec, lane, piece):
    return f"expert/{lane}-{piece}.csv.{CODECS[codec][1]}"


def expert(world, select, codec, folder, lanes=2):
    """Two psql on ranges of pages, compressed into files in memory, each uploaded by curl while the
    next is read. No guard looks at the rows."""
    command, ending = CODECS[codec]
    endpoints = world.sandbox.endpoints
    pieces = select.pieces(world, lanes * PIECES)
    variables = {"CA": endpoints["ca_file"]}
    script = []
    for lane in range(lanes):
        steps = []
        for piece in range(PIECES):
            name = f"{lane}_{piece}"
            variables[f"SQL{name}"] = pieces[lane * PIECES + piece]
            variables[f"URL{name}"] = presigned_put(endpoints, expert_key(codec, lane, piece))
            file = f"{folder}/{name}.{ending}"
            steps.append(f'psql -qX "$DSN" -c "$SQL{name}" | {command} > {file}')
            steps.append(f'curl -sSf --cacert "$CA" -T {file} "$URL{name}" & C{name}=$!')
        steps += [f"wait $C{lane}_{piece}" for piece in range(PIECES)]
        script.append("( " + "\n".join(steps) + " ) & L" + str(lane) + "=$!")
    script += [f"wait $L{lane}" for lane in range(lanes)]
    return shell("\n".join(script), world, **variables)


def raw_bytes(codec, folder, files):
    """What the files hold once they are unpacked."""
    unpack, ending = {"zstd": "zstd -q -dc", "gzip": "igzip -q -dc"}[codec], CODECS[codec][1]
    done = subprocess.run(["bash", "-o", "pipefail", "-c",
                           f"{unpack} {folder}/{files}.{ending} | wc -c"], check=True, text=True,
                          capture_output=True)
    return int(done.stdout)


def many_psql(world, tables, folder):
    """A psql for each table, its rows into a file."""
    return shell(f'for t in $TABLES; do psql -qX "$DSN" -c "COPY $t TO STDOUT WITH (FORMAT csv)" '
                 f'> {folder}/$t.csv; done', world, TABLES=" ".join(tables))
