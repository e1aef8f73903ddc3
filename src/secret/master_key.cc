#include "secret/master_key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "base/private_dir.h"
#include "base/strings.h"
#include "secret/files.h"

namespace vesto::secret {

namespace {

constexpr size_t kKeyBytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr size_t kIdBytes = 8;
constexpr size_t kMaxKeys = 2;
constexpr size_t kMaxFileBytes = 1024;
constexpr std::string_view kHead = "vesto master key 1\n";
constexpr std::string_view kWord = "key ";
constexpr const char* kName = "master.key";
constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
constexpr size_t kTextBytes = sodium_base64_ENCODED_LEN(kKeyBytes, kVariant) - 1;

std::string id_of(const LockedBuffer& key) {
  constexpr std::string_view kPurpose = "vesto master key id";
  std::array<unsigned char, crypto_generichash_BYTES> hash{};
  crypto_generichash(hash.data(), hash.size(),
                     reinterpret_cast<const unsigned char*>(kPurpose.data()), kPurpose.size(),
                     key.data(), key.size());
  return to_hex({reinterpret_cast<const char*>(hash.data()), kIdBytes});
}

Error unusable(const std::string& path, std::string_view why) {
  return Error(ErrorCode::kSecKey, fmt::format("the key file {} {}", path, why));
}

// The key's bytes as text.
LockedBuffer encoded(const MasterKey& key) {
  LockedBuffer text(kTextBytes + 1);  // and a NUL
  sodium_bin2base64(reinterpret_cast<char*>(text.data()), text.size(), key.bytes.data(),
                    key.bytes.size(), kVariant);
  text.cut(kTextBytes);
  return text;
}

// "key ID BASE64" of the line.
std::optional<MasterKey> parse_line(std::string_view line) {
  constexpr size_t kIdAt = kWord.size();
  constexpr size_t kTextAt = kIdAt + 2 * kIdBytes + 1;
  if (line.size() != kTextAt + kTextBytes || !line.starts_with(kWord) || line[kTextAt - 1] != ' ') {
    return std::nullopt;
  }
  MasterKey key{.id = std::string(line.substr(kIdAt, 2 * kIdBytes)),
                .bytes = LockedBuffer(kKeyBytes)};
  size_t size = 0;
  const char* end = nullptr;
  const std::string_view text = line.substr(kTextAt);
  if (sodium_base642bin(key.bytes.data(), kKeyBytes, text.data(), text.size(), nullptr, &size, &end,
                        kVariant) != 0 ||
      size != kKeyBytes || end != text.data() + text.size()) {
    return std::nullopt;
  }
  // The decoder takes some texts that it would not write.
  if (sodium_memcmp(encoded(key).data(), text.data(), kTextBytes) != 0) return std::nullopt;
  if (id_of(key.bytes) != key.id) return std::nullopt;
  return key;
}

std::optional<std::vector<MasterKey>> parse(std::string_view text) {
  if (!text.starts_with(kHead)) return std::nullopt;
  text.remove_prefix(kHead.size());
  std::vector<MasterKey> keys;
  while (!text.empty() && keys.size() < kMaxKeys) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    std::optional<MasterKey> key = parse_line(text.substr(0, end));
    if (!key) return std::nullopt;
    keys.push_back(*std::move(key));
    text.remove_prefix(end + 1);
  }
  if (keys.empty() || !text.empty()) return std::nullopt;
  return keys;
}

// Whose files count as ours: those of this process's user and of root. Root may run the commands on
// the files of a service's own user, as it may read and write them anyhow.
bool is_ours(const struct stat& about) {
  const uid_t self = ::geteuid();
  return about.st_uid == self || about.st_uid == 0 || self == 0;
}

Error foreign(const std::string& path, const std::string& what, uid_t owner) {
  return unusable(path,
                  fmt::format("cannot be trusted: {} belongs to uid {}, and this process runs "
                              "as uid {}",
                              what, owner, ::geteuid()))
      .with_hint(
          "Run as the user that the data directory belongs to, or name another one (--data).");
}

// Whoever may write to a directory may put another one in the place of what stands in it.
Status check_dir(const std::string& path, const std::string& dir, std::string_view what) {
  struct stat about {};
  if (::stat(dir.c_str(), &about) != 0) {
    return unusable(path, fmt::format("cannot be trusted: {} cannot be looked at ({})", what,
                                      std::generic_category().message(errno)));
  }
  if (!is_ours(about)) return foreign(path, std::string(what), about.st_uid);
  if ((about.st_mode & 022) == 0) return ok_status();
  return unusable(path, fmt::format("may be replaced by others (the mode of {} is {:04o})", what,
                                    about.st_mode & 07777))
      .with_hint(fmt::format("chmod go-w '{}'", dir));
}

Status check_dirs(const std::string& data_dir) {
  const std::string path = key_path(data_dir);
  VESTO_TRY(check_dir(path, key_dir(data_dir), "its directory"));
  return check_dir(path, data_dir, "the data directory");
}

// Nobody else may read the file, nor put another one in its place.
Status check_rights(int file, const std::string& data_dir) {
  const std::string path = key_path(data_dir);
  struct stat about {};
  if (::fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) {
    return unusable(path, "is no ordinary file");
  }
  if (!is_ours(about)) return foreign(path, "it", about.st_uid);
  if ((about.st_mode & 077) != 0) {
    return unusable(path, fmt::format("may be read by others (its mode is {:04o})",
                                      about.st_mode & 07777))
        .with_hint(fmt::format("chmod 600 '{}'; if somebody else may have read it, also: "
                               "vesto secret rotate-key, and new values for the secrets",
                               path));
  }
  return check_dirs(data_dir);
}

}  // namespace

