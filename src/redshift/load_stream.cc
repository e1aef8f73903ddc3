// One stream's share of the load transaction: rows in, keys checked, counts compared.
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "base/kill_point.h"
#include "base/strings.h"
#include "redshift/load_transaction.h"

namespace vesto {

namespace {

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

}  // namespace

Error not_parity(const StreamLoad& stream, const std::string& what) {
  return Error(ErrorCode::kRunParity, fmt::format("table {}: {}", stream.schema.stream, what));
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

Result<uint64_t> LoadRun::copy(const StreamLoad& stream, const std::string& sql) {
  VESTO_ASSIGN(const ExecResult answer, send(sql));
  VESTO_KILL_POINT("load.after_copy");
  std::optional<uint64_t> copied = copied_rows(answer.notices);
  if (!copied) {
    VESTO_ASSIGN(copied, count(sql::last_copy_count()));
  }
  if (*copied != stream.rows_read) {
    return not_parity(
        stream, fmt::format("{} rows were read and Redshift copied {}", stream.rows_read, *copied));
  }
  return *copied;
}

// `twice` and `nulls` count bad keys.
Status LoadRun::check_keys(const StreamLoad& stream, const std::string& twice,
                           const std::string& nulls) {
  if (!stream.key_proven) {
    VESTO_ASSIGN(const uint64_t rows, count(nulls));
    if (rows > 0) {
      return Error(ErrorCode::kSrcNullKey, fmt::format("{} rows have NULL in the key", rows));
    }
  }
  VESTO_ASSIGN(const uint64_t keys, count(twice));
  if (keys > 0) {
    return Error(ErrorCode::kSrcDuplicateKey,
                 fmt::format("{} keys occur more than once in what was read", keys));
  }
  return ok_status();
}

Result<StreamLoaded> LoadRun::upsert(const StreamLoad& stream, const StreamTexts& texts) {
  StreamLoaded done;
  if (stream.manifest_key.empty()) return done;
  bool straight = false;
  if (stream.full) {
    VESTO_ASSIGN(const ExecResult any, send(texts.is_empty));
    straight = any.rows.empty();
  }
  if (straight) {
    VESTO_ASSIGN(done.rows_copied, copy(stream, texts.copy_target));
    if (!stream.key_proven) {
      VESTO_TRY(check_keys(stream, texts.target_duplicates, texts.target_nulls));
    }
    done.rows_inserted = done.rows_copied;
    VESTO_KILL_POINT("load.after_merge");
    return done;
  }
  impl_.has_stages_ = true;
  VESTO_TRY(send(texts.create_stage));
  VESTO_ASSIGN(done.rows_copied, copy(stream, texts.copy_stage));
  VESTO_TRY(check_keys(stream, texts.stage_duplicates, texts.stage_nulls));
  VESTO_ASSIGN(const ExecResult deleted, send(texts.delete_matching));
  VESTO_ASSIGN(const ExecResult inserted, send(texts.insert));
  if (count_of(inserted) != done.rows_copied) {
    return not_parity(stream, fmt::format("{} rows were copied and {} inserted", done.rows_copied,
                                          count_of(inserted)));
  }
  // A target that held a key several times loses more rows than it gets back.
  done.rows_updated = std::min(count_of(deleted), done.rows_copied);
  done.rows_inserted = done.rows_copied - done.rows_updated;
  VESTO_KILL_POINT("load.after_merge");
  return done;
}

Result<StreamLoaded> LoadRun::replace(const StreamLoad& stream, const StreamTexts& texts) {
  StreamLoaded done;
  // Not TRUNCATE: it would commit.
  VESTO_ASSIGN(const ExecResult deleted, send(texts.delete_all));
  done.rows_deleted = count_of(deleted);
  if (!stream.manifest_key.empty()) {
    VESTO_ASSIGN(done.rows_copied, copy(stream, texts.copy_target));
    done.rows_inserted = done.rows_copied;
  }
  VESTO_KILL_POINT("load.after_merge");
  return done;
}

Result<StreamLoaded> LoadRun::load_stream(const StreamLoad& stream, size_t number) {
  const CatalogTable* table = impl_.find_table(stream.target);
  if (table == nullptr) {
    return Error(
        ErrorCode::kRsTableDiffers,
        fmt::format("table {}.{} does not exist", stream.target.schema, stream.target.table));
  }
  VESTO_ASSIGN(const StreamTexts texts, stream_texts(impl_.target, stream, *table, number));
  return stream.mode == LoadMode::kReplace ? replace(stream, texts) : upsert(stream, texts);
}

}  // namespace vesto
