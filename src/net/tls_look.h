// One TLS handshake that looks at everything before it judges: OpenSSL's own verification stops at
// the first fault and libpq tells none of them.
// Thread rule: pure but for the socket it is given.
#ifndef VESTO_NET_TLS_LOOK_H_
#define VESTO_NET_TLS_LOOK_H_

#include <optional>
#include <string>

#include "net/probe.h"
#include "net/socket.h"

namespace vesto {

struct TlsLook {
  std::string version;                          // "TLSv1.3"; "" = the handshake did not end
  std::optional<ProbeCertificate> certificate;  // the server's own
  enum class Verdict {
    kGood,
    kExpired,
    kNotYet,
    kUntrusted,    // no way from the certificate to a CA of the bundle
    kWrongName,    // trusted, but for another name
    kNoHandshake,  // cut or not agreed; `text` tells
    kTimeout,
    kStopped,
    kNoBundle,  // the CA file cannot be read
  };
  Verdict verdict = Verdict::kNoHandshake;
  bool names_host = false;  // whatever else is wrong with it
  std::string text;         // OpenSSL's words for the verdict
};

// Handshake over `fd` (non-blocking), verified for `host` against `ca_file`. Sends nothing else.
TlsLook look_at_tls(int fd, const std::string& host, const std::string& ca_file,
                    const WaitLimit& limit);

}  // namespace vesto

#endif  // VESTO_NET_TLS_LOOK_H_
