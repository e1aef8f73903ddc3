#include <algorithm>
#include <array>

#include "address/warehouse_endpoint_parts.h"
#include "address/warehouse_host.h"
#include "base/strings.h"

namespace vesto::endpoint_text {

namespace {

constexpr size_t kMaxBytes = 4096;
constexpr char32_t kNoCharacter = 0xFFFFFFFF;

// The character at `*at`, which moves behind it; kNoCharacter where the bytes are no UTF-8.
char32_t next_character(std::string_view text, size_t* at) {
  const auto first = static_cast<unsigned char>(text[*at]);
  ++*at;
  if (first < 0x80) return first;
  int more = 0;
  char32_t code = 0;
  if (first >= 0xC2 && first <= 0xDF) {
    more = 1;
    code = first & 0x1FU;
  } else if (first >= 0xE0 && first <= 0xEF) {
    more = 2;
    code = first & 0x0FU;
  } else if (first >= 0xF0 && first <= 0xF4) {
    more = 3;
    code = first & 0x07U;
  } else {
    return kNoCharacter;
  }
  const char32_t least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
  for (; more > 0; --more, ++*at) {
    if (*at >= text.size() || (static_cast<unsigned char>(text[*at]) & 0xC0U) != 0x80) {
      return kNoCharacter;
    }
    code = code << 6U | (static_cast<unsigned char>(text[*at]) & 0x3FU);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < least || code > 0x10FFFF || surrogate ? kNoCharacter : code;
}

bool is_wide_blank(char32_t c) {
  return c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}
bool is_line_end(char32_t c) { return c == '\n' || c == '\r' || c == 0x2028 || c == 0x2029; }
bool is_invisible(char32_t c) {
  return c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x2069) || c == 0xFEFF;
}

// What word processors and input methods make of an ASCII sign; 0: nothing of the kind.
char typed_sign(char32_t c) {
  if ((c >= 0x2018 && c <= 0x201B) || c == 0x2032) return '\'';
  if ((c >= 0x201C && c <= 0x201F) || c == 0x2033 || c == 0xAB || c == 0xBB) return '"';
  if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212) return '-';
  // The full-width forms of ! to ~ lie as far apart as those do.
  if (c >= 0xFF01 && c <= 0xFF5E) return static_cast<char>(c - 0xFF01 + '!');
  return 0;
}

bool is_blank(char c) { return c == ' ' || c == '\n'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Quotes around the whole, and the comma or semicolon of the line that it was copied from.
std::string_view unwrapped(std::string_view text) {
  constexpr std::array<std::string_view, 5> kPairs = {"\"\"", "''", "``", "<>", "()"};
  for (int layer = 0; layer < 4; ++layer) {
    text = trimmed(text);
    while (!text.empty() && (text.back() == ',' || text.back() == ';')) {
      text = trimmed(text.substr(0, text.size() - 1));
    }
    const auto* pair = std::find_if(kPairs.begin(), kPairs.end(), [&](std::string_view quotes) {
      return text.size() >= 2 && text.front() == quotes[0] && text.back() == quotes[1] &&
             text.substr(1, text.size() - 2).find(quotes[0]) == std::string_view::npos;
    });
    if (pair == kPairs.end()) return text;
    text = text.substr(1, text.size() - 2);
  }
  return trimmed(text);
}

}  // namespace

Error refuse(std::string why, std::string hint) {
  return Error(ErrorCode::kCfgValue, std::move(why))
      .with_hint(hint.empty()
                     ? "Paste the endpoint as the AWS console shows it: host:port/database."
                     : std::move(hint));
}

void note(Pasted* pasted, std::string text) {
  std::vector<std::string>& notes = pasted->out.notes;
  if (std::find(notes.begin(), notes.end(), text) == notes.end()) notes.push_back(std::move(text));
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view head) {
  return text.size() >= head.size() && to_lower_ascii(text.substr(0, head.size())) == head;
}

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool code =
        text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    if (!code) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
    i += 2;
  }
  return out;
}

