#include "pg/quoting.h"

namespace vesto {

namespace {

// `text` between two `quote`s, with each `quote` (and backslash, if asked) doubled.
std::string doubled(std::string_view text, char quote, bool backslash_too) {
  std::string out;
  out.reserve(text.size() + 2);
  out += quote;
  for (const char c : text) {
    if (c == quote || (backslash_too && c == '\\')) out += c;
    out += c;
  }
  out += quote;
  return out;
}

}  // namespace

std::string quote_identifier(std::string_view name) { return doubled(name, '"', false); }

std::string quote_qualified(std::string_view schema, std::string_view name) {
  return quote_identifier(schema) + "." + quote_identifier(name);
}

std::string quote_pg_literal(std::string_view text) {
  const bool backslash = text.find('\\') != std::string_view::npos;
  return (backslash ? "E" : "") + doubled(text, '\'', backslash);
}

std::string quote_redshift_literal(std::string_view text) { return doubled(text, '\'', true); }

}  // namespace vesto
