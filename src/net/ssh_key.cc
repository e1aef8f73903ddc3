#include "net/ssh_key.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <optional>

#include "base/base64.h"
#include "base/hash.h"
#include "base/strings.h"
#include "net/ssh_parts.h"

namespace vesto {
namespace {

constexpr size_t kMaxKeyBytes = 64 * 1024;  // an RSA key of 16384 bits has 13 KB
constexpr size_t kMinRsaBits = 2048;
constexpr size_t kSeedBytes = 32;
constexpr size_t kMaxCommentBytes = 100;

Error key_error(std::string message) { return Error(ErrorCode::kSshKey, std::move(message)); }

// SSH's number and string (RFC 4251 section 5).
void put_u32(std::string* out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>((value >> shift) & 0xffU));
  }
}

void put_text(std::string* out, std::string_view text) {
  put_u32(out, static_cast<uint32_t>(text.size()));
  out->append(text);
}

std::optional<std::string_view> take_text(std::string_view* in) {
  if (in->size() < 4) return std::nullopt;
  uint32_t size = 0;
  for (size_t i = 0; i < 4; ++i) size = (size << 8U) | static_cast<unsigned char>((*in)[i]);
  if (size > in->size() - 4) return std::nullopt;
  const std::string_view text = in->substr(4, size);
  in->remove_prefix(4 + size_t{size});
  return text;
}

// The bits of the modulus in an ssh-rsa blob: type, e, n. 0 if the blob is not one.
size_t rsa_bits(std::string_view blob) {
  take_text(&blob);
  take_text(&blob);
  const auto modulus = take_text(&blob);
  if (!modulus) return 0;
  std::string_view digits = *modulus;
  while (!digits.empty() && digits.front() == '\0') digits.remove_prefix(1);
  if (digits.empty()) return 0;
  size_t bits = digits.size() * 8;
  for (unsigned top = static_cast<unsigned char>(digits.front()); (top & 0x80U) == 0; top <<= 1U) {
    --bits;
  }
  return bits;
}

std::string ed25519_blob(std::string_view public_bytes) {
  std::string blob;
  put_text(&blob, "ssh-ed25519");
  put_text(&blob, public_bytes);
  return blob;
}

// OpenSSH's private form without encryption (PROTOCOL.key): head, then one block that holds two
// equal check numbers, the key and padding 1, 2, 3, ... up to a multiple of 8.
void put_openssh_private(std::string_view seed, std::string_view public_bytes, std::string* out) {
  WipedString secret_part;
  secret_part.text.reserve(512);
  const std::string check = random_bytes(4);
  secret_part.text += check;
  secret_part.text += check;
  put_text(&secret_part.text, "ssh-ed25519");
  put_text(&secret_part.text, public_bytes);
  put_u32(&secret_part.text, 2 * kSeedBytes);
  secret_part.text += seed;
  secret_part.text += public_bytes;
  put_text(&secret_part.text, "vesto");
  for (char pad = 1; secret_part.text.size() % 8 != 0; ++pad) secret_part.text.push_back(pad);

  WipedString blob;
  blob.text.reserve(1024);
  blob.text.append("openssh-key-v1", 15);  // its NUL belongs to it
  put_text(&blob.text, "none");            // cipher
  put_text(&blob.text, "none");            // kdf
  put_text(&blob.text, "");
  put_u32(&blob.text, 1);
  put_text(&blob.text, ed25519_blob(public_bytes));
  put_text(&blob.text, secret_part.text);

  const WipedString encoded(base64_encode(blob.text));
  out->reserve(1024);
  *out += "-----BEGIN OPENSSH PRIVATE KEY-----\n";
  for (size_t at = 0; at < encoded.text.size(); at += 70) {
    out->append(encoded.text, at, 70);
    out->push_back('\n');
  }
  *out += "-----END OPENSSH PRIVATE KEY-----\n";
}

// libssh asks for a passphrase only when none was given. Without this OpenSSL would ask at the
// terminal.
int no_passphrase(const char* /*prompt*/, char* buffer, size_t size, int /*echo*/, int /*verify*/,
                  void* asked) {
  if (size > 0) buffer[0] = '\0';
  *static_cast<bool*>(asked) = true;
  return -1;
}

// Why this text cannot be a private key, for the slips that people make.
std::optional<Error> not_a_private_key(std::string_view text) {
  const std::string_view shown = trim(text);
  if (shown.empty()) return key_error("the private key is empty");
  if (text.size() > kMaxKeyBytes) return key_error("the text is too long for a private key");
  if (shown.starts_with("PuTTY-User-Key-File")) {
    return key_error("the key is in PuTTY's form")
        .with_hint("Export it with PuTTYgen: Conversions, Export OpenSSH key.");
  }
  if (shown.starts_with("ssh-") || shown.starts_with("ecdsa-") || shown.starts_with("sk-") ||
      shown.find("PUBLIC KEY-----") != std::string_view::npos) {
    return key_error("this is a public key, not a private one");
  }
  if (shown.find('\0') != std::string_view::npos || !shown.starts_with("-----BEGIN ") ||
      shown.find("PRIVATE KEY-----") == std::string_view::npos ||
      shown.find("-----END ") == std::string_view::npos) {
    return key_error("this is not a private key in OpenSSH's or PEM form, or a part is missing");
  }
  return std::nullopt;
}

bool says_encrypted(std::string_view text) {
  return text.find("ENCRYPTED") != std::string_view::npos;
}

