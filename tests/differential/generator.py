"""Seeded CSV files with hostile content, and the tables and options that they are loaded with.

case(seed) -> Case: one table, one set of options, some files. Most records are good or hold one
fault, so that the fault that COPY names can be compared; a few hold anything.
"""
import dataclasses
import datetime
import random

from reading import Column, Options

FILES_PER_CASE = 8
MARKERS = ["NULLMARK", "@NULL@", "nul l", "~", "\\N", ""]
DATE_FORMATS = {"YYYY-MM-DD": "%Y-%m-%d", "auto": None, "MM/DD/YYYY": "%m/%d/%Y",
                "DD.MM.YYYY": "%d.%m.%Y", "YYYYMMDD": "%Y%m%d", "DD-MON-YYYY": "%d-%b-%Y"}
TIME_FORMATS = {None: None, "auto": None, "MM/DD/YYYY HH24:MI:SS": "%m/%d/%Y %H:%M:%S",
                "YYYYMMDD HHMISS": "%Y%m%d %H%M%S", "DD.MM.YYYY HH12:MI AM": "%d.%m.%Y %I:%M %p",
                "YYYY-MM-DD HH:MI:SS": "%Y-%m-%d %H:%M:%S.%f"}

HOSTILE_TEXT = [
    b"", b" ", b"   ", b"\t", b"a", b"  padded  ", b"tail   ", b"\\N", b"\\n", b"\\", b"\\\\",
    b"NULL",
    b"null", b"NULLMARK", b"NULLMARK ", b"@NULL@", b"~", b"\\.", b"'", b"''", b"quote\"inside",
    b"\"", b"\"\"", b"\"all\"", b",", b"a,b", b"a|b;c\td", b"line\nbreak", b"cr\r\nlf",
    b"lone\rcr", b"\n",
    b"\r", b"\n\n", "ünïcödé".encode(), "漢字".encode(), "🙂🙂".encode(), "e\u0301".encode(),
    "\u00a0".encode(), "\u2028".encode(), b"\x01\x02\x1b", b"\x7f", b"x" * 12, b"x" * 40,
    b"\x0b\x0c",
    "漢".encode() * 5, b"-1", b"1e5", b"true", b"2024-01-01", b"{\"a\":1}", b"0x41", b"%s{}$1",
]
BAD_TEXT = [b"\xff", b"a\xc3", b"\xe6\xbc", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"ok\x80ok",
            b"\xc0\xaf",
            b"\xf4\x90\x80\x80", b"\xe2\x82A", b"\xf0\x9f\x99", "漢".encode() + b"\xe6"]
NUL_TEXT = [b"\x00", b"a\x00b", b"\x00\x00"]

NUMBERS = [b"0", b"-0", b"+7", b"007", b"1", b"-1", b"42", b"32767", b"-32768"]
BAD_NUMBERS = [b"12.5", b"1e3", b"abc", b"1 2", b" 7", b"7 ", b"--1", b"+", b"-", b"0x1F",
               b"1,000", b"NaN",
               b"\xc2\xb2", b"1_0", b"5\n", b"'5'"]
DECIMALS = [b"0", b"1.5", b"-1.25", b".5", b"5.", b"+3.999999", b"0.0000001", b"-0.00",
            b"00012.340",
            b"99999.994", b"99999.995", b"1.005", b"-1.005", b"2.5", b"0.005"]
BAD_DECIMALS = [b"abc", b"1.2.3", b".", b"1,5", b"NaN", b"Infinity", b" 1.5", b"1.5 ", b"$5",
                b"1-", b"--1",
                b"1" * 45, b"999999999999999999999999999999999999999999"]
FLOATS = [b"0", b"1.5", b"-2.25", b"1.0E4", b"1e-5", b".5", b"5.", b"+1", b"3.4028235e38",
          b"1.17549435e-38",
          b"0.1", b"123456789.123456789", b"-1E+3"]
BAD_FLOATS = [b"abc", b"1e", b"e5", b"NaN", b"Infinity", b"-inf", b"1.2.3", b" 1", b"1 ", b"1d0",
              b"0x1p3",
              b"nan", b"1e5.5", b"--1"]
