// The outcome of a run: counts, exit codes, JSON.
#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "base/error_causes.h"
#include "base/json_text.h"
#include "sync/run.h"
#include "sync/run_context.h"

namespace vesto {

void RowCounts::add(const RowCounts& other) {
  read += other.read;
  copied += other.copied;
  inserted += other.inserted;
  updated += other.updated;
  deleted += other.deleted;
  rejected += other.rejected;
}

Error at_table(Error error, const TableSpec& table) {
  if (!table.where.empty()) error.in(table.where);
  return error;
}

bool is_stream_error(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kPgPriv:
    case ErrorCode::kPgNoTable:
    case ErrorCode::kPgNoColumn:
    case ErrorCode::kPgRls:
    case ErrorCode::kPgType:
    case ErrorCode::kPgNoKey:
    case ErrorCode::kPgName:
    case ErrorCode::kPgNewColumn:
    case ErrorCode::kPgLocked:
    case ErrorCode::kPgChanged:
    case ErrorCode::kSrcValue:
    case ErrorCode::kSrcNullKey:
    case ErrorCode::kSrcNullCursor:
    case ErrorCode::kSrcDuplicateKey:
    case ErrorCode::kSrcRowTooLarge:
    case ErrorCode::kSrcRejectedLimit:
    case ErrorCode::kCfgValue:
    case ErrorCode::kCfgMissing:  // a cursor without its lookback
      return true;
    default:
      return false;
  }
}

int exit_code_of(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kUsage:
      return 2;
    case ErrorCode::kRunBusy:
    case ErrorCode::kSysStoreBusy:
    case ErrorCode::kRunLeaseLost:
      return 7;
    case ErrorCode::kRunInterrupted:
      return 130;
    case ErrorCode::kSysStore:
      return 3;
    default:
      break;
  }
  if (error.name().starts_with("CFG-") || error.name().starts_with("SEC-")) return 3;
  switch (retry_of(error)) {
    case Retry::kAfterFix:
      return 4;
    case Retry::kNow:
    case Retry::kBackoff:
      return 5;
    case Retry::kNever:
      return 1;
  }
  return 1;
}

namespace {

std::string rows_json(const RowCounts& rows) {
  return fmt::format(
      R"({{"read":{},"copied":{},"inserted":{},"updated":{},"deleted":{},"rejected":{}}})",
      rows.read, rows.copied, rows.inserted, rows.updated, rows.deleted, rows.rejected);
}

}  // namespace

std::string error_json(const Error& error) {
  std::string where;
  for (const std::string& context : error.context()) {
    where += (where.empty() ? "" : ",") + json_quote(context);
  }
  std::string cause;
  if (const ErrorCause* known = error.cause()) {
    cause = fmt::format(R"("cause":{{"name":{},"text":{}}},)", json_quote(known->name),
                        json_quote(known->cause));
  }
  return fmt::format(
      R"({{"code":{},"message":{},"where":[{}],{}"hint":{},"blame":{},"retry":{},"upstream":{{"system":{},"code":{},"text":{}}}}})",
      json_quote(error.name()), json_quote(error.message()), where, cause, json_quote(error.hint()),
      json_quote(blame_name(error.blame())), json_quote(retry_name(retry_of(error))),
      json_quote(error.upstream().system), json_quote(error.upstream().code),
      json_quote(error.upstream().text));
}

std::string table_json(const TableResult& table) {
  std::string out = fmt::format(
      R"({{"table":{},"target":{},"mode":{},"full":{},"state":{},"rows":{},"bytes":{{"read":{},"staged":{}}},"duration_ms":{})",
      json_quote(table.name), json_quote(table.target), json_quote(table.mode), table.full,
      json_quote(table.state), rows_json(table.rows), table.bytes_read, table.bytes_staged,
      table.duration_ms);
  if (table.nulled_values > 0) out += fmt::format(",\"nulled_values\":{}", table.nulled_values);
  if (table.error) out += ",\"error\":" + error_json(*table.error);
  return out + "}";
}

std::string outcome_json(const RunOutcome& outcome) {
  const auto in_state = [&](std::string_view state) {
    return std::count_if(outcome.tables.begin(), outcome.tables.end(),
                         [&](const TableResult& table) { return table.state == state; });
  };
  std::string out = fmt::format(
      R"({{"run":{},"sync":{},"state":{},"exit_code":{},"started_at":{},"duration_ms":{})",
      json_quote(outcome.id.text), json_quote(outcome.sync), json_quote(outcome.state),
      outcome.exit_code, json_quote(format_utc(outcome.started_ms)), outcome.duration_ms);
  if (outcome.staged_ms != 0) {
    out += fmt::format(R"(,"staged_ms":{},"staged_cpu_ms":{})", outcome.staged_ms,
                       outcome.staged_cpu_ms);
  }
  if (!outcome.reason.empty()) out += ",\"reason\":" + json_quote(outcome.reason);
  if (outcome.data_as_of_ms != 0) {
    out += ",\"data_as_of\":" + json_quote(format_utc(outcome.data_as_of_ms));
  }
  if (outcome.warehouse_seen_ms != 0) {
    out += ",\"warehouse_seen_at\":" + json_quote(format_utc(outcome.warehouse_seen_ms));
  }
  out += ",\"rows\":" + rows_json(outcome.rows);
  out += fmt::format(R"(,"bytes":{{"read":{},"staged":{}}})", outcome.bytes_read,
                     outcome.bytes_staged);
  out += fmt::format(
      R"(,"tables":{{"total":{},"succeeded":{},"unchanged":{},"failed":{},"not_run":{}}})",
      outcome.tables.size(), in_state("succeeded"), in_state("unchanged"), in_state("failed"),
      in_state("not_run"));
  out += ",\"table_results\":[";
  for (size_t i = 0; i < outcome.tables.size(); ++i) {
    out += (i == 0 ? "" : ",") + table_json(outcome.tables[i]);
  }
  out += "],\"streams\":[";
  for (size_t i = 0; i < outcome.streams.size(); ++i) {
    out += (i == 0 ? "" : ",") + json_quote(outcome.streams[i]);
  }
  out += "],\"warnings\":[";
  for (size_t i = 0; i < outcome.warnings.size(); ++i) {
    out += (i == 0 ? "" : ",") + json_quote(outcome.warnings[i]);
  }
  out += "]";
  if (outcome.error) out += ",\"error\":" + error_json(*outcome.error);
  return out + "}";
}

}  // namespace vesto
