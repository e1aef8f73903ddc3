// After a COPY that met bad rows: which file, line and column, and which row of the source that is.
#include <fmt/core.h>

#include "base/log.h"
#include "base/redact.h"
#include "base/strings.h"
#include "redshift/find_row.h"
#include "redshift/load_transaction.h"

namespace vesto {

namespace {

// "s3://bucket/key" -> its key, if it lies where the stream's parts lie: nothing else is asked for,
// whatever a view says. "": it does not.
std::string staged_key(const std::string& file, const std::string& bucket,
                       const StreamLoad& stream) {
  const std::string head = "s3://" + bucket + "/";
  if (!file.starts_with(head)) return "";
  std::string key = file.substr(head.size());
  const size_t folder = stream.manifest_key.rfind('/');
  const std::string prefix =
      folder == std::string::npos ? "" : stream.manifest_key.substr(0, folder + 1);
  return key.starts_with(prefix) ? key : "";
}

std::string row_text(const FoundRow& row, const std::string& key_hint) {
  const std::string value =
      row.is_null
          ? "NULL"
          : fmt::format("a value of {} bytes", format_count(static_cast<int64_t>(row.value_bytes)));
  return fmt::format("{}, column {}: {}", row.key == "{}" ? key_hint : "row " + row.key,
                     row.source_column, value);
}

}  // namespace

// Best effort, outside the transaction (in it, nothing can be asked any more).
void LoadRun::add_load_error(const StreamLoad& stream, int pid, Error* error) {
  if (error->code() != ErrorCode::kRsCopyData || impl_.session_ == nullptr) return;
  if (error->upstream().text.find("Load into table") == std::string::npos) return;
  for (const std::string& query : sql::last_load_error(pid)) {
    auto answer = impl_.exec(query);
    if (!answer.ok()) {
      if (impl_.session_ == nullptr || !impl_.session_->usable()) return;
      continue;
    }
    if (answer->rows.empty() || answer->rows[0].size() != 4) continue;
    const auto cell = [&](size_t i) { return std::string(trim(answer->rows[0][i].value_or(""))); };
    RefusedField field;
    field.line = parse_int(cell(1)).value_or(0);
    field.column = cell(2);
    add_refused_row(stream, pid, cell(0), std::move(field), error);
    error->in(
        redact(fmt::format("file {} line {} column {}: {}", cell(0), cell(1), cell(2), cell(3))));
    return;
  }
}

// The row itself, out of the staged part. Its value is compared, and never shown.
void LoadRun::add_refused_row(const StreamLoad& stream, int pid, const std::string& file,
                              RefusedField field, Error* error) {
  if (!impl_.context.fetch_part) return;
  const std::string key = staged_key(file, impl_.target.bucket, stream);
  if (key.empty()) return;
  auto answer = impl_.exec(sql::last_refused_field(pid));
  if (answer.ok() && answer->rows.size() == 1 && answer->rows[0].size() == 1) {
    field.value = std::string(trim(answer->rows[0][0].value_or("")));
  } else if (!answer.ok() && (impl_.session_ == nullptr || !impl_.session_->usable())) {
    impl_.drop_session();
  }
  const Result<std::string> object = impl_.context.fetch_part(key);
  if (!object.ok()) {
    log_info("redshift: a staged part cannot be read again",
             {{"key", key}, {"error", object.error().to_string()}});
    return;
  }
  const std::optional<FoundRow> row =
      find_refused_row(*object, stream.zstd, stream.schema, stream.null_marker, field);
  const std::string text = row ? row_text(*row, fmt::format("row {} of the part", field.line))
                               : "which row of the source it is could not be found out for sure";
  Error named(error->code(), redact(fmt::format("{}; {}", error->message(), text)));
  named.with_hint(error->hint()).with_upstream(error->upstream());
  for (const std::string& where : error->context()) named.in(where);
  *error = std::move(named);
}

}  // namespace vesto