BOOLEANS = [b"t", b"true", b"y", b"yes", b"1", b"f", b"false", b"n", b"no", b"0", b"TRUE",
            b"False", b"YES", b"nO"]
BAD_BOOLEANS = [b"2", b"on", b"off", b"tr", b"yess", b"truefalse", b"-1", b"01", b" t", b"t "]
TIMES = [b"00:00:00", b"23:59:59.999999", b"12:34:56", b"01:02:03.5", b"24:00:00",
         b"12:34:56.000001"]
BAD_TIMES = [b"25:00:00", b"12:60:00", b"12:00:61", b"noon", b"12", b"12-34-56", b"24:00:01",
             b"-1:00:00"]
ZONES = [b"+00", b"+02", b"-0530", b"+05:30", b"-11", b"+14"]
HEX = [b"", b"00", b"deadbeef", b"DEADBEEF", b"0a0D22", b"ff" * 8]
BAD_HEX = [b"0", b"abc", b"zz", b"0x00", b"\\x00", b"de ad", b"ff" * 20]
JSONS = [b"{}", b"[]", b"1", b"-2.50", b"true", b"\"text\"", b"{\"a\": [1, 2, {\"b\": null}]}",
         b"[1,\"x\\u00e9\",false]", "{\"ü\": \"漢 🙂\"}".encode(), b" {\"a\" : 1 } ",
         b"\"a\\\"b\\\\c\"",
         b"[[[[]]]]", b"{\"k\": \"\\n\"}", b"1e3", b"0.1"]
BAD_JSONS = [b"{", b"[1,", b"{'a':1}", b"nul", b"{\"a\":}", b"[1 2]", b"\"open", b"{\"a\":1}x",
             b"+1", b"01",
             b"NaN", b"[,]", b"\"\\x\"", b"tru", b"{\"a\" 1}"]
DAYS = [datetime.datetime(2024, 2, 29, 12, 34, 56), datetime.datetime(1970, 1, 1),
        datetime.datetime(1999, 12, 31, 23, 59, 59), datetime.datetime(2038, 1, 19, 3, 14, 8),
        datetime.datetime(1850, 7, 4, 1, 2, 3), datetime.datetime(2023, 10, 9, 8, 7, 6)]
BAD_DATES = [b"2023-02-30", b"2023-13-01", b"abcdefghij", b"202-04-17", b"12345-01-01", b"infinity",
             b"0044-03-15 BC", b"2024-01", b"2024-1-1x", b"2024/02/30", b"-2024-01-01", b"24-01-01"]
BAD_MOMENTS = [b"2023-02-30 00:00:00", b"2024-01-01 25:00:00", b"2024-01-01 12:60:00", b"now()",
               b"yesterday noon", b"2024-01-01 12:00:00.1234567", b"infinity", b"x",
               b"2024-01-01 aa:bb:cc", b"1700000000"]

TYPES = ["varchar", "varchar", "varchar", "char", "smallint", "integer", "bigint", "decimal",
         "real",
         "double precision", "boolean", "date", "timestamp", "timestamptz", "time", "timetz",
         "varbyte", "super"]


@dataclasses.dataclass
class Case:
    seed: int
    columns: list
    options: Options
    max_error: int
    compression: str  # "", "gzip", "zstd"
    files: list  # bytes, not compressed


def make_column(rng, index):
    kind = rng.choice(TYPES)
    column = Column(f"c{index}", kind, not_null=rng.random() < 0.15)
    if kind in ("varchar", "char", "varbyte"):
        column.length = rng.choice([1, 4, 10, 10, 30, 30, 200])
    if kind == "decimal":
        column.precision, column.scale = rng.choice([(7, 2), (7, 2), (12, 3), (19, 0), (19, 4),
            (38, 10),
                                                     (5, 5), (18, 0)])
    return column


