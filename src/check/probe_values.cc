#include "check/probe_values.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace vesto {

std::vector<sql::ColumnDdl> probe_columns() {
  const auto column = [](const char* name, TypeKind kind, int precision = 0, int scale = 0,
                         int length_bytes = 0) {
    return sql::ColumnDdl{
        .name = name,
        .type = {
            .kind = kind, .precision = precision, .scale = scale, .length_bytes = length_bytes}};
  };
  return {column("id", TypeKind::kBigint),
          column("a_text", TypeKind::kVarchar, 0, 0, 64),
          column("a_number", TypeKind::kBigint),
          column("a_decimal", TypeKind::kDecimal, 38, 10),
          column("a_double", TypeKind::kDouble),
          column("a_flag", TypeKind::kBoolean),
          column("a_date", TypeKind::kDate),
          column("a_time", TypeKind::kTimestamp),
          column("an_instant", TypeKind::kTimestampTz)};
}

// Text, number, decimal, double, flag, date, time, instant. Texts of doubles and decimals are those
// that the SELECT below gives.
std::vector<ProbeRow> probe_rows() {
  return {
      {"1", "", "0", "0.0000000000", "0", "f", "2000-01-01", "2000-01-01 00:00:00.000000",
       "2000-01-01 00:00:00.000000"},
      {"2", std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt,
       std::nullopt, std::nullopt},
      {"3", "a \"quoted\", 'single' \\ back\tslash\nnext line\r", "9223372036854775807",
       "9999999999999999999999999999.9999999999", "0.5", "t", "9999-12-31",
       "9999-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999"},
      {"4", "\xC3\xBF \xE2\x82\xAC \xF0\x9F\x98\x80 \xE4\xB8\xAD", "-9223372036854775808",
       "-9999999999999999999999999999.9999999999", "-1.25", "f", "0001-01-01",
       "0001-01-01 00:00:00.000001", "0001-01-01 00:00:00.000001"},
      {"5", "NULL  ", "-1", "0.0000000001", "1024", "t", "2024-02-29", "2024-02-29 12:34:56.789012",
       "2038-01-19 03:14:08.000000"},
  };
}

std::string select_probe_rows(const std::string& table) {
  constexpr const char* kMicros = "'YYYY-MM-DD HH24:MI:SS.US'";
  return fmt::format(
      "SELECT id::varchar, a_text, a_number::varchar, a_decimal::varchar, a_double::varchar, "
      "CASE WHEN a_flag THEN 't' WHEN NOT a_flag THEN 'f' END, to_char(a_date, 'YYYY-MM-DD'), "
      "to_char(a_time, {0}), to_char(an_instant AT TIME ZONE 'UTC', {0}) FROM {1} ORDER BY id",
      kMicros, table);
}

std::string probe_difference(const std::vector<ProbeRow>& expected,
                             const std::vector<ProbeRow>& found) {
  if (expected.size() != found.size()) {
    return fmt::format("{} rows instead of {}", found.size(), expected.size());
  }
  const std::vector<sql::ColumnDdl> columns = probe_columns();
  for (size_t row = 0; row < expected.size(); ++row) {
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::optional<std::string> there = i < found[row].size() ? found[row][i] : "?";
      if (there == expected[row][i]) continue;
      return fmt::format("column {} of row {} came back as {}", columns[i].name, row + 1,
                         there ? "\"" + printable(*there, false) + "\"" : "NULL");
    }
  }
  return "";
}

}  // namespace vesto
