#include "case_file.h"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <optional>

#include "base/strings.h"

namespace vesto::sandbox {
namespace {

// "csv null 'a b' maxerror 5" as words; quotes hold a word together.
std::vector<std::pair<std::string, bool>> words_of(const std::string& text) {
  std::vector<std::pair<std::string, bool>> words;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == ' ') {
      ++i;
      continue;
    }
    const bool quoted = text[i] == '\'';
    const size_t begin = quoted ? i + 1 : i;
    const size_t end = std::min(text.find(quoted ? '\'' : ' ', begin), text.size());
    words.emplace_back(text.substr(begin, end - begin), quoted);
    i = end + 1;
  }
  return words;
}

bool read_flag(const std::string& word, CopyStatement* s) {
  const std::map<std::string, bool*> flags = {{"escape", &s->escape},
                                              {"removequotes", &s->remove_quotes},
                                              {"fillrecord", &s->fill_record},
                                              {"trimblanks", &s->trim_blanks},
                                              {"emptyasnull", &s->empty_as_null},
                                              {"blanksasnull", &s->blanks_as_null},
                                              {"ignoreblanklines", &s->ignore_blank_lines},
                                              {"truncatecolumns", &s->truncate_columns},
                                              {"roundec", &s->round_dec},
                                              {"acceptanydate", &s->accept_any_date},
                                              {"noload", &s->no_load},
                                              {"ignoreallerrors", &s->ignore_all_errors}};
  const auto flag = flags.find(word);
  if (flag != flags.end()) {
    *flag->second = true;
    return true;
  }
  const std::map<std::string, CopyStatement::Format> formats = {
      {"csv", CopyStatement::Format::kCsv},
      {"text", CopyStatement::Format::kDelimited},
      {"json", CopyStatement::Format::kJson},
      {"parquet", CopyStatement::Format::kParquet},
      {"avro", CopyStatement::Format::kAvro},
      {"orc", CopyStatement::Format::kOrc},
      {"fixedwidth", CopyStatement::Format::kFixedWidth}};
  const auto format = formats.find(word);
  if (format == formats.end()) return false;
  s->format = format->second;
  return true;
}

bool read_valued(const std::string& word, const std::string& value, CopyStatement* s) {
  if (word == "null") {
    s->null_as = read_bytes(value);
  } else if (word == "delimiter") {
    s->delimiter = value;
  } else if (word == "quote") {
    s->csv_quote = value;
  } else if (word == "dateformat") {
    s->date_format = value;
  } else if (word == "timeformat") {
    s->time_format = value;
  } else if (word == "acceptinvchars") {
    s->accept_inv_chars = value;
  } else if (word == "encoding") {
    s->encoding = value;
  } else if (word == "jsonoption") {
    s->json_option = value;
  } else if (word == "ignoreheader") {
    s->ignore_header_lines = std::atoi(value.c_str());
  } else if (word == "maxerror") {
    s->max_error_rows = std::atol(value.c_str());
  } else {
    return false;
  }
  return true;
}

bool read_readings(const std::string& text, CopyReadings* r) {
  const std::map<std::string, bool*> flags = {{"several_members", &r->several_members},
                                              {"float_specials", &r->float_specials},
                                              {"wide_dates", &r->wide_dates},
                                              {"nul_is_data", &r->nul_is_data},
                                              {"skip_bom", &r->skip_bom},
                                              {"lone_cr_is_data", &r->lone_cr_is_data},
                                              {"decimal_exponent", &r->decimal_exponent},
                                              {"empty_super_is_null", &r->empty_super_is_null}};
  for (const auto& [word, quoted] : words_of(text)) {
    const std::vector<std::string> parts = split(word, '=');
    const std::string value = parts.size() == 2 ? parts[1] : "";
    if (parts[0] == "quoted_marker") {
      r->quoted_marker = value == "text"    ? CopyReadings::QuotedMarker::kText
                         : value == "error" ? CopyReadings::QuotedMarker::kError
                                            : CopyReadings::QuotedMarker::kNull;
    } else if (parts[0] == "row_limit_bytes") {
      r->row_limit_bytes = std::atoll(value.c_str());
    } else if (const auto flag = flags.find(parts[0]); flag != flags.end()) {
      *flag->second = value != "0";
    } else {
      return false;
    }
  }
  return true;
}

