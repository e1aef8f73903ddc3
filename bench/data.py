"""The tables of the benchmark: SQL that makes the same rows each time, TPC-H-like and its friends.

Rows are what they are because of h(i, k), a cheap hash of the row's number: no random numbers.
"""
import dataclasses

HASH = """
CREATE FUNCTION h(i bigint, k int) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT abs(hashint8(i * 31 + k))::bigint $$;
"""

LINEITEM = """
SELECT (i/4+1)::bigint l_orderkey, (h(i,1)%200000+1)::int l_partkey,
 (h(i,2)%10000+1)::int l_suppkey, (i%4+1)::int l_linenumber,
 (h(i,3)%50+1)::numeric(15,2) l_quantity,
 ((h(i,4)%10000000)/100.0+900)::numeric(15,2) l_extendedprice,
 ((h(i,5)%11)/100.0)::numeric(15,2) l_discount, ((h(i,6)%9)/100.0)::numeric(15,2) l_tax,
 substr('RAN',(h(i,7)%3+1)::int,1)::char(1) l_returnflag,
 substr('OF',(h(i,8)%2+1)::int,1)::char(1) l_linestatus,
 date '1992-01-01'+(h(i,9)%2500)::int l_shipdate,
 date '1992-01-01'+(h(i,10)%2500)::int l_commitdate,
 date '1992-01-01'+(h(i,11)%2500)::int l_receiptdate,
 (array['DELIVER IN PERSON','COLLECT COD','NONE','TAKE BACK RETURN'])[h(i,12)%4+1]::char(25)
   l_shipinstruct,
 (array['REG AIR','AIR','RAIL','SHIP','TRUCK','MAIL','FOB'])[h(i,13)%7+1]::char(10) l_shipmode,
 substr('furiously quickly slyly carefully blithely final regular special express ironic '
   'pending unusual even bold silent deposits requests accounts packages foxes theodolites pinto '
   'beans asymptotes dependencies instructions platelets excuses ideas sleep wake haggle nag '
   'cajole detect integrate use boost',
   (h(i,14)%240+1)::int,(h(i,15)%34+10)::int)::varchar(44) l_comment
"""

HITS = """
SELECT i::bigint watch_id, timestamp '2024-01-01'+(h(i,1)%31536000)*interval '1 second'
   +(h(i,2)%1000000)*interval '1 us' event_time, (h(i,3)%1000000)::bigint user_id,
 'https://example'||h(i,4)%5000||'.com/catalog/'||md5((h(i,5)%100000)::text)||'?q='
   ||repeat(substr(md5((h(i,6)%50000)::text),1,(h(i,7)%20)::int),2)||'&utm=ad,'||h(i,8)%100 url,
 CASE WHEN h(i,9)%3=0 THEN '' ELSE 'https://search.example/?text='
   ||substr(md5((h(i,10)%20000)::text),1,(h(i,11)%32)::int) END referer,
 CASE h(i,12)%4 WHEN 0 THEN 'He said "buy it" now' WHEN 1 THEN E'line one\\nline two'
   WHEN 2 THEN 'обычный заголовок страницы' ELSE NULL END title,
 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/'
   ||100+h(i,13)%30||'.0.0.0 Safari/537.36' user_agent,
 (h(i,14)%7)::smallint browser, (h(i,15)%2=0) is_mobile, (h(i,16)%100000)::int w1,
 (h(i,17)%100000)::int w2, (h(i,18)%10)::smallint w3, (h(i,19)%10)::smallint w4,
 (h(i,20)%1000)/7.0::float8 score
"""

