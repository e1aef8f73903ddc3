// Google's endpoints on loopback: the metadata server (plain HTTP, as it is on a virtual machine)
// and accounts/oauth2 (token endpoint, keys, discovery; under TLS where a context is given).
//
//   metadata  GET /                                              detection
//             GET /computeMetadata/v1/instance/service-accounts/{default|e-mail}/
//                   identity?audience=...&format=full|standard   email   ?recursive=true
//             GET /computeMetadata/v1/project/project-id
//   token     POST /token                                        JWT-bearer grant, google_grant.h
//             GET /oauth2/v3/certs   GET /.well-known/openid-configuration
//
// The metadata server answers 403 without "Metadata-Flavor: Google" (as GKE, also at "/") and to
// any request with X-Forwarded-For. Faults: google.metadata, google.token, google.keys.
#ifndef VESTO_SANDBOX_OIDC_GOOGLE_SERVER_H_
#define VESTO_SANDBOX_OIDC_GOOGLE_SERVER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "sandbox/control/faults.h"
#include "sandbox/http/http_server.h"
#include "sandbox/oidc/google_issuer.h"
#include "sandbox/oidc/web.h"

namespace vesto::sandbox {

struct GoogleServerOptions {
  uint16_t metadata_port = 0;  // 0: any free one
  uint16_t token_port = 0;
  std::shared_ptr<const TlsContext> tls = {};  // of the token endpoint; empty: plain
  std::string linked_account = {};  // e-mail of the machine's account; "": none is linked
  std::string kubernetes_account = "default/vesto";  // <ns>/<name>, for the 404 without a link
  Clock* clock = nullptr;                            // nullptr: the system's
};

class GoogleServer {
 public:
  // The issuer and the faults must outlive the server. The error is a text for the person who
  // starts the sandbox.
  static Result<std::unique_ptr<GoogleServer>, std::string> start(
      const GoogleServerOptions& options, GoogleIssuer& issuer, Faults& faults);
  ~GoogleServer();
  GoogleServer(const GoogleServer&) = delete;
  GoogleServer& operator=(const GoogleServer&) = delete;

  // The machine's account from now on; "": none. Any thread.
  void link_account(const std::string& email);

  [[nodiscard]] uint16_t metadata_port() const;
  [[nodiscard]] uint16_t token_port() const;
  // "127.0.0.1:<port>", for GCE_METADATA_HOST.
  [[nodiscard]] std::string metadata_host() const;
  // "https://localhost:<port>/token", for token_uri of a key file.
  [[nodiscard]] std::string token_uri() const;
  void stop();  // cuts all connections and waits for their threads

 private:
  GoogleServer(const GoogleServerOptions& options, GoogleIssuer& issuer, Faults& faults);
  [[nodiscard]] std::string linked() const;
  [[nodiscard]] std::string base_url(const std::string& host) const;

  void handle_metadata(HttpExchange& exchange);
  WebAnswer metadata(const HttpRequest& request);
  WebAnswer account_metadata(const std::string& account, const std::string& what,
                             const HttpRequest& request);
  WebAnswer identity(const ServiceAccount& account, const HttpRequest& request);
  [[nodiscard]] WebAnswer no_account() const;

  void handle_token(HttpExchange& exchange);
  WebAnswer grant(const HttpRequest& request, const std::string& form);
  [[nodiscard]] WebAnswer discovery() const;

  GoogleIssuer& issuer_;
  Faults& faults_;
  Clock& clock_;
  const std::string kubernetes_account_;
  const bool tls_;
  std::atomic<uint16_t> token_port_ = 0;  // the first request may come before start() returns
  mutable Mutex mutex_;
  std::string linked_ VESTO_GUARDED_BY(mutex_);
  // Last, so that they end first: their threads use all of the above.
  std::unique_ptr<HttpServer> metadata_http_;
  std::unique_ptr<HttpServer> token_http_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_OIDC_GOOGLE_SERVER_H_