Result<std::string> clean(std::string_view text, Pasted* pasted) {
  if (text.size() > kMaxBytes) return refuse("it is longer than 4,096 bytes");
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const char32_t c = next_character(text, &at);
    if (c == kNoCharacter) return refuse("it is no text (not UTF-8)");
    if (is_line_end(c)) {
      // A backslash at the end of a line is a shell's way to go on.
      if (out.ends_with('\\')) out.back() = ' ';
      out += '\n';
    } else if (c == ' ' || c == '\t' || is_wide_blank(c)) {
      out += ' ';
    } else if (is_invisible(c)) {
      note(pasted, "Invisible signs were taken out.");
    } else if (const char sign = typed_sign(c)) {
      out += sign;
      note(pasted, "Quotes, dashes and signs of a word processor were read as plain ones.");
    } else if (c < 0x20 || c == 0x7F || (c >= 0x80 && c < 0xA0)) {
      return refuse("it holds control characters");
    } else {
      out += text.substr(begin, at - begin);
    }
  }
  std::string_view inner = unwrapped(out);
  if (inner.starts_with("$ ")) inner = trimmed(inner.substr(2));
  if (inner.empty()) return refuse("it is empty");
  return std::string(inner);
}

namespace {

bool begins_with_own_host(std::string_view piece) {
  return parse_warehouse_host(piece.substr(0, piece.find_first_of(":/?;&"))).known();
}

// Two lines without a sign between them are one name only where that makes a host of Redshift's
// that neither of them is: otherwise one is a label, or a password, and no part of a name.
bool is_one_name(const std::string& joined, const std::vector<std::string>& pieces) {
  return begins_with_own_host(joined) &&
         std::none_of(pieces.begin(), pieces.end(), begins_with_own_host);
}

}  // namespace

Result<std::string> without_blanks(std::string_view text) {
  constexpr std::string_view kSigns = ":/?&;@=[]";
  std::vector<std::string> words;
  std::vector<std::string> pieces;  // of words[0], where lines were put together without a sign
  bool line_ended = false;
  bool blank = true;  // before the first word
  for (const char c : text) {
    if (is_blank(c)) {
      line_ended = line_ended || c == '\n';
      blank = true;
      continue;
    }
    const bool by_sign =
        !words.empty() && (kSigns.find(c) != std::string_view::npos ||
                           kSigns.find(words.back().back()) != std::string_view::npos);
    const bool digit = c >= '0' && c <= '9';
    const bool broken = line_ended && !words.empty() &&
                        (!digit || words.back().ends_with('-') || words.back().ends_with('.'));
    const bool goes_on = !words.empty() && (!blank || by_sign || broken);
    const bool at_joint = goes_on && blank && !by_sign;
    const bool by_dash =
        at_joint && (c == '.' || words.back().back() == '.' || words.back().back() == '-');
    if (at_joint && !by_dash && words.size() == 1) {
      if (pieces.empty()) pieces.push_back(words[0]);
      pieces.emplace_back();
    }
    if (!goes_on) words.emplace_back();
    if (!pieces.empty() && words.size() == 1) pieces.back() += c;
    words.back() += c;
    blank = line_ended = false;
  }
  if (words.empty()) return refuse("it is empty");
  if (!pieces.empty() && !is_one_name(words[0], pieces)) {
    return refuse("it stands on several lines", "Paste the endpoint alone.");
  }
  if (words.size() == 1) return words[0];
  // As cells of a table: host, port, database.
  if (words.size() > 3 || !all_digits(words[1])) return refuse("a blank stands inside");
  if (words[0].find_first_of(":/@") != std::string::npos) return refuse("a blank stands inside");
  return words[0] + ":" + words[1] + (words.size() == 3 ? "/" + words[2] : "");
}

}  // namespace vesto::endpoint_text