TAXI = """
SELECT i::bigint trip_id, (h(i,1)%2+1)::smallint vendor,
 timestamp '2022-01-01'+i*interval '0.1 second' pickup,
 timestamp '2022-01-01'+i*interval '0.1 second'+(h(i,2)%3600)*interval '1 second' dropoff,
 (h(i,3)%6+1)::smallint passengers, (h(i,4)%3000)/100.0::float8 distance,
 (h(i,5)%6+1)::smallint ratecode, substr('YN',(h(i,6)%2+1)::int,1)::varchar(1) store_fwd,
 (h(i,7)%265+1)::int pu, (h(i,8)%265+1)::int dropo, (h(i,9)%5+1)::smallint payment,
 ((h(i,10)%10000)/100.0)::numeric(10,2) fare, ((h(i,11)%5)*0.5)::numeric(10,2) extra,
 0.50::numeric(10,2) mta_tax, ((h(i,12)%2000)/100.0)::numeric(10,2) tip,
 ((h(i,13)%3)*6.55)::numeric(10,2) tolls, 0.30::numeric(10,2) improvement,
 ((h(i,14)%15000)/100.0)::numeric(10,2) total
"""

EVENTS = """
SELECT i::bigint id, (array['PushEvent','CreateEvent','WatchEvent','PullRequestEvent',
   'IssuesEvent'])[h(i,1)%5+1] type, md5(i::text)::uuid uid,
 timestamptz '2024-05-01 00:00+00'+i*interval '10 ms' created_at,
 jsonb_build_object('id',h(i,2)%100000,'login','user'||h(i,2)%100000,
   'url','https://api.example/users/user'||h(i,2)%100000) actor,
 jsonb_build_object('ref','refs/heads/'||(array['main','dev','fix-'||h(i,3)%1000])[h(i,4)%3+1],
   'size',h(i,5)%5,'commits',(SELECT jsonb_agg(jsonb_build_object('sha',md5(i::text||g),
   'message',repeat('fix "thing" \\ and '||g||E'\\n',1+(h(i+g,6)%4)::int),'distinct',g%2=0))
   FROM generate_series(0,(h(i,7)%3)::int) g)) payload,
 h(i,8)%10<9 public, ARRAY['t'||h(i,9)%50,'t'||h(i,10)%50] tags
"""

# 1,000,000 bytes that do not compress, 15,625 hashes of 64: the longest binary is 1,024,000 bytes.
BLOBS = """
SELECT i::bigint id, (SELECT string_agg(sha512((i*100000+g)::text::bytea), ''::bytea)
  FROM generate_series(1, 15625) g) body
"""
WIDE_COLUMNS = 1500
WIDE = ("SELECT i::bigint id, " +
        ", ".join(f"((i+{k})%1000)::int c{k}" for k in range(1, WIDE_COLUMNS)))
# COPY takes no NaN, so that each row leaves the stream by the side door.
DIVERTED_NUMBERS = 15
DIVERTED = ("SELECT i::bigint id, " +
            "".join(f"((i+{k})%10000)::smallint n{k}, " for k in range(DIVERTED_NUMBERS)) +
            "'NaN'::float8 f")


@dataclasses.dataclass(frozen=True)
class Table:
    name: str
    select: str
    rows: int
    key: tuple
    full_rows: int = 0  # with --full; 0: as many

    def make(self, world, rows, name=None, more=""):
        """Creates and fills it. `more`: further columns, as SQL."""
        name = name or self.name
        world.source(f"CREATE UNLOGGED TABLE {name} AS {self.select} {more} "
                     f"FROM generate_series(0::bigint, {rows - 1}) i")
        world.source(f"ALTER TABLE {name} ADD PRIMARY KEY ({', '.join(self.key)})")
        world.source(f"ANALYZE {name}")


TABLES = {table.name: table for table in (
    Table("lineitem", LINEITEM, 6_000_000, ("l_orderkey", "l_linenumber")),
    Table("hits", HITS, 500_000, ("watch_id",), 2_000_000),
    Table("taxi", TAXI, 1_500_000, ("trip_id",), 8_000_000),
    Table("events", EVENTS, 250_000, ("id",), 1_000_000),
    Table("blobs", BLOBS, 200, ("id",)),
    Table("wide", WIDE, 20_000, ("id",)),
    Table("diverted", DIVERTED, 120_000, ("id",)),
)}
FOUR = ("lineitem", "hits", "taxi", "events")
