// The text of the sealed store: secrets sealed by a data key, the data key sealed by the master
// key.
//
//   vesto secrets 1
//   store <32 hex digits>                        random, made once
//   master <16 hex digits>                       id of the master key
//   data <16 hex digits> <base64>                id of the data key; the key, sealed
//   secret <name> <created ms> <changed ms> <base64>      by name, any number
//   seal <64 hex digits>
//
// Sealed is XChaCha20-Poly1305 with a random nonce before it. What it is for (store, key id or
// name) is authenticated with it, so that sealed bytes open in their own place only. The seal is a
// keyed BLAKE2b over every byte before its line: nothing of the file can be changed, moved, taken
// out or put in. An older copy of the whole file cannot be told from a newer one. Values are padded
// to 64 bytes, so that their length does not show. Thread rule: plain values; one thread at a time.
#ifndef VESTO_SECRET_SEALED_DOCUMENT_H_
#define VESTO_SECRET_SEALED_DOCUMENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "secret/locked_buffer.h"
#include "secret/master_key.h"

namespace vesto::secret {

struct SealedEntry {
  std::string name;
  int64_t created_ms = 0;
  int64_t changed_ms = 0;
  std::string sealed;  // nonce and sealed bytes
};

struct SealedDocument {
  std::string store_id;
  std::string master_id;
  std::string data_id;
  std::string sealed_data_key;
  std::vector<SealedEntry> entries;  // by name
  std::string body;                  // as read: all before the line of the seal
  std::string seal;                  // as read: the digits

  // The entry with this name, or nullptr.
  [[nodiscard]] const SealedEntry* find(std::string_view name) const;
};

// Keys of an open document.
struct DataKey {
  LockedBuffer key;   // seals the secrets
  LockedBuffer seal;  // keys the seal; derived from it
};

constexpr size_t kMaxDocumentBytes = size_t{96} << 20;

// The text as a document; nothing if it is none. Nothing of it is to be trusted before open().
std::optional<SealedDocument> parse_document(std::string_view text);

// A document without secrets and its data key, sealed by `master`; with the given store id, or a
// new one if it is "".
SealedDocument new_document(const MasterKey& master, const std::string& store_id, DataKey* key);

// Opens the data key and looks whether every byte is as it was written; nothing if not.
std::optional<DataKey> open_document(const SealedDocument& document, const MasterKey& master);

// The text to keep, with its seal.
std::string document_text(const SealedDocument& document, const DataKey& key);

std::string seal_secret(const SealedDocument& document, const DataKey& key, std::string_view name,
                        std::string_view value);
// Nothing if the bytes are not those that were sealed under this name.
std::optional<LockedBuffer> open_secret(const SealedDocument& document, const DataKey& key,
                                        const SealedEntry& entry);

}  // namespace vesto::secret

#endif  // VESTO_SECRET_SEALED_DOCUMENT_H_
