#include "sandbox/sql/copy_parser.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "sandbox/sql/errors.h"

namespace vesto::sandbox {
namespace {

constexpr int64_t kMaxErrorRows = 100000;

using Format = CopyStatement::Format;
using Compression = CopyStatement::Compression;

SqlError bad_credentials() {
  return make_sql_error(
      "42601",
      "Invalid credentials. Must be of the format: credentials 'aws_iam_role=...' or "
      "'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'");
}

SqlError not_compatible(std::string_view one, std::string_view other) {
  return make_sql_error("42601",
                        std::string(one) + " is not compatible with " + std::string(other));
}

class CopyParser {
 public:
  CopyParser(Cursor* cursor, CopyStatement* copy) : cursor_(*cursor), copy_(*copy) {}

  SqlStatus run() {
    if (cursor_.is_punct('(')) return cursor_.unexpected();  // COPY (query) TO
    VESTO_ASSIGN(const QualifiedName table, cursor_.qualified_name());
    copy_.table = table.table();
    if (cursor_.is_punct('(')) {
      VESTO_ASSIGN(copy_.columns, cursor_.name_list());
    }
    if (cursor_.accept("to")) return cursor_.unexpected();
    VESTO_TRY(cursor_.expect("from"));
    VESTO_TRY(source());
    while (!cursor_.at_end()) VESTO_TRY(option());
    return check();
  }

 private:
  SqlStatus source() {
    if (!cursor_.is_string()) return cursor_.unexpected();
    VESTO_ASSIGN(copy_.from, cursor_.string());
    if (copy_.from.rfind("s3://", 0) == 0) return Unit{};
    for (const std::string_view scheme : {"emr://", "dynamodb://"}) {
      if (copy_.from.rfind(scheme, 0) == 0)
        return not_in_sandbox("COPY from " + std::string(scheme));
    }
    return feature_not_supported(
        "LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)");
  }

  SqlStatus option() {
    const size_t at = cursor_.index();
    if (at < cursor_.source().last && cursor_.source().token(at).kind == TokenKind::kWord) {
      const std::string word = to_lower_ascii(cursor_.source().raw(at));
      for (const auto part : {&CopyParser::authorization, &CopyParser::format,
                              &CopyParser::conversion, &CopyParser::load, &CopyParser::refused}) {
        VESTO_ASSIGN(const bool taken, (this->*part)(word));
        if (taken) return Unit{};
      }
    }
    return cursor_.source().error_at(at);
  }

  // Notes the option; a second one of the same name is refused.
  SqlStatus note(std::string_view name) {
    cursor_.skip();
    if (!seen_.insert(std::string(name)).second) {
      return make_sql_error("42601", "conflicting or redundant options");
    }
    return Unit{};
  }

  // The literal behind an optional AS, read as an option's value.
  SqlResult<std::string> value() {
    cursor_.accept("as");
    if (!cursor_.is_string()) return cursor_.unexpected();
    const std::string_view raw = cursor_.source().raw(cursor_.index());
    cursor_.skip();
    return copy_option_value(raw);
  }

  SqlResult<int64_t> number() {
    cursor_.accept("as");
    return cursor_.integer();
  }

  // ON | OFF | TRUE | FALSE | PRESET, or nothing.
  void optional_switch() {
    for (const std::string_view word : {"on", "off", "true", "false", "preset"}) {
      if (cursor_.accept(word)) return;
    }
  }

  SqlResult<bool> authorization(const std::string& word) {
    if (word == "access_key_id" || word == "secret_access_key" || word == "session_token" ||
        word == "token") {
      VESTO_TRY(note(word == "token" ? "session_token" : word));
      cursor_.accept("as");
      VESTO_ASSIGN(std::string text, cursor_.string());
      if (text.empty()) return bad_credentials();
      std::string& slot = word == "access_key_id"       ? copy_.access_key_id
                          : word == "secret_access_key" ? copy_.secret_access_key
                                                        : copy_.session_token;
      slot = std::move(text);
      return true;
    }
    if (word == "iam_role") {
      VESTO_TRY(note(word));
      cursor_.accept("as");
      if (cursor_.accept("default")) {
        copy_.iam_role = "default";
        return true;
      }
      VESTO_ASSIGN(copy_.iam_role, cursor_.string());
      if (copy_.iam_role.empty()) return bad_credentials();
      return true;
    }
    if (word == "with" && cursor_.is("credentials", 1)) cursor_.skip();
    if (!cursor_.is("credentials")) return false;
    VESTO_TRY(note("credentials"));
    cursor_.accept("as");
    VESTO_ASSIGN(const std::string text, cursor_.string());
    VESTO_TRY(credentials(text));
    return true;
  }