bool read_line(const std::string& key, const std::string& value, CopyCase* c) {
  if (key == "case") {
    c->name = value;
  } else if (key == "options") {
    return read_options(value, &c->statement);
  } else if (key == "readings") {
    return read_readings(value, &c->readings);
  } else if (key == "columns") {
    c->columns = read_columns(value);
  } else if (key == "data") {
    c->data += read_bytes(value);
  } else if (key == "row") {
    c->rows += replace_all(value, " | ", "\t") + "\n";
  } else if (key == "error") {
    c->errors.push_back(value);
  } else if (key == "result") {
    c->result = value;
  } else {
    return false;
  }
  return true;
}

}  // namespace

bool read_options(const std::string& text, CopyStatement* statement) {
  const auto words = words_of(text);
  for (size_t i = 0; i < words.size(); ++i) {
    if (read_flag(words[i].first, statement)) continue;
    if (i + 1 == words.size() || !read_valued(words[i].first, words[i + 1].first, statement)) {
      return false;
    }
    ++i;
  }
  return true;
}

std::vector<CopyColumn> read_columns(const std::string& text) {
  std::vector<CopyColumn> columns;
  // Commas inside parentheses belong to the type.
  std::string flat = text;
  int depth = 0;
  for (char& c : flat) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c == ',' && depth == 0) c = ';';
  }
  for (const std::string& item : split(flat, ';')) {
    std::string rest(trim(item));
    CopyColumn column;
    const size_t blank = rest.find(' ');
    column.name = rest.substr(0, blank);
    rest = rest.substr(blank + 1);
    const size_t not_null = rest.find(" not null");
    if (not_null != std::string::npos) {
      column.not_null = true;
      rest.resize(not_null);
    }
    const size_t open = rest.find('(');
    column.type = rest.substr(0, open);
    if (open != std::string::npos) {
      const std::vector<std::string> sizes =
          split(rest.substr(open + 1, rest.size() - open - 2), ',');
      if (column.type == "numeric") {
        column.precision = std::atoi(sizes[0].c_str());
        column.scale = sizes.size() > 1 ? std::atoi(sizes[1].c_str()) : 0;
      } else {
        column.length_bytes = std::atoi(sizes[0].c_str());
      }
    }
    columns.push_back(column);
  }
  return columns;
}

std::string read_bytes(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      bytes += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 'x' && i + 2 < text.size()) {
      bytes += static_cast<char>(std::strtol(text.substr(i + 1, 2).c_str(), nullptr, 16));
      i += 2;
    } else {
      bytes += c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c == '0' ? '\0' : c;
    }
  }
  return bytes;
}

std::vector<CopyCase> read_case_file(const std::string& path) {
  std::vector<CopyCase> cases;
  std::ifstream file(path);
  std::string line;
  int number = 0;
  std::optional<CopyCase> current;
  const auto finish = [&] {
    if (current) cases.push_back(*current);
    current.reset();
  };
  while (std::getline(file, line)) {
    ++number;
    if (line.empty()) {
      finish();
      continue;
    }
    if (line[0] == '#') continue;
    if (!current) {
      current.emplace();
      current->place = path.substr(path.rfind('/') + 1) + ":" + std::to_string(number);
      current->statement.format = CopyStatement::Format::kCsv;
    }
    const size_t colon = line.find(':');
    const std::string value = colon + 2 <= line.size() ? line.substr(colon + 2) : "";
    if (colon == std::string::npos || !read_line(line.substr(0, colon), value, &*current)) {
      current->result = "the case file cannot be read at line " + std::to_string(number);
    }
  }
  finish();
  return cases;
}

}  // namespace vesto::sandbox
