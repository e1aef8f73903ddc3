#include "stage/object_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kInstallationLength = 16;
constexpr size_t kSyncIdLength = 8;
constexpr std::string_view kRunStart = "run_";
constexpr size_t kRunLength = 30;  // "run_" and a ULID
constexpr size_t kTailSegments = 5;
constexpr std::string_view kManifestName = "manifest";

bool is_lower_alphanumeric(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_installation(std::string_view text) {
  return text.size() == kInstallationLength && is_lower_alphanumeric(text);
}

bool is_run(std::string_view text) {
  if (text.size() != kRunLength || !text.starts_with(kRunStart)) return false;
  text.remove_prefix(kRunStart.size());
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

bool is_object_name(std::string_view text) {
  if (text == kManifestName) return true;
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos || !is_digits(text.substr(0, dot))) return false;
  const std::string_view suffix = text.substr(dot);
  return suffix == ".csv.gz" || suffix == ".csv.zst";
}

// Without the slashes at its end; "" stays "".
std::string_view bare_prefix(std::string_view prefix) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return prefix;
}

std::string stream_root(const StageSpace& space, int stream) {
  return run_root(space) + fmt::format("{:04}/", stream);
}

struct OwnKey {
  std::string_view prefix;  // what stands before the last five segments, with its slash
  std::string_view sync;
};
// Nothing for a key that this installation did not make.
std::optional<OwnKey> parse_own_key(const StageSpace& space, std::string_view key) {
  std::string_view tail[kTailSegments];
  std::string_view rest = key;
  for (size_t i = kTailSegments; i > 0; --i) {
    const size_t slash = rest.rfind('/');
    tail[i - 1] = slash == std::string_view::npos ? rest : rest.substr(slash + 1);
    if (slash == std::string_view::npos) {
      rest = {};
      if (i != 1) return std::nullopt;  // fewer than five segments
    } else {
      rest = i == 1 ? rest.substr(0, slash + 1) : rest.substr(0, slash);
    }
  }
  const bool own = is_installation(space.installation.text) && tail[0] == space.installation.text &&
                   tail[1].size() == kSyncIdLength && is_lower_alphanumeric(tail[1]) &&
                   is_run(tail[2]) && is_digits(tail[3]) && is_object_name(tail[4]);
  if (!own) return std::nullopt;
  return OwnKey{.prefix = rest, .sync = tail[1]};
}

}  // namespace

std::string installation_root(const StageSpace& space) {
  std::string root(bare_prefix(space.prefix));
  if (!root.empty()) root += '/';
  return root + space.installation.text + "/";
}

std::string run_root(const StageSpace& space) {
  return installation_root(space) + space.sync.text + "/" + space.run.text + "/";
}

std::string part_key(const StageSpace& space, int stream, int part, Compression compression) {
  return stream_root(space, stream) + fmt::format("{:05}.csv", part) +
         std::string(compression_suffix(compression));
}

std::string manifest_key(const StageSpace& space, int stream) {
  return stream_root(space, stream) + std::string(kManifestName);
}

Status check_own_key(const StageSpace& space, std::string_view key, KeyOrigin origin) {
  const auto own = parse_own_key(space, key);
  const bool known_prefix = own && bare_prefix(own->prefix) == bare_prefix(space.prefix);
  if (own && (known_prefix || origin == KeyOrigin::kJournalled)) return ok_status();
  return Error(ErrorCode::kInternal, "refused to delete \"" + std::string(cut_utf8(key, 300)) +
                                         "\": it is no object of this installation");
}

SyncId sync_of_own_key(const StageSpace& space, std::string_view key) {
  const auto own = parse_own_key(space, key);
  return SyncId{own ? std::string(own->sync) : ""};
}

}  // namespace vesto
