#include "sandbox/sql/names.h"

#include <algorithm>

#include "base/hash.h"
#include "base/strings.h"

namespace vesto::sandbox {
namespace {

constexpr size_t kHeadBytes = 40;
constexpr size_t kHashCharacters = 22;
constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";

bool is_base32(char c) { return kBase32.find(c) != std::string_view::npos; }

// 22 characters = the first 110 bits.
std::string hash_characters(std::string_view full) {
  const std::string digest = sha256(full);
  std::string out;
  unsigned buffer = 0;
  int bits = 0;
  for (size_t i = 0; out.size() < kHashCharacters; ++i) {
    buffer = ((buffer << 8U) | static_cast<unsigned char>(digest[i])) & 0xffffU;
    bits += 8;
    while (bits >= 5 && out.size() < kHashCharacters) {
      bits -= 5;
      out += kBase32[(buffer >> static_cast<unsigned>(bits)) & 31U];
    }
  }
  return out;
}

}  // namespace

std::string fold_name(std::string_view name) { return to_lower_ascii(name); }

std::string cut_name(std::string_view name) { return std::string(cut_utf8(name, kMaxNameBytes)); }

std::string short_name(std::string_view full) {
  if (full.size() <= kMaxPgNameBytes) return std::string(full);
  return std::string(cut_utf8(full, kHeadBytes)) + "~" + hash_characters(full);
}

bool is_short_form(std::string_view name) {
  // The head of a cut name has 37 to 40 bytes: a character of up to 4 bytes may have been left out.
  if (name.size() < kHeadBytes - 3 + 1 + kHashCharacters || name.size() > kMaxPgNameBytes) {
    return false;
  }
  const size_t tilde = name.size() - kHashCharacters - 1;
  const std::string_view tail = name.substr(tilde + 1);
  return name[tilde] == '~' && std::all_of(tail.begin(), tail.end(), is_base32);
}

std::string restore_long_names(
    std::string_view text,
    const std::function<std::optional<std::string>(std::string_view)>& full_of) {
  std::string out;
  size_t done = 0;
  for (size_t tilde = text.find('~'); tilde != std::string_view::npos;
       tilde = text.find('~', tilde + 1)) {
    const size_t end = tilde + 1 + kHashCharacters;
    if (end > text.size()) break;
    const std::string_view tail = text.substr(tilde + 1, kHashCharacters);
    if (!std::all_of(tail.begin(), tail.end(), is_base32)) continue;
    // The head may have 37 to 40 bytes: the longest that is known wins.
    for (size_t head = kHeadBytes; head + 3 >= kHeadBytes; --head) {
      if (tilde < done + head) continue;
      const std::string_view candidate = text.substr(tilde - head, head + 1 + kHashCharacters);
      const std::optional<std::string> full = full_of(candidate);
      if (!full) continue;
      out += text.substr(done, tilde - head - done);
      out += *full;
      done = end;
      tilde = end - 1;
      break;
    }
  }
  out += text.substr(done);
  return out;
}

std::string quote_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
  return out;
}

std::string quote_literal(std::string_view text) {
  const bool escaped = text.find('\\') != std::string_view::npos;
  std::string out = escaped ? "E'" : "'";
  out.reserve(text.size() + 3);
  for (const char c : text) {
    if (c == '\'' || (c == '\\' && escaped)) out += c;
    out += c;
  }
  out += '\'';
  return out;
}

SqlResult<std::string> NameMapper::finish(std::string folded) {
  std::string full = cut_name(folded);
  if (full.size() <= kMaxPgNameBytes) {
    if (is_short_form(full)) {
      return SqlError{"42602", "name \"" + full + "\" is reserved by the sandbox", {}, {}, 0};
    }
    return full;
  }
  LongName entry{short_name(full), full};
  if (known_.insert(entry.first).second) long_names_.push_back(entry);
  return entry.first;
}

SqlResult<std::string> NameMapper::map(std::string_view name, bool quoted) {
  return finish(quoted && case_sensitive_ ? std::string(name) : fold_name(name));
}

SqlResult<std::string> NameMapper::map_user(std::string_view name, bool quoted) {
  return finish(quoted ? std::string(name) : fold_name(name));
}

std::string NameMapper::full(std::string_view mapped) const {
  const auto found = std::find_if(long_names_.begin(), long_names_.end(),
                                  [mapped](const LongName& name) { return name.first == mapped; });
  return found == long_names_.end() ? std::string(mapped) : found->second;
}

}  // namespace vesto::sandbox
