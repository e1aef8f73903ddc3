// COPY's option parser: the first byte chooses what stands before the options, the rest is the
// client's text. What passes must be a COPY that can be run: one format, one form of credentials,
// options within their bounds, and none of those that exclude each other. What does not pass is an
// error with a text. Source of the rules: Amazon Redshift Database Developer Guide, COPY.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sandbox/sql/copy_parser.h"
#include "sandbox/sql/statement.h"

namespace {

using vesto::sandbox::CopyStatement;
using Format = CopyStatement::Format;

void check(bool holds) {
  if (!holds) std::abort();
}

// One character of ASCII, if it is given at all.
void check_character(const std::optional<std::string>& text) {
  if (!text) return;
  check(text->size() == 1);
  check(static_cast<unsigned char>(text->front()) < 0x80);
}

void check_exclusions(const CopyStatement& copy) {
  const bool csv = copy.format == Format::kCsv;
  const bool json = copy.format == Format::kJson;
  const bool columnar = copy.format == Format::kParquet || copy.format == Format::kOrc;
  if (csv) check(!copy.escape && !copy.remove_quotes && copy.fixed_width.empty());
  check(csv || !copy.csv_quote);
  if (json) {
    check(!copy.delimiter && !copy.escape && !copy.fill_record && !copy.ignore_blank_lines);
    check(!copy.null_as && !copy.remove_quotes);
  }
  if (copy.format == Format::kFixedWidth) check(!copy.delimiter && !copy.escape);
  if (columnar) {
    check(!copy.region && !copy.null_as && !copy.truncate_columns && !copy.delimiter);
    check(copy.compression == CopyStatement::Compression::kNone && copy.max_error_rows == 0);
  }
  if (copy.ignore_all_errors) check(copy.max_error_rows == 0);
}

void check_copy(const CopyStatement& copy) {
  check(!copy.table.name.empty());
  check(copy.from.starts_with("s3://"));
  const bool keys = !copy.access_key_id.empty();
  check(keys != !copy.iam_role.empty());
  check(copy.session_token.empty() || keys);
  check_character(copy.delimiter);
  check_character(copy.csv_quote);
  if (copy.accept_inv_chars && !copy.accept_inv_chars->empty()) {
    check_character(copy.accept_inv_chars);
  }
  if (copy.null_as) check(copy.null_as->find('\n') == std::string::npos);
  check(copy.max_error_rows >= 0 && copy.max_error_rows <= 100000);
  check(copy.ignore_header_lines >= 0);
  check_exclusions(copy);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr std::string_view kHeads[] = {
      "COPY t FROM 's3://b/k' ACCESS_KEY_ID 'A' SECRET_ACCESS_KEY 's' ",
      "COPY t FROM 's3://b/k' ACCESS_KEY_ID 'A' SECRET_ACCESS_KEY 's' CSV ",
      "COPY \"s\".\"t\" (\"a\", \"b\") FROM 's3://b/k' ",
      "COPY t FROM ",
      "COPY ",
      "COPY t FROM 's3://b/k' ACCESS_KEY_ID 'A' SECRET_ACCESS_KEY 's' JSON 'auto' ",
      "COPY t FROM 's3://b/k' IAM_ROLE 'arn:aws:iam::123456789012:role/r' PARQUET ",
      ""};
  const std::string sql = std::string(kHeads[data[0] % 8U]).append(rest);
  const auto result = vesto::sandbox::translate(sql, {});
  if (!result.ok()) {
    check(result.error().sqlstate.size() == 5 && !result.error().message.empty());
    return 0;
  }
  for (const vesto::sandbox::Statement& statement : *result) {
    if (statement.copy) check_copy(*statement.copy);
  }
  // The value of an option is never longer than its literal.
  check(vesto::sandbox::copy_option_value(rest).size() <= rest.size());
  return 0;
}
