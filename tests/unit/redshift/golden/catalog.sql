SELECT current_user, current_database(), n.nspname, c.relname, c.relkind, pg_get_userbyid(c.relowner), a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef, a.attisdistkey, a.attsortkeyord FROM (SELECT 1 AS one) o LEFT JOIN pg_namespace n ON n.nspname = 's' LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname IN ('orders', 'it''s') LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum;
SELECT pg_backend_pid();
SELECT MAX(starttime) FROM stv_sessions WHERE process = 42;
SELECT MAX(start_time) FROM sys_session_history WHERE session_id = 42 AND end_time IS NULL;
SELECT SYSDATE;
SELECT pg_backend_pid(), CAST(SYSDATE AS TIMESTAMPTZ) AT TIME ZONE 'UTC';
SELECT COUNT(*) FROM stv_sessions WHERE process = 42 AND starttime <= '2026-11-22';
SELECT COUNT(*) FROM sys_session_history WHERE session_id = 42 AND start_time <= '2026-11-22' AND end_time IS NULL;
