// RS256 (RFC 7518 section 3.3): RSASSA-PKCS1-v1_5 with SHA-256, on OpenSSL.
#ifndef VESTO_AWS_RS256_H_
#define VESTO_AWS_RS256_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/redact.h"

namespace vesto {

class Rs256Key {
 public:
  // A private RSA key of 2,048 bits or more in PEM, without a pass phrase; nothing otherwise.
  static std::optional<Rs256Key> from_pem(const Secret& pem);
  // The signature's bytes; nothing if OpenSSL refuses. One thread at a time.
  [[nodiscard]] std::optional<std::string> sign(std::string_view text) const;

 private:
  explicit Rs256Key(std::shared_ptr<void> key) : key_(std::move(key)) {}
  std::shared_ptr<void> key_;  // an EVP_PKEY
};

}  // namespace vesto

#endif  // VESTO_AWS_RS256_H_
