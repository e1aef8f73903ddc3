#include "sandbox/cluster/bootstrap.h"

namespace vesto::sandbox {

// Functions that clients call, and those that the statements of sandbox/sql call. Dist and sort
// attributes, encodings and VARBYTE lengths are kept in pg_attribute.attfdwoptions and
// pg_class.reloptions, which PostgreSQL does not use for ordinary tables: so they are
// transactional, follow renames, go with their table, and conflict with nobody under SERIALIZABLE.
const std::string_view kBootstrapFunctions = R"sql(
CREATE TABLE IF NOT EXISTS rs_names(short text PRIMARY KEY, long text NOT NULL);
GRANT SELECT ON rs_names TO PUBLIC;
-- What ALTER USER keeps of Redshift's own setting (kUserCaseSetting).
GRANT SET ON PARAMETER vesto.enable_case_sensitive_identifier TO PUBLIC;

CREATE OR REPLACE FUNCTION rs_full(short text) RETURNS varchar LANGUAGE sql STABLE AS
$$ SELECT CASE WHEN position('~' IN $1) = 0 THEN $1
   ELSE coalesce((SELECT n.long FROM pg_catalog.rs_names n WHERE n.short = $1), $1) END $$;

CREATE OR REPLACE FUNCTION rs_option(options text[], wanted text) RETURNS text
LANGUAGE sql IMMUTABLE AS
$$ SELECT substr(o, length(wanted) + 2) FROM unnest(options) o WHERE o LIKE wanted || '=%' $$;

CREATE OR REPLACE FUNCTION rs_with_option(options text[], wanted text, value text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS
$$ SELECT nullif(ARRAY(SELECT o FROM unnest(coalesce(options, '{}')) o WHERE o NOT LIKE wanted || '=%')
   || CASE WHEN value IS NULL THEN '{}'::text[] ELSE ARRAY[wanted || '=' || value] END, '{}') $$;

CREATE OR REPLACE FUNCTION rs_own_table(tbl text) RETURNS oid
LANGUAGE plpgsql STABLE AS $$
DECLARE found oid := to_regclass(tbl)::oid;
BEGIN
  IF found IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '42P01', MESSAGE = format('relation %s does not exist',
      CASE WHEN tbl LIKE '"%"' AND tbl NOT LIKE '%.%' THEN tbl ELSE '"' || replace(tbl, '"', '') || '"' END);
  END IF;
  -- session_user: the functions that call this run with their owner's rights.
  IF NOT pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = found), 'MEMBER') THEN
    RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'must be owner of relation ' ||
      rs_full((SELECT relname::text FROM pg_class WHERE oid = found));
  END IF;
  RETURN found;
END $$;

-- The worker: table by OID, after the caller has checked the owner.
CREATE OR REPLACE FUNCTION rs_set_option(rel oid, col text, wanted text, value text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET allow_system_table_mods = on AS $$
BEGIN
  IF NOT pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = rel), 'MEMBER') THEN
    RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'must be owner of relation';
  END IF;
  IF col IS NULL THEN
    UPDATE pg_class SET reloptions = rs_with_option(reloptions, wanted, value) WHERE oid = rel;
    RETURN;
  END IF;
  UPDATE pg_attribute SET attfdwoptions = rs_with_option(attfdwoptions, wanted, value)
  WHERE attrelid = rel AND attname = col AND attnum > 0 AND NOT attisdropped;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '42703',
      MESSAGE = format('column "%s" does not exist', rs_full(col));
  END IF;
END $$;

CREATE OR REPLACE FUNCTION rs_set_table_attributes(tbl text, diststyle text, distkey text,
  sortkeys text[], interleaved bool) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  rel oid := rs_own_table(tbl);
  name text;
  at int := 0;
BEGIN
  IF diststyle IS NOT NULL THEN
    PERFORM rs_set_option(rel, attname::text, 'distkey', NULL) FROM pg_attribute
    WHERE attrelid = rel AND rs_option(attfdwoptions, 'distkey') IS NOT NULL;
    PERFORM rs_set_option(rel, NULL, 'diststyle', lower(diststyle));
  END IF;
  IF distkey IS NOT NULL THEN PERFORM rs_set_option(rel, distkey, 'distkey', '1'); END IF;
  IF sortkeys IS NOT NULL THEN
    PERFORM rs_set_option(rel, attname::text, 'sortkey', NULL) FROM pg_attribute
    WHERE attrelid = rel AND rs_option(attfdwoptions, 'sortkey') IS NOT NULL;
    FOREACH name IN ARRAY sortkeys LOOP
      at := at + 1;
      PERFORM rs_set_option(rel, name, 'sortkey',
                            (CASE WHEN interleaved AND at % 2 = 0 THEN -at ELSE at END)::text);
    END LOOP;
  END IF;
