#include "sandbox/cluster/bootstrap.h"

namespace vesto::sandbox {

// Redshift ignores trailing blanks when it compares VARCHAR values, and counts a VARCHAR's length
// in bytes. Both are reached by catalogue rows alone: the operators and the B-tree and hash support
// functions of text are pointed at those of bpchar, and the length casts at functions of ours.
const std::string_view kBootstrapStrings = R"sql(
-- Functions that are to answer as Redshift's. Replaced in place they would not be asked:
-- PostgreSQL calls its own functions by number. So the originals step aside.
ALTER FUNCTION version() RENAME TO rs_pg_version;
ALTER FUNCTION format_type(oid, int) RENAME TO rs_pg_format_type;
ALTER FUNCTION set_config(text, text, bool) RENAME TO rs_set_config;

UPDATE pg_operator o SET oprcode = m.f::regproc
FROM (VALUES ('=','bpchareq'), ('<>','bpcharne'), ('<','bpcharlt'), ('<=','bpcharle'),
             ('>','bpchargt'), ('>=','bpcharge')) m(n, f)
WHERE o.oprname = m.n AND o.oprleft = 'text'::regtype AND o.oprright = 'text'::regtype;

UPDATE pg_amproc p SET amproc = m.f::regproc
FROM (VALUES ('bttextcmp','bpcharcmp'), ('bttextsortsupport','bpchar_sortsupport'),
             ('hashtext','hashbpchar'), ('hashtextextended','hashbpcharextended')) m(o, f)
WHERE p.amproc = m.o::regproc
  AND p.amproclefttype = 'text'::regtype AND p.amprocrighttype = 'text'::regtype;

-- At most `size` bytes of a text, without splitting a character.
CREATE FUNCTION rs_cut_bytes(value text, size int) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  bytes bytea := convert_to(value, 'UTF8');
  at int := size;
BEGIN
  IF octet_length(bytes) <= size THEN RETURN value; END IF;
  WHILE at > 0 AND (get_byte(bytes, at) & 192) = 128 LOOP at := at - 1; END LOOP;
  RETURN convert_from(substring(bytes FROM 1 FOR at), 'UTF8');
END $$;

CREATE FUNCTION rs_varchar(value varchar, typmod int, explicit bool) RETURNS varchar
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  size int := typmod - 4;
BEGIN
  IF typmod < 4 OR octet_length(value) <= size THEN RETURN value; END IF;
  IF explicit OR octet_length(rtrim(value, ' ')) <= size THEN
    RETURN rs_cut_bytes(value, size);
  END IF;
  RAISE EXCEPTION USING ERRCODE = '22001',
    MESSAGE = format('value too long for type character varying(%s)', size);
END $$;

CREATE FUNCTION rs_bpchar(value bpchar, typmod int, explicit bool) RETURNS bpchar
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF NOT explicit AND octet_length(value) <> char_length(value) THEN
    RAISE EXCEPTION USING ERRCODE = 'XX000',
      MESSAGE = 'CHAR string contains invalid ASCII character';
  END IF;
  RETURN bpchar(value, typmod, explicit);
END $$;

UPDATE pg_cast SET castfunc = 'rs_varchar(varchar,int,bool)'::regprocedure
WHERE castsource = 'varchar'::regtype AND casttarget = 'varchar'::regtype;
UPDATE pg_cast SET castfunc = 'rs_bpchar(bpchar,int,bool)'::regprocedure
WHERE castsource = 'bpchar'::regtype AND casttarget = 'bpchar'::regtype;
)sql";

}  // namespace vesto::sandbox