std::string_view type_name(ssh_key key) {
  switch (ssh_key_type(key)) {
    case SSH_KEYTYPE_ED25519:
      return "ssh-ed25519";
    case SSH_KEYTYPE_RSA:
      return "ssh-rsa";
    case SSH_KEYTYPE_ECDSA_P256:
      return "ecdsa-sha2-nistp256";
    case SSH_KEYTYPE_ECDSA_P384:
      return "ecdsa-sha2-nistp384";
    case SSH_KEYTYPE_ECDSA_P521:
      return "ecdsa-sha2-nistp521";
    default:
      return "";
  }
}

std::optional<std::string> public_base64(ssh_key key) {
  char* text = nullptr;
  if (ssh_pki_export_pubkey_base64(key, &text) != SSH_OK || text == nullptr) return std::nullopt;
  const SshText owned(text);
  return std::string(text);
}

Status check_strength(ssh_key key) {
  if (ssh_key_type(key) == SSH_KEYTYPE_DSS) {
    return key_error("a DSA key is too weak; OpenSSH refuses it as well")
        .with_hint("Make an Ed25519 key: ssh-keygen -t ed25519.");
  }
  if (type_name(key).empty()) return key_error("a key of this kind cannot be used");
  if (ssh_key_type(key) != SSH_KEYTYPE_RSA) return ok_status();
  const auto text = public_base64(key);
  const auto blob = text ? base64_decode(*text) : std::nullopt;
  const size_t bits = blob ? rsa_bits(*blob) : 0;
  if (bits < kMinRsaBits) {
    return key_error(
               fmt::format("an RSA key of {} bits is too weak: at least {}", bits, kMinRsaBits))
        .with_hint("Make an Ed25519 key: ssh-keygen -t ed25519.");
  }
  return ok_status();
}

}  // namespace

Result<SshKeyPtr> read_ssh_private_key(const Secret& private_key, const Secret& passphrase) {
  ssh_library_init();
  if (auto fault = not_a_private_key(private_key.reveal())) return std::move(*fault);
  // Windows' line ends and a lost last one are usual in pasted keys.
  WipedString text;
  text.text.reserve(private_key.reveal().size() + 1);
  for (const char c : trim(private_key.reveal())) {
    if (c != '\r') text.text.push_back(c);
  }
  text.text.push_back('\n');

  bool asked = says_encrypted(text.text) && passphrase.empty();
  ssh_key key = nullptr;
  const char* phrase = passphrase.empty() ? nullptr : passphrase.reveal().c_str();
  const int read =
      ssh_pki_import_privkey_base64(text.text.c_str(), phrase, &no_passphrase, &asked, &key);
  SshKeyPtr owned(key);
  if (read != SSH_OK || key == nullptr) {
    if (asked) return key_error("the key is encrypted and no passphrase is given");
    if (phrase != nullptr) return key_error("the passphrase is not the key's, or the key is cut");
    return key_error("the key cannot be read: it is cut, or of an unknown kind");
  }
  VESTO_TRY(check_strength(owned.get()));
  return owned;
}

Result<Secret> make_ssh_key() {
  EVP_PKEY* made = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  if (made == nullptr) return Error(ErrorCode::kInternal, "OpenSSL made no Ed25519 key");
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> owned(made, &EVP_PKEY_free);
  unsigned char seed[kSeedBytes] = {};
  unsigned char public_bytes[kSeedBytes] = {};
  size_t seed_size = sizeof(seed);
  size_t public_size = sizeof(public_bytes);
  const bool taken = EVP_PKEY_get_raw_private_key(made, seed, &seed_size) == 1 &&
                     EVP_PKEY_get_raw_public_key(made, public_bytes, &public_size) == 1;
  WipedString text;
  if (taken) {
    put_openssh_private({reinterpret_cast<const char*>(seed), seed_size},
                        {reinterpret_cast<const char*>(public_bytes), public_size}, &text.text);
  }
  OPENSSL_cleanse(seed, sizeof(seed));
  if (!taken) return Error(ErrorCode::kInternal, "OpenSSL did not hand out its Ed25519 key");
  return Secret(std::move(text.text));
}

Result<SshPublicKey> ssh_public_key(const Secret& private_key, const Secret& passphrase) {
  VESTO_ASSIGN(const SshKeyPtr key, read_ssh_private_key(private_key, passphrase));
  ssh_key half = nullptr;
  if (ssh_pki_export_privkey_to_pubkey(key.get(), &half) != SSH_OK || half == nullptr) {
    return key_error("the key has no public half");
  }
  const SshKeyPtr owned(half);
  auto text = public_base64(half);
  if (!text) return key_error("the key has no public half");
  return SshPublicKey{.type = std::string(type_name(half)),
                      .base64 = std::move(*text),
                      .fingerprint = ssh_fingerprint(half)};
}

std::string authorized_keys_line(const SshPublicKey& key, const std::vector<SshTarget>& targets,
                                 const std::vector<std::string>& from, std::string_view comment) {
  // A quote or a line end in a name would begin another option or another line.
  const auto quoted = [](std::string_view text) {
    return replace_all(replace_all(printable(text, false), "\\", "\\\\"), "\"", "\\\"");
  };
  // Without a permitopen, port-forwarding would allow every target.
  std::string line = targets.empty() ? "restrict" : "restrict,port-forwarding";
  for (const SshTarget& target : targets) {
    const bool v6 = target.host.find(':') != std::string::npos && !target.host.starts_with('[');
    line += fmt::format(",permitopen=\"{}:{}\"", quoted(v6 ? "[" + target.host + "]" : target.host),
                        target.port);
  }
  if (!from.empty()) line += fmt::format(",from=\"{}\"", quoted(join(from, ",")));
  line += fmt::format(" {} {}", key.type, key.base64);
  const std::string shown = printable(cut_utf8(trim(comment), kMaxCommentBytes), false);
  if (!shown.empty()) line += " " + shown;
  return line;
}

}  // namespace vesto
