#include "sync/window_hash.h"

#include <algorithm>
#include <string>

#include "encode/byte_scan.h"

namespace vesto {

namespace {

// Stands for the marker of that number: no bytes that a source may send, since a NUL is in them.
std::string stand_in(size_t marker) { return std::string(1, '\0') + std::to_string(marker); }

}  // namespace

RangeHash::RangeHash(std::vector<std::string> markers) : markers_(std::move(markers)) {
  std::erase(markers_, "");
}

void RangeHash::add(std::string_view rows) {
  while (!rows.empty()) {
    size_t at = std::string_view::npos;
    size_t which = 0;
    for (size_t i = 0; i < markers_.size(); ++i) {
      const size_t found = find_text(rows.substr(0, at), markers_[i]);
      if (found == std::string_view::npos) continue;
      at = found;
      which = i;
    }
    hash_.update(rows.substr(0, at));
    if (at == std::string_view::npos) return;
    hash_.update(stand_in(which));
    rows.remove_prefix(at + markers_[which].size());
  }
}

std::string RangeHash::finish() { return hash_.finish(); }

std::string window_hash(std::string_view setup, const std::map<size_t, std::string>& ranges) {
  Sha256 hash;
  hash.update(sha256(setup));
  for (const auto& [range, digest] : ranges) hash.update(digest);
  return hash.finish();
}

}  // namespace vesto
