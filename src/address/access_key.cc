#include "address/access_key.h"

#include <algorithm>

namespace vesto {

namespace {

constexpr size_t kSecretBytes = 40;

bool is_capital_or_digit(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
// Of base64, and of no id.
bool is_mark(char c) { return c == '/' || c == '+' || c == '='; }
bool is_base64(char c) { return is_capital_or_digit(c) || (c >= 'a' && c <= 'z') || is_mark(c); }

}  // namespace

bool looks_like_secret_key(std::string_view text) {
  // As ids are; one that is as long as a secret may be one.
  if (text.size() != kSecretBytes && std::all_of(text.begin(), text.end(), is_capital_or_digit)) {
    return false;
  }
  const auto of_secret = static_cast<size_t>(std::count_if(text.begin(), text.end(), is_base64));
  const bool marked = std::any_of(text.begin(), text.end(), is_mark);
  return of_secret >= kSecretBytes || (marked && of_secret >= kSecretBytes / 2);
}

}  // namespace vesto
