// SHA-256 and HMAC-SHA-256 on OpenSSL. Pure; any thread.
#ifndef VESTO_BASE_HASH_H_
#define VESTO_BASE_HASH_H_

#include <memory>
#include <string>
#include <string_view>

namespace vesto {

std::string sha256(std::string_view bytes);                             // 32 bytes
std::string sha256_hex(std::string_view bytes);                         // 64 lower-case digits
std::string hmac_sha256(std::string_view key, std::string_view bytes);  // 32 bytes
std::string random_bytes(size_t size);  // from the system's generator

// SHA-256 of a stream.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  std::string finish();  // 32 bytes; the object then starts anew

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vesto

#endif  // VESTO_BASE_HASH_H_
