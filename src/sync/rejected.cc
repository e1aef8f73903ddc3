#include "sync/rejected.h"

#include "base/strings.h"
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

}  // namespace vesto
