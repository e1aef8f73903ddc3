#include "secret/sealed_document.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "base/strings.h"
#include "secret/sealed_store.h"

namespace vesto::secret {

namespace {

constexpr std::string_view kHead = "vesto secrets 1\n";
constexpr size_t kKeyBytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr size_t kPadBytes = 64;
constexpr size_t kSealBytes = crypto_generichash_BYTES;
constexpr size_t kStoreIdDigits = 32;
constexpr size_t kKeyIdDigits = 16;
constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string random_hex(size_t digits) {
  std::string bytes(digits / 2, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return to_hex(bytes);
}

std::string base64(std::string_view bytes) {
  std::string out(sodium_base64_ENCODED_LEN(bytes.size(), kVariant), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes_of(bytes), bytes.size(), kVariant);
  out.pop_back();  // its NUL
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string out(text.size(), '\0');  // more than enough
  size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(bytes_of(out), out.size(), text.data(), text.size(), nullptr, &size, &end,
                        kVariant) != 0 ||
      end != text.data() + text.size()) {
    return std::nullopt;
  }
  out.resize(size);
  return out;
}

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// --- sealing ---

std::string seal(std::string_view clear, std::string_view purpose, const LockedBuffer& key) {
  std::string out(kNonceBytes + clear.size() + kTagBytes, '\0');
  randombytes_buf(out.data(), kNonceBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes_of(out) + kNonceBytes, nullptr, bytes_of(clear),
                                             clear.size(), bytes_of(purpose), purpose.size(),
                                             nullptr, bytes_of(out), key.data());
  return out;
}

std::optional<LockedBuffer> unseal(std::string_view sealed, std::string_view purpose,
                                   const LockedBuffer& key) {
  if (sealed.size() < kNonceBytes + kTagBytes) return std::nullopt;
  LockedBuffer clear(sealed.size() - kNonceBytes - kTagBytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          clear.data(), nullptr, nullptr, bytes_of(sealed) + kNonceBytes,
          sealed.size() - kNonceBytes, bytes_of(purpose), purpose.size(), bytes_of(sealed),
          key.data()) != 0) {
    return std::nullopt;
  }
  return clear;
}

// None of the parts can hold a line feed.
std::string purpose_of_data_key(const SealedDocument& document) {
  return fmt::format("vesto data key 1\n{}\n{}\n{}", document.store_id, document.master_id,
                     document.data_id);
}
std::string purpose_of_secret(const SealedDocument& document, std::string_view name) {
  return fmt::format("vesto secret 1\n{}\n{}", document.store_id, name);
}

LockedBuffer seal_key_of(const LockedBuffer& data_key) {
  constexpr const char* kContext = "vestosec";  // crypto_kdf_CONTEXTBYTES of them
  LockedBuffer out(crypto_generichash_KEYBYTES);
  crypto_kdf_derive_from_key(out.data(), out.size(), 1, kContext, data_key.data());
  return out;
}

std::string seal_of(std::string_view body, const DataKey& key) {
  std::string hash(kSealBytes, '\0');
  crypto_generichash(bytes_of(hash), hash.size(), bytes_of(body), body.size(), key.seal.data(),
                     key.seal.size());
  return to_hex(hash);
}

// --- the text ---

std::string body_text(const SealedDocument& document) {
  std::string out(kHead);
  out += fmt::format("store {}\nmaster {}\ndata {} {}\n", document.store_id, document.master_id,
                     document.data_id, base64(document.sealed_data_key));
  for (const SealedEntry& entry : document.entries) {
    out += fmt::format("secret {} {} {} {}\n", entry.name, entry.created_ms, entry.changed_ms,
                       base64(entry.sealed));
  }
  return out;
}

// Takes the text apart line by line; every step refuses what was not written like this.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  // The words of the next line behind `head`; nothing if the line is another one.
  std::optional<std::vector<std::string>> line(std::string_view head, size_t words) {
    const size_t end = rest_.find('\n');
    if (end == std::string_view::npos || !rest_.starts_with(head)) return std::nullopt;
    if (end < head.size() + 1 || rest_[head.size()] != ' ') return std::nullopt;
    std::vector<std::string> parts =
        split(rest_.substr(head.size() + 1, end - head.size() - 1), ' ');
    if (parts.size() != words) return std::nullopt;
    rest_.remove_prefix(end + 1);
    return parts;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

std::optional<SealedEntry> parse_entry(const std::vector<std::string>& words) {
  const std::optional<int64_t> created = parse_int(words[1]);
  const std::optional<int64_t> changed = parse_int(words[2]);
  std::optional<std::string> sealed = from_base64(words[3]);
  if (!good_secret_name(words[0]) || !created || !changed || !sealed) return std::nullopt;
  return SealedEntry{.name = words[0],
                     .created_ms = *created,
                     .changed_ms = *changed,
                     .sealed = *std::move(sealed)};
}

}  // namespace

const SealedEntry* SealedDocument::find(std::string_view name) const {
  const auto found =
      std::lower_bound(entries.begin(), entries.end(), name,
                       [](const SealedEntry& entry, std::string_view n) { return entry.name < n; });
  return found != entries.end() && found->name == name ? &*found : nullptr;
}

std::optional<SealedDocument> parse_document(std::string_view text) {
  if (!text.starts_with(kHead)) return std::nullopt;
  Reader reader(text.substr(kHead.size()));
  SealedDocument document;
  const auto store = reader.line("store", 1);
  const auto master = store ? reader.line("master", 1) : std::nullopt;
  const auto data = master ? reader.line("data", 2) : std::nullopt;
  if (!data) return std::nullopt;
  document.store_id = store->at(0);
  document.master_id = master->at(0);
  document.data_id = data->at(0);
  std::optional<std::string> sealed_key = from_base64(data->at(1));
  if (!is_hex(document.store_id, kStoreIdDigits) || !is_hex(document.master_id, kKeyIdDigits) ||
      !is_hex(document.data_id, kKeyIdDigits) || !sealed_key) {
    return std::nullopt;
  }
  document.sealed_data_key = *std::move(sealed_key);
  while (const auto words = reader.line("secret", 4)) {
    std::optional<SealedEntry> entry = parse_entry(*words);
    if (!entry || document.entries.size() >= kMaxSecrets) return std::nullopt;
    if (!document.entries.empty() && document.entries.back().name >= entry->name) {
      return std::nullopt;
    }
    document.entries.push_back(*std::move(entry));
  }
  document.body = std::string(text.substr(0, text.size() - reader.rest().size()));
  const auto last = reader.line("seal", 1);
  if (!last || !is_hex(last->at(0), 2 * kSealBytes) || !reader.rest().empty()) return std::nullopt;
  document.seal = last->at(0);
  return document;
}

SealedDocument new_document(const MasterKey& master, const std::string& store_id, DataKey* key) {
  SealedDocument document;
  document.store_id = store_id.empty() ? random_hex(kStoreIdDigits) : store_id;
  document.master_id = master.id;
  document.data_id = random_hex(kKeyIdDigits);
  key->key = LockedBuffer(kKeyBytes);
  randombytes_buf(key->key.data(), key->key.size());
  key->seal = seal_key_of(key->key);
  document.sealed_data_key = seal(key->key.view(), purpose_of_data_key(document), master.bytes);
  return document;
}

std::optional<DataKey> open_document(const SealedDocument& document, const MasterKey& master) {
  std::optional<LockedBuffer> opened =
      unseal(document.sealed_data_key, purpose_of_data_key(document), master.bytes);
  if (!opened || opened->size() != kKeyBytes) return std::nullopt;
  DataKey key{.key = *std::move(opened), .seal = {}};
  key.seal = seal_key_of(key.key);
  const std::string expected = seal_of(document.body, key);
  if (expected.size() != document.seal.size() ||
      sodium_memcmp(expected.data(), document.seal.data(), expected.size()) != 0) {
    return std::nullopt;
  }
  return key;
}

std::string document_text(const SealedDocument& document, const DataKey& key) {
  std::string out = body_text(document);
  out += fmt::format("seal {}\n", seal_of(out, key));
  return out;
}

std::string seal_secret(const SealedDocument& document, const DataKey& key, std::string_view name,
                        std::string_view value) {
  LockedBuffer padded(value.size() + kPadBytes);
  if (!value.empty()) std::memcpy(padded.data(), value.data(), value.size());
  size_t size = 0;
  VESTO_CHECK(sodium_pad(&size, padded.data(), value.size(), kPadBytes, padded.size()) == 0);
  return seal(padded.view().substr(0, size), purpose_of_secret(document, name), key.key);
}

std::optional<LockedBuffer> open_secret(const SealedDocument& document, const DataKey& key,
                                        const SealedEntry& entry) {
  std::optional<LockedBuffer> clear =
      unseal(entry.sealed, purpose_of_secret(document, entry.name), key.key);
  size_t size = 0;
  if (!clear || sodium_unpad(&size, clear->data(), clear->size(), kPadBytes) != 0) {
    return std::nullopt;
  }
  clear->cut(size);
  return clear;
}

}  // namespace vesto::secret
