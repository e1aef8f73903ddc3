#include "address/ssh_fingerprint.h"

#include <algorithm>

namespace vesto {

bool is_ssh_fingerprint(std::string_view text) {
  constexpr std::string_view kHead = "SHA256:";
  if (!text.starts_with(kHead)) return false;
  text.remove_prefix(kHead.size());
  return text.size() == 43 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  c == '+' || c == '/';
         });
}

}  // namespace vesto
