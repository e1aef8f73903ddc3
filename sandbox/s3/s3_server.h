// The S3 endpoint of the sandbox: path style and virtual-host style, plain or TLS, SigV4 checked
// for real, S3's own XML for every refusal.
#ifndef VESTO_SANDBOX_S3_S3_SERVER_H_
#define VESTO_SANDBOX_S3_S3_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "sandbox/control/faults.h"
#include "sandbox/http/http_server.h"
#include "sandbox/s3/file_object_store.h"
#include "sandbox/s3/object_store.h"
#include "sandbox/s3/s3_gate.h"

namespace vesto::sandbox {

class S3Service;

struct S3ServerOptions {
  uint16_t port = 0;                           // 0: any free one
  std::shared_ptr<const TlsContext> tls = {};  // empty: plain
  std::string region = "eu-west-1";            // of buckets that name none
  Clock* clock = nullptr;                      // nullptr: the system's
  const S3Gate* gate = nullptr;                // nullptr: every known key may do all
  HttpHandler api = {};                        // takes POST /, which is no call of S3
};

class S3Server {
 public:
  // The store, the keys and the faults must outlive the server. The error is a text for the person
  // who starts the sandbox.
  static Result<std::unique_ptr<S3Server>, std::string> start(const S3ServerOptions& options,
                                                              FileObjectStore& store,
                                                              const KeyRing& keys, Faults& faults);
  ~S3Server();
  S3Server(const S3Server&) = delete;
  S3Server& operator=(const S3Server&) = delete;

  [[nodiscard]] uint16_t port() const;
  void stop();  // cuts all connections and waits for their threads

 private:
  explicit S3Server(std::unique_ptr<S3Service> service);
  std::unique_ptr<S3Service> service_;
  std::unique_ptr<HttpServer> http_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_S3_SERVER_H_