def make_options(rng):
    options = Options()
    if rng.random() < 0.35:
        options.delimiter = rng.choice(["|", ";", "\t", "~", "^", ":"])
    if rng.random() < 0.25:
        options.quote = rng.choice(["'", "`", "%", "$"])
    if rng.random() < 0.6:
        options.null_as = rng.choice(MARKERS)
    options.ignore_header = rng.choice([0, 0, 0, 1, 2])
    for name in ("ignore_blank_lines", "empty_as_null", "blanks_as_null", "trim_blanks",
                 "truncate_columns", "round_dec", "fill_record"):
        setattr(options, name, rng.random() < 0.25)
    if options.empty_as_null and options.null_as is not None:
        options.null_as = None  # what both together mean is not written anywhere
    if rng.random() < 0.25:
        options.accept_inv_chars = rng.choice(["?", "^", "x"])
    options.date_format = rng.choice(["YYYY-MM-DD", "auto", "auto", *DATE_FORMATS])
    options.time_format = rng.choice([None, "auto", "auto", *TIME_FORMATS])
    return options


def date_value(rng, options):
    day = rng.choice(DAYS)
    form = DATE_FORMATS[options.date_format]
    if form is None:
        form = rng.choice(["%Y-%m-%d", "%Y%m%d", "%m/%d/%Y", "%Y-%m-%d %H:%M:%S",
                           "%Y-%m-%dT%H:%M:%SZ"])
    elif options.date_format == "YYYY-MM-DD" and rng.random() < 0.2:
        form += " %H:%M:%S"
    return day.strftime(form).encode()


def moment_value(rng, options, zone):
    day = rng.choice(DAYS)
    if rng.random() < 0.5:
        day = day.replace(microsecond=rng.choice([1, 500000, 123456, 999999]))
    form = TIME_FORMATS[options.time_format]
    if form is not None:
        return day.strftime(form).encode()
    if options.time_format is None:
        text = day.strftime(rng.choice(["%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S"])).encode()
        if zone:
            return text + rng.choice(ZONES)
        return rng.choice([text, text, text[:10]])
    text = day.strftime(rng.choice(["%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f",
                                    "%Y-%m-%d %H:%M:%S", "%Y%m%d %H%M%S"][:3])).encode()
    return text + (rng.choice([b"", b"Z", *ZONES]) if rng.random() < 0.7 else b"")


def good_value(rng, column, options):
    kind = column.type
    if kind in ("varchar", "char"):
        text = rng.choice(HOSTILE_TEXT)
        return text if rng.random() < 0.3 else text[:column.length]
    if kind in ("smallint", "integer", "bigint"):
        edge = {"smallint": 15, "integer": 31, "bigint": 63}[kind]
        return rng.choice([*NUMBERS, str(2**edge - 1).encode(), str(-2**edge).encode()])
    if kind == "decimal":
        whole = column.precision - column.scale
        return rng.choice([*DECIMALS, b"9" * whole + b"." + b"9" * column.scale,
                           b"-" + b"9" * whole + b"." + b"9" * (column.scale + 1)])
    if kind in ("real", "double precision"):
        return rng.choice(FLOATS)
    if kind == "boolean":
        return rng.choice(BOOLEANS)
    if kind == "date":
        return date_value(rng, options)
    if kind in ("timestamp", "timestamptz"):
        return moment_value(rng, options, kind == "timestamptz")
    if kind == "time":
        return rng.choice(TIMES)
    if kind == "timetz":
        return rng.choice(TIMES) + rng.choice(ZONES)
    return rng.choice(HEX if kind == "varbyte" else JSONS)


def bad_value(rng, column):
    kind = column.type
    if rng.random() < 0.1:
        return rng.choice(NUL_TEXT)
    if kind in ("varchar", "char"):
        return rng.choice([*BAD_TEXT, b"y" * (column.length + 1), b"z" * column.length + b"  ",
                           "é".encode() * column.length])
    if kind in ("smallint", "integer", "bigint"):
        edge = {"smallint": 15, "integer": 31, "bigint": 63}[kind]
        return rng.choice([*BAD_NUMBERS, str(2**edge).encode(), str(-2**edge - 1).encode(), b"9"
            * 30])
    return rng.choice({
        "decimal": BAD_DECIMALS, "real": BAD_FLOATS + [b"1e39"],
        "double precision": BAD_FLOATS + [b"1e309"], "boolean": BAD_BOOLEANS, "date": BAD_DATES,
        "timestamp": BAD_MOMENTS, "timestamptz": BAD_MOMENTS, "time": BAD_TIMES,
        "timetz": [t + b"+00" for t in BAD_TIMES], "varbyte": BAD_HEX, "super": BAD_JSONS}[kind])


