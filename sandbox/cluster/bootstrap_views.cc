#include "sandbox/cluster/bootstrap.h"

namespace vesto::sandbox {

// What the sandbox writes about loads, on a connection of its own (so it survives a ROLLBACK).
const std::string_view kBootstrapTables = R"sql(
CREATE TABLE IF NOT EXISTS rs_load_errors(
  userid int, slice int, tbl int, starttime timestamp, session int, query int,
  filename varchar, line_number bigint, colname varchar, type varchar, col_length varchar,
  position int, raw_line varchar, raw_field_value varchar, err_code int, err_reason varchar,
  is_partial int, start_offset bigint, copy_job_id bigint, long_reason text, database_name text);
CREATE TABLE IF NOT EXISTS rs_load_history(
  user_id int, query_id bigint, transaction_id bigint, session_id int, database_name text,
  status text, table_name text, start_time timestamp, end_time timestamp, data_source text,
  file_format text, loaded_rows bigint, error_count bigint);
)sql";

// Views in the place of PostgreSQL's catalogue, and Redshift's own. The first block drops what an
// older version of this program may have made.
const std::string_view kBootstrapViews = R"sql(
DO $$
DECLARE v record;
BEGIN
  FOR v IN SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace
           AND relkind = 'v' AND oid >= 16384 LOOP
    EXECUTE format('DROP VIEW IF EXISTS pg_catalog.%I CASCADE', v.relname);
  END LOOP;
END $$;

CREATE VIEW rs_pg_namespace AS
SELECT oid, rs_full(nspname::text) AS nspname, nspowner, nspacl FROM pg_namespace
WHERE nspname NOT LIKE 'pg\_toast%';

CREATE VIEW rs_pg_class AS
SELECT oid, rs_full(relname::text) AS relname, relnamespace, reltype, reloftype, relowner, relam,
  relfilenode, reltablespace, relpages, reltuples, 0::oid AS reltoastrelid, 0::oid AS reltoastidxid,
  false AS relhasindex, relisshared, relpersistence,
  CASE relkind WHEN 'p' THEN 'r' ELSE relkind END AS relkind, relnatts,
  0::smallint AS relexternid, false AS relisreplicated, 0::smallint AS relchecks,
  false AS relhasoids, false AS relhaspkey, relhasrules, false AS relhassubclass,
  false AS relhastriggers, false AS relrowsecurity, false AS relforcerowsecurity,
  false AS relispartition, relacl, NULL::text[] AS reloptions,
  (CASE rs_option(reloptions, 'diststyle') WHEN 'even' THEN 0 WHEN 'key' THEN 1 WHEN 'all' THEN 8
   ELSE 9 END)::smallint AS reldiststyle
FROM pg_class WHERE relkind IN ('r', 'v', 'm', 'p', 'f')
  AND NOT (relnamespace = 'pg_catalog'::regnamespace AND relname LIKE 'rs\_%');

CREATE VIEW pg_class_info AS SELECT * FROM rs_pg_class;

CREATE VIEW rs_pg_attribute AS
SELECT attrelid, rs_full(attname::text) AS attname, atttypid, attstattarget, attlen, attnum,
  attndims, attcacheoff,
  CASE WHEN atttypid = 'bytea'::regtype THEN coalesce(rs_option(attfdwoptions, 'length')::int + 4, -1)
       ELSE atttypmod END AS atttypmod,
  attbyval, attstorage, attalign, attnotnull, atthasdef, attidentity, attgenerated, attisdropped,
  attislocal, attinhcount, attcollation, attacl, attoptions,
  rs_option(attfdwoptions, 'distkey') IS NOT NULL AS attisdistkey,
  coalesce(rs_option(attfdwoptions, 'sortkey')::int, 0) AS attsortkeyord,
  coalesce(rs_option(attfdwoptions, 'sortkey')::int, 0) AS attispreloaded,
  (coalesce(array_position(ARRAY['none','bytedict','delta','delta32k','lzo','mostly8','mostly16',
    'mostly32','runlength','text255','text32k','zstd','az64'],
    CASE rs_option(attfdwoptions, 'encoding') WHEN 'raw' THEN 'none'
         ELSE rs_option(attfdwoptions, 'encoding') END), 1) - 1)::smallint AS attencodingtype
