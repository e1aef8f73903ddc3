#include "secret/sealed_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/kill_point.h"
#include "base/private_dir.h"
#include "base/strings.h"
#include "secret/files.h"
#include "secret/master_key.h"
#include "secret/sealed_document.h"

namespace vesto {

namespace {

using secret::DataKey;
using secret::File;
using secret::LockedBuffer;
using secret::MasterKey;
using secret::SealedDocument;
using secret::SealedEntry;

constexpr const char* kFileName = "secrets.sealed";

// A store with its keys.
struct Opened {
  SealedDocument document;
  DataKey key;
  std::vector<MasterKey> keys;  // all that the key file holds
};

Error damaged(const std::string& path) {
  return Error(ErrorCode::kSecKey, fmt::format("the sealed store {} was changed or cut", path))
      .with_hint(
          "Put a whole copy of the file back; otherwise remove it and set the secrets again.");
}

Error no_key(const std::string& data_dir, const std::string& wanted,
             const std::optional<std::vector<MasterKey>>& found) {
  const std::string path = secret::key_path(data_dir);
  if (!found) {
    return Error(ErrorCode::kSecKey, fmt::format("there is no key file {}; the secrets are sealed "
                                                 "with key {}",
                                                 path, wanted));
  }
  return Error(ErrorCode::kSecKey,
               fmt::format("the key file {} holds key {}, but the secrets are sealed with key {}",
                           path, found->front().id, wanted));
}

// Nothing if no store was made yet. The two files are not read at one moment: a rotation between
// may show the old of one and the new of the other, so what does not fit is read again.
Result<std::optional<Opened>> open_files(const std::string& data_dir) {
  constexpr int kAttempts = 4;
  constexpr int kWaitMs = 10;
  const std::string path = data_dir + "/" + kFileName;
  for (int attempt = 1;; ++attempt) {
    VESTO_ASSIGN(const std::optional<std::string> text,
                 secret::read_whole(path, secret::kMaxDocumentBytes));
    if (!text) return std::optional<Opened>();
    std::optional<SealedDocument> document = secret::parse_document(*text);
    if (!document) return damaged(path);
    VESTO_ASSIGN(std::optional<std::vector<MasterKey>> keys, secret::read_master_keys(data_dir));
    const MasterKey* master = keys ? secret::find_key_of(*keys, document->master_id) : nullptr;
    if (master == nullptr) {
      if (attempt >= kAttempts || !keys) return no_key(data_dir, document->master_id, keys);
      system_clock().sleep_ms(kWaitMs, {});
      continue;
    }
    std::optional<DataKey> key = secret::open_document(*document, *master);
    if (!key) return damaged(path);
    return std::optional<Opened>(Opened{*std::move(document), *std::move(key), *std::move(keys)});
  }
}

Error missing(std::string_view name, const SealedDocument* document, const std::string& data_dir) {
  std::vector<std::string> names;
  if (document != nullptr) {
    for (const SealedEntry& entry : document->entries) names.push_back(entry.name);
  }
  const std::optional<std::string> better = nearest(name, names);
  return Error(
             ErrorCode::kSecMissing,
             fmt::format("there is no secret \"{}\" in {}{}", printable(cut_utf8(name, 100), false),
                         data_dir, better ? fmt::format("; did you mean \"{}\"?", *better) : ""))
      .with_hint(good_secret_name(name)
                     ? fmt::format("vesto secret set {} (with the same --data); vesto secret list "
                                   "names those that are there.",
                                   name)
                     : fmt::format("A name is {}.", kSecretNameRule));
}

// What every writer does first: nobody else writes, and what a crash left is gone.
struct Writer {
  File lock;
  std::optional<Opened> opened;
};

Result<Writer> begin_writing(const std::string& data_dir, bool make) {
  if (make) VESTO_TRY(make_private_dir(data_dir));
  VESTO_ASSIGN(File lock, secret::take_lock(data_dir + "/secrets.lock"));
  VESTO_KILL_POINT("secret.after_lock");
  VESTO_ASSIGN(std::optional<Opened> opened, open_files(data_dir));
  secret::remove_leftover(data_dir, kFileName);
  secret::remove_leftover(secret::key_dir(data_dir), "master.key");
  if (opened && opened->keys.size() > 1) {
    // A rotation was cut short: the key that the store does not use goes.
    std::erase_if(opened->keys,
                  [&](const MasterKey& key) { return key.id != opened->document.master_id; });
    VESTO_TRY(secret::write_master_keys(data_dir, {&opened->keys.front()}));
  }
  return Writer{std::move(lock), std::move(opened)};
}

Status write_store(const std::string& data_dir, const Opened& opened) {
  return secret::replace_file(data_dir, kFileName,
                              secret::document_text(opened.document, opened.key));
}

// An empty store; its key is the one that is there, or a new one. The key is on the disk before
// anything is sealed with it.
Result<Opened> make_store(const std::string& data_dir, bool* made_key) {
  VESTO_ASSIGN(std::optional<std::vector<MasterKey>> keys, secret::read_master_keys(data_dir));
  if (!keys) {
    keys.emplace();
    keys->push_back(secret::make_master_key());
    VESTO_TRY(secret::write_master_keys(data_dir, {&keys->front()}));
    *made_key = true;
  }
  DataKey key;
  SealedDocument document = secret::new_document(keys->front(), "", &key);
  return Opened{std::move(document), std::move(key), *std::move(keys)};
}

Error not_kept(std::string what, std::string hint) {
  return Error(ErrorCode::kCfgValue, std::move(what)).with_hint(std::move(hint));
}

Status check_new(std::string_view name, const Secret& value) {
  if (!good_secret_name(name)) {
    return not_kept(
        fmt::format("\"{}\" cannot be the name of a secret", printable(cut_utf8(name, 100), false)),
        fmt::format("A name is {}.", kSecretNameRule));
  }
  if (value.empty()) {
    return not_kept(fmt::format("the value of {} is empty", name), "Give it a value.");
  }
  if (value.reveal().size() > kMaxSecretBytes) {
    return not_kept(fmt::format("the value of {} is larger than 64 KiB", name),
                    "Keep what is larger in a file of its own, and name it with { file = }.");
  }
  return ok_status();
}

// Seals it under this name, in the place of what is there. The writer holds the lock.
Result<SecretChange> put(const std::string& data_dir, std::string_view name, const Secret& value,
                         int64_t now_ms, Writer* writer) {
  SecretChange change;
  if (!writer->opened) {
    VESTO_ASSIGN(writer->opened, make_store(data_dir, &change.made_key));
  }
  SealedDocument& document = writer->opened->document;
  std::vector<SealedEntry>& entries = document.entries;
  const auto at =
      std::lower_bound(entries.begin(), entries.end(), name,
                       [](const SealedEntry& entry, std::string_view n) { return entry.name < n; });
  SealedEntry entry{
      .name = std::string(name),
      .created_ms = now_ms,
      .changed_ms = now_ms,
      .sealed = secret::seal_secret(document, writer->opened->key, name, value.reveal())};
  change.replaced = at != entries.end() && at->name == name;
  if (change.replaced) {
    entry.created_ms = at->created_ms;
    *at = std::move(entry);
  } else if (entries.size() >= kMaxSecrets) {
    return not_kept(fmt::format("there are {} secrets already, the most there may be", kMaxSecrets),
                    "Remove those that nothing uses: vesto secret remove NAME.");
  } else {
    entries.insert(at, std::move(entry));
  }
  VESTO_TRY(write_store(data_dir, *writer->opened));
  return change;
}

}  // namespace

bool good_secret_name(std::string_view name) {
  constexpr size_t kLongest = 100;
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kLongest && plain(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return plain(c) || c == '.' || c == '_' || c == '/' || c == '-';
         });
}

