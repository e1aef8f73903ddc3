// The system's CA bundle, for verification where no CA file is named (libpq 15 and OpenSSL have no
// one word for it that holds on every distribution).
// Thread rule: reads the environment; not beside code that changes it.
#ifndef VESTO_NET_CA_BUNDLE_H_
#define VESTO_NET_CA_BUNDLE_H_

#include <string>

namespace vesto {

// SSL_CERT_FILE, or the bundle of Debian, Red Hat or Alpine; "" where there is none.
std::string system_ca_file();

}  // namespace vesto

#endif  // VESTO_NET_CA_BUNDLE_H_