std::string key_dir(const std::string& data_dir) { return data_dir + "/keys"; }
std::string key_path(const std::string& data_dir) { return key_dir(data_dir) + "/" + kName; }

MasterKey make_master_key() {
  MasterKey key{.id = "", .bytes = LockedBuffer(kKeyBytes)};
  randombytes_buf(key.bytes.data(), key.bytes.size());
  key.id = id_of(key.bytes);
  return key;
}

Result<std::optional<std::vector<MasterKey>>> read_master_keys(const std::string& data_dir) {
  const std::string path = key_path(data_dir);
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number() < 0 && (errno == ENOENT || errno == ENOTDIR)) {
    return std::optional<std::vector<MasterKey>>();
  }
  if (file.number() < 0) {
    return unusable(path,
                    fmt::format("cannot be opened ({})", std::generic_category().message(errno)))
        .with_hint("Run as the user that the file belongs to.");
  }
  VESTO_TRY(check_rights(file.number(), data_dir));
  LockedBuffer text(kMaxFileBytes + 1);
  const ssize_t got = read_fully(file.number(), text.data(), text.size());
  if (got < 0) {
    return unusable(path, fmt::format("cannot be read ({})",
                                      std::generic_category().message(static_cast<int>(-got))));
  }
  text.cut(static_cast<size_t>(got));
  std::optional<std::vector<MasterKey>> keys = parse(text.view());
  if (!keys) return unusable(path, "is damaged");
  return keys;
}

Status write_master_keys(const std::string& data_dir, const std::vector<const MasterKey*>& keys) {
  LockedBuffer text(kMaxFileBytes);
  size_t size = 0;
  const auto add = [&](std::string_view part) {
    VESTO_CHECK(size + part.size() < kMaxFileBytes);
    std::memcpy(text.data() + size, part.data(), part.size());
    size += part.size();
  };
  add(kHead);
  for (const MasterKey* key : keys) {
    add(kWord);
    add(key->id);
    add(" ");
    add(encoded(*key).view());
    add("\n");
  }
  text.cut(size);
  VESTO_TRY(make_private_dir(key_dir(data_dir)));
  VESTO_TRY(check_dirs(data_dir));
  return replace_file(key_dir(data_dir), kName, text.view());
}

const MasterKey* find_key_of(const std::vector<MasterKey>& keys, const std::string& id) {
  for (const MasterKey& key : keys) {
    if (key.id == id) return &key;
  }
  return nullptr;
}

}  // namespace vesto::secret
