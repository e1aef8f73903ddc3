#include "sqltest.h"

#include <fstream>

#include "base/strings.h"

namespace vesto::sandbox {
namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

std::string class_name(StatementClass cls) {
  static const char* const kNames[] = {
      "empty",   "begin", "commit", "rollback",     "lock",    "select",   "insert", "update",
      "delete",  "merge", "copy",   "create table", "ddl",     "truncate", "set",    "show",
      "declare", "fetch", "close",  "prepare",      "explain", "vacuum",   "cancel", "other"};
  return kNames[static_cast<size_t>(cls)];
}

std::string table_list(const std::vector<TableRef>& tables) {
  std::vector<std::string> out;
  for (const TableRef& table : tables) {
    out.push_back(table.schema.empty() ? table.name : table.schema + "." + table.name);
  }
  return join(out, ", ");
}

void describe_copy(const CopyStatement& copy, Facts* out) {
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) out->emplace_back("copy", name + "=" + value);
  };
  const auto add_optional = [&](const std::string& name, const std::optional<std::string>& value) {
    if (value) out->emplace_back("copy", name + "=" + *value);
  };
  const auto flag = [&](const std::string& name, bool value) {
    if (value) out->emplace_back("copy", name);
  };
  static const char* const kFormats[] = {"delimited", "csv", "json",      "avro",
                                         "parquet",   "orc", "fixedwidth"};
  static const char* const kCompressions[] = {"none", "gzip", "zstd", "bzip2", "lzop"};
  add("table", table_list({copy.table}));
  add("columns", join(copy.columns, ","));
  add("from", copy.from);
  add("key", copy.access_key_id);
  add("secret", copy.secret_access_key);
  add("token", copy.session_token);
  add("role", copy.iam_role);
  add_optional("region", copy.region);
  add("format", kFormats[static_cast<size_t>(copy.format)]);
  if (copy.compression != CopyStatement::Compression::kNone) {
    add("compression", kCompressions[static_cast<size_t>(copy.compression)]);
  }
  if (copy.format == CopyStatement::Format::kJson || copy.format == CopyStatement::Format::kAvro) {
    add("json", copy.json_option);
  }
  add("fixed", copy.fixed_width);
  add_optional("quote", copy.csv_quote);
  add_optional("delimiter", copy.delimiter);
  add_optional("null", copy.null_as);
  add_optional("dateformat", copy.date_format);
  add_optional("timeformat", copy.time_format);
  add_optional("encoding", copy.encoding);
  add_optional("acceptinvchars", copy.accept_inv_chars);
  if (copy.ignore_header_lines > 0) add("ignoreheader", std::to_string(copy.ignore_header_lines));
  if (copy.max_error_rows > 0) add("maxerror", std::to_string(copy.max_error_rows));
  flag("manifest", copy.manifest);
  flag("ignoreblanklines", copy.ignore_blank_lines);
  flag("acceptanydate", copy.accept_any_date);
  flag("blanksasnull", copy.blanks_as_null);
  flag("emptyasnull", copy.empty_as_null);
  flag("escape", copy.escape);
  flag("explicit_ids", copy.explicit_ids);
  flag("fillrecord", copy.fill_record);
  flag("removequotes", copy.remove_quotes);
  flag("roundec", copy.round_dec);
  flag("trimblanks", copy.trim_blanks);
  flag("truncatecolumns", copy.truncate_columns);
  flag("noload", copy.no_load);
  flag("ignoreallerrors", copy.ignore_all_errors);
}