  SqlStatus credentials(const std::string& text) {
    if (text.find_first_of(" \t\r\n") != std::string::npos) return bad_credentials();
    std::set<std::string> keys;
    for (const std::string& part : split(text, ';')) {
      const size_t equals = part.find('=');
      if (equals == std::string::npos || equals + 1 == part.size()) return bad_credentials();
      const std::string key = part.substr(0, equals);
      if (!keys.insert(key).second) return bad_credentials();
      std::string rest = part.substr(equals + 1);
      if (key == "aws_access_key_id") {
        copy_.access_key_id = std::move(rest);
      } else if (key == "aws_secret_access_key") {
        copy_.secret_access_key = std::move(rest);
      } else if (key == "token") {
        copy_.session_token = std::move(rest);
      } else if (key == "aws_iam_role") {
        copy_.iam_role = std::move(rest);
      } else if (key == "master_symmetric_key") {
        return not_in_sandbox("client-side encryption");
      } else {
        return make_sql_error("42601", "invalid CREDENTIALS clause");
      }
    }
    const bool by_keys = !copy_.access_key_id.empty() && !copy_.secret_access_key.empty();
    const bool by_role = !copy_.iam_role.empty() && keys.size() == 1;
    if (!by_keys && !by_role) return bad_credentials();
    return Unit{};
  }

  SqlStatus set_format(Format format, std::string_view name) {
    VESTO_TRY(note(name));
    if (format_set_) return not_compatible(format_name_, to_upper_ascii(name));
    format_set_ = true;
    format_name_ = to_upper_ascii(name);
    copy_.format = format;
    return Unit{};
  }

  SqlResult<bool> format(const std::string& first) {
    std::string word = first;
    const bool explicit_format = word == "format";
    if (explicit_format) {
      cursor_.skip();
      cursor_.accept("as");
      if (cursor_.at_end()) return cursor_.unexpected();
      word = to_lower_ascii(cursor_.source().raw(cursor_.index()));
    }
    if (word == "csv") {
      VESTO_TRY(set_format(Format::kCsv, "csv"));
    } else if (word == "json") {
      VESTO_TRY(set_format(Format::kJson, "json"));
      VESTO_TRY(path_option());
    } else if (word == "avro" && explicit_format) {
      VESTO_TRY(set_format(Format::kAvro, "avro"));
      VESTO_TRY(path_option());
    } else if (word == "parquet" || word == "orc") {
      VESTO_TRY(set_format(word == "orc" ? Format::kOrc : Format::kParquet, word));
    } else if (word == "shapefile") {
      return not_in_sandbox("COPY from SHAPEFILE");
    } else if (word == "fixedwidth") {
      VESTO_TRY(set_format(Format::kFixedWidth, "fixedwidth"));
      VESTO_ASSIGN(copy_.fixed_width, value());
    } else if (explicit_format) {
      return cursor_.unexpected();
    } else {
      return format_detail(word);
    }
    return true;
  }

  // JSON and AVRO [AS] 'auto' | ...
  SqlStatus path_option() {
    copy_.json_option = "auto";
    if (!cursor_.is_string() && !(cursor_.is("as") && cursor_.is_string(1))) return Unit{};
    VESTO_ASSIGN(copy_.json_option, value());
    const std::string& option = copy_.json_option;
    if (option != "auto" && option != "auto ignorecase" && option != "noshred" &&
        option.rfind("s3://", 0) != 0) {
      return make_sql_error("42601", "Invalid JSONPath format: " + option);
    }
    return Unit{};
  }

  SqlResult<bool> format_detail(const std::string& word) {
    if (word == "quote") {
      VESTO_TRY(note(word));
      VESTO_ASSIGN(copy_.csv_quote, one_character("quote"));
    } else if (word == "delimiter") {
      VESTO_TRY(note(word));
      VESTO_ASSIGN(copy_.delimiter, one_character("delimiter"));
    } else if (word == "gzip" || word == "bzip2" || word == "lzop" || word == "zstd") {
      VESTO_TRY(note(word));
      if (copy_.compression != Compression::kNone) {
        return not_compatible(compression_name_, to_upper_ascii(word));
      }
      compression_name_ = to_upper_ascii(word);
      copy_.compression = word == "gzip"    ? Compression::kGzip
                          : word == "bzip2" ? Compression::kBzip2
                          : word == "lzop"  ? Compression::kLzop
                                            : Compression::kZstd;
    } else if (word == "manifest") {
      VESTO_TRY(note(word));
      copy_.manifest = true;
    } else if (word == "region") {
      VESTO_TRY(note(word));
      VESTO_ASSIGN(copy_.region, value());
    } else {
      return false;
    }
    return true;
  }

