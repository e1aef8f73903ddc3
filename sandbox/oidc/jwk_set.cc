#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <nlohmann/json.hpp>

#include "sandbox/oidc/jwt.h"
#include "sandbox/oidc/openssl_parts.h"
#include "sandbox/oidc/strict_json.h"

namespace vesto::sandbox {

namespace {

using Json = nlohmann::json;

constexpr size_t kMaxExponentBytes = 8;

// A whole number as JWK has it: base64url, big endian, no leading zero byte (RFC 7518, 2).
std::optional<std::string> read_number(const Json& key, const char* name, size_t max_bytes) {
  const auto it = key.find(name);
  if (it == key.end() || !it->is_string()) return std::nullopt;
  auto bytes = read_base64url(it->get_ref<const std::string&>());
  if (!bytes || bytes->empty() || bytes->front() == '\0' || bytes->size() > max_bytes) {
    return std::nullopt;
  }
  const bool odd = (static_cast<unsigned char>(bytes->back()) & 1U) != 0;
  if (!odd || *bytes == "\x01") return std::nullopt;  // no RSA number is even, or one
  return bytes;
}

OpenSslPtr<BIGNUM> to_bignum(const std::string& bytes) {
  return OpenSslPtr<BIGNUM>(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                                      static_cast<int>(bytes.size()), nullptr));
}

OpenSslPtr<EVP_PKEY> make_public_key(const std::string& modulus, const std::string& exponent) {
  const auto n = to_bignum(modulus);
  const auto e = to_bignum(exponent);
  const OpenSslPtr<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (!n || !e || !builder ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return nullptr;
  }
  const OpenSslPtr<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const OpenSslPtr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    key = nullptr;
  }
  ERR_clear_error();
  return OpenSslPtr<EVP_PKEY>(key);
}

// Keys of other kinds and for other uses are not ours to judge.
bool concerns_us(const Json& key) {
  const auto use = key.find("use");
  return key.is_object() && key.value("kty", Json()) == "RSA" &&
         (use == key.end() || *use == "sig") && key.contains("kid");
}

}  // namespace

JwkSet::JwkSet() = default;

Result<JwkSet, std::string> JwkSet::parse(std::string_view json) {
  if (json.size() > kMaxJwksBytes) return std::string("the key set is too large");
  const auto object = read_strict_object(json);
  if (!object) return std::string("the key set is no JSON object with distinct names");
  const auto keys = object->find("keys");
  if (keys == object->end() || !keys->is_array()) return std::string("\"keys\" is no list");
  if (keys->size() > kMaxJwks) return std::string("more than 100 keys");
  JwkSet set;
  for (const Json& entry : *keys) {
    if (!concerns_us(entry)) continue;
    auto key = std::make_shared<Key>();
    if (!entry["kid"].is_string()) return std::string("a kid is no text");
    key->kid = entry["kid"].get<std::string>();
    const Json algorithm = entry.value("alg", Json(""));
    if (!algorithm.is_string()) return std::string("an alg is no text");
    key->algorithm = algorithm.get<std::string>();
    if (entry.contains("d")) return std::string("the key set holds a private key");
    const auto modulus = read_number(entry, "n", kMostRsaBits / 8);
    const auto exponent = read_number(entry, "e", kMaxExponentBytes);
    if (!modulus || !exponent) return std::string("an RSA key's n or e is wrong");
    key->key = make_public_key(*modulus, *exponent);
    if (!is_usable_rsa(key->key.get())) {
      return std::string("an RSA key is not of 2,048 to 8,192 bits");
    }
    if (!set.add(std::move(key))) return std::string("a kid is empty or there twice");
  }
  return set;
}

bool JwkSet::add(std::shared_ptr<const Key> key) {
  if (key->kid.empty() || contains(key->kid) || keys_.size() >= kMaxJwks) return false;
  keys_.push_back(std::move(key));
  return true;
}

bool JwkSet::add_pem(const std::string& kid, const std::string& public_pem) {
  const OpenSslPtr<BIO> bio(
      BIO_new_mem_buf(public_pem.data(), static_cast<int>(public_pem.size())));
  if (!bio) return false;
  auto key = std::make_shared<Key>();
  key->kid = kid;
  key->key.reset(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return is_usable_rsa(key->key.get()) && add(std::move(key));
}

size_t JwkSet::size() const { return keys_.size(); }

bool JwkSet::contains(const std::string& kid) const {
  for (const auto& key : keys_) {
    if (key->kid == kid) return true;
  }
  return false;
}

}  // namespace vesto::sandbox
