#include "schema/names.h"

#include <algorithm>
#include <map>

#include "base/hash.h"
#include "base/strings.h"
#include "schema/table.h"

namespace vesto {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kCutMark = "~~";
constexpr std::string_view kDigestLetters = "ghijklmnopqrstuvwxyz";  // no hexadecimal digit
constexpr size_t kDigestLength = 20;
constexpr size_t kCutBytes = kMaxIdentifierBytes - kCutMark.size() - kDigestLength;

bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }
bool is_small(char c) { return c >= 'a' && c <= 'z'; }
bool has_capital(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_capital);
}

bool all_of(std::string_view text, std::string_view alphabet) {
  return text.find_first_not_of(alphabet) == std::string_view::npos;
}

std::string mask_of(std::string_view source_name) {
  std::string digits;  // the lowest first
  unsigned digit = 0;
  size_t letter = 0;
  for (const char c : source_name) {
    if (!is_capital(c) && !is_small(c)) continue;
    if (is_capital(c)) digit |= 1U << (letter % 4);
    if (++letter % 4 != 0) continue;
    digits += kHexDigits[digit];
    digit = 0;
  }
  digits += kHexDigits[digit];
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  std::reverse(digits.begin(), digits.end());
  return digits;
}

// Capitals where the mask has a 1; nothing if it has one where there is no letter.
std::optional<std::string> with_capitals(std::string_view folded, std::string_view mask) {
  if (mask.size() > 1 && mask.front() == '0') return std::nullopt;
  std::string out(folded);
  size_t letter = 0;
  for (char& c : out) {
    if (!is_small(c)) continue;
    const size_t place = letter / 4;
    if (place < mask.size()) {
      const size_t digit = kHexDigits.find(mask[mask.size() - 1 - place]);
      if ((digit >> (letter % 4) & 1U) != 0) c = static_cast<char>(c - 'a' + 'A');
    }
    ++letter;
  }
  if (mask_of(out) != mask) return std::nullopt;
  return out;
}

// Where "~<mask>" begins, if the name ends so.
std::optional<size_t> mask_begin(std::string_view name) {
  const size_t tilde = name.rfind('~');
  if (tilde == std::string_view::npos || tilde + 1 == name.size()) return std::nullopt;
  if (!all_of(name.substr(tilde + 1), kHexDigits)) return std::nullopt;
  return tilde;
}

bool is_cut(std::string_view name) {
  if (name.size() < kCutMark.size() + kDigestLength) return false;
  const std::string_view tail = name.substr(name.size() - kCutMark.size() - kDigestLength);
  return tail.starts_with(kCutMark) && all_of(tail.substr(kCutMark.size()), kDigestLetters);
}

std::string digest_of(std::string_view source_name) {
  const std::string hash = sha256(source_name);
  std::string out;
  for (size_t i = 0; i < kDigestLength; ++i) {
    out += kDigestLetters[static_cast<unsigned char>(hash[i]) % kDigestLetters.size()];
  }
  return out;
}

std::string finished(std::string_view source_name, bool with_mask) {
  const std::string folded = fold_name(source_name);
  std::string name = folded;
  if (with_mask || mask_begin(folded) || is_cut(folded)) name += "~" + mask_of(source_name);
  if (name.size() <= kMaxIdentifierBytes) return name;
  return std::string(cut_utf8(folded, kCutBytes)) + std::string(kCutMark) + digest_of(source_name);
}

}  // namespace

std::string fold_name(std::string_view source_name) { return to_lower_ascii(source_name); }

bool is_system_column_name(std::string_view folded_name) {
  // DG c_unsupported-postgresql-features, and the two hidden columns that the server's own error
  // texts name. PostgreSQL 12 and later let a table have oid, insertxid and deletexid.
  for (const std::string_view name :
       {"oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "insertxid", "deletexid"}) {
    if (folded_name == name) return true;
  }
  return false;
}

std::vector<std::string> column_names(const std::vector<std::string>& source_names) {
  std::map<std::string, size_t> alike;
  for (const std::string& name : source_names) ++alike[fold_name(name)];
  std::vector<std::string> out;
  out.reserve(source_names.size());
  for (const std::string& name : source_names) {
    const std::string folded = fold_name(name);
    const bool shared = alike[folded] > 1 && has_capital(name);
    out.push_back(finished(name, shared || is_system_column_name(folded)));
  }
  return out;
}

std::string target_table_name(std::string_view source_name) { return finished(source_name, false); }

std::optional<std::string> source_name_of(std::string_view name) {
  if (is_cut(name)) return std::nullopt;
  const std::optional<size_t> begin = mask_begin(name);
  if (!begin) return std::string(name);
  return with_capitals(name.substr(0, *begin), name.substr(*begin + 1));
}

}  // namespace vesto
