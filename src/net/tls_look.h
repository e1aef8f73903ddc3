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
  // kExpired, kNotYet: the certificate whose dates do not hold, where it is not the server's own.
  std::optional<ProbeCertificate> faulty;
  bool names_host = false;  // whatever else is wrong with it
  // kUntrusted: what the server sent is good by `second_ca_file`.
  bool good_by_second = false;
  std::string text;  // OpenSSL's words for the verdict
};

struct TlsWish {
  std::string host;            // that the certificate must name
  std::string ca_file;         // what it is verified against
  std::string second_ca_file;  // optional: see good_by_second
};

// Handshake over `fd` (non-blocking). Sends nothing else.
TlsLook look_at_tls(int fd, const TlsWish& wish, const WaitLimit& limit);

}  // namespace vesto

#endif  // VESTO_NET_TLS_LOOK_H_