SealedStore::SealedStore(std::string data_dir, Clock& clock)
    : data_dir_(data_dir.empty() ? "." : std::move(data_dir)), clock_(&clock) {}

std::string SealedStore::key_file() const { return secret::key_path(data_dir_); }

Result<SecretChange> SealedStore::set(std::string_view name, const Secret& value) {
  VESTO_TRY(check_new(name, value));
  VESTO_ASSIGN(Writer writer, begin_writing(data_dir_, true));
  return put(data_dir_, name, value, clock_->wall_ms(), &writer);
}

Result<Secret> SealedStore::get_or_set(std::string_view name, const Secret& value) {
  VESTO_TRY(check_new(name, value));
  VESTO_ASSIGN(Writer writer, begin_writing(data_dir_, true));
  const SealedEntry* kept = writer.opened ? writer.opened->document.find(name) : nullptr;
  if (kept != nullptr) {
    const std::optional<LockedBuffer> clear =
        secret::open_secret(writer.opened->document, writer.opened->key, *kept);
    if (!clear) return damaged(data_dir_ + "/" + kFileName);
    return Secret(std::string(clear->view()));
  }
  VESTO_TRY(put(data_dir_, name, value, clock_->wall_ms(), &writer));
  return value;
}

Result<Secret> SealedStore::get(std::string_view name) const {
  VESTO_ASSIGN(const std::optional<Opened> opened, open_files(data_dir_));
  const SealedEntry* entry = opened ? opened->document.find(name) : nullptr;
  if (entry == nullptr) return missing(name, opened ? &opened->document : nullptr, data_dir_);
  const std::optional<LockedBuffer> clear =
      secret::open_secret(opened->document, opened->key, *entry);
  if (!clear) return damaged(data_dir_ + "/" + kFileName);
  return Secret(std::string(clear->view()));
}

