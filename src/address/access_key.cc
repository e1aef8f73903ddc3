#include "address/access_key.h"

#include <algorithm>

namespace vesto {

bool looks_like_secret_key(std::string_view text) {
  constexpr size_t kSecretBytes = 40;
  return text.size() == kSecretBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '/' || c == '+' || c == '=';
         });
}

}  // namespace vesto
