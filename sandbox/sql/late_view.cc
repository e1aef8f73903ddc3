#include "sandbox/sql/late_view.h"

#include "base/hash.h"
#include "base/strings.h"

namespace vesto::sandbox {
namespace {

constexpr size_t kPlainHelperBytes = kMaxPgNameBytes - 7;  // "rs_lbv_"

std::string helper_name(const std::string& view) {
  if (view.size() <= kPlainHelperBytes) return "rs_lbv_" + view;
  return "rs_lbv_" + sha256_hex(view).substr(0, 40);
}

// The block's constants; the block itself holds nothing of the client's text.
std::string constants(const QualifiedName& name) {
  return "  target text := coalesce(nullif(" + quote_literal(name.schema) +
         ", ''), current_schema());\n  viewed text := " + quote_literal(name.name) +
         ";\n  helper text := " + quote_literal(helper_name(name.name)) + ";\n";
}

constexpr std::string_view kCreate = R"(BEGIN
  IF to_regclass(format('%I.%I', target, viewed)) IS NOT NULL THEN
    IF NOT replaced THEN
      RAISE EXCEPTION USING ERRCODE = '42P07',
        MESSAGE = format('relation "%s" already exists', viewed);
    END IF;
    EXECUTE format('DROP VIEW %I.%I', target, viewed);
    EXECUTE format('DROP FUNCTION IF EXISTS %I.%I()', target, helper);
  END IF;
  EXECUTE 'CREATE TEMP VIEW rs_lbv_probe AS ' || query;
  SELECT string_agg(format('%I %s', coalesce(names[attnum], attname),
                           pg_catalog.rs_pg_format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
  INTO definition FROM pg_catalog.pg_attribute
  WHERE attrelid = to_regclass('pg_temp.rs_lbv_probe') AND attnum > 0;
  DROP VIEW pg_temp.rs_lbv_probe;
  EXECUTE format('CREATE FUNCTION %I.%I() RETURNS TABLE (%s) LANGUAGE plpgsql STABLE AS %L',
                 target, helper, definition,
                 format('#variable_conflict use_column' || chr(10) ||
                        'BEGIN RETURN QUERY EXECUTE %L; END', query));
  EXECUTE format('CREATE VIEW %I.%I AS SELECT * FROM %I.%I()', target, viewed, target, helper);
END)";

constexpr std::string_view kDrop = R"(BEGIN
  FOR found IN
    SELECT n.nspname FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n
      ON n.oid = p.pronamespace
    WHERE p.proname = helper AND n.nspname = target
      AND to_regclass(format('%I.%I', n.nspname, viewed)) IS NULL
  LOOP
    EXECUTE format('DROP FUNCTION IF EXISTS %I.%I()', found.nspname, helper);
  END LOOP;
END)";

}  // namespace

std::string create_late_view_sql(const QualifiedName& name, bool replace,
                                 const std::vector<std::string>& columns,
                                 const std::string& query) {
  std::vector<std::string> quoted;
  for (const std::string& column : columns) quoted.push_back(quote_literal(column));
  std::string block = "DECLARE\n" + constants(name);
  block += std::string("  replaced bool := ") + (replace ? "true" : "false") + ";\n";
  block += "  names text[] := ARRAY[" + join(quoted, ", ") + "]::text[];\n";
  block += "  query text := " + quote_literal(query) + ";\n  definition text;\n";
  block += kCreate;
  return "DO " + quote_literal(block);
}

std::string drop_late_view_sql(const QualifiedName& name) {
  std::string block = "DECLARE\n" + constants(name) + "  found record;\n";
  block += kDrop;
  return "DO " + quote_literal(block);
}

}  // namespace vesto::sandbox
