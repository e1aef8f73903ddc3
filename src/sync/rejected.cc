#include "sync/rejected.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/strings.h"
#include "encode/diversion.h"
#include "encode/key_json.h"
#include "redshift/sql_rows.h"

namespace vesto {

Result<std::vector<KeptRejectedRow>> read_rejected(const SyncSpec& spec,
                                                   const RedshiftConnector& connect,
                                                   const std::string& stream, int limit) {
  constexpr size_t kColumns = 9;
  constexpr int64_t kTimeoutMs = 120'000;
  constexpr std::string_view kNoSuchTable = "42P01";
  VESTO_ASSIGN(const auto session, connect(kTimeoutMs));
  std::vector<KeptRejectedRow> rows;
  const Result<ExecResult> answer = session->exec(
      sql::select_rejected(spec.schema, cut_utf8(spec.name, 256), stream, limit), kTimeoutMs);
  if (!answer.ok()) {
    if (answer.error().upstream().code == kNoSuchTable) return rows;
    return answer.error();
  }
  for (const auto& cells : answer->rows) {
    if (cells.size() != kColumns) {
      return Error(ErrorCode::kRsSql, "the table of rejected rows has other columns");
    }
    const auto text = [&cells](size_t i) { return cells[i].value_or(""); };
    rows.push_back({.stream = text(0),
                    .load_id = text(1),
                    .run = text(2),
                    .key = text(3),
                    .column = text(4),
                    .reason = text(5),
                    .value = text(6),
                    .value_bytes = parse_int(text(7)).value_or(0),
                    .rejected_at = text(8)});
  }
  return rows;
}

namespace {

struct WholeKey {
  std::vector<std::string> columns;
  std::vector<std::string> values;
};

// {"id":"7","line":"2"}; nothing where a value is missing or was kept in part.
std::optional<WholeKey> whole_key(const std::string& key) {
  const auto parsed = nlohmann::ordered_json::parse(key, nullptr, false);
  if (!parsed.is_object() || parsed.empty()) return std::nullopt;
  WholeKey out;
  for (const auto& [name, value] : parsed.items()) {
    if (!value.is_string()) return std::nullopt;
    out.columns.push_back(name);
    out.values.push_back(value.get<std::string>());
    // Cut at a character, so up to three bytes before the end.
    if (out.values.back().size() + 3 >= kKeptKeyBytes) return std::nullopt;
  }
  return out;
}

}  // namespace

Replay replay_of(const std::vector<KeptRejectedRow>& rows) {
  Replay replay;
  std::set<std::pair<std::string, std::string>> seen;
  for (const KeptRejectedRow& row : rows) {
    replay.newest_load_id = std::max(replay.newest_load_id, row.load_id);
    std::optional<WholeKey> key = whole_key(row.key);
    // Keys of other columns are of a time when the stream had another key.
    const auto columns = key ? replay.key_columns.try_emplace(row.stream, key->columns).first
                             : replay.key_columns.end();
    if (!key || columns->second != key->columns) {
      ++replay.without_key;
      continue;
    }
    if (!seen.emplace(row.stream, row.key).second) continue;
    replay.keys[row.stream].push_back(std::move(key->values));
    replay.row_keys[row.stream].push_back(row.key);
  }
  return replay;
}

Status forget_replayed(const SyncSpec& spec, const RedshiftConnector& connect, const Replay& replay,
                       const std::vector<std::string>& streams) {
  constexpr int64_t kTimeoutMs = 120'000;
  constexpr size_t kKeysPerStatement = 1000;
  VESTO_ASSIGN(const auto session, connect(kTimeoutMs));
  for (const std::string& stream : streams) {
    const auto keys = replay.row_keys.find(stream);
    if (keys == replay.row_keys.end()) continue;
    for (size_t first = 0; first < keys->second.size(); first += kKeysPerStatement) {
      const size_t last = std::min(keys->second.size(), first + kKeysPerStatement);
      const std::vector<std::string> some(keys->second.begin() + static_cast<std::ptrdiff_t>(first),
                                          keys->second.begin() + static_cast<std::ptrdiff_t>(last));
      VESTO_TRY(session->exec(sql::delete_rejected(spec.schema, cut_utf8(spec.name, 256), stream,
                                                   replay.newest_load_id, some),
                              kTimeoutMs));
    }
  }
  return ok_status();
}

}  // namespace vesto
