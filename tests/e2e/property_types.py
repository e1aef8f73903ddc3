"""Types and values for the property test, and what docs/types.md says of each value.

Written from that page alone. A value is a text that PostgreSQL reads as the type; what it is then
is read back from the source by tools/parity.py."""
import datetime
import json
import re
import uuid

TEXTS = ["", " ", "NULL", "null", r"\N", r"\.", "a,b", 'a "quoted" b', '"', "''", "it's",
         "line\nfeed", "cr\rhere", "cr\r\nlf", "tab\there", "\x01", "\x7f", "back\\slash", "\\",
         "emoji 🙂👩‍👩‍👧", "ünïcödé 漢字", "\U0010ffff", "\ufeffbom", "  blanks  ", "trailing   ",
         "NaN", "Infinity", "-Infinity", "0044-03-15 BC", "20000-01-01", "{}", "[]", "%s $1 ${x}",
         "-- ; DROP TABLE x", "@", "true", "0", "\t", "\n"]


def some_text(r, most=None):
    """Hostile, plain or long; at most `most` characters."""
    roll = r.random()
    if roll < 0.6:
        text = r.choice(TEXTS)
    elif roll < 0.93 or most is not None:
        text = "".join(r.choice("abz AZ09_,;'\"\\|\n漢🙂é") for _ in range(r.randrange(0, 30)))
    else:
        text = r.choice("x漢🙂 ") * r.choice((300, 1023, 1024, 1025, 5000, 16385))
    return text if most is None else text[:most]


def big_text(r):
    """About 65,535 bytes: what is longer has no place in Redshift."""
    return r.choice(("x" * 65_535, "x" * 65_536, "漢" * 21_845, "漢" * 21_846, "y" * 70_000))


def some_json(r, depth=0):
    roll = r.random()
    if depth > 3 or roll < 0.55:
        return r.choice([None, True, False, 0, -1, 1.5, 12345678901234567890, 1e-7,
                         r.choice(TEXTS).replace("\x00", ""), "x" * r.randrange(40)])
    if roll < 0.75:
        return [some_json(r, depth + 1) for _ in range(r.randrange(4))]
    return {f"k{i}{r.choice(['', ' ', '.', 'É', chr(34)])}": some_json(r, depth + 1)
            for i in range(r.randrange(4))}


def json_text(r):
    roll = r.random()
    if roll < 0.04:
        return '"' + r.choice(("x" * 65_535, "x" * 65_536)) + '"'
    if roll < 0.08:
        return r.choice(("1" * 38, "1" * 39, '{"a": [-' + "9" * 39 + "]}"))
    return json.dumps(some_json(r), ensure_ascii=r.random() < 0.5)


def digits(r, before, after):
    whole = "".join(r.choice("0123456789") for _ in range(r.randrange(1, before + 1)))
    part = "".join(r.choice("0123456789") for _ in range(after))
    return r.choice(("", "-")) + whole + (("." + part) if after else "")


def moment(r):
    day = datetime.datetime(1, 1, 1) + datetime.timedelta(
        seconds=r.randrange(0, 3_155_378_975 * 100), microseconds=r.choice((0, 1, 500_000, 999_999)))
    return day.isoformat(" ")


def choose(*values):
    return lambda r: r.choice(values)


def mixed(special, other, share=0.4):
    return lambda r: r.choice(special) if r.random() < share else other(r)


TIMES = ["0044-03-15 BC", "0001-12-31 23:59:59.5 BC", "4713-01-01 BC", "20000-01-01", "9999-12-31",
         "12345-06-07 08:09:10", "294276-12-31", "0001-01-01", "1970-01-01", "2024-02-29"]
ENDLESS = ["infinity", "-infinity"]

