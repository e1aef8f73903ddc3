"""A second reading of what COPY makes of a CSV file, for comparison with the sandbox's.

Written from the reference on Redshift's COPY alone (Amazon Redshift Database Developer Guide: COPY
parameters, data conversion, load errors; recorded answers of real clusters), not from the sandbox's
code: one mistake must not pass both sides. Plain and slow on purpose.

    rows, rejects = read_file(data, columns, options)

rows: one tuple a loaded row, in values as the readers below make them.
rejects: [(line, {(column or None, code), ...})]: what is wrong with that record. Where a record has
several faults, the reference does not say which one is named: any of them may be.
"""
import dataclasses
import datetime
import decimal
import json
import re
import struct


@dataclasses.dataclass
class Column:
    name: str
    type: str  # "varchar", "decimal", ... ; see READERS
    length: int = 0  # bytes, of varchar, char, varbyte
    precision: int = 0
    scale: int = 0
    not_null: bool = False


@dataclasses.dataclass
class Options:
    delimiter: str = ","
    quote: str = '"'
    null_as: str | None = None  # None: the default \N
    ignore_header: int = 0
    ignore_blank_lines: bool = False
    empty_as_null: bool = False
    blanks_as_null: bool = False
    trim_blanks: bool = False
    accept_inv_chars: str | None = None  # the character
    truncate_columns: bool = False
    round_dec: bool = False
    fill_record: bool = False
    date_format: str = "YYYY-MM-DD"
    time_format: str | None = None  # None: the default of the column's type


class Bad(Exception):
    """A value that its column refuses."""

    def __init__(self, *codes):
        super().__init__(codes)
        self.codes = codes


NULL = None


# --- records and fields ---

def skip_lines(data, count):
    at = 0
    for _ in range(count):
        end = data.find(b"\n", at)
        if end < 0:
            return len(data)
        at = end + 1
    return at


def read_quoted(data, at, quote):
    """(value, place after the closing quote), or (None, end) if nothing closes it."""
    value = b""
    while True:
        end = data.find(quote, at)
        if end < 0:
            return None, len(data)
        value += data[at:end]
        if data[end + 1:end + 2] == quote:
            value += quote
            at = end + 2
        else:
            return value, end + 1


def blanks_from(data, at, delimiter):
    """White space around a quoted field is no part of it, unless it is the delimiter."""
    while data[at:at + 1] in (b" ", b"\t") and data[at:at + 1] != delimiter:
        at += 1
    return at


def read_record(data, at, delimiter, quote):
    """One record from `at`: (fields, malformed, place of the next record). malformed: the field
    whose quoting is wrong; the rest of that line is not looked at."""
    fields = []
    while True:
        start = blanks_from(data, at, delimiter)
        if data[start:start + 1] == quote:
            value, end = read_quoted(data, start + 1, quote)
            if value is None:
                return fields, True, len(data)
            end = blanks_from(data, end, delimiter)
            rest = data[end:end + 2]
            if rest == b"" or rest[:1] in (delimiter, b"\n") or rest == b"\r\n":
                fields.append((value, True))
                if rest == b"\r\n":
                    end += 1
            else:
                return fields, True, after_line(data, end)
        else:
            end = at
            while end < len(data) and data[end:end + 1] not in (delimiter, b"\n"):
                if data[end:end + 1] == quote:
                    return fields, True, after_line(data, end)
                end += 1
            value = data[at:end]
            if data[end:end + 1] == b"\n" and value.endswith(b"\r"):
                value = value[:-1]
            if b"\r" in value:  # must be quoted
                return fields, True, after_line(data, end)
            fields.append((value, False))
        if data[end:end + 1] == delimiter:
            at = end + 1
            continue
        return fields, False, end + 1


def after_line(data, at):
    end = data.find(b"\n", at)
    return len(data) if end < 0 else end + 1


# --- values ---

def bad_bytes(value):
    """The places of bytes that are no part of a UTF-8 character."""
    bad, at = set(), 0
    while at < len(value):
        for size in (1, 2, 3, 4):
            try:
                value[at:at + size].decode()
                break
            except UnicodeDecodeError:
                continue
        else:
            bad.add(at)
            size = 1
        at += size
    return bad


