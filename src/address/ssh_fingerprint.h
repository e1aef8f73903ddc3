// The fingerprint of an SSH key, as ssh-keygen -l prints it. Pure; any thread.
#ifndef VESTO_ADDRESS_SSH_FINGERPRINT_H_
#define VESTO_ADDRESS_SSH_FINGERPRINT_H_

#include <string_view>

namespace vesto {

// "SHA256:" and 43 characters of base64: 32 bytes without the "=".
bool is_ssh_fingerprint(std::string_view text);

}  // namespace vesto

#endif  // VESTO_ADDRESS_SSH_FINGERPRINT_H_
