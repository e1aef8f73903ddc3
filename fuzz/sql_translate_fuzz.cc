// Fuzzes translate(): the first byte chooses the options, the rest is the client's text.
// Whatever comes in, the answer is an error with SQLSTATE and text, or statements whose SQL is
// valid UTF-8 without NUL. Seeds: the texts of tests/unit/sandbox_sql/cases.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sandbox/sql/statement.h"
#include "sandbox/sql/token.h"

namespace {

using vesto::sandbox::Statement;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_statement(const Statement& statement) {
  for (const std::string& sql : statement.pg_sql) {
    check(!sql.empty());
    check(sql.find('\0') == std::string::npos);
    check(vesto::sandbox::find_invalid_utf8(sql) == std::string_view::npos);
  }
  check(statement.parameter_count >= 0);
  for (const auto& [shorter, full] : statement.long_names) check(shorter.size() < full.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  vesto::sandbox::TranslateOptions options;
  options.case_sensitive_identifier = (data[0] & 1U) != 0;
  options.serverless = (data[0] & 2U) != 0;
  const std::string_view sql(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto result = vesto::sandbox::translate(sql, options);
  if (!result.ok()) {
    check(result.error().sqlstate.size() == 5);
    check(!result.error().message.empty());
    return 0;
  }
  check(!result->empty());
  for (const Statement& statement : *result) check_statement(statement);
  return 0;
}