Result<SecretList> SealedStore::list() const {
  VESTO_ASSIGN(const std::optional<Opened> opened, open_files(data_dir_));
  SecretList list;
  if (!opened) return list;
  list.key_id = opened->document.master_id;
  for (const SealedEntry& entry : opened->document.entries) {
    list.secrets.push_back({entry.name, entry.created_ms, entry.changed_ms});
  }
  return list;
}

Status SealedStore::remove(std::string_view name) {
  // Looked for first: nothing is made, not even the lock's file, where there is no such secret.
  VESTO_TRY(get(name));
  VESTO_ASSIGN(Writer writer, begin_writing(data_dir_, false));
  const SealedEntry* found = writer.opened ? writer.opened->document.find(name) : nullptr;
  if (found == nullptr) {
    return missing(name, writer.opened ? &writer.opened->document : nullptr, data_dir_);
  }
  std::erase_if(writer.opened->document.entries,
                [&](const SealedEntry& entry) { return entry.name == name; });
  return write_store(data_dir_, *writer.opened);
}

Result<KeyRotation> SealedStore::rotate_key() {
  VESTO_ASSIGN(const SecretList before, list());
  const Error nothing =
      Error(ErrorCode::kSecMissing, fmt::format("there is no sealed store in {}", data_dir_))
          .with_hint("vesto secret set NAME makes one, with a key of its own.");
  if (before.key_id.empty()) return nothing;
  VESTO_ASSIGN(Writer writer, begin_writing(data_dir_, false));
  if (!writer.opened) return nothing;
  Opened& old = *writer.opened;
  const MasterKey fresh_key = secret::make_master_key();
  DataKey data_key;
  SealedDocument fresh = secret::new_document(fresh_key, old.document.store_id, &data_key);
  for (const SealedEntry& entry : old.document.entries) {
    const std::optional<LockedBuffer> clear = secret::open_secret(old.document, old.key, entry);
    if (!clear) return damaged(data_dir_ + "/" + kFileName);
    SealedEntry anew = entry;
    anew.sealed = secret::seal_secret(fresh, data_key, entry.name, clear->view());
    fresh.entries.push_back(std::move(anew));
  }
  KeyRotation rotation{old.document.master_id, fresh.master_id, fresh.entries.size()};
  const Opened sealed_anew{std::move(fresh), std::move(data_key), {}};
  // The key file holds both keys while the store changes hands: whichever store a crash leaves, its
  // key is there. The next writer takes the other one out.
  VESTO_TRY(secret::write_master_keys(data_dir_, {&old.keys.front(), &fresh_key}));
  VESTO_TRY(write_store(data_dir_, sealed_anew));
  VESTO_TRY(secret::write_master_keys(data_dir_, {&fresh_key}));
  return rotation;
}

}  // namespace vesto
