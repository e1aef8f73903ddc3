#include "net/ca_bundle.h"

#include <unistd.h>

#include <cstdlib>

namespace vesto {

std::string system_ca_file() {
  const char* named = std::getenv("SSL_CERT_FILE");  // NOLINT(concurrency-mt-unsafe): read only
  if (named != nullptr && *named != '\0') return named;
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/cert.pem"}) {
    if (::access(path, R_OK) == 0) return path;
  }
  return "";
}

}  // namespace vesto
