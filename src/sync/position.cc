#include "sync/position.h"

#include <algorithm>

#include "base/hash.h"
#include "base/json_text.h"

namespace vesto {

namespace {

constexpr std::string_view kVersion = "v2 ";
constexpr size_t kTargetDigits = 8;
constexpr size_t kKeyDigits = 8;
constexpr size_t kSelectionDigits = 8;
constexpr size_t kSetupDigits = kTargetDigits + kKeyDigits + kSelectionDigits;

}  // namespace

std::string stream_setup(std::string_view target_table, const std::vector<std::string>& key,
                         std::string_view selection) {
  // JSON, so that no two lists of names give the same text.
  std::string columns;
  for (const std::string& column : key) columns += json_quote(column) + ",";
  return sha256_hex(target_table).substr(0, kTargetDigits) +
         sha256_hex(columns).substr(0, kKeyDigits) +
         (selection.empty() ? std::string(kSelectionDigits, '0')
                            : sha256_hex(selection).substr(0, kSelectionDigits));
}

bool same_target(std::string_view setup, std::string_view other) {
  return setup.size() >= kTargetDigits &&
         setup.substr(0, kTargetDigits) == other.substr(0, kTargetDigits);
}

std::string committed_position(std::string_view setup, std::string_view source_position) {
  return std::string(kVersion) + std::string(setup) + " " + std::string(source_position);
}

std::optional<CommittedPosition> parse_committed_position(std::string_view text) {
  if (!text.starts_with(kVersion)) return std::nullopt;
  text.remove_prefix(kVersion.size());
  if (text.size() <= kSetupDigits || text[kSetupDigits] != ' ') return std::nullopt;
  const std::string_view setup = text.substr(0, kSetupDigits);
  const bool is_hex = std::all_of(setup.begin(), setup.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (!is_hex) return std::nullopt;
  return CommittedPosition{std::string(setup), std::string(text.substr(kSetupDigits + 1))};
}

}  // namespace vesto
