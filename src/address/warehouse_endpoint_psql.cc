#include <array>
#include <optional>

#include "address/warehouse_endpoint_parts.h"

namespace vesto::endpoint_text {

namespace {

constexpr size_t kMaxWords = 256;

bool is_blank(char c) { return c == ' ' || c == '\n'; }
bool is_quote(char c) { return c == '"' || c == '\''; }

// Where a shell ends a command: "psql ... | head", "psql ... > out". Inside a word ; and & are
// left, since people paste addresses without quotes.
bool ends_command(char c, bool in_word) {
  return c == '|' || c == '>' || c == '<' || (!in_word && (c == ';' || c == '&'));
}

// The first command of a line, as a shell splits it; nothing where a quote is not closed.
std::optional<std::vector<std::string>> shell_split(std::string_view text) {
  std::vector<std::string> words;
  bool open = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_blank(c)) {
      open = false;
      continue;
    }
    if (ends_command(c, open)) {
      if (open && words.back() == "2") words.pop_back();  // 2> errors.txt
      break;
    }
    if (!open) words.emplace_back();
    if (words.size() > kMaxWords) return std::nullopt;
    open = true;
    if (c == '\\' && i + 1 < text.size()) {
      words.back() += text[++i];
    } else if (is_quote(c)) {
      for (++i; i < text.size() && text[i] != c; ++i) {
        if (text[i] == '\\' && c == '"' && i + 1 < text.size()) ++i;
        words.back() += text[i];
      }
      if (i >= text.size()) return std::nullopt;
    } else {
      words.back() += c;
    }
  }
  return words;
}

bool is_psql(std::string_view word) {
  const std::string_view file = word.substr(word.rfind('/') + 1);
  if (word.find_first_of("=:") != std::string_view::npos) return false;
  return file == "psql" || file == "psql.exe";
}

// A database's name, or a connection string in its place.
Status take_database(const std::string& value, Pasted* pasted) {
  if (value.find("://") != std::string::npos) return read_address(value, pasted);
  if (begins_with_setting(value)) return read_settings(value, pasted);
  pasted->database = value;
  return ok_status();
}

struct PsqlOption {
  char letter;
  std::string_view name;
  bool with_value;
};
constexpr std::array<PsqlOption, 15> kPsqlOptions = {{{'h', "host", true},
                                                      {'p', "port", true},
                                                      {'d', "dbname", true},
                                                      {'U', "username", true},
                                                      {'c', "command", true},
                                                      {'f', "file", true},
                                                      {'v', "set", true},
                                                      {'o', "output", true},
                                                      {'L', "log-file", true},
                                                      {'F', "field-separator", true},
                                                      {'R', "record-separator", true},
                                                      {'P', "pset", true},
                                                      {'T', "table-attr", true},
                                                      {'W', "password", false},
                                                      {'w', "no-password", false}}};

const PsqlOption* psql_option(std::string_view word) {
  for (const PsqlOption& one : kPsqlOptions) {
    const bool is_long = word.starts_with("--");
    if (is_long ? word.substr(2, word.find('=') - 2) == one.name : word[1] == one.letter) {
      return &one;
    }
  }
  return nullptr;
}

Status take_psql_option(char letter, const std::string& value, Pasted* pasted) {
  if (letter == 'h') {
    pasted->host = value;
  } else if (letter == 'p') {
    pasted->port = value;
  } else if (letter == 'U') {
    pasted->out.held_user = true;
  } else if (letter == 'd') {
    return take_database(value, pasted);
  }
  return ok_status();
}

}  // namespace

bool is_psql_line(std::string_view text) {
  const std::optional<std::vector<std::string>> words = shell_split(text);
  if (!words) return text.find("psql ") != std::string_view::npos;
  for (const std::string& word : *words) {
    if (is_psql(word)) return true;
    // PGPASSWORD=... psql
    if (word.find('=') == std::string::npos) return false;
  }
  return false;
}

Status read_psql_line(std::string_view text, Pasted* pasted) {
  const std::optional<std::vector<std::string>> words = shell_split(text);
  if (!words) return refuse("a quote of the command line is not closed, or it is too long");
  size_t i = 0;
  for (; !is_psql((*words)[i]); ++i) {
    const size_t equals = (*words)[i].find('=');
    take_setting((*words)[i].substr(0, equals), (*words)[i].substr(equals + 1), pasted);
  }
  size_t plain_words = 0;
  bool by_option = false;  // the database, by -d
  for (++i; i < words->size(); ++i) {
    const std::string& word = (*words)[i];
    if (word.size() < 2 || word[0] != '-') {
      // psql DATABASE USER, or USER alone behind -d.
      const bool is_database = plain_words == 0 && !by_option;
      if (is_database) VESTO_TRY(take_database(word, pasted));
      if (!is_database) pasted->out.held_user = true;
      ++plain_words;
      continue;
    }
    const PsqlOption* option = psql_option(word);
    if (option == nullptr || !option->with_value) continue;
    const size_t equals = word.find('=');
    const bool is_long = word.starts_with("--");
    std::string value;
    if (is_long && equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (!is_long && word.size() > 2) {
      value = word.substr(2);
    } else if (i + 1 < words->size()) {
      value = (*words)[++i];
    }
    by_option = by_option || option->letter == 'd';
    VESTO_TRY(take_psql_option(option->letter, value, pasted));
  }
  return ok_status();
}

}  // namespace vesto::endpoint_text
