// One stream's share of the load transaction: rows in, keys checked, counts compared.
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "base/kill_point.h"
#include "base/redact.h"
#include "base/strings.h"
#include "encode/key_json.h"
#include "redshift/load_transaction.h"
#include "redshift/sql_rows.h"

namespace vesto {

namespace {

// COPY of 2 GiB is reckoned with 20 minutes.
constexpr uint64_t kCopyBytesPerSecond = 1'789'569;
constexpr int64_t kMinCopyTimeoutMs = 600'000;
// It is waited for so many times as long.
constexpr int64_t kCopyPatience = 3;

int64_t reckoned_ms(int64_t may_take_ms) { return may_take_ms / kCopyPatience; }

uint64_t count_of(const ExecResult& answer) {
  return static_cast<uint64_t>(std::max<int64_t>(0, answer.affected()));
}

std::optional<uint64_t> single_number(const ExecResult& answer) {
  if (answer.rows.size() != 1 || answer.rows[0].size() != 1 || !answer.rows[0][0]) {
    return std::nullopt;
  }
  const auto number = parse_int(*answer.rows[0][0]);
  if (!number || *number < 0) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

bool brings_nothing(const StreamLoad& stream) {
  return stream.manifest_key.empty() && stream.diverted->side.empty();
}

}  // namespace

Error not_parity(const StreamLoad& stream, const std::string& what) {
  return Error(ErrorCode::kRunParity, fmt::format("table {}: {}", stream.schema.stream, what));
}

int64_t copy_timeout_ms(uint64_t bytes_staged) {
  const uint64_t seconds =
      std::min<uint64_t>(bytes_staged / kCopyBytesPerSecond * kCopyPatience, 1'000'000);
  return std::clamp(static_cast<int64_t>(seconds) * 1000, kMinCopyTimeoutMs, kMergeTimeoutMs);
}

std::optional<uint64_t> copied_rows(const std::vector<std::string>& notices) {
  constexpr std::string_view kBefore = "completed, ";
  constexpr std::string_view kAfter = " record(s) loaded successfully";
  for (const std::string& notice : notices) {
    if (notice.find("Load into table") == std::string::npos) continue;
    const size_t end = notice.find(kAfter);
    if (end == std::string::npos) continue;
    const size_t start = notice.rfind(kBefore, end);
    if (start == std::string::npos) continue;
    const auto number = parse_int(
        std::string_view(notice).substr(start + kBefore.size(), end - start - kBefore.size()));
    if (number && *number >= 0) return static_cast<uint64_t>(*number);
  }
  return std::nullopt;
}

Result<uint64_t> LoadRun::count(const std::string& sql) {
  VESTO_ASSIGN(const ExecResult answer, send(sql));
  const auto number = single_number(answer);
  if (!number) return Error(ErrorCode::kRsSql, "a count gave no number: " + sql);
  return *number;
}

Result<uint64_t> LoadRun::copy(const StreamLoad& stream, const StreamTexts& texts,
                               const std::string& table) {
  const int64_t may_take_ms = copy_timeout_ms(stream.bytes_staged);
  VESTO_ASSIGN(const CopyAccess access, copy_access(stream, may_take_ms));
  const std::string sql = copy_text(impl_.target, access, stream, texts, table);
  VESTO_ASSIGN(const ExecResult answer, send(sql, may_take_ms));
  VESTO_KILL_POINT("load.after_copy");
  std::optional<uint64_t> copied = copied_rows(answer.notices);
  if (!copied) {
    VESTO_ASSIGN(copied, count(sql::last_copy_count()));
  }
  if (*copied != stream.rows_staged()) {
    return not_parity(stream, fmt::format("{} rows were staged and Redshift copied {}",
                                          stream.rows_staged(), *copied));
  }
  return *copied;
}

Result<uint64_t> LoadRun::bring(const StreamLoad& stream, const StreamTexts& texts,
                                const std::string& table) {
  uint64_t rows = 0;
  if (!stream.manifest_key.empty()) {
    VESTO_ASSIGN(rows, copy(stream, texts, table));
  }
  uint64_t by_side_door = 0;
  sql::InsertTexts inserts = sql::insert_side_rows(table, texts.columns, stream.diverted->side);
  while (const std::optional<std::string> statement = inserts.next()) {
    VESTO_ASSIGN(const ExecResult inserted, impl_.exec_rows(*statement));
    by_side_door += count_of(inserted);
  }
  if (by_side_door != stream.diverted->side.size()) {
    return not_parity(stream, fmt::format("{} rows were sent by INSERT and {} inserted",
                                          stream.diverted->side.size(), by_side_door));
  }
  return rows + by_side_door;
}

// The transaction fails anyway, so what goes wrong here only costs the names.
std::string LoadRun::named_keys(const StreamLoad& stream, const std::string& sql) {
  auto answer = send(sql);
  if (!answer.ok()) return "";
  std::vector<std::string> keys;
  for (const auto& row : answer->rows) {
    if (row.size() != stream.schema.key.size()) return "";
    KeyJson key;
    for (size_t i = 0; i < row.size(); ++i) {
      key.add(stream.schema.columns[stream.schema.key[i]].source_name, row[i]);
    }
    keys.push_back(key.text());
  }
  return keys.empty() ? "" : ": " + redact(join(keys, ", "));
}

Status LoadRun::check_keys(const StreamLoad& stream, const StreamTexts& texts,
                           const std::string& table) {
  if (!stream.key_proven) {
    VESTO_ASSIGN(const uint64_t rows, count(sql::count_null_keys(table, texts.key)));
    if (rows > 0) {
      const std::string which = named_keys(stream, sql::null_keys(table, texts.key));
      return Error(ErrorCode::kSrcNullKey,
                   fmt::format("{} rows have NULL in the key{}", rows, which));
    }
  }
  VESTO_ASSIGN(const uint64_t keys, count(sql::count_duplicate_keys(table, texts.key)));
  if (keys > 0) return twice(stream, {table, texts.key}, keys);
  return ok_status();
}

Error LoadRun::twice(const StreamLoad& stream, const sql::KeyedTable& table, uint64_t keys) {
  const std::string which = named_keys(stream, sql::duplicate_keys(table.table, table.key));
  return {ErrorCode::kSrcDuplicateKey,
          fmt::format("{} keys occur more than once in what was read{}", keys, which)};
}

Status LoadRun::check_stages() {
  for (size_t first = 0; first < unchecked_.size(); first += stages_per_check_) {
    const size_t end = std::min(unchecked_.size(), first + stages_per_check_);
    // A failure is that of the stream only where there is one.
    counting_together_ = end - first > 1;
    where_ = counting_together_ ? Where::kElsewhere : Where::kStream;
    at_ = unchecked_[first].index;
    std::vector<sql::KeyedTable> tables;
    for (size_t i = first; i < end; ++i) tables.push_back(unchecked_[i].stage);
    VESTO_ASSIGN(const ExecResult answer, send(sql::count_duplicate_keys(tables)));
    std::vector<std::optional<uint64_t>> keys_of(tables.size());
    for (const auto& row : answer.rows) {
      if (row.size() != 2 || !row[0] || !row[1]) break;
      const auto place = parse_int(*row[0]);
      const auto keys = parse_int(*row[1]);
      if (!place || !keys || *place < 0 || static_cast<size_t>(*place) >= tables.size()) break;
      if (*keys >= 0) keys_of[static_cast<size_t>(*place)] = static_cast<uint64_t>(*keys);
    }
    // In the order of the load, whatever the order of the answer: those before are sound.
    for (size_t i = 0; i < tables.size(); ++i) {
      if (!keys_of[i]) return Error(ErrorCode::kRsSql, "the count of keys left a table out");
      if (*keys_of[i] == 0) continue;
      counting_together_ = false;
      where_ = Where::kStream;
      at_ = unchecked_[first + i].index;
      return twice(group_[at_], tables[i], *keys_of[i]);
    }
  }
  counting_together_ = false;
  unchecked_.clear();
  return ok_status();
}

Result<StreamLoaded> LoadRun::upsert(const StreamLoad& stream, const StreamTexts& texts) {
  StreamLoaded done;
  if (brings_nothing(stream)) return done;
  bool straight = false;
  if (stream.full) {
    VESTO_ASSIGN(const ExecResult any, send(texts.is_empty));
    straight = any.rows.empty();
  }
  if (straight) {
    VESTO_ASSIGN(done.rows_copied, bring(stream, texts, texts.target));
    if (!stream.key_proven) {
      VESTO_TRY(check_keys(stream, texts, texts.target));
    }
    done.rows_inserted = done.rows_copied;
    VESTO_KILL_POINT("load.after_merge");
    return done;
  }
  impl_.has_stages_ = true;
  VESTO_TRY(send(texts.create_stage));
  VESTO_ASSIGN(done.rows_copied, bring(stream, texts, texts.stage));
  // The source itself keeps these keys single: they are counted with those of other streams, before
  // the COMMIT.
  if (stream.key_proven) {
    unchecked_.push_back({at_, {texts.stage, texts.key}});
  } else {
    VESTO_TRY(check_keys(stream, texts, texts.stage));
  }
  VESTO_ASSIGN(const ExecResult taken, send(texts.take_matching));
  VESTO_ASSIGN(const ExecResult inserted, send(texts.insert));
  done.rows_updated = count_of(taken);
  // By UPDATE the rows that were there are not inserted again.
  done.rows_inserted = count_of(inserted);
  const uint64_t arrived = done.rows_inserted + (texts.keeps_columns ? done.rows_updated : 0);
  // What does not add up may come of keys that stand twice.
  if (done.rows_updated > done.rows_copied || arrived != done.rows_copied) {
    VESTO_TRY(check_keys(stream, texts, texts.stage));
  }
  // The keys of the stage are single, so each finds one row at most: otherwise rows of other keys
  // were taken, and they would be missing.
  if (done.rows_updated > done.rows_copied) {
    return not_parity(stream, fmt::format("{} rows with {} keys were found in the target",
                                          done.rows_updated, done.rows_copied))
        .with_hint(
            "Nothing was committed. The target holds a key more than once, or compares its "
            "key without regard to case (COLLATE CASE_INSENSITIVE): remove the surplus "
            "rows, or load into a table that Vesto makes.");
  }
  if (arrived != done.rows_copied) {
    return not_parity(stream,
                      fmt::format("{} rows were copied and {} merged", done.rows_copied, arrived));
  }
  if (!texts.keeps_columns) done.rows_inserted -= done.rows_updated;
  VESTO_KILL_POINT("load.after_merge");
  return done;
}

Result<StreamLoaded> LoadRun::replace(const StreamLoad& stream, const StreamTexts& texts) {
  StreamLoaded done;
  // Not TRUNCATE: it would commit.
  VESTO_ASSIGN(const ExecResult deleted, send(texts.delete_all));
  done.rows_deleted = count_of(deleted);
  if (!brings_nothing(stream)) {
    VESTO_ASSIGN(done.rows_copied, bring(stream, texts, texts.target));
    done.rows_inserted = done.rows_copied;
    if (stream.key_checked && !stream.key_proven && !stream.schema.key.empty()) {
      VESTO_TRY(check_keys(stream, texts, texts.target));
    }
  }
  VESTO_KILL_POINT("load.after_merge");
  return done;
}

// What was read takes the place of what the target has of the same window. The DELETE is sent also
// where nothing was read: rows may have gone from the window.
Result<StreamLoaded> LoadRun::append(const StreamLoad& stream, const StreamTexts& texts) {
  StreamLoaded done;
  if (stream.full) {
    VESTO_ASSIGN(const ExecResult any, send(texts.is_empty));
    if (!any.rows.empty()) return append_full(stream);
  } else if (stream.window) {
    VESTO_ASSIGN(const ExecResult deleted, send(texts.delete_window));
    done.rows_deleted = count_of(deleted);
  } else if (stream.rows_read > 0) {
    return Error(ErrorCode::kInternal, "rows to append, and nothing says which they replace");
  }
  if (!brings_nothing(stream)) {
    VESTO_ASSIGN(done.rows_copied, bring(stream, texts, texts.target));
    done.rows_inserted = done.rows_copied;
  }
  VESTO_KILL_POINT("load.after_merge");
  return done;
}

// Asked right before each COPY: its keys must outlive it. The session puts them in as it sends.
Result<CopyAccess> LoadRun::copy_access(const StreamLoad& stream, int64_t may_take_ms) {
  const CopyNeed need{.manifest_key = stream.manifest_key,
                      .may_take_ms = may_take_ms,
                      .anew = renewed_.contains(at_)};
  VESTO_ASSIGN(CopyAccess access, impl_.target.copy_access(need, impl_.context.stop));
  impl_.session_->set_secret(std::string(sql::kCopySecret), access.keys.secret_access_key);
  impl_.session_->set_secret(std::string(sql::kCopyToken), access.keys.session_token);
  keys_can_end_ = access.iam_role.empty() && !access.keys.session_token.empty();
  const std::optional<int64_t>& ends_ms = access.keys.expires_at_ms;
  if (keys_can_end_ && ends_ms && *ends_ms - impl_.clock().wall_ms() < reckoned_ms(may_take_ms) &&
      impl_.context.warn) {
    impl_.context.warn(fmt::format(
        "table {}: COPY is reckoned with {}, and the keys that it reads with last {}: raise the "
        "role's maximum session duration and session_duration, or give copy_role_arn",
        stream.schema.stream, format_duration(reckoned_ms(may_take_ms)),
        format_duration(*ends_ms - impl_.clock().wall_ms())));
  }
  return access;
}

Result<StreamLoaded> LoadRun::load_stream(const StreamLoad& stream, size_t number) {
  const CatalogTable* table = impl_.find_table(stream.target);
  if (table == nullptr) {
    return Error(
        ErrorCode::kRsTableDiffers,
        fmt::format("table {}.{} does not exist", stream.target.schema, stream.target.table));
  }
  VESTO_ASSIGN(const StreamTexts texts, stream_texts(stream, *table, number));
  switch (stream.mode) {
    case LoadMode::kReplace:
      return replace(stream, texts);
    case LoadMode::kAppend:
      return append(stream, texts);
    case LoadMode::kUpsert:
      break;
  }
  return upsert(stream, texts);
}

}  // namespace vesto
