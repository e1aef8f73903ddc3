#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/json_text.h"
#include "sandbox/oidc/jwt.h"
#include "sandbox/oidc/openssl_parts.h"
#include "sandbox/s3/small_file.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxPemBytes = 65536;
constexpr size_t kKidDigits = 40;  // as many as Google's key ids have

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size > 0 ? size : 0)};
}

std::string public_pem_of(EVP_PKEY* key) {
  const OpenSslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PUBKEY(bio.get(), key) != 1) return "";
  return text_of(bio.get());
}

std::string number_text(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return "";
  const OpenSslPtr<BIGNUM> owner(number);
  std::string bytes(static_cast<size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  return base64url(bytes);
}

}  // namespace

struct SigningKey::Pair {
  OpenSslPtr<EVP_PKEY> key;
};

SigningKey::SigningKey(std::string kid, std::shared_ptr<const Pair> pair)
    : kid_(std::move(kid)), pair_(std::move(pair)) {
  if (kid_.empty()) kid_ = sha256_hex(public_pem()).substr(0, kKidDigits);
}

Result<SigningKey, std::string> SigningKey::make(std::string kid) {
  auto pair = std::make_shared<Pair>();
  pair->key.reset(EVP_RSA_gen(static_cast<size_t>(kLeastRsaBits)));
  ERR_clear_error();
  if (!pair->key) return std::string("OpenSSL could not make an RSA key");
  return SigningKey(std::move(kid), std::move(pair));
}

Result<SigningKey, std::string> SigningKey::load_or_make(const std::string& file, std::string kid) {
  if (::access(file.c_str(), F_OK) != 0) {
    VESTO_ASSIGN(SigningKey made, make(std::move(kid)));
    if (!write_small_file(file, made.private_pem())) return "cannot write the key " + file;
    return made;
  }
  const auto text = read_small_file(file, kMaxPemBytes);
  if (!text) return "cannot read the key " + file;
  const OpenSslPtr<BIO> bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  auto pair = std::make_shared<Pair>();
  // An empty passphrase keeps OpenSSL from asking the terminal where the PEM is encrypted.
  char nothing[] = "";
  if (bio) pair->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nothing));
  ERR_clear_error();
  if (!is_usable_rsa(pair->key.get())) return file + " holds no RSA key that can be used";
  return SigningKey(std::move(kid), std::move(pair));
}

std::string SigningKey::sign(const std::string& claims_json, bool with_type) const {
  const std::string header =
      R"({"alg":"RS256","kid":)" + json_quote(kid_) + (with_type ? R"(,"typ":"JWT"})" : "}");
  std::string token = base64url(header) + "." + base64url(claims_json);
  const OpenSslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  std::string signature(static_cast<size_t>(EVP_PKEY_get_size(pair_->key.get())), '\0');
  size_t size = signature.size();
  // With a key that was checked and memory at hand signing does not fail; if it ever did, the
  // token has an empty signature, which nobody accepts.
  const bool done =
      context &&
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, pair_->key.get()) == 1 &&
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     reinterpret_cast<const unsigned char*>(token.data()), token.size()) == 1;
  signature.resize(done ? size : 0);
  ERR_clear_error();
  return token + "." + base64url(signature);
}

std::string SigningKey::jwks() const {
  return R"({"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":)" + json_quote(kid_) +
         R"(,"n":")" + number_text(pair_->key.get(), OSSL_PKEY_PARAM_RSA_N) + R"(","e":")" +
         number_text(pair_->key.get(), OSSL_PKEY_PARAM_RSA_E) + R"("}]})";
}

std::string SigningKey::private_pem() const {
  const OpenSslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), pair_->key.get(), nullptr, nullptr, 0,
                                            nullptr, nullptr) != 1) {
    return "";
  }
  return text_of(bio.get());
}

std::string SigningKey::public_pem() const { return public_pem_of(pair_->key.get()); }

}  // namespace vesto::sandbox
