#include "net/ssh_parts.h"

#include <mutex>

#include "base/clock.h"
#include "base/strings.h"

namespace vesto {

void ssh_library_init() {
  static std::once_flag once;
  std::call_once(once, [] { ssh_init(); });
}

int64_t ssh_now_ms() { return system_clock().monotonic_ms(); }

std::string ssh_words(std::string_view text) {
  return printable(cut_utf8(redact(trim(text)), 300), false);
}

Upstream ssh_upstream(std::string_view text, std::string code) {
  return {.system = "ssh", .code = std::move(code), .text = ssh_words(text), .request_id = ""};
}

std::string ssh_fingerprint(ssh_key key) {
  unsigned char* hash = nullptr;
  size_t size = 0;
  if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != SSH_OK) return "";
  char* text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size);
  ssh_clean_pubkey_hash(&hash);
  if (text == nullptr) return "";
  const SshText owned(text);
  return text;
}

}  // namespace vesto