END $$;

CREATE OR REPLACE FUNCTION rs_copy_table_attributes(tbl text, source text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  rel oid := rs_own_table(tbl);
  source_oid oid := to_regclass(source)::oid;
BEGIN
  PERFORM rs_set_option(rel, NULL, 'diststyle', rs_option(c.reloptions, 'diststyle'))
  FROM pg_class c WHERE c.oid = source_oid;
  PERFORM rs_set_option(rel, a.attname::text, k.key, rs_option(s.attfdwoptions, k.key))
  FROM pg_attribute s JOIN pg_attribute a ON a.attrelid = rel AND a.attname = s.attname,
       (VALUES ('distkey'), ('sortkey'), ('encoding'), ('length')) k(key)
  WHERE s.attrelid = source_oid AND s.attnum > 0 AND s.attfdwoptions IS NOT NULL
    AND a.attnum > 0 AND rs_option(s.attfdwoptions, k.key) IS NOT NULL;
END $$;

CREATE OR REPLACE FUNCTION rs_set_encoding(tbl text, col text, encoding text) RETURNS void
LANGUAGE plpgsql AS
$$ BEGIN PERFORM rs_set_option(rs_own_table(tbl), col, 'encoding', lower(encoding)); END $$;

-- VARBYTE(n): bytea has no length of its own.
CREATE OR REPLACE FUNCTION rs_set_varbyte_length(tbl text, col text, size int) RETURNS void
LANGUAGE plpgsql AS
$$ BEGIN PERFORM rs_set_option(rs_own_table(tbl), col, 'length', size::text); END $$;

CREATE OR REPLACE FUNCTION rs_check_widen(tbl text, col text, type text, size int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  rel oid := rs_own_table(tbl);
  a record;
  longest bigint;
BEGIN
  SELECT attname, atttypid, atttypmod, atthasdef, attfdwoptions INTO a FROM pg_attribute
  WHERE attrelid = rel AND attname = col AND attnum > 0 AND NOT attisdropped;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = '42703', MESSAGE = format(
      'column "%s" of relation "%s" does not exist', rs_full(col),
      rs_full((SELECT relname::text FROM pg_class WHERE oid = rel)));
  END IF;
  IF NOT (a.atttypid = 'varchar'::regtype AND type IN ('varchar', 'character varying')
          OR a.atttypid = 'bytea'::regtype AND type IN ('varbyte', 'binary varying')) THEN
    RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format(
      'cannot alter column "%s" of relation "%s", target data type should be varchar',
      rs_full(col), rs_full((SELECT relname::text FROM pg_class WHERE oid = rel)));
  END IF;
  IF rs_option(a.attfdwoptions, 'distkey') IS NOT NULL
     OR rs_option(a.attfdwoptions, 'sortkey') IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'found unexpected dependency for column';
  END IF;
  IF a.atttypid = 'varchar'::regtype AND a.atttypmod - 4 = size THEN
    RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format(
      'cannot alter column "%s" of relation "%s", target column size should be different',
      rs_full(col), rs_full((SELECT relname::text FROM pg_class WHERE oid = rel)));
  END IF;
  IF rs_option(a.attfdwoptions, 'encoding') IN ('bytedict', 'runlength', 'text255', 'text32k') THEN
    RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = format(
      'cannot alter column "%s" of relation "%s" with encode type "%s"', rs_full(col),
      rs_full((SELECT relname::text FROM pg_class WHERE oid = rel)),
      rs_option(a.attfdwoptions, 'encoding'));
  END IF;
  IF a.atttypid = 'varchar'::regtype AND size < a.atttypmod - 4 THEN
    IF a.atthasdef THEN
      RAISE EXCEPTION USING ERRCODE = '0A000',
        MESSAGE = 'cannot decrease a VARCHAR column size with default value';
    END IF;
    EXECUTE format('SELECT max(octet_length(%I)) FROM %s', col, tbl) INTO longest;
    IF longest > size THEN
      RAISE EXCEPTION USING ERRCODE = '22001',
        MESSAGE = format('value too long for type character varying(%s)', size);
    END IF;
  END IF;
END $$;

CREATE OR REPLACE FUNCTION rs_check_drop_column(tbl text, col text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE options text[];
BEGIN
  SELECT attfdwoptions INTO options FROM pg_attribute
  WHERE attrelid = rs_own_table(tbl) AND attname = col AND attnum > 0 AND NOT attisdropped;
  IF rs_option(options, 'distkey') IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = format('cannot drop distkey column "%s"', rs_full(col));
  ELSIF rs_option(options, 'sortkey') IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '0A000',
      MESSAGE = format('cannot drop sortkey column "%s"', rs_full(col));
  END IF;
END $$;

-- Takes an isolation lock on a permanent table, if there is one of that name. Reads no table, so it
-- takes part in no conflict; to_regclass always looks at the newest catalogue.
CREATE OR REPLACE FUNCTION rs_lock(space int, shared bool, tbl text, bare text) RETURNS oid
LANGUAGE plpgsql VOLATILE AS $$
DECLARE found oid := to_regclass(tbl)::oid;
BEGIN
  IF found IS NULL OR found = to_regclass('pg_temp.' || bare)::oid THEN RETURN NULL; END IF;
  IF shared THEN PERFORM pg_advisory_xact_lock_shared(space, found::int);
  ELSE PERFORM pg_advisory_xact_lock(space, found::int);
  END IF;
  RETURN found;
END $$;

CREATE OR REPLACE FUNCTION format_type(oid, int) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE $1
    WHEN 'jsonb'::regtype THEN 'super'
    WHEN 'bytea'::regtype THEN
      'binary varying' || CASE WHEN $2 > 4 THEN '(' || $2 - 4 || ')' ELSE '' END
    ELSE rs_pg_format_type($1, $2) END $$;
-- Clients may set what SET may set; the rest keeps the sandbox together.
CREATE OR REPLACE FUNCTION set_config(text, text, bool) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF lower($1) NOT IN ('search_path', 'statement_timeout', 'datestyle', 'timezone',
                       'extra_float_digits', 'application_name') THEN
    RAISE EXCEPTION USING ERRCODE = '42704',
      MESSAGE = format('unrecognized configuration parameter "%s"', $1);
  END IF;
  RETURN rs_set_config($1, $2, $3);
END $$;

CREATE OR REPLACE FUNCTION version() RETURNS text LANGUAGE sql STABLE AS
$$ SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 '
          '(Red Hat 3.4.2-6.fc3), Redshift 1.0.122914'::text $$;
CREATE OR REPLACE FUNCTION getdate() RETURNS timestamp LANGUAGE sql STABLE AS
$$ SELECT date_trunc('second', statement_timestamp()::timestamp) $$;
CREATE OR REPLACE FUNCTION sysdate() RETURNS timestamp LANGUAGE sql STABLE AS
$$ SELECT transaction_timestamp()::timestamp $$;
CREATE OR REPLACE FUNCTION pg_last_copy_count() RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('vesto.last_copy_count', true), ''), '0')::bigint $$;
CREATE OR REPLACE FUNCTION pg_last_copy_id() RETURNS int LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('vesto.last_copy_id', true), ''), '-1')::int $$;
CREATE OR REPLACE FUNCTION pg_last_query_id() RETURNS int LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('vesto.last_copy_id', true), ''), '-1')::int $$;
CREATE OR REPLACE FUNCTION pg_last_unload_count() RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT 0::bigint $$;
CREATE OR REPLACE FUNCTION len(text) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT length($1) $$;
CREATE OR REPLACE FUNCTION charindex(text, text) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT position($1 IN $2) $$;
CREATE OR REPLACE FUNCTION regexp_replace(text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT regexp_replace($1, $2, '', 'g') $$;
CREATE OR REPLACE FUNCTION format_encoding(int) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT (ARRAY['none','bytedict','delta','delta32k','lzo','mostly8','mostly16','mostly32',
           'runlength','text255','text32k','zstd','az64'])[$1 + 1] $$;
CREATE OR REPLACE FUNCTION json_serialize(jsonb) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT $1::text $$;
CREATE OR REPLACE FUNCTION json_parse(text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  RETURN $1::jsonb;
EXCEPTION WHEN invalid_text_representation THEN
  RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'JSON parsing error';
END $$;
CREATE OR REPLACE FUNCTION can_json_parse(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  PERFORM $1::jsonb;
  RETURN true;
EXCEPTION WHEN invalid_text_representation THEN RETURN false;
END $$;
CREATE OR REPLACE FUNCTION is_valid_json(text) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT can_json_parse($1) AND left(ltrim($1), 1) = '{' $$;
CREATE OR REPLACE FUNCTION is_valid_json_array(text) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT can_json_parse($1) AND left(ltrim($1), 1) = '[' $$;
CREATE OR REPLACE FUNCTION to_hex(bytea) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT encode($1, 'hex') $$;
CREATE OR REPLACE FUNCTION from_hex(text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT decode($1, 'hex') $$;
CREATE OR REPLACE FUNCTION to_varbyte(text, text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT CASE WHEN lower($2) IN ('hex', 'base64') THEN decode($1, lower($2))
   ELSE convert_to($1, 'UTF8') END $$;
CREATE OR REPLACE FUNCTION from_varbyte(bytea, text) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT CASE WHEN lower($2) IN ('hex', 'base64') THEN encode($1, lower($2))
   ELSE convert_from($1, 'UTF8') END $$;
CREATE OR REPLACE FUNCTION convert_timezone(text, timestamp) RETURNS timestamp
LANGUAGE sql STABLE STRICT AS $$ SELECT $2 AT TIME ZONE 'UTC' AT TIME ZONE $1 $$;
CREATE OR REPLACE FUNCTION convert_timezone(text, text, timestamp) RETURNS timestamp
LANGUAGE sql STABLE STRICT AS $$ SELECT $3 AT TIME ZONE $1 AT TIME ZONE $2 $$;

CREATE OR REPLACE FUNCTION rs_step(part text) RETURNS interval LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE
    WHEN p IN ('year', 'years', 'y', 'yr', 'yrs') THEN interval '1 year'
    WHEN p IN ('quarter', 'quarters', 'qtr', 'qtrs') THEN interval '3 months'
    WHEN p IN ('month', 'months', 'mon', 'mons') THEN interval '1 month'
    WHEN p IN ('week', 'weeks', 'w') THEN interval '1 week'
    WHEN p IN ('day', 'days', 'd') THEN interval '1 day'
    WHEN p IN ('hour', 'hours', 'h', 'hr', 'hrs') THEN interval '1 hour'
    WHEN p IN ('minute', 'minutes', 'm', 'min', 'mins') THEN interval '1 minute'
    WHEN p IN ('second', 'seconds', 's', 'sec', 'secs') THEN interval '1 second'
    WHEN p IN ('millisecond', 'milliseconds', 'ms') THEN interval '1 millisecond'
    WHEN p IN ('microsecond', 'microseconds', 'us') THEN interval '1 microsecond' END
  FROM (SELECT lower(part)) v(p) $$;
CREATE OR REPLACE FUNCTION dateadd(text, bigint, timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $3 + $2 * rs_step($1) $$;
CREATE OR REPLACE FUNCTION dateadd(text, bigint, timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE STRICT AS $$ SELECT $3 + $2 * rs_step($1) $$;
CREATE OR REPLACE FUNCTION dateadd(text, bigint, date) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $3::timestamp + $2 * rs_step($1) $$;
-- Counts the boundaries between two moments, as Redshift does.
CREATE OR REPLACE FUNCTION datediff(text, timestamp, timestamp) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE
    WHEN s >= interval '1 month' THEN
      (((extract(year FROM $3) - extract(year FROM $2)) * 12
        + extract(month FROM date_trunc(u, $3)) - extract(month FROM date_trunc(u, $2)))
       / (extract(year FROM s) * 12 + extract(month FROM s)))::bigint
    ELSE round(extract(epoch FROM (date_trunc(u, $3) - date_trunc(u, $2))) / extract(epoch FROM s))::bigint
  END
  FROM (SELECT rs_step($1), CASE rs_step($1)
    WHEN interval '1 year' THEN 'year' WHEN interval '3 months' THEN 'quarter'
    WHEN interval '1 month' THEN 'month' WHEN interval '1 week' THEN 'week'
    WHEN interval '1 day' THEN 'day' WHEN interval '1 hour' THEN 'hour'
    WHEN interval '1 minute' THEN 'minute' WHEN interval '1 second' THEN 'second'
    WHEN interval '1 millisecond' THEN 'milliseconds' ELSE 'microseconds' END) v(s, u) $$;
)sql";

}  // namespace vesto::sandbox
