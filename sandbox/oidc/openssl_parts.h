// Owners of OpenSSL's objects, for the files of this room alone.
#ifndef VESTO_SANDBOX_OIDC_OPENSSL_PARTS_H_
#define VESTO_SANDBOX_OIDC_OPENSSL_PARTS_H_

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <memory>
#include <string>

#include "sandbox/oidc/jwt.h"

namespace vesto::sandbox {

struct OpenSslFree {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
  void operator()(OSSL_PARAM_BLD* p) const { OSSL_PARAM_BLD_free(p); }
  void operator()(OSSL_PARAM* p) const { OSSL_PARAM_free(p); }
};
template <typename T>
using OpenSslPtr = std::unique_ptr<T, OpenSslFree>;

constexpr int kLeastRsaBits = 2048;
constexpr int kMostRsaBits = 8192;

// Immutable after it was made, so any thread may use it.
struct JwkSet::Key {
  std::string kid;
  std::string algorithm;  // "": any of the RS ones
  OpenSslPtr<EVP_PKEY> key;
};

// True: an RSA key of a size that we take.
inline bool is_usable_rsa(const EVP_PKEY* key) {
  return key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
         EVP_PKEY_get_bits(key) >= kLeastRsaBits && EVP_PKEY_get_bits(key) <= kMostRsaBits;
}

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_OIDC_OPENSSL_PARTS_H_