FROM pg_attribute;

CREATE VIEW rs_pg_attrdef AS
SELECT oid, adrelid, adnum, adbin, pg_get_expr(adbin, adrelid) AS adsrc FROM pg_attrdef;

CREATE VIEW rs_pg_proc AS
SELECT p.*, prokind = 'a' AS proisagg, prokind = 'w' AS proiswindow FROM pg_proc p;

CREATE VIEW pg_proc_info AS
SELECT oid AS prooid, proname, pronamespace, proowner, prolang, prokind, prosecdef, proisstrict,
  proretset, provolatile, pronargs, prorettype, proargtypes, proallargtypes, proargmodes,
  proargnames, prosrc, probin, proacl
FROM pg_proc;

CREATE VIEW rs_columns AS
SELECT c.oid AS table_oid, n.oid AS schema_oid, n.nspname AS schema_name, c.relname AS table_name,
  a.attname AS column_name, a.attnum::int AS ordinal_position, d.adsrc AS column_default,
  CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable,
  CASE a.atttypid WHEN 'jsonb'::regtype THEN 'super' WHEN 'bytea'::regtype THEN 'binary varying'
       ELSE rs_pg_format_type(a.atttypid, NULL) END AS data_type,
  CASE WHEN a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype, 'bytea'::regtype)
            AND a.atttypmod > 4 THEN a.atttypmod - 4 END AS character_maximum_length,
  CASE a.atttypid WHEN 'int2'::regtype THEN 16 WHEN 'int4'::regtype THEN 32
       WHEN 'int8'::regtype THEN 64 WHEN 'float4'::regtype THEN 24 WHEN 'float8'::regtype THEN 53
       WHEN 'numeric'::regtype THEN (a.atttypmod - 4) >> 16 END AS numeric_precision,
  CASE WHEN a.atttypid = 'numeric'::regtype THEN (a.atttypmod - 4) & 65535
       WHEN a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) THEN 0
       END AS numeric_scale,
  CASE WHEN a.atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype, 'time'::regtype,
                           'timetz'::regtype) THEN 6 END AS datetime_precision,
  format_type(a.atttypid, a.atttypmod) AS full_type,
  format_encoding(a.attencodingtype) AS encoding, a.attisdistkey AS distkey,
  a.attsortkeyord AS sortkey, a.attnotnull AS not_null, c.relkind, c.relowner,
  col_description(c.oid, a.attnum) AS remarks
FROM rs_pg_class c JOIN rs_pg_namespace n ON n.oid = c.relnamespace
  JOIN rs_pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN rs_pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum;

-- What a user may see: own tables, or schema USAGE and any right on the table.
CREATE VIEW rs_tables AS
SELECT c.oid AS table_oid, n.oid AS schema_oid, n.nspname AS schema_name, c.relname AS table_name,
  CASE WHEN c.relkind = 'v' THEN 'VIEW' WHEN c.relpersistence = 't' THEN 'LOCAL TEMPORARY'
       ELSE 'BASE TABLE' END AS is_type,
  CASE WHEN c.relkind = 'v' THEN 'VIEW' ELSE 'TABLE' END AS all_type,
  c.relkind, c.relowner, c.relacl, c.reldiststyle, c.reltuples,
  obj_description(c.oid, 'pg_class') AS remarks
FROM rs_pg_class c JOIN rs_pg_namespace n ON n.oid = c.relnamespace
WHERE pg_has_role(c.relowner, 'USAGE')
   OR has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, REFERENCES');