def cut(value, limit):
    """The first bytes that fit, at the border of a character."""
    return value[:limit].decode(errors="ignore").encode()


def read_varchar(value, column, options):
    bad = bad_bytes(value)
    if bad:
        if options.accept_inv_chars is None:
            raise Bad(1220)
        filler = options.accept_inv_chars.encode()
        value = b"".join(filler if i in bad else value[i:i + 1] for i in range(len(value)))
    if options.trim_blanks:
        value = value.rstrip(b" ")
    if len(value) > column.length:
        if not options.truncate_columns:
            raise Bad(1204)
        value = cut(value, column.length)
    return value.decode()


def read_char(value, column, options):
    if any(byte >= 0x80 for byte in value):
        raise Bad(1220, 1215)  # the reference names both
    if len(value) > column.length:
        if not options.truncate_columns:
            raise Bad(1204)
        value = value[:column.length]
    return value.decode().rstrip(" ")  # padded when read back


INTEGERS = {"smallint": 15, "integer": 31, "bigint": 63}


def read_integer(value, column, _):
    if not re.fullmatch(rb"[+-]?[0-9]+", value):
        raise Bad(1207)
    number = int(value)
    bits = INTEGERS[column.type]
    if not -2**bits <= number < 2**bits:
        raise Bad(1204)
    return number


def read_decimal(value, column, options):
    if not re.fullmatch(rb"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", value):
        raise Bad(1207)
    with decimal.localcontext() as context:
        context.prec = 400
        way = decimal.ROUND_HALF_UP if options.round_dec else decimal.ROUND_DOWN
        number = decimal.Decimal(value.decode()).quantize(
            decimal.Decimal(1).scaleb(-column.scale), rounding=way)
        digits = abs(int(number.scaleb(column.scale)))
    if digits >= 10**column.precision:
        raise Bad(1209)
    if column.precision == 19 and digits > 2**63 - 1:  # 19 digits are kept in 64 bits
        raise Bad(1209)
    return number


def read_float(value, column, _):
    if not re.fullmatch(rb"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", value):
        raise Bad(1208)
    number = float(value)
    if column.type == "real":
        try:
            number = struct.unpack("<f", struct.pack("<f", number))[0]
        except OverflowError:
            raise Bad(1208, 1204) from None
    if number in (float("inf"), float("-inf")):
        raise Bad(1208, 1204)
    return number


WORDS = {**dict.fromkeys(("t", "true", "y", "yes", "1"), True),
         **dict.fromkeys(("f", "false", "n", "no", "0"), False)}


def read_boolean(value, *_):
    word = value.decode("latin-1").lower()
    if word not in WORDS:
        raise Bad(1210)
    return WORDS[word]


MONTHS = ("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC").split()

# The parts of a format string, and what text they match.
PARTS = [
    ("YYYY", r"(?P<year>[0-9]{4})"), ("HH24", r"(?P<hour>[0-9]{1,2})"),
    ("HH12", r"(?P<hour>[0-9]{1,2})"),
    ("MON", r"(?P<mon>[A-Za-z]{3})"), ("MM", r"(?P<month>[0-9]{1,2})"),
    ("DD", r"(?P<day>[0-9]{1,2})"), ("HH", r"(?P<hour>[0-9]{1,2})"),
    ("MI", r"(?P<minute>[0-9]{1,2})"),
    ("SS", r"(?P<second>[0-9]{1,2})(?:\.(?P<fraction>[0-9]{1,6}))?"),
    ("AM", r"(?P<half>[AaPp][Mm])"), ("PM", r"(?P<half>[AaPp][Mm])"),
]
ZONE = r"(?P<zone>[+-][0-9]{2}(?::?[0-9]{2})?|[Zz])"


def pattern_of(text):
    """A format string as a regular expression. Digits are as many as the part's letters: looser
    inputs are not generated."""
    out = ""
    while text:
        for part, expression in PARTS:
            if text.startswith(part):
                out += expression.replace("{1,2}", "{2}")
                text = text[len(part):]
                break
        else:
            out += re.escape(text[0])
            text = text[1:]
    return out