  SqlResult<std::string> one_character(std::string_view what) {
    VESTO_ASSIGN(std::string text, value());
    const bool ascii = text.size() == 1 && static_cast<unsigned char>(text[0]) < 0x80U;
    if (!ascii) {
      return make_sql_error("22023",
                            "COPY " + std::string(what) + " must be a single ASCII character");
    }
    return text;
  }

  SqlResult<bool> conversion(const std::string& word) {
    static const std::vector<std::pair<std::string_view, bool CopyStatement::*>> flags = {
        {"acceptanydate", &CopyStatement::accept_any_date},
        {"blanksasnull", &CopyStatement::blanks_as_null},
        {"emptyasnull", &CopyStatement::empty_as_null},
        {"escape", &CopyStatement::escape},
        {"explicit_ids", &CopyStatement::explicit_ids},
        {"fillrecord", &CopyStatement::fill_record},
        {"ignoreblanklines", &CopyStatement::ignore_blank_lines},
        {"removequotes", &CopyStatement::remove_quotes},
        {"roundec", &CopyStatement::round_dec},
        {"trimblanks", &CopyStatement::trim_blanks},
        {"truncatecolumns", &CopyStatement::truncate_columns},
        {"noload", &CopyStatement::no_load},
        {"ignoreallerrors", &CopyStatement::ignore_all_errors}};
    for (const auto& [name, member] : flags) {
      if (word != name) continue;
      VESTO_TRY(note(word));
      copy_.*member = true;
      return true;
    }
    static const std::vector<
        std::pair<std::string_view, std::optional<std::string> CopyStatement::*>>
        texts = {{"dateformat", &CopyStatement::date_format},
                 {"timeformat", &CopyStatement::time_format},
                 {"null", &CopyStatement::null_as}};
    for (const auto& [name, member] : texts) {
      if (word != name) continue;
      VESTO_TRY(note(word));
      VESTO_ASSIGN(copy_.*member, value());
      // The guide forbids \n as NULL, since it ends a row; within a longer marker it would as well.
      if (name == "null" && copy_.null_as->find('\n') != std::string::npos) {
        return make_sql_error("22023", "NULL AS may not hold a line feed");
      }
      return true;
    }
    if (word == "acceptinvchars") return accept_inv_chars();
    if (word == "encoding") return encoding();
    return false;
  }

  SqlResult<bool> accept_inv_chars() {
    VESTO_TRY(note("acceptinvchars"));
    copy_.accept_inv_chars = "";
    if (cursor_.is_string() || (cursor_.is("as") && cursor_.is_string(1))) {
      VESTO_ASSIGN(copy_.accept_inv_chars, one_character("replacement"));
    }
    return true;
  }

  SqlResult<bool> encoding() {
    VESTO_TRY(note("encoding"));
    cursor_.accept("as");
    if (cursor_.is_string()) {
      VESTO_ASSIGN(copy_.encoding, cursor_.string());
    } else {
      VESTO_ASSIGN(copy_.encoding, cursor_.name());
    }
    const std::string upper = to_upper_ascii(*copy_.encoding);
    for (const std::string_view known : {"UTF8", "UTF16", "UTF16LE", "UTF16BE", "ISO88591"}) {
      if (upper == known) {
        copy_.encoding = upper;
        return true;
      }
    }
    return make_sql_error("22023", "unrecognized encoding: \"" + *copy_.encoding + "\"");
  }

  SqlResult<bool> load(const std::string& word) {
    if (word == "maxerror" || word == "ignoreheader" || word == "comprows") {
      VESTO_TRY(note(word));
      VESTO_ASSIGN(const int64_t count, number());
      const int64_t highest = word == "maxerror" ? kMaxErrorRows : 2147483647;
      const int64_t lowest = word == "comprows" ? 1000 : 0;
      if (count < lowest || count > highest) {
        return make_sql_error("22023", to_upper_ascii(word) + " must be between " +
                                           std::to_string(lowest) + " and " +
                                           std::to_string(highest));
      }
      if (word == "maxerror") copy_.max_error_rows = static_cast<long>(count);
      if (word == "ignoreheader") copy_.ignore_header_lines = static_cast<int>(count);
      return true;
    }
    if (word == "compupdate" || word == "statupdate") {
      VESTO_TRY(note(word));
      optional_switch();
      return true;
    }
    return false;
  }

  // What Redshift has and the sandbox does not.
  SqlResult<bool> refused(const std::string& word) {
    for (const std::string_view name :
         {"ssh", "readratio", "encrypted", "master_symmetric_key", "job", "serializetojson"}) {
      if (word == name) return not_in_sandbox("COPY option " + to_upper_ascii(name));
    }
    return false;
  }

  [[nodiscard]] bool has(std::string_view option) const {
    return seen_.count(std::string(option)) > 0;
  }

