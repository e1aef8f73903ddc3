// Secrets by name, sealed in the data directory.
//
//   SealedStore store(data_dir, clock);
//   VESTO_TRY(store.set("acme/password", value));
//   VESTO_ASSIGN(const Secret password, store.get("acme/password"));
//
// DIR/secrets.sealed holds them (sealed_document.h), DIR/keys/master.key the key (master_key.h):
// whoever has one of the two files has nothing. The first set() makes both. Files are replaced as a
// whole; a crash at any moment leaves a store that opens with the key file that is there.
// Readers take no lock and write nothing, so they work in a directory that they may only read.
//
// Errors of all: SEC-KEY (no key file, another one, one that others may read; changed or cut
// bytes), SEC-MISSING, CFG-VALUE (a name or value that cannot be kept), SYS-STORE, SYS-DISK,
// SYS-STORE-BUSY (writers only).
// Thread rule: any thread; the object holds no state. Each call reads the files anew.
#ifndef VESTO_SECRET_SEALED_STORE_H_
#define VESTO_SECRET_SEALED_STORE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/redact.h"
#include "base/result.h"

namespace vesto {

constexpr size_t kMaxSecrets = 1000;
constexpr size_t kMaxSecretBytes = size_t{64} << 10;

// 1 to 100 of a-z, 0-9 and ". _ / -"; the first is a letter or digit.
bool good_secret_name(std::string_view name);
// That rule, for messages.
constexpr std::string_view kSecretNameRule =
    "1 to 100 of a-z, 0-9, \".\", \"_\", \"/\" and \"-\"; the first is a letter or digit";

struct SecretInfo {
  std::string name;
  int64_t created_ms = 0;  // wall clock
  int64_t changed_ms = 0;
};

struct SecretList {
  std::string key_id;               // of the master key; "" if nothing was ever set
  std::vector<SecretInfo> secrets;  // by name
};

struct SecretChange {
  bool made_key = false;  // the key file was made
  bool replaced = false;  // the name was there already
};

struct KeyRotation {
  std::string old_key_id;
  std::string new_key_id;
  size_t secrets = 0;
};

class SealedStore {
 public:
  explicit SealedStore(std::string data_dir, Clock& clock = system_clock());

  Result<SecretChange> set(std::string_view name, const Secret& value);
  // The value that is kept under this name: the one that is there, or else this one, which is then
  // set. Of several callers at one time, in several processes, all get the same.
  Result<Secret> get_or_set(std::string_view name, const Secret& value);
  // Missing ones are told with the nearest name.
  [[nodiscard]] Result<Secret> get(std::string_view name) const;
  [[nodiscard]] Result<SecretList> list() const;
  Status remove(std::string_view name);
  // A new master key and a new data key; every secret is sealed anew.
  Result<KeyRotation> rotate_key();

  [[nodiscard]] std::string key_file() const;
  [[nodiscard]] const std::string& data_dir() const { return data_dir_; }

 private:
  std::string data_dir_;
  Clock* clock_;
};

}  // namespace vesto

#endif  // VESTO_SECRET_SEALED_STORE_H_