def moment(match):
    """The match's parts as a datetime without a zone; ValueError if there is no such moment."""
    get = match.groupdict().get
    month = MONTHS.index(get("mon").upper()) + 1 if get("mon") else int(get("month"))
    hour = int(get("hour") or 0)
    half = (get("half") or "").upper()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("no such hour")
        hour = hour % 12 + (12 if half == "PM" else 0)
    return datetime.datetime(int(get("year")), month, int(get("day")), hour,
                             int(get("minute") or 0), int(get("second") or 0),
                             int((get("fraction") or "0").ljust(6, "0")))


def offset_of(zone):
    if zone is None or zone in "Zz":
        return datetime.timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    if int(digits[:2]) > 15 or int(digits[2:]) > 59:
        raise ValueError("no such offset")
    size = datetime.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -size if zone[0] == "-" else size


ISO_DATE = r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
CLOCK = (r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
         r"(?:\.(?P<fraction>[0-9]{1,6}))?")
# The forms of 'auto' that are written out in the reference and that the generator makes.
AUTO_DATES = [ISO_DATE, r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})",
              r"(?P<month>[0-9]{2})/(?P<day>[0-9]{2})/(?P<year>[0-9]{4})"]


def first_match(patterns, text, *codes):
    for pattern in patterns:
        match = re.fullmatch(pattern, text, re.ASCII)
        if match:
            return match
    raise Bad(*codes)


def text_of(value, *codes):
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        raise Bad(*codes) from None


def read_date(value, _, options):
    text = text_of(value, 1205)
    if options.date_format == "auto":
        patterns = [p + rf"(?:[ T]{CLOCK}{ZONE}?)?" for p in AUTO_DATES]
    else:
        patterns = [pattern_of(options.date_format)]
        if options.date_format == "YYYY-MM-DD":
            patterns.append(ISO_DATE + " " + CLOCK)  # a time of day is dropped
    match = first_match(patterns, text, 1205)
    try:
        return moment(match).date()
    except ValueError:
        raise Bad(1205) from None


def timestamp_patterns(options, with_zone):
    if options.time_format is None:
        return [f"{ISO_DATE} {CLOCK}{ZONE}"] if with_zone else [f"{ISO_DATE}(?: {CLOCK})?"]
    if options.time_format == "auto":
        return [rf"{p}(?:[ T]{CLOCK} ?{ZONE}?)?" for p in AUTO_DATES]
    return [pattern_of(options.time_format)]


def read_timestamp(value, _, options):
    match = first_match(timestamp_patterns(options, False), text_of(value, 1206), 1206)
    try:
        offset_of(match.groupdict().get("zone"))
        return moment(match)  # a zone is ignored
    except ValueError:
        raise Bad(1206) from None


def read_timestamptz(value, _, options):
    match = first_match(timestamp_patterns(options, True), text_of(value, 1206), 1206)
    try:
        return moment(match) - offset_of(match.groupdict().get("zone"))
    except (ValueError, OverflowError):
        raise Bad(1206) from None


def read_time(value, *_):
    match = first_match([CLOCK], text_of(value, 1206), 1206)
    return microseconds(match)


def read_timetz(value, *_):
    match = first_match([CLOCK + ZONE], text_of(value, 1206), 1206)
    try:
        offset = offset_of(match["zone"])
    except ValueError:
        raise Bad(1206) from None
    return microseconds(match), int(offset.total_seconds())


def microseconds(match):
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
    fraction = int((match["fraction"] or "0").ljust(6, "0"))
    out = ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction
    if minute > 59 or second > 59 or out > 86_400_000_000:
        raise Bad(1206)
    return out


def read_varbyte(value, column, _):
    if not re.fullmatch(rb"(?:[0-9a-fA-F]{2})*", value):
        raise Bad(1219)
    if len(value) // 2 > column.length:
        raise Bad(1204)
    return value.decode().lower()


def no_constant(_):
    raise ValueError("NaN and Infinity are no JSON")


def json_value(text):
    return json.loads(text, parse_float=decimal.Decimal, parse_int=decimal.Decimal,
                      parse_constant=no_constant)


def holds_surrogate(value):
    if isinstance(value, str):
        return any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, dict):
        return any(holds_surrogate(x) for pair in value.items() for x in pair)
    return isinstance(value, list) and any(holds_surrogate(x) for x in value)


