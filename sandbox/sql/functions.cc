#include "sandbox/sql/functions.h"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace vesto::sandbox {
namespace {

constexpr std::string_view kEverywhereNames[] = {
    // Numbers.
    "abs", "acos", "asin", "atan", "atan2", "cbrt", "ceil", "ceiling", "checksum", "cos", "cot",
    "degrees", "dexp", "dlog1", "dlog10", "exp", "floor", "ln", "log", "mod", "pi", "pow", "power",
    "radians", "random", "round", "sign", "sin", "sqrt", "tan", "trunc", "to_number",
    // Strings.
    "ascii", "btrim", "bpcharcmp", "bttext_pattern_cmp", "char_length", "character_length",
    "charindex", "chr", "collate", "concat", "crc32", "difference", "initcap", "left", "len",
    "length", "lower", "lpad", "ltrim", "md5", "func_sha1", "octet_length", "octetindex",
    "position", "quote_ident", "quote_literal", "regexp_count", "regexp_instr", "regexp_replace",
    "regexp_substr", "repeat", "replace", "replicate", "reverse", "right", "rpad", "rtrim", "sha",
    "sha1", "sha2", "fnv_hash", "farmhash64", "split_part", "soundex", "strpos", "strtol",
    "substring", "textlen", "translate", "trim", "upper", "to_char", "to_hex", "from_hex",
    "to_varbyte", "from_varbyte", "like_escape", "similar_to_escape", "similar_escape", "bit_length",
    // Dates and times.
    "add_months", "convert_timezone", "date", "date_cmp", "date_cmp_timestamp",
    "date_cmp_timestamptz", "date_part_year", "extract", "getdate", "interval_cmp", "last_day",
    "months_between", "next_day", "sysdate", "timeofday", "timestamp_cmp", "timestamp_cmp_date",
    "timestamp_cmp_timestamptz", "timestamptz_cmp", "timestamptz_cmp_date",
    "timestamptz_cmp_timestamp", "timezone", "to_date", "to_timestamp", "date_trunc",
    // Aggregates and windows.
    "any_value", "avg", "bit_and", "bit_or", "bool_and", "bool_or", "count", "cume_dist",
    "dense_rank", "first_value", "lag", "last_value", "lead", "max", "min", "nth_value", "ntile",
    "percent_rank", "percentile_cont", "percentile_disc", "rank", "ratio_to_report", "row_number",
    "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop", "var_samp", "variance",
    // JSON and SUPER.
    "can_json_parse", "is_array", "is_bigint", "is_boolean", "is_char", "is_decimal", "is_float",
    "is_integer", "is_object", "is_scalar", "is_smallint", "is_valid_json", "is_valid_json_array",
    "is_varchar", "json_array_length", "json_extract_array_element_text", "json_extract_path_text",
    "json_parse", "json_serialize", "json_serialize_to_varbyte", "json_size", "json_typeof",
    "get_array_length", "decimal_precision", "decimal_scale", "object", "array", "subarray",
    "array_concat", "array_flatten",
    // Session.
    "current_database", "pg_backend_pid", "current_user_id", "slice_num", "current_aws_account",
    "current_namespace", "current_session_arn", "user_is_member_of", "role_is_member_of",
};

constexpr std::string_view kLeaderNames[] = {
    "age", "current_schema", "current_schemas", "has_database_privilege", "has_schema_privilege",
    "has_table_privilege", "has_assumerole_privilege", "has_column_privilege",
    "has_function_privilege", "has_language_privilege", "version", "pg_last_copy_id",
    "pg_last_copy_count", "pg_last_query_id", "pg_last_unload_id", "pg_last_unload_count",
    "isfinite", "getbit", "get_bit", "get_byte", "set_bit", "set_byte", "setbit", "to_ascii", "now",
    "statement_timestamp", "localtime", "substr", "array_to_string", "array_upper", "array_lower",
    "array_dims", "generate_series", "unnest", "format_type", "format_encoding",
    "obj_description", "col_description", "shobj_description", "pg_get_userbyid", "pg_get_expr",
    "pg_get_viewdef", "pg_get_indexdef", "pg_get_constraintdef", "pg_get_ruledef",
    "pg_get_triggerdef", "pg_get_functiondef", "pg_get_function_result",
    "pg_get_function_arguments", "pg_get_function_identity_arguments", "pg_get_serial_sequence",
    "pg_table_is_visible", "pg_type_is_visible", "pg_function_is_visible",
    "pg_operator_is_visible", "pg_opclass_is_visible", "pg_encoding_to_char",
    "pg_char_to_encoding", "pg_get_late_binding_view_cols", "pg_get_cols", "pg_get_external_columns",
    "pg_get_session_roles", "pg_cancel_backend", "pg_terminate_backend", "current_setting",
    "pg_is_other_temp_schema", "pg_my_temp_schema", "pg_relation_size",
    "pg_tablespace_location", "txid_current", "inet_server_addr", "regexp_split_to_table",
    "pg_client_encoding", "pg_conf_load_time", "pg_postmaster_start_time",
};

constexpr std::string_view kDatePartNames[] = {"dateadd", "date_add", "datediff", "date_diff",
                                               "date_part", "datepart", "pgdate_part"};
constexpr std::string_view kRewrittenNames[] = {"nvl", "nvl2", "decode", "listagg", "median"};

const std::unordered_map<std::string_view, FunctionKind>& kinds() {
  static const auto map = [] {
    std::unordered_map<std::string_view, FunctionKind> out;
    for (const auto name : kEverywhereNames) out.emplace(name, FunctionKind::kEverywhere);
    for (const auto name : kLeaderNames) out.emplace(name, FunctionKind::kLeader);
    for (const auto name : kDatePartNames) out.emplace(name, FunctionKind::kDatePart);
    for (const auto name : kRewrittenNames) out.emplace(name, FunctionKind::kRewritten);
    return out;
  }();
  return map;
}

}  // namespace

FunctionKind function_kind(std::string_view name) {
  const auto found = kinds().find(name);
  return found == kinds().end() ? FunctionKind::kUnknown : found->second;
}

bool is_catalog_relation(std::string_view schema, std::string_view name) {
  if (schema == "pg_catalog" || schema == "information_schema") return true;
  if (!schema.empty()) return false;
  constexpr std::array<std::string_view, 7> kPrefixes = {"pg_",  "svv_",  "svl_", "stl_",
                                                         "stv_", "svcs_", "sys_"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](std::string_view prefix) {
    return name.substr(0, prefix.size()) == prefix;
  });
}

}  // namespace vesto::sandbox