void describe_statement(const Statement& statement, Facts* out) {
  out->emplace_back("class", class_name(statement.cls));
  if (!statement.tag.empty()) out->emplace_back("tag", statement.tag);
  for (const std::string& sql : statement.pg_sql) out->emplace_back("pg", sql);
  out->emplace_back("writes", table_list(statement.writes));
  out->emplace_back("tables", table_list(statement.tables));
  out->emplace_back("rows", statement.returns_rows ? "yes" : "no");
  if (!statement.setting_name.empty()) {
    out->emplace_back("set", statement.setting_name +
                                 (statement.setting_value ? "=" + *statement.setting_value : ""));
  }
  if (!statement.no_transaction.empty()) {
    out->emplace_back("no_transaction", statement.no_transaction);
  }
  if (statement.commits) out->emplace_back("commits", "yes");
  if (statement.has_secret) out->emplace_back("secret", "yes");
  if (statement.read_only) out->emplace_back("read_only", "yes");
  if (statement.set_local) out->emplace_back("local", "yes");
  if (statement.parameter_count > 0) {
    out->emplace_back("parameters", std::to_string(statement.parameter_count));
  }
  if (!statement.object_name.empty()) out->emplace_back("object", statement.object_name);
  if (statement.inner != StatementClass::kOther) {
    out->emplace_back("inner", class_name(statement.inner));
  }
  for (const auto& [severity, text] : statement.notices) {
    out->emplace_back("notice", severity + " " + text);
  }
  for (const auto& [shorter, full] : statement.long_names) {
    out->emplace_back("long", shorter + "=" + full);
  }
  if (statement.copy) describe_copy(*statement.copy, out);
}

// Control characters as escapes, so that a value fits on its line.
std::string one_line(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20U) {
      out += "\\x" + to_hex(std::string(1, c));
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string cases_folder() {
  constexpr std::string_view kData = VESTO_TEST_DATA;
  return std::string(kData.substr(0, kData.find_last_of('/'))) + "/cases";
}

std::vector<SqlCase> read_cases(const std::string& path) {
  std::vector<SqlCase> out;
  std::ifstream in(path);
  std::string line;
  int number = 0;
  bool expecting = false;
  while (std::getline(in, line)) {
    ++number;
    if (line.rfind("=== ", 0) == 0) {
      SqlCase test;
      test.file = path.substr(path.find_last_of('/') + 1);
      test.line = number;
      test.name = std::string(trim(std::string_view(line).substr(4)));
      constexpr std::string_view kFlag = "[case_sensitive]";
      const size_t flag = test.name.find(kFlag);
      if (flag != std::string::npos) {
        test.options.case_sensitive_identifier = true;
        test.name = std::string(trim(test.name.substr(0, flag)));
      }
      out.push_back(std::move(test));
      expecting = false;
    } else if (out.empty()) {
      continue;  // the file's own remarks
    } else if (!expecting && line == "---") {
      expecting = true;
    } else if (!expecting) {
      if (!out.back().text.empty()) out.back().text += '\n';
      out.back().text += line;
    } else if (!trim(line).empty() && line[0] != '#') {
      const size_t colon = line.find(':');
      const std::string key = line.substr(0, std::min(colon, line.size()));
      const std::string value =
          colon == std::string::npos ? "" : std::string(trim(line.substr(colon + 1)));
      out.back().expected.emplace_back(std::string(trim(key)), value);
    }
  }
  for (SqlCase& test : out) {
    if (test.expected.empty()) test.expected.emplace_back("malformed", "nothing is expected");
  }
  return out;
}

Facts describe(const SqlCase& test) {
  Facts out;
  const auto statements = translate(test.text, test.options);
  if (!statements.ok()) {
    const SqlError& error = statements.error();
    out.emplace_back("error", error.sqlstate);
    out.emplace_back("message", one_line(error.message));
    if (!error.detail.empty()) out.emplace_back("detail", one_line(error.detail));
    if (error.position > 0) out.emplace_back("position", std::to_string(error.position));
    return out;
  }
  for (const Statement& statement : *statements) {
    if (&statement != &statements->front()) out.emplace_back("next", "");
    Facts facts;
    describe_statement(statement, &facts);
    for (auto& [key, value] : facts) out.emplace_back(key, one_line(value));
  }
  return out;
}

}  // namespace vesto::sandbox
