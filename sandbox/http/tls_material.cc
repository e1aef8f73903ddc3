#include "sandbox/http/tls_material.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace vesto::sandbox {

namespace {

constexpr long kDay = 24L * 60 * 60;
constexpr long kCaDays = 3650;
constexpr long kServerDays = 730;
constexpr long kDaysLeft = 30;  // less than this: made anew

// Every name under which a client may reach a port of the sandbox.
constexpr const char* kNames =
    "DNS:localhost,DNS:s3.localhost,DNS:*.s3.localhost,DNS:s3.eu-west-1.localhost,"
    "DNS:*.s3.eu-west-1.localhost,IP:127.0.0.1,IP:::1";

struct X509Free {
  void operator()(X509* p) const { X509_free(p); }
};
struct KeyFree {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
};
struct BioFree {
  void operator()(BIO* p) const { BIO_free(p); }
};
using Certificate = std::unique_ptr<X509, X509Free>;
using Key = std::unique_ptr<EVP_PKEY, KeyFree>;
using Bio = std::unique_ptr<BIO, BioFree>;

struct Pair {
  Certificate certificate;
  Key key;
};

Bio open_file(const std::string& path) { return Bio(BIO_new_file(path.c_str(), "r")); }

// Nothing where a file is missing or is not what it should be.
Pair load_pair(const std::string& certificate_file, const std::string& key_file) {
  Pair pair;
  if (const Bio bio = open_file(certificate_file)) {
    pair.certificate.reset(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  }
  if (const Bio bio = open_file(key_file)) {
    pair.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  }
  const bool good = pair.certificate && pair.key &&
                    X509_check_private_key(pair.certificate.get(), pair.key.get()) == 1;
  ERR_clear_error();
  return good ? std::move(pair) : Pair{};
}

bool lasts(const X509* certificate) {
  time_t limit = std::time(nullptr) + kDaysLeft * kDay;
  return X509_cmp_time(X509_get0_notAfter(certificate), &limit) > 0 &&
         X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (extension == nullptr) return false;
  const bool done = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return done;
}

// A new key and a certificate for it, all but its extensions and signature.
Pair make_unsigned(const char* common_name, long days) {
  Pair pair{Certificate(X509_new()), Key(EVP_EC_gen("P-256"))};
  if (!pair.certificate || !pair.key) return {};
  X509* certificate = pair.certificate.get();
  unsigned char serial[16];
  if (RAND_bytes(serial, sizeof(serial)) != 1) return {};
  serial[0] &= 0x7fU;
  BIGNUM* number = BN_bin2bn(serial, sizeof(serial), nullptr);
  const bool numbered = number != nullptr &&
                        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  X509_NAME* name = X509_get_subject_name(certificate);
  const bool done = numbered && X509_set_version(certificate, X509_VERSION_3) == 1 &&
                    X509_gmtime_adj(X509_getm_notBefore(certificate), -kDay) != nullptr &&
                    X509_gmtime_adj(X509_getm_notAfter(certificate), days * kDay) != nullptr &&
                    X509_set_pubkey(certificate, pair.key.get()) == 1 &&
                    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                               reinterpret_cast<const unsigned char*>(common_name),
                                               -1, -1, 0) == 1;
  return done ? std::move(pair) : Pair{};
}

Pair make_ca() {
  Pair ca = make_unsigned("Vesto sandbox CA", kCaDays);
  if (!ca.certificate) return {};
  X509* certificate = ca.certificate.get();
  const bool done =
      X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
      add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE") &&
      add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
      add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
      X509_sign(certificate, ca.key.get(), EVP_sha256()) != 0;
  return done ? std::move(ca) : Pair{};
}

Pair make_server(const Pair& ca) {
  Pair server = make_unsigned("localhost", kServerDays);
  if (!server.certificate) return {};
  X509* certificate = server.certificate.get();
  X509* issuer = ca.certificate.get();
  const bool done =
      X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
      add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
      add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth") &&
      add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
      add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always") &&
      add_extension(certificate, issuer, NID_subject_alt_name, kNames) &&
      X509_sign(certificate, ca.key.get(), EVP_sha256()) != 0;
  return done ? std::move(server) : Pair{};
}

std::string pem_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size > 0 ? size : 0)};
}

bool write_private(const std::string& path, const std::string& text) {
  const std::string temp = path + ".tmp";
  const int fd = ::open(temp.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const bool closed = ::close(fd) == 0;
  return written && closed && std::rename(temp.c_str(), path.c_str()) == 0;
}

bool save_pair(const Pair& pair, const std::string& certificate_file, const std::string& key_file) {
  const Bio certificate(BIO_new(BIO_s_mem()));
  const Bio key(BIO_new(BIO_s_mem()));
  if (!certificate || !key || PEM_write_bio_X509(certificate.get(), pair.certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key.get(), pair.key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return false;
  }
  // The key first: a crash in between leaves a pair that does not fit, and it is made anew.
  return write_private(key_file, pem_of(key.get())) &&
         write_private(certificate_file, pem_of(certificate.get()));
}

bool signed_by(const Pair& server, const Pair& ca) {
  return X509_verify(server.certificate.get(), ca.key.get()) == 1;
}

}  // namespace

Result<TlsMaterial, std::string> make_tls_material(const std::string& dir) {
  const TlsMaterial material{dir + "/ca.pem", dir + "/server.pem", dir + "/server.key"};
  const std::string ca_key_file = dir + "/ca.key";
  const std::string problem = "cannot write the certificates in " + dir + ": ";
  Pair ca = load_pair(material.ca_file, ca_key_file);
  if (!ca.certificate || !lasts(ca.certificate.get())) {
    ca = make_ca();
    if (!ca.certificate) return std::string("OpenSSL could not make a CA certificate");
    if (!save_pair(ca, material.ca_file, ca_key_file)) return problem + std::strerror(errno);
  }
  Pair server = load_pair(material.certificate_file, material.key_file);
  if (!server.certificate || !lasts(server.certificate.get()) || !signed_by(server, ca)) {
    server = make_server(ca);
    if (!server.certificate) return std::string("OpenSSL could not make a server certificate");
    if (!save_pair(server, material.certificate_file, material.key_file)) {
      return problem + std::strerror(errno);
    }
  }
  ERR_clear_error();
  return material;
}

Result<std::shared_ptr<const TlsContext>, std::string> TlsContext::make(
    const TlsMaterial& material) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) return std::string("OpenSSL could not make a TLS context");
  std::shared_ptr<const TlsContext> owner(new TlsContext(context));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const std::string& certificate = material.certificate_file;
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, material.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return "cannot use the certificate " + certificate;
  }
  return owner;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

}  // namespace vesto::sandbox