def null_value(rng, options):
    marker = "\\N" if options.null_as is None else options.null_as
    return rng.choice([marker.encode(), marker.encode(), b"", b"  "])


def encode(rng, value, options):
    """The field's bytes: quoted where it must be, and at times where it need not."""
    quote, delimiter = options.quote.encode(), options.delimiter.encode()
    must = any(c in value for c in (quote, delimiter, b"\n", b"\r"))
    starts = value.lstrip(b" \t")[:1] == quote
    if not must and not starts and rng.random() < 0.7:
        return value
    text = quote + value.replace(quote, quote * 2) + quote
    if rng.random() < 0.1 and delimiter not in (b" ", b"\t"):
        text = rng.choice([b" ", b"  ", b"\t"]) + text + rng.choice([b"", b" "])
    return text


def malformed(rng, options):
    """A field whose quoting is wrong, without a line break."""
    q = options.quote.encode()
    return rng.choice([b"aa" + q + b"zz", q + b"x" + q + b"y", b"x" + q, b"a b" + q + q,
                       q + b"a" + q + q + q + b"b", b"lone\rcr", b"cr\r"])


def make_record(rng, columns, options):
    values = [null_value(rng, options) if rng.random() < 0.12 else good_value(rng, c, options)
              for c in columns]
    fault = rng.random()
    if fault < 0.22:
        at = rng.randrange(len(columns))
        values[at] = bad_value(rng, columns[at])
    delimiter = options.delimiter.encode()
    fields = [encode(rng, value, options) for value in values]
    if 0.22 <= fault < 0.26:
        # Without a line break behind it: what a reader skips after such a field is not known.
        at = rng.randrange(len(columns))
        fields = [f for f in fields[:at]] + [malformed(rng, options)] + [b"1"] * (len(columns) -
            at - 1)
    elif 0.26 <= fault < 0.30:
        fields = fields[:rng.randrange(1, len(fields) + 1)]
    elif 0.30 <= fault < 0.33:
        fields += [b"extra"] * rng.randrange(1, 3)
    record = delimiter.join(fields)
    return record + rng.choice([b"\n", b"\n", b"\n", b"\r\n"])


def reads_any_date(columns, options):
    """'auto' takes more forms than the reference lists: which changed bytes still make a date is
    not known."""
    return "auto" in (options.date_format, options.time_format) and any(
        c.type in ("date", "timestamp", "timestamptz") for c in columns)


def make_file(rng, columns, options):
    out = b"".join(b"header line %d\n" % i for i in range(options.ignore_header))
    for _ in range(rng.randrange(0, 14)):
        if rng.random() < 0.04:
            out += rng.choice([b"\n", b"\n\n", b"\r\n"])
        out += make_record(rng, columns, options)
    shape = rng.random()
    if shape < 0.15 and out.endswith(b"\n"):
        out = out[:-1]  # no end of line at the end
        if out.endswith(b"\r"):
            out = out[:-1]
    elif shape < 0.18:
        out += options.quote.encode() + b"never closed"
    elif shape < 0.22 and out and not reads_any_date(columns, options):
        # One byte changed, anywhere.
        at = rng.randrange(len(out))
        out = out[:at] + bytes([rng.choice(b"\n\r\\\x00\xff ,0a" +
            options.quote.encode())]) + out[at + 1:]
    return out


def case(seed, files=FILES_PER_CASE):
    rng = random.Random(f"copy {seed}")
    columns = [make_column(rng, i) for i in range(rng.choice([1, 2, 3, 4, 5, 6, 8, 12]))]
    options = make_options(rng)
    made = [make_file(rng, columns, options) for _ in range(files)]
    return Case(seed, columns, options, rng.choice([100000] * 9 + [0, 1, 3]),
                rng.choice(["", "gzip", "zstd"]), made)