CREATE VIEW rs_is_columns AS
SELECT current_database()::varchar AS table_catalog, schema_name AS table_schema, table_name,
  column_name, ordinal_position, column_default, is_nullable, data_type, character_maximum_length,
  character_maximum_length AS character_octet_length, numeric_precision,
  CASE WHEN numeric_precision IS NOT NULL
       THEN CASE WHEN data_type = 'numeric' THEN 10 ELSE 2 END END AS numeric_precision_radix,
  numeric_scale, datetime_precision, NULL::varchar AS interval_type,
  NULL::varchar AS interval_precision, NULL::varchar AS character_set_catalog,
  NULL::varchar AS character_set_schema, NULL::varchar AS character_set_name,
  NULL::varchar AS collation_catalog, NULL::varchar AS collation_schema,
  NULL::varchar AS collation_name, NULL::varchar AS domain_name,
  current_database()::varchar AS udt_catalog, 'pg_catalog'::varchar AS udt_schema,
  data_type AS udt_name, ordinal_position::varchar AS dtd_identifier, 'NO'::varchar AS is_self_referencing
FROM rs_columns WHERE table_oid IN (SELECT table_oid FROM rs_tables);

CREATE VIEW rs_is_tables AS
SELECT current_database()::varchar AS table_catalog, schema_name AS table_schema, table_name,
  is_type AS table_type, NULL::varchar AS self_referencing_column_name,
  NULL::varchar AS reference_generation, NULL::varchar AS user_defined_type_catalog,
  NULL::varchar AS user_defined_type_schema, NULL::varchar AS user_defined_name
FROM rs_tables;

CREATE VIEW rs_is_views AS
SELECT current_database()::varchar AS table_catalog, schema_name AS table_schema, table_name,
  pg_get_viewdef(table_oid) AS view_definition, 'NONE'::varchar AS check_option,
  'NO'::varchar AS is_updatable, 'NO'::varchar AS is_insertable_into
FROM rs_tables WHERE relkind = 'v';

CREATE VIEW rs_is_schemata AS
SELECT current_database()::varchar AS catalog_name, nspname AS schema_name,
  pg_get_userbyid(nspowner)::varchar AS schema_owner, NULL::varchar AS default_character_set_catalog,
  NULL::varchar AS default_character_set_schema, NULL::varchar AS default_character_set_name,
  NULL::varchar AS sql_path
FROM rs_pg_namespace WHERE pg_has_role(nspowner, 'USAGE') OR has_schema_privilege(oid, 'CREATE, USAGE');

CREATE VIEW rs_pg_tables AS
SELECT schema_name AS schemaname, table_name AS tablename,
  pg_get_userbyid(relowner) AS tableowner, NULL::name AS tablespace, false AS hasindexes,
  false AS hasrules, false AS hastriggers
FROM (SELECT n.nspname AS schema_name, c.relname AS table_name, c.relowner, c.relkind
      FROM rs_pg_class c JOIN rs_pg_namespace n ON n.oid = c.relnamespace) t
WHERE relkind = 'r';

CREATE VIEW rs_pg_views AS
SELECT n.nspname AS schemaname, c.relname AS viewname, pg_get_userbyid(c.relowner) AS viewowner,
  pg_get_viewdef(c.oid) AS definition
FROM rs_pg_class c JOIN rs_pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v';

CREATE VIEW pg_table_def AS
SELECT schema_name AS schemaname, table_name AS tablename, column_name AS "column",
  full_type AS type, encoding, distkey, sortkey, not_null AS "notnull"
FROM rs_columns
WHERE relkind = 'r' AND schema_name = ANY (current_schemas(true)::text[]);

CREATE VIEW svv_tables AS
SELECT current_database()::varchar AS table_catalog, schema_name AS table_schema, table_name,
  is_type AS table_type, remarks FROM rs_tables;

CREATE VIEW svv_columns AS
SELECT current_database()::varchar AS table_catalog, schema_name AS table_schema, table_name,
  column_name, ordinal_position, column_default, is_nullable, data_type, character_maximum_length,
  numeric_precision, numeric_scale, datetime_precision, remarks
