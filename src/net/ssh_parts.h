// Small owners of what libssh hands out, shared by the files of the tunnel.
// Thread rule: each object belongs to one thread at a time.
#ifndef VESTO_NET_SSH_PARTS_H_
#define VESTO_NET_SSH_PARTS_H_

#include <libssh/libssh.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/redact.h"
#include "base/result.h"
#include "net/owned_fd.h"

namespace vesto {

struct SshKeyFree {
  void operator()(ssh_key key) const { ssh_key_free(key); }
};
using SshKeyPtr = std::unique_ptr<ssh_key_struct, SshKeyFree>;

struct SshStringFree {
  void operator()(char* text) const { ssh_string_free_char(text); }
};
using SshText = std::unique_ptr<char, SshStringFree>;

// libssh's own set-up, once in the process. Any thread.
void ssh_library_init();

// A private key as text becomes libssh's. Errors: SSH-KEY, without a byte of the key.
Result<SshKeyPtr> read_ssh_private_key(const Secret& private_key, const Secret& passphrase);

// What the server said, fit for people and without secrets; at most 300 bytes.
std::string ssh_words(std::string_view text);
// The same as the upstream part of an error.
Upstream ssh_upstream(std::string_view text, std::string code = "");

// "SHA256:..." of a public key; "" if libssh cannot tell.
std::string ssh_fingerprint(ssh_key key);

int64_t ssh_now_ms();

}  // namespace vesto

#endif  // VESTO_NET_SSH_PARTS_H_