# type -> a text that is a value of it.
VALUES = {
    "boolean": choose("t", "f"),
    "smallint": mixed(["-32768", "32767", "0"], lambda r: str(r.randrange(-999, 999))),
    "integer": mixed(["-2147483648", "2147483647", "0"], lambda r: str(r.randrange(-10**6, 10**6))),
    "bigint": mixed(["-9223372036854775808", "9223372036854775807"],
                    lambda r: str(r.randrange(-10**12, 10**12))),
    "oid": choose("0", "4294967295"),
    "xid8": choose("0", "18446744073709551615"),
    "numeric(12,2)": mixed(["NaN", "-9999999999.99", "0", "-0.01"], lambda r: digits(r, 9, 2)),
    "numeric(19,4)": mixed(["-999999999999999.9999", "NaN"], lambda r: digits(r, 15, 4)),
    "numeric(38,10)": mixed(["9" * 28 + "." + "9" * 10], lambda r: digits(r, 28, 10)),
    "numeric(40,2)": mixed(["NaN", "9" * 38 + ".99"], lambda r: digits(r, 38, 2)),
    "numeric": mixed(["NaN", "Infinity", "-Infinity", "1.000", "1e-300", "1e300", "0.00"],
                     lambda r: digits(r, 45, r.randrange(9))),
    "money": mixed(["-92233720368547758.08", "0"], lambda r: digits(r, 9, 2)),
    "real": mixed(["NaN", "Infinity", "-Infinity", "-0", "1.17549435e-38", "3.4028235e38", "0.1"],
                  lambda r: repr(r.uniform(-1e6, 1e6))),
    "double precision": mixed(["NaN", "Infinity", "-Infinity", "-0", "2.2250738585072014e-308",
                               "1.7976931348623157e308", "0.1"], lambda r: repr(r.gauss(0, 1e9))),
    "text": lambda r: big_text(r) if r.random() < 0.015 else some_text(r),
    "varchar": lambda r: some_text(r),
    "varchar(40)": lambda r: some_text(r, 40),
    "varchar(80)": lambda r: some_text(r, 80),
    "char(10)": lambda r: some_text(r, 10),
    "citext": lambda r: some_text(r, 50),
    "name": lambda r: some_text(r, 15),
    "date": mixed([t.split(" ")[0] + (" BC" if t.endswith("BC") else "") for t in TIMES] + ENDLESS +
                  ["5874897-12-31", "300000-01-01"], lambda r: moment(r)[:10]),
    "time": mixed(["00:00", "23:59:59.999999", "24:00:00"], lambda r: moment(r)[11:]),
    "timetz": choose("00:00+00", "12:34:56.789+05:30", "23:59:59.999999+15:59"),
    "timestamp": mixed(TIMES + ENDLESS, moment),
    "timestamptz": mixed([t + "+00" if not t.endswith("BC") else t[:-3] + "+00 BC"
                          for t in TIMES if " " in t] + ["2024-06-15 12:00:00+02"] + ENDLESS,
                         lambda r: moment(r) + "+00"),
    "interval": choose("0", "-178000000 years", "-1 year 2 mons -3 days 04:05:06.789", "1 day"),
    "uuid": lambda r: str(uuid.UUID(int=r.getrandbits(128))),
    "bytea": mixed(["\\x", "\\x00ff", "\\x0a0d22"], lambda r: "\\x" + r.randbytes(20).hex()),
    "json": mixed(['"\\u0000"', '{"a": 1, "b": [1.50, "x\\u00e9"]}'], json_text, 0.1),
    "jsonb": json_text,
    "integer[]": choose("{}", "{1,NULL,-2147483648}", "{{1,2},{3,4}}", "[0:1]={7,8}"),
    "text[]": mixed(["{}", '{"a,b",NULL,"NULL"}'], lambda r: "{" + ",".join(
        json.dumps(some_text(r, 20), ensure_ascii=False).replace("\\n", "\n").replace("\\r", "\r")
        .replace("\\t", "\t").replace("\\u0001", "\x01").replace("\\u007f", "\x7f")
        for _ in range(r.randrange(1, 4))) + "}"),
    "numeric[]": choose("{NaN,1.50,-Infinity," + "9" * 50 + "}", "{}"),
    "numeric(12,2)[]": choose("{0,-9999999999.99,NULL}"),
    "double precision[]": choose("{NaN,Infinity,-Infinity,1e300,0.1}", "{}"),
    "date[]": choose('{0001-01-01,infinity,"0044-03-15 BC"}'),
    "public.mood": choose("", "sad", "it's \"ok\", \\N", "ünïcödé 🙂"),
    "public.price": mixed(["-99999999.99"], lambda r: digits(r, 8, 2)),
    "public.pair": choose("(,,,)", '(1,"it\'s ""x"", y",-12.50,"{NaN,1}")'),
    "public.hstore": choose("", 'a=>1, "b c"=>NULL, "q\\""=>"x,y"'),
    "inet": choose("0.0.0.0", "192.168.0.1/24", "::"),
    "macaddr": choose("08:00:2b:01:02:03"),
    "bit(8)": choose("00000000", "10101010"),
    "varbit": choose("", "1", "10" * 600),
    "xml": choose('<a b="1">x &amp; y</a>', ""),
    "tsvector": choose("", "'fat' 'it''s'"),
    "int4range": choose("empty", "[1,5)", "(,)"),
    "int4multirange": choose("{}", "{[1,3),[5,7)}"),
    "point": choose("(0,0)", "(-1.7976931348623157e+308,NaN)"),
    "pg_lsn": choose("0/0", "FFFFFFFF/FFFFFFFF"),
}
SETUP = r"""
CREATE EXTENSION hstore; CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('', 'sad', 'it''s "ok", \N', 'ünïcödé 🙂');
CREATE TYPE pair AS (a int, "B c" text, n numeric, f float8[]);
CREATE DOMAIN price AS numeric(10,2);
"""