FROM rs_columns WHERE table_oid IN (SELECT table_oid FROM rs_tables);

CREATE VIEW svv_all_schemas AS
SELECT current_database()::varchar AS database_name, nspname AS schema_name, nspowner::int AS schema_owner,
  'local'::varchar AS schema_type, nspacl::varchar AS schema_acl, NULL::varchar AS source_database,
  NULL::varchar AS schema_option
FROM rs_pg_namespace
WHERE nspname NOT LIKE 'pg\_temp%' AND (pg_has_role(nspowner, 'USAGE') OR has_schema_privilege(oid, 'CREATE, USAGE'));

CREATE VIEW svv_redshift_schemas AS
SELECT database_name, schema_name, schema_owner, schema_type, schema_acl, schema_option
FROM svv_all_schemas;

CREATE VIEW svv_all_tables AS
SELECT current_database()::varchar AS database_name, schema_name, table_name,
  all_type::varchar AS table_type, relacl::varchar AS table_acl, remarks,
  pg_get_userbyid(relowner)::varchar AS table_owner
FROM rs_tables WHERE schema_name NOT LIKE 'pg\_temp%';

CREATE VIEW svv_redshift_tables AS
SELECT database_name, schema_name, table_name, table_type, table_acl, remarks FROM svv_all_tables;

CREATE VIEW svv_all_columns AS
SELECT current_database()::varchar AS database_name, schema_name, table_name, column_name,
  ordinal_position, column_default, is_nullable, data_type, character_maximum_length,
  numeric_precision, numeric_scale, remarks
FROM rs_columns WHERE table_oid IN (SELECT table_oid FROM rs_tables);

CREATE VIEW svv_redshift_columns AS
SELECT current_database()::varchar AS database_name, schema_name, table_name, column_name,
  ordinal_position, full_type AS data_type, column_default, is_nullable, encoding, distkey, sortkey,
  NULL::varchar AS column_acl, remarks
FROM rs_columns WHERE table_oid IN (SELECT table_oid FROM rs_tables);

CREATE VIEW svv_redshift_databases AS
SELECT datname::varchar AS database_name, datdba::int AS database_owner,
  'local'::varchar AS database_type, datacl::varchar AS database_acl, NULL::varchar AS database_options,
  coalesce(nullif(current_setting('vesto.isolation', true), ''), 'Snapshot Isolation')::varchar
    AS database_isolation_level
FROM pg_database WHERE NOT datistemplate;

CREATE VIEW pg_database_info AS
SELECT d.*, CASE WHEN current_setting('vesto.isolation', true) = 'Serializable' THEN 2 ELSE 1 END
  AS concurrency_model
FROM pg_database d;

CREATE VIEW svv_table_info AS
SELECT current_database()::varchar AS "database", t.schema_name AS "schema", t.table_oid AS table_id,
  t.table_name AS "table",
  (CASE WHEN EXISTS (SELECT 1 FROM rs_columns c WHERE c.table_oid = t.table_oid AND c.encoding <> 'none')
        THEN 'Y' ELSE 'N' END)::varchar AS encoded,
  (CASE t.reldiststyle WHEN 0 THEN 'EVEN' WHEN 8 THEN 'ALL' WHEN 1 THEN 'KEY(' ||
     coalesce((SELECT c.column_name FROM rs_columns c WHERE c.table_oid = t.table_oid AND c.distkey), '')
     || ')' ELSE 'AUTO(ALL)' END)::varchar AS diststyle,
  (SELECT c.column_name FROM rs_columns c WHERE c.table_oid = t.table_oid AND abs(c.sortkey) = 1)::varchar
    AS sortkey1,
  (SELECT max(c.character_maximum_length) FROM rs_columns c WHERE c.table_oid = t.table_oid) AS max_varchar,
  NULL::varchar AS sortkey1_enc,
  (SELECT count(*)::int FROM rs_columns c WHERE c.table_oid = t.table_oid AND c.sortkey <> 0) AS sortkey_num,
  greatest(1, pg_table_size(t.table_oid) / 1048576) AS size, 0.0::numeric(10,4) AS pct_used,
  0::bigint AS empty, 0.0::numeric(5,2) AS unsorted, 0.0::numeric(5,2) AS stats_off,
  greatest(t.reltuples, 0)::numeric(38,0) AS tbl_rows, 1.0::numeric(19,2) AS skew_sortkey1,
  1.0::numeric(19,2) AS skew_rows, greatest(t.reltuples, 0)::numeric(38,0) AS estimated_visible_rows,
  NULL::text AS risk_event, NULL::numeric(12,2) AS vacuum_sort_benefit, NULL::timestamp AS create_time
