#include "aws/rs256.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

namespace vesto {

namespace {

constexpr int kMinBits = 2048;

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// OpenSSL would ask for a pass phrase at the terminal; there is none.
int no_pass_phrase(char*, int, int, void*) { return -1; }

EVP_PKEY* pkey(const std::shared_ptr<void>& key) { return static_cast<EVP_PKEY*>(key.get()); }

}  // namespace

std::optional<Rs256Key> Rs256Key::from_pem(const Secret& pem) {
  const std::string& text = pem.reveal();
  const std::unique_ptr<BIO, BioDeleter> bio(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) return std::nullopt;
  std::shared_ptr<void> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr),
                            [](void* raw) { EVP_PKEY_free(static_cast<EVP_PKEY*>(raw)); });
  ERR_clear_error();
  if (!key || EVP_PKEY_get_base_id(pkey(key)) != EVP_PKEY_RSA ||
      EVP_PKEY_get_bits(pkey(key)) < kMinBits) {
    return std::nullopt;
  }
  return Rs256Key(std::move(key));
}

std::optional<std::string> Rs256Key::sign(std::string_view text) const {
  const std::unique_ptr<EVP_MD_CTX, ContextDeleter> context(EVP_MD_CTX_new());
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  std::string signature;
  bool good =
      context && EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, pkey(key_)) == 1;
  good = good && EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1;
  if (good) {
    signature.resize(size);
    good = EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                          bytes, text.size()) == 1;
  }
  ERR_clear_error();
  if (!good) return std::nullopt;
  signature.resize(size);
  return signature;
}

}  // namespace vesto