# A key's values meet each other where a careless reader would fold or trim them.
KEY_TEXTS = ["a", "a ", "a  ", "A", " a", "", " ", "b", "B", "NULL", "null", "é", "É", "漢", "it's",
             '"', "\\", "a\n", "a\t", "🙂", "%", "0", "00"]
KEYS = {
    "integer": lambda r: str(r.randrange(0, 60)),
    "bigint": lambda r: str(r.choice((-1, 1)) * r.randrange(2**62, 2**62 + 60)),
    "text": lambda r: r.choice(KEY_TEXTS) if r.random() < 0.7 else "k" * r.randrange(1, 30),
    "varchar(40)": lambda r: r.choice(KEY_TEXTS) if r.random() < 0.7 else f"K{r.randrange(99)}",
    "uuid": lambda r: str(uuid.UUID(int=r.randrange(60) << 64)),
    "numeric(12,2)": lambda r: digits(r, 2, 2),
    "numeric": lambda r: r.choice(("1.0", "2", "-3.500", "1e20")) if r.random() < 0.3
    else digits(r, 2, r.randrange(3)),
    "date": lambda r: f"2024-01-{r.randrange(1, 32):02}" if r.random() < 0.9 else "0044-03-15 BC",
    "boolean": choose("t", "f"),
}

# Types whose values a target of the older type takes without being made anew.
WIDER = {"varchar(40)": ["varchar(80)", "varchar", "text"], "bigint": ["integer"],
         "integer": ["smallint"]}
# Types for which the target's column has to be made anew (on_type_change = "rewrite").
REWRITTEN = {"integer": ["bigint", "numeric(12,2)"], "smallint": ["integer"],
             "numeric(12,2)": ["numeric(19,4)"], "real": ["double precision"]}

# A column that is dropped and added again as one of these: the target's values can be cast.
READDED = {"integer": ["integer", "bigint"], "smallint": ["smallint", "integer"],
           "text": ["text", "varchar"], "varchar(40)": ["varchar(40)", "text"],
           "boolean": ["boolean"], "uuid": ["uuid"], "jsonb": ["jsonb", "json"],
           "numeric(12,2)": ["numeric(12,2)", "numeric(19,4)"], "bytea": ["bytea"]}
# What Vesto lays the sort key on where the key of the table has it.
SORTABLE = {"integer", "bigint", "numeric(12,2)", "date"}

TIME_TYPES = {"date", "timestamp", "timestamptz"}
TEXT_POLICY = TIME_TYPES | {"numeric(12,2)", "numeric(19,4)"}
CAN_BE_BAD = TEXT_POLICY | {"text", "varchar", "json", "jsonb"}


def super_fault(text):
    """Whether SUPER cannot hold the JSON: `text` as PostgreSQL prints it."""
    if re.search(r"(?<!\\)(\\\\)*\\u0000", text):
        return True
    numbers = []

    def number(word):
        numbers.append(word)
        return 0

    def strings(value):
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            for one in value:
                yield from strings(one)
        elif isinstance(value, dict):
            for name, one in value.items():
                yield name
                yield from strings(one)

    value = json.loads(text, parse_int=number, parse_float=number)
    if any(len(s.encode("utf-8", "surrogatepass")) > 65_535 for s in strings(value)):
        return True
    return any(len(re.sub(r"[^0-9]", "", w.lower().split("e")[0]).lstrip("0")) > 38 for w in numbers)


def is_bad(sql_type, kind, value):
    """Whether Redshift cannot hold the value, by the second table of docs/types.md."""
    if value is None:
        return False
    if re.fullmatch(r"numeric\(\d+,\d+\)|public\.price", sql_type):
        precision = re.search(r"\((\d+)", sql_type)
        return value.is_nan() and (precision is None or int(precision.group(1)) <= 38)
    if sql_type in TIME_TYPES:
        if "infinity" in value:
            return True
        year = re.match(r"\d+", value)
        return int(year.group()) > 294_276 and not value.endswith("BC")
    if kind == "json":
        return super_fault(value)
    if kind == "text" and isinstance(value, str):
        return len(value.encode()) > 65_535
    return False


def by_insert(sql_type, kind, text):
    """Whether the value is one that INSERT alone can carry: the side door of docs/types.md."""
    if text is None:
        return False
    if sql_type in ("real", "double precision"):
        return text in ("NaN", "Infinity", "-Infinity")
    if sql_type in TIME_TYPES:
        return text.endswith(" BC") or len(text.split("-")[0]) > 4
    return kind == "bytea" and text == "\\x"
