#include "sandbox/cluster/bootstrap.h"

namespace vesto::sandbox {

// Redshift's functions that PostgreSQL lacks or spells otherwise. What is not here and not
// PostgreSQL's own answers 42883, as any unknown function does.
const std::string_view kBootstrapMoreFunctions = R"sql(
CREATE OR REPLACE FUNCTION textlen(text) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT length($1) $$;
CREATE OR REPLACE FUNCTION replicate(text, int) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT repeat($1, $2) $$;
CREATE OR REPLACE FUNCTION octetindex(text, text) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT CASE position($1 IN $2) WHEN 0 THEN 0
   ELSE octet_length(left($2, position($1 IN $2) - 1)) + 1 END $$;
CREATE OR REPLACE FUNCTION strtol(text, int) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  digits text := lower(ltrim($1, '-+'));
  value numeric := 0;
  digit int;
BEGIN
  IF $2 < 2 OR $2 > 36 THEN
    RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid base for strtol';
  END IF;
  IF $2 = 16 AND left(digits, 2) = '0x' THEN digits := substr(digits, 3); END IF;
  -- What checksums are made of: millions of times in one statement.
  IF $2 = 16 AND digits ~ '^[0-9a-f]{1,15}$' THEN
    RETURN ('x' || lpad(digits, 16, '0'))::bit(64)::bigint
           * CASE WHEN left($1, 1) = '-' THEN -1 ELSE 1 END;
  END IF;
  FOR i IN 1 .. length(digits) LOOP
    digit := position(substr(digits, i, 1) IN '0123456789abcdefghijklmnopqrstuvwxyz') - 1;
    IF digit < 0 OR digit >= $2 THEN
      RAISE EXCEPTION USING ERRCODE = '22023',
        MESSAGE = format('The input %s is not valid to be converted to base %s', $1, $2);
    END IF;
    value := value * $2 + digit;
  END LOOP;
  RETURN CASE WHEN left($1, 1) = '-' THEN -value ELSE value END::bigint;
END $$;
CREATE OR REPLACE FUNCTION sha2(text, int) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT encode(CASE $2 WHEN 224 THEN sha224(b) WHEN 384 THEN sha384(b) WHEN 512 THEN sha512(b)
                ELSE sha256(b) END, 'hex')
  FROM (SELECT convert_to($1, 'UTF8')) v(b) WHERE $2 IN (0, 224, 256, 384, 512) $$;
CREATE OR REPLACE FUNCTION dlog10(float8) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT log($1) $$;
CREATE OR REPLACE FUNCTION dlog1(float8) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT ln($1) $$;
CREATE OR REPLACE FUNCTION dexp(float8) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT exp($1) $$;

CREATE OR REPLACE FUNCTION last_day(timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT (date_trunc('month', $1) + interval '1 month' - interval '1 day')::date $$;
-- The last day of a month stays one.
CREATE OR REPLACE FUNCTION add_months(timestamp, int) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE WHEN $1::date = last_day($1)
    THEN last_day($1 + $2 * interval '1 month') + ($1 - date_trunc('day', $1))
    ELSE $1 + $2 * interval '1 month' END $$;
CREATE OR REPLACE FUNCTION months_between(timestamp, timestamp) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT ((extract(year FROM $1) - extract(year FROM $2)) * 12
          + extract(month FROM $1) - extract(month FROM $2)
          + CASE WHEN extract(day FROM $1) = extract(day FROM $2)
                   OR ($1::date = last_day($1) AND $2::date = last_day($2)) THEN 0
            ELSE (extract(day FROM $1) - extract(day FROM $2)) / 31 END)::float8 $$;
CREATE OR REPLACE FUNCTION next_day(timestamp, text) RETURNS date
LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT $1::date + (((position(lower(left($2, 2)) IN 'sumotuwethfrsa') - 1) / 2
    - extract(dow FROM $1)::int + 6) % 7 + 1)::int $$;
CREATE OR REPLACE FUNCTION date_part_year(date) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT extract(year FROM $1)::int $$;
CREATE OR REPLACE FUNCTION trunc(timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT $1::date $$;
CREATE OR REPLACE FUNCTION timestamp_cmp_date(timestamp, date) RETURNS int
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT timestamp_cmp($1, $2::timestamp) $$;
CREATE OR REPLACE FUNCTION pgdate_part(text, timestamp) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT date_part($1, $2) $$;
CREATE OR REPLACE FUNCTION datepart(text, timestamp) RETURNS int
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT date_part($1, $2)::int $$;
CREATE OR REPLACE FUNCTION date_add(text, bigint, timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT dateadd($1, $2, $3) $$;
CREATE OR REPLACE FUNCTION date_diff(text, timestamp, timestamp) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT datediff($1, $2, $3) $$;

-- The value at a path of a JSON text; '' and NULL where there is none, as Redshift has it.
CREATE OR REPLACE FUNCTION json_extract_path_text(text, VARIADIC text[]) RETURNS varchar
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  RETURN $1::jsonb #>> $2;
EXCEPTION WHEN invalid_text_representation THEN
  RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = 'JSON parsing error';
END $$;
CREATE OR REPLACE FUNCTION json_extract_array_element_text(text, int) RETURNS varchar
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT json_parse($1) ->> $2 $$;
CREATE OR REPLACE FUNCTION json_array_length(text) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT jsonb_array_length(json_parse($1)) $$;
CREATE OR REPLACE FUNCTION get_array_length(jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT CASE WHEN jsonb_typeof($1) = 'array' THEN jsonb_array_length($1) END::bigint $$;
CREATE OR REPLACE FUNCTION json_typeof(jsonb) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT jsonb_typeof($1) $$;
CREATE OR REPLACE FUNCTION json_size(jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT octet_length($1::text)::bigint $$;
CREATE OR REPLACE FUNCTION is_array(jsonb) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT jsonb_typeof($1) = 'array' $$;
CREATE OR REPLACE FUNCTION is_object(jsonb) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT jsonb_typeof($1) = 'object' $$;
CREATE OR REPLACE FUNCTION is_boolean(jsonb) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT jsonb_typeof($1) = 'boolean' $$;
CREATE OR REPLACE FUNCTION is_varchar(jsonb) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT jsonb_typeof($1) = 'string' $$;
CREATE OR REPLACE FUNCTION is_scalar(jsonb) RETURNS bool LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT jsonb_typeof($1) NOT IN ('array', 'object') $$;
CREATE OR REPLACE FUNCTION array_concat(jsonb, jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT $1 || $2 $$;

CREATE OR REPLACE FUNCTION current_user_id() RETURNS int LANGUAGE sql STABLE AS
$$ SELECT usesysid::int FROM pg_user WHERE usename = current_user $$;
CREATE OR REPLACE FUNCTION slice_num() RETURNS int LANGUAGE sql STABLE AS $$ SELECT 0 $$;
CREATE OR REPLACE FUNCTION current_namespace() RETURNS varchar LANGUAGE sql STABLE AS
$$ SELECT 'vesto-sandbox'::varchar $$;
CREATE OR REPLACE FUNCTION user_is_member_of(text, text) RETURNS bool LANGUAGE sql STABLE STRICT AS
$$ SELECT pg_has_role($1::name, $2::name, 'MEMBER') $$;
)sql";

}  // namespace vesto::sandbox