FROM rs_tables t
WHERE t.relkind = 'r' AND t.schema_name NOT LIKE 'pg\_%' AND t.schema_name <> 'information_schema'
  AND pg_table_size(t.table_oid) > 0;

CREATE VIEW svv_external_schemas AS
SELECT 0::oid AS esoid, 0::smallint AS eskind, ''::varchar AS schemaname, 0 AS esowner,
  ''::varchar AS databasename, ''::varchar AS esoptions WHERE false;
CREATE VIEW svv_external_tables AS
SELECT ''::varchar AS redshift_database_name, ''::varchar AS schemaname, ''::varchar AS tablename,
  ''::varchar AS tabletype, ''::varchar AS location, ''::varchar AS input_format,
  ''::varchar AS output_format, ''::varchar AS serialization_lib, ''::varchar AS serde_parameters,
  0 AS compressed, ''::varchar AS parameters WHERE false;
CREATE VIEW svv_external_columns AS
SELECT ''::varchar AS redshift_database_name, ''::varchar AS schemaname, ''::varchar AS tablename,
  ''::varchar AS columnname, ''::varchar AS external_type, 0 AS columnnum, 0 AS part_key,
  ''::varchar AS is_nullable WHERE false;

CREATE OR REPLACE FUNCTION pg_get_late_binding_view_cols() RETURNS SETOF record LANGUAGE sql STABLE AS
$$ SELECT ''::name, ''::name, ''::name, ''::varchar, 0 WHERE false $$;

CREATE VIEW svv_user_info AS
SELECT usename::varchar AS user_name, usesysid::int AS user_id, usecreatedb AS createdb,
  usesuper AS superuser, false AS catalog_update, 'UNLIMITED'::varchar AS connection_limit,
  'RESTRICTED'::varchar AS syslog_access, NULL::timestamp AS last_ddl_timestamp,
  0 AS session_timeout, NULL::varchar AS external_id FROM pg_user;

CREATE VIEW stv_sessions AS
SELECT backend_start::timestamp AS starttime, pid AS process, usename::char(50) AS user_name,
  datname::char(50) AS db_name, 0 AS timeout_sec
FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> 'rdsdb';

CREATE VIEW sys_session_history AS
SELECT usesysid::int AS user_id, pid AS session_id, datname::char(128) AS database_name,
  (CASE WHEN state = 'active' THEN 'active' ELSE 'idle' END)::char(12) AS status,
  backend_start::timestamp AS start_time, NULL::timestamp AS end_time, 0 AS session_timeout
FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> 'rdsdb';

CREATE VIEW rs_pg_stat_activity AS
SELECT datid, datname, pid AS procpid, pid, usesysid, usename, query AS current_query, query,
  query_start, backend_start, xact_start, state, application_name
FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> 'rdsdb';

CREATE VIEW stv_recents AS
SELECT usesysid::int AS userid,
  (CASE WHEN state = 'active' THEN 'Running' ELSE 'Done' END)::char(20) AS status,
  query_start::timestamp AS starttime, 0 AS duration, usename::char(50) AS user_name,
  datname::char(50) AS db_name, left(query, 600)::char(600) AS query, pid
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND usename = current_user AND query_start IS NOT NULL;