  // The matrix of options that exclude each other.
  SqlStatus check() {
    VESTO_TRY(check_authorization());
    if (copy_.format == Format::kParquet || copy_.format == Format::kOrc) return check_columnar();
    const auto exclude = [&](std::string_view one,
                             const std::vector<std::string_view>& others) -> SqlStatus {
      if (!has(one)) return Unit{};
      for (const std::string_view other : others) {
        if (!has(other)) continue;
        return not_compatible(to_upper_ascii(one),
                              other == "null" ? "NULL AS" : to_upper_ascii(other));
      }
      return Unit{};
    };
    VESTO_TRY(exclude("csv", {"fixedwidth", "removequotes", "escape"}));
    VESTO_TRY(exclude("json", {"csv", "delimiter", "escape", "fillrecord", "fixedwidth",
                               "ignoreblanklines", "null", "removequotes"}));
    VESTO_TRY(exclude("fixedwidth", {"csv", "delimiter", "escape", "removequotes"}));
    if (has("fixedwidth") && copy_.encoding && *copy_.encoding != "UTF8") {
      return not_compatible("FIXEDWIDTH", "ENCODING");
    }
    VESTO_TRY(exclude("maxerror", {"ignoreallerrors"}));
    if (has("quote") && !has("csv")) {
      return make_sql_error("42601", "QUOTE is only compatible with CSV");
    }
    return Unit{};
  }

  SqlStatus check_authorization() {
    const bool keys = has("access_key_id") || has("secret_access_key") || has("session_token");
    if (has("iam_role") && keys) return not_compatible("IAM_ROLE", "ACCESS_KEY_ID");
    if (has("iam_role") && has("credentials")) return not_compatible("IAM_ROLE", "CREDENTIALS");
    if (has("credentials") && keys) return not_compatible("CREDENTIALS", "ACCESS_KEY_ID");
    if (keys && (copy_.access_key_id.empty() || copy_.secret_access_key.empty())) {
      return bad_credentials();
    }
    if (!keys && !has("iam_role") && !has("credentials")) {
      return make_sql_error("42601", "CREDENTIALS argument is required but was not supplied");
    }
    return Unit{};
  }

  // Parquet and ORC take hardly any option. MAXERROR 0 is what dlt sends, and passes.
  SqlStatus check_columnar() {
    static const std::set<std::string> allowed = {
        "parquet",       "orc",         "iam_role", "access_key_id", "secret_access_key",
        "session_token", "credentials", "manifest", "fillrecord",    "acceptinvchars",
        "statupdate",    "explicit_ids"};
    for (const std::string& option : seen_) {
      if (allowed.count(option) > 0) continue;
      if (option == "maxerror" && copy_.max_error_rows == 0) continue;
      return feature_not_supported((option == "null" ? "NULL AS" : to_upper_ascii(option)) +
                                   " argument is not supported for " + format_name_ +
                                   " based COPY");
    }
    return Unit{};
  }

  Cursor& cursor_;
  CopyStatement& copy_;
  std::set<std::string> seen_;
  bool format_set_ = false;
  std::string format_name_;
  std::string compression_name_;
};

bool is_octal(char c) { return c >= '0' && c <= '7'; }

}  // namespace

std::string copy_option_value(std::string_view raw_literal) {
  std::string out;
  if (raw_literal.size() < 2 || raw_literal.front() != '\'') return std::string(raw_literal);
  const std::string_view raw = raw_literal.substr(1, raw_literal.size() - 2);
  for (size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if (c == '\'') ++i;  // doubled
    if (c != '\\' || i + 1 >= raw.size()) {
      out += c;
      continue;
    }
    const char next = raw[++i];
    if (is_octal(next)) {
      int value = 0;
      size_t digits = 0;
      for (; digits < 3 && i + digits < raw.size() && is_octal(raw[i + digits]); ++digits) {
        value = value * 8 + (raw[i + digits] - '0');
      }
      i += digits - 1;
      out += static_cast<char>(value & 0xff);
      continue;
    }
    constexpr std::string_view kLetters = "tnrbfv";
    constexpr std::string_view kValues = "\t\n\r\b\f\v";
    const size_t known = kLetters.find(next);
    if (known != std::string_view::npos) {
      out += kValues[known];
    } else if (next == '\\' || next == '\'') {
      out += next;
    } else {
      out += c;
      out += next;
    }
  }
  return out;
}

SqlStatus parse_copy(Cursor* cursor, Statement* out) {
  CopyStatement copy;
  VESTO_TRY(CopyParser(cursor, &copy).run());
  out->writes.push_back(copy.table);
  out->tables.push_back(copy.table);
  out->copy = std::move(copy);
  return Unit{};
}

}  // namespace vesto::sandbox
