#include "sandbox/s3/key_ring.h"

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/json_text.h"
#include "sandbox/s3/small_file.h"

namespace vesto::sandbox {

namespace {

std::string random_text(std::string_view alphabet, size_t length) {
  std::string out;
  while (out.size() < length) {
    for (const char c : random_bytes(length)) {
      // Bytes beyond the last whole multiple would make some characters more likely.
      const auto byte = static_cast<size_t>(static_cast<unsigned char>(c));
      if (byte < 256 / alphabet.size() * alphabet.size() && out.size() < length) {
        out += alphabet[byte % alphabet.size()];
      }
    }
  }
  return out;
}

}  // namespace

void MemoryKeyRing::add(AccessKey key) {
  Lock lock(mutex_);
  std::string id = key.id;
  keys_.insert_or_assign(std::move(id), std::move(key));
}

void MemoryKeyRing::remove(std::string_view id) {
  Lock lock(mutex_);
  const auto it = keys_.find(id);
  if (it != keys_.end()) keys_.erase(it);
}

std::optional<AccessKey> MemoryKeyRing::find(std::string_view id) const {
  Lock lock(mutex_);
  const auto it = keys_.find(id);
  if (it == keys_.end()) return std::nullopt;
  return it->second;
}

AccessKey make_access_key() {
  AccessKey key;
  key.id = "AKIA" + random_text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16);
  key.secret = random_text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 40);
  return key;
}

Result<AccessKey, std::string> load_or_make_access_key(const std::string& dir) {
  const std::string path = dir + "/access_key.json";
  constexpr size_t kMaxBytes = 4096;
  if (const auto text = read_small_file(path, kMaxBytes)) {
    const auto json = nlohmann::json::parse(*text, nullptr, false);
    if (json.is_object() && json.contains("id") && json["id"].is_string() &&
        json.contains("secret") && json["secret"].is_string()) {
      return AccessKey{json["id"].get<std::string>(), json["secret"].get<std::string>(), ""};
    }
    return path + " is not a key file of the sandbox; remove it and a new key is made";
  }
  AccessKey key = make_access_key();
  const std::string text =
      "{\"id\": " + json_quote(key.id) + ", \"secret\": " + json_quote(key.secret) + "}\n";
  if (!write_small_file(path, text)) return "cannot write " + path;
  return key;
}

}  // namespace vesto::sandbox