CREATE VIEW svv_transactions AS
SELECT a.usename::varchar AS txn_owner, a.datname::varchar AS txn_db,
  coalesce(a.backend_xid::text::bigint, 0) AS xid, a.pid, a.xact_start::timestamp AS txn_start,
  l.mode::varchar AS lock_mode, l.locktype::varchar AS lockable_object_type, l.relation,
  l.granted
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE a.backend_type = 'client backend' AND a.usename <> 'rdsdb' AND l.locktype <> 'advisory';

CREATE VIEW stv_slices AS
SELECT 0 AS node, s AS slice, s AS localslice, 'D'::char(1) AS type FROM generate_series(0, 1) s;

-- For superusers alone (below). Blocks of 1 MB; how much is used is told by POST /v1/warehouse.
CREATE VIEW stv_node_storage_capacity AS
SELECT node, 160000 * coalesce(nullif(current_setting('vesto.disk_used', true), ''), '1')::int / 100
  AS used, 160000 AS capacity
FROM generate_series(0, 1) node;

CREATE VIEW stv_db_isolation_level AS
SELECT datname::varchar AS db_name,
  coalesce(nullif(current_setting('vesto.isolation', true), ''), 'Snapshot Isolation')::varchar
    AS isolation_level
FROM pg_database WHERE NOT datistemplate;

CREATE VIEW stl_load_errors AS
SELECT userid, slice, tbl, starttime, session, query, filename::char(256) AS filename, line_number,
  colname::char(127) AS colname, type::char(10) AS type, col_length::char(10) AS col_length,
  position, raw_line::char(1024) AS raw_line, raw_field_value::char(1024) AS raw_field_value,
  err_code, err_reason::char(100) AS err_reason, is_partial, start_offset, copy_job_id
FROM rs_load_errors
WHERE database_name = current_database()
  AND userid = (SELECT usesysid::int FROM pg_user WHERE usename = current_user);

CREATE VIEW stl_loaderror_detail AS
SELECT userid, slice, session, query, filename, line_number, 0 AS field, colname,
  raw_field_value AS value, 0 AS is_null, type, col_length FROM stl_load_errors;

CREATE VIEW sys_load_error_detail AS
SELECT userid AS user_id, query::bigint AS query_id, 0::bigint AS transaction_id,
  session AS session_id, database_name::char(64) AS database_name, tbl AS table_id,
  starttime AS start_time, filename::char(256) AS file_name, line_number,
  colname::char(127) AS column_name, type::char(10) AS column_type,
  col_length::char(10) AS column_length, position, err_code AS error_code,
  long_reason::char(512) AS error_message
FROM rs_load_errors
WHERE database_name = current_database()
  AND userid = (SELECT usesysid::int FROM pg_user WHERE usename = current_user);

CREATE VIEW sys_load_history AS
SELECT user_id, query_id, transaction_id, session_id, database_name::char(64) AS database_name,
  status, table_name, start_time, end_time,
  (extract(epoch FROM end_time - start_time) * 1000000)::bigint AS duration, data_source,
  file_format, loaded_rows, 0::bigint AS loaded_bytes, 0 AS source_file_count,
  0::bigint AS source_file_bytes, 0 AS file_count_scanned, 0::bigint AS file_bytes_scanned,
  error_count, 0::bigint AS copy_job_id
FROM rs_load_history
WHERE database_name = current_database()
  AND user_id = (SELECT usesysid::int FROM pg_user WHERE usename = current_user);

DO $$
DECLARE v record;
BEGIN
  FOR v IN SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace
           AND relkind = 'v' AND oid >= 16384 AND relname <> 'stv_node_storage_capacity' LOOP
    EXECUTE format('GRANT SELECT ON pg_catalog.%I TO PUBLIC', v.relname);
  END LOOP;
END $$;
)sql";

}  // namespace vesto::sandbox
