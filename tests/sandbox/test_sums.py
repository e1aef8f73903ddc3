"""What a comparison of two warehouses sums up: hashes as numbers, and times as texts."""

import psycopg2
import pytest


@pytest.mark.parametrize("call,value", [
    ("STRTOL('ff', 16)", 255), ("STRTOL('-FF', 16)", -255), ("STRTOL('0x1f', 16)", 31),
    ("STRTOL('fffffffffffffff', 16)", 2**60 - 1), ("STRTOL('7fffffffffffffff', 16)", 2**63 - 1),
    ("STRTOL('777', 8)", 511), ("STRTOL('z', 36)", 35), ("STRTOL(NULL, 16)", None),
    ("STRTOL(SUBSTRING(MD5('a'), 1, 8), 16)", 0x0CC175B9),
    ("TO_CHAR(CAST('0044-03-15 12:00:00.000001 BC' AS TIMESTAMP), 'YYYY-MM-DD HH24:MI:SS.US BC')",
     "0044-03-15 12:00:00.000001 BC"),
    ("CAST('2000-01-03' AS DATE) - CAST('2000-01-01' AS DATE)", 2),
])
def test_what_is_summed_up(connect, call, value):
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {call}")
        assert cursor.fetchone() == (value,)


def test_what_is_no_number_is_refused(connect):
    with connect() as connection, connection.cursor() as cursor, \
            pytest.raises(psycopg2.Error, match="not valid to be converted to base 16"):
        cursor.execute("SELECT STRTOL('xyz', 16)")
