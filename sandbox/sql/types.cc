#include "sandbox/sql/types.h"

#include <unordered_map>
#include <unordered_set>

#include "sandbox/sql/errors.h"

namespace vesto::sandbox {
namespace {

constexpr int kVarcharMax = 65535;
constexpr int kVarcharDefault = 256;
constexpr int kCharMax = 4096;
constexpr int kVarbyteMax = 16777216;
constexpr uint32_t kJsonbOid = 3802;
constexpr uint32_t kByteaOid = 17;
constexpr uint32_t kTextOid = 25;
constexpr uint32_t kVarcharOid = 1043;
constexpr uint32_t kSuperOid = 4000;
constexpr uint32_t kVarbyteOid = 6551;
constexpr int32_t kSuperModifier = 16384000;

using Names = std::unordered_map<std::string_view, std::string_view>;

// Types without modifiers, under all their names.
const Names& plain_types() {
  static const Names names = {{"int2", "int2"},
                              {"smallint", "int2"},
                              {"int4", "int4"},
                              {"integer", "int4"},
                              {"int", "int4"},
                              {"int8", "int8"},
                              {"bigint", "int8"},
                              {"float4", "float4"},
                              {"real", "float4"},
                              {"float8", "float8"},
                              {"bool", "bool"},
                              {"boolean", "bool"},
                              {"date", "date"},
                              {"super", "jsonb"},
                              {"datetime", "timestamp"},
                              {"time", "time"},
                              {"timetz", "timetz"},
                              {"timestamp", "timestamp"},
                              {"timestamptz", "timestamptz"}};
  return names;
}

// Types that PostgreSQL 8.0 knew and Redshift does not take for columns, with the names shown.
const Names& old_types() {
  static const Names names = {{"serial", "serial"},
                              {"serial4", "serial"},
                              {"bigserial", "bigserial"},
                              {"serial8", "bigserial"},
                              {"bytea", "bytea"},
                              {"bit", "bit"},
                              {"varbit", "bit varying"},
                              {"money", "money"},
                              {"inet", "inet"},
                              {"cidr", "cidr"},
                              {"macaddr", "macaddr"},
                              {"oid", "oid"},
                              {"regproc", "regproc"},
                              {"regprocedure", "regprocedure"},
                              {"regoper", "regoper"},
                              {"regoperator", "regoperator"},
                              {"regclass", "regclass"},
                              {"regtype", "regtype"},
                              {"point", "point"},
                              {"lseg", "lseg"},
                              {"box", "box"},
                              {"path", "path"},
                              {"polygon", "polygon"},
                              {"circle", "circle"},
                              {"line", "line"},
                              {"char", "\"char\""},
                              {"name", "name"},
                              {"abstime", "abstime"},
                              {"xid", "xid"},
                              {"cid", "cid"},
                              {"tid", "tid"},
                              {"aclitem", "aclitem"},
                              {"record", "record"},
                              {"cstring", "cstring"},
                              {"void", "void"},
                              {"trigger", "trigger"},
                              {"internal", "internal"},
                              {"opaque", "opaque"},
                              {"language_handler", "language_handler"},
                              {"anyarray", "anyarray"},
                              {"anyelement", "anyelement"}};
  return names;
}

// Of these, the ones that catalogue queries cast to.
const std::unordered_set<std::string_view>& leader_types() {
  static const std::unordered_set<std::string_view> names = {
      "oid",     "regproc", "regprocedure", "regoper", "regoperator", "regclass",
      "regtype", "name",    "char",         "xid",     "aclitem"};
  return names;
}

// How PostgreSQL shows an element type in front of [].
std::string shown_name(std::string_view name) {
  static const Names names = {{"int2", "smallint"},
                              {"int4", "integer"},
                              {"int8", "bigint"},
                              {"float4", "real"},
                              {"float8", "double precision"},
                              {"bool", "boolean"},
                              {"varchar", "character varying"},
                              {"bpchar", "character"}};
  const auto found = names.find(name);
  return std::string(found == names.end() ? name : found->second);
}

SqlError does_not_exist(std::string_view name) {
  return make_sql_error("42704", "type \"" + std::string(name) + "\" does not exist");
}

SqlError unsupported(std::string_view column, std::string_view name) {
  if (column.empty()) {
    return feature_not_supported("type \"" + std::string(name) + "\" is not supported");
  }
  return feature_not_supported("Column \"" + std::string(column) + "\" has unsupported type \"" +
                               std::string(name) + "\".");
}

SqlError bad_length(std::string_view type, int length, int highest) {
  if (length < 1) {
    return make_sql_error("22023", "length for type " + std::string(type) + " must be at least 1");
  }
  return make_sql_error("22023", "length for type " + std::string(type) + " cannot exceed " +
                                     std::to_string(highest));
}

SqlResult<PgType> sized(std::string_view shown, std::string_view pg_name, const TypeText& type,
                        int otherwise, int highest) {
  PgType out{std::string(pg_name), type.modifiers, type.array, false};
  if (out.modifiers.empty()) out.modifiers.push_back(otherwise);
  const int length = out.modifiers[0];
  if (out.modifiers.size() > 1 || length < 1 || length > highest) {
    return bad_length(shown, length, highest);
  }
  return out;
}

SqlResult<PgType> decimal(const TypeText& type) {
  PgType out{"numeric", type.modifiers, type.array, false};
  if (out.modifiers.empty()) out.modifiers.push_back(18);
  if (out.modifiers.size() == 1) out.modifiers.push_back(0);
  const int precision = out.modifiers[0];
  const int scale = out.modifiers[1];
  if (precision < 1 || precision > 38) {
    return make_sql_error(
        "22023", "DECIMAL precision " + std::to_string(precision) + " must be between 1 and 38");
  }
  if (scale < 0 || scale > 37) {
    return make_sql_error("22023",
                          "DECIMAL scale " + std::to_string(scale) + " must be between 0 and 37");
  }
  if (scale > precision) {
    return make_sql_error("22023", "DECIMAL scale " + std::to_string(scale) +
                                       " must be between 0 and precision " +
                                       std::to_string(precision));
  }
  return out;
}

// char without pg_catalog in front is the one-byte type "char", which has to be quoted.
SqlResult<PgType> scalar_type(const TypeText& type, std::string_view column) {
  const std::string& name = type.name;
  if (name == "numeric" || name == "decimal") return decimal(type);
  if (name == "varchar" || name == "nvarchar") {
    return sized("varchar", "varchar", type, kVarcharDefault, kVarcharMax);
  }
  if (name == "bpchar" || name == "nchar") {
    return sized("character", "bpchar", type, type.pg_catalog ? 1 : kVarcharDefault, kCharMax);
  }
  if (name == "text") {
    if (column.empty()) return PgType{"text", {}, type.array, false};
    return sized("varchar", "varchar", type, kVarcharDefault, kVarcharMax);
  }
  if (name == "varbyte" || name == "varbinary") {
    VESTO_ASSIGN(PgType out, sized("varbyte", "bytea", type, 64000, kVarbyteMax));
    out.modifiers.clear();
    return out;
  }
  if (name == "interval") {
    if (!column.empty() && type.modifiers.empty()) return unsupported(column, "interval");
    return PgType{"interval", type.modifiers, type.array, false};
  }
  if (name == "intervaly2m" || name == "intervald2s") return PgType{"interval", {}, false, false};
  if (name == "geometry" || name == "geography" || name == "hllsketch") {
    return not_in_sandbox("type " + name);
  }
  const auto plain = plain_types().find(name);
  if (plain != plain_types().end()) {
    const bool with_precision = name.substr(0, 4) == "time";
    return PgType{std::string(plain->second), with_precision ? type.modifiers : std::vector<int>{},
                  type.array, false};
  }
  const auto old = old_types().find(name);
  if (old == old_types().end()) return does_not_exist(name);
  if (!column.empty() || leader_types().count(name) == 0) return unsupported(column, old->second);
  return PgType{name, {}, type.array, true};
}

}  // namespace

SqlResult<PgType> pg_type_for(const TypeText& type, std::string_view column) {
  VESTO_ASSIGN(PgType out, scalar_type(type, column));
  if (!type.array) return out;
  if (!column.empty()) return unsupported(column, shown_name(type.name) + "[]");
  out.leader_only = true;
  return out;
}

RedshiftType redshift_type(uint32_t pg_oid, int32_t pg_modifier, int16_t pg_size) {
  switch (pg_oid) {
    case kJsonbOid:
      return {kSuperOid, kSuperModifier, -1};
    case kByteaOid:
      return {kVarbyteOid, -1, -1};
    case kTextOid:
      return {kVarcharOid, -1, -1};
    default:
      return {pg_oid, pg_modifier, pg_size};
  }
}

std::string redshift_type_name(std::string_view pg_name) {
  if (pg_name == "jsonb") return "super";
  if (pg_name == "bytea") return "varbyte";
  return std::string(pg_name);
}

}  // namespace vesto::sandbox