def read_super(value, *_):
    try:
        parsed = json_value(value.decode())
    except (ValueError, RecursionError):
        raise Bad(1224, *([1220] if bad_bytes(value) else [])) from None
    if holds_surrogate(parsed):
        raise Bad(1224)
    return json_key(parsed)


def json_key(value):
    """JSON as something that compares by value."""
    if isinstance(value, dict):
        return ("object", tuple(sorted((k, json_key(v)) for k, v in value.items())))
    if isinstance(value, list):
        return ("array", tuple(json_key(v) for v in value))
    if isinstance(value, decimal.Decimal):
        return ("number", value)
    return (type(value).__name__, value)


READERS = {
    "varchar": read_varchar, "char": read_char, "smallint": read_integer, "integer": read_integer,
    "bigint": read_integer, "decimal": read_decimal, "real": read_float,
    "double precision": read_float, "boolean": read_boolean, "date": read_date,
    "timestamp": read_timestamp, "timestamptz": read_timestamptz, "time": read_time,
    "timetz": read_timetz, "varbyte": read_varbyte, "super": read_super,
}
TEXT = ("varchar", "char")


def read_field(value, column, options):
    """The value that a field becomes; Bad if it becomes none."""
    marker = options.null_as
    if marker is None:
        marker = None if options.empty_as_null else "\\N"  # EMPTYASNULL is NULL AS ''
    if marker is not None and value == marker.encode():
        return NULL
    blank = value.strip(b" \t\r\n\v\f") == b""
    if value == b"" and (options.empty_as_null or options.null_as == ""):
        return NULL
    if column.type in TEXT:
        if blank and options.blanks_as_null:  # nothing at all is blank too
            return NULL
    elif column.type == "super":
        if blank and (options.empty_as_null or options.null_as == ""):
            return NULL
        if blank:
            raise Bad(1224)
    elif blank:
        return NULL
    return READERS[column.type](value, column, options)


def missing_field(column, options):
    """What FILLRECORD puts where fields are missing."""
    if column.type == "varchar" and not (options.empty_as_null or options.blanks_as_null
                                         or options.null_as == ""):
        return ""
    return NULL


def read_row(fields, malformed, columns, options):
    """(values, faults)"""
    faults = set()
    values = []
    if malformed:
        at = len(fields)
        faults.add((columns[at].name if at < len(columns) else None, 1214))
        if at >= len(columns):
            faults.add((None, 1202))
    elif len(fields) > len(columns):
        faults.add((None, 1202))
    elif len(fields) < len(columns) and not options.fill_record:
        faults.add((columns[len(fields)].name, 1214))
    for index, column in enumerate(columns):
        if index >= len(fields):
            if malformed:
                break
            value = missing_field(column, options)
        else:
            raw = fields[index][0]
            if b"\0" in raw:
                faults.add((column.name, 1218))
                continue
            try:
                value = read_field(raw, column, options)
            except Bad as bad:
                faults.update((column.name, code) for code in bad.codes)
                continue
        if value is NULL and column.not_null:
            faults.add((column.name, 1213))
        values.append(value)
    return tuple(values), faults


def read_file(data, columns, options):
    """(rows, rejects); see the head of this file."""
    delimiter, quote = options.delimiter.encode(), options.quote.encode()
    rows, rejects = [], []
    at = skip_lines(data, options.ignore_header)
    while at < len(data):
        line = data.count(b"\n", 0, at) + 1
        if data[at:at + 1] == b"\n" or data[at:at + 2] == b"\r\n":
            at += 1 if data[at:at + 1] == b"\n" else 2
            if not options.ignore_blank_lines:
                rejects.append((line, {(None, 1211), (columns[0].name, 1211)}))
            continue
        fields, malformed, after = read_record(data, at, delimiter, quote)
        values, faults = read_row(fields, malformed, columns, options)
        if b"\0" in data[at:after]:
            faults |= {(None, 1218)} | {(c.name, 1218) for c in columns}
        if faults:
            rejects.append((line, faults))
        else:
            rows.append(values)
        at = after
    return rows, rejects
