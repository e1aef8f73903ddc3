// SSH keys: those that Vesto makes, one for each destination or source, and the operator's own.
// Formats: OpenSSH's PROTOCOL.key for private keys; sshd(8), AUTHORIZED_KEYS FILE FORMAT.
// Thread rule: pure; any thread.
#ifndef VESTO_NET_SSH_KEY_H_
#define VESTO_NET_SSH_KEY_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/redact.h"
#include "base/result.h"

namespace vesto {

struct SshPublicKey {
  std::string type;         // "ssh-ed25519"
  std::string base64;       // the blob
  std::string fingerprint;  // "SHA256:..." as ssh-keygen -l prints it
};

// A new Ed25519 key in OpenSSH's private form, not encrypted: it lives in the sealed store.
Result<Secret> make_ssh_key();

// The public half of a private key (OpenSSH, PEM or PKCS#8; encrypted ones with their passphrase).
// Errors: SSH-KEY: not a private key, a wrong or missing passphrase, a kind that is too weak (DSA,
// RSA below 2048 bits). No byte of the key stands in the error.
Result<SshPublicKey> ssh_public_key(const Secret& private_key, const Secret& passphrase);

// "host:port" as permitopen takes it.
struct SshTarget {
  std::string host;
  int port = 0;
};

// The one line for authorized_keys: forwarding to these targets, and nothing else.
//   restrict,port-forwarding,permitopen="host:5439",from="203.0.113.7/32" ssh-ed25519 AAAA... NAME
// `from`: addresses that the key may be used from; none: from anywhere. `comment` is for people.
std::string authorized_keys_line(const SshPublicKey& key, const std::vector<SshTarget>& targets,
                                 const std::vector<std::string>& from, std::string_view comment);

}  // namespace vesto

#endif  // VESTO_NET_SSH_KEY_H_
