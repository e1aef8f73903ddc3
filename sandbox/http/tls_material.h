// The certificates of the sandbox: a CA of its own and one server certificate, for every port that
// speaks TLS. Made once in a directory and reused while they are valid.
//
//   auto material = make_tls_material(dir);             // DIR/ca.pem, ca.key, server.pem,
//   server.key auto context = TlsContext::make(*material);         // for NetStream::start_tls()
//
// Errors are texts for the person who starts the sandbox.
#ifndef VESTO_SANDBOX_HTTP_TLS_MATERIAL_H_
#define VESTO_SANDBOX_HTTP_TLS_MATERIAL_H_

#include <memory>
#include <string>

#include "base/result.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace vesto::sandbox {

struct TlsMaterial {
  std::string ca_file;           // PEM; what clients must trust
  std::string certificate_file;  // PEM: localhost, *.s3.localhost, 127.0.0.1, ...
  std::string key_file;          // PEM, unencrypted
};

// Makes the files in `dir` (which must exist), mode 0600, each by temporary file and rename.
// Files that are present, fit together and are valid for 30 more days stay as they are; a CA that
// is good signs a new server certificate where only that one is missing or old.
// Thread rule: one caller a directory.
Result<TlsMaterial, std::string> make_tls_material(const std::string& dir);

// The server side of TLS (1.2 and 1.3) with that material. Immutable; any thread.
class TlsContext {
 public:
  static Result<std::shared_ptr<const TlsContext>, std::string> make(const TlsMaterial& material);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  [[nodiscard]] ssl_ctx_st* get() const { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_HTTP_TLS_MATERIAL_H_
