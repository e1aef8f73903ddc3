#include "source/postgres/reader.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "encode/redshift_csv.h"
#include "pg/errors.h"
#include "pg/quoting.h"
#include "source/postgres/catalog.h"
#include "source/postgres/changed.h"
#include "source/postgres/session.h"

namespace vesto {

namespace {

constexpr std::string_view kReading = "reading rows";
// libpq reads as much at a time as its buffer holds, 16 KiB at first; it grows for a message that
// is larger, and keeps what it has grown to. After this it is 128 KiB, and rows that have come
// meanwhile are taken with a third fewer system calls.
constexpr std::string_view kGrowBuffer = "SELECT pg_catalog.repeat(' ', 100000)";

}  // namespace

Error changed_error(std::string_view changed, std::string_view stream) {
  return Error(
      ErrorCode::kPgChanged,
      fmt::format("{} was truncated, rewritten, renamed, replaced, dropped, detached or "
                  "made after this run took its snapshot{}",
                  changed,
                  stream.empty() || changed == stream ? std::string()
                                                      : fmt::format(" (a part of {})", stream)));
}

Result<std::unique_ptr<PgConnection>> SnapshotConnections::take() {
  {
    Lock lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<PgConnection> connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  VESTO_ASSIGN(std::unique_ptr<PgConnection> connection, connect_postgres(options_));
  const StopGuard stop(options_.stop, connection.get());
  const std::string_view joining = "joining the snapshot of the run";
  VESTO_TRY(source_exec(*connection, "SET max_parallel_workers_per_gather = 0", joining));
  VESTO_TRY(source_exec(*connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", joining));
  VESTO_TRY(source_exec(*connection, "SET TRANSACTION SNAPSHOT " + quote_pg_literal(snapshot_id_),
                        joining));
  VESTO_TRY(source_exec(*connection, kGrowBuffer, joining));
  return connection;
}

void SnapshotConnections::give_back(std::unique_ptr<PgConnection> connection) {
  Lock lock(mutex_);
  idle_.push_back(std::move(connection));
}

PostgresReader::PostgresReader(std::shared_ptr<SnapshotConnections> connections,
                               std::unique_ptr<PgConnection> connection, const ReadRange& range)
    : connections_(std::move(connections)), connection_(std::move(connection)), range_(range) {}

PostgresReader::~PostgresReader() {
  if ((finished_ || !started_) && connection_->usable()) {
    connections_->give_back(std::move(connection_));
  } else if (connection_->usable()) {
    connection_->request_cancel();  // left in the middle: the server must not print the rest
  }
}

Status PostgresReader::start() {
  started_ = true;
  const PgStatus started = connection_->copy_out(range_.sql);
  if (!started.ok()) return pg_source_error(started.error(), kReading);
  return ok_status();
}

Result<bool> PostgresReader::read(Chunk* chunk) {
  chunk->clear();
  if (finished_) return false;
  if (!started_) VESTO_TRY(start());
  chunk->bytes.reserve(kChunkBytes);
  while (true) {
    if (!held_) {
      auto next = connection_->copy_row();
      if (!next.ok()) return pg_source_error(next.error(), kReading);
      held_ = next.value();
      if (!held_) {
        VESTO_TRY(finish());
        return chunk->rows > 0;
      }
    }
    const std::string_view row = *held_;
    if (chunk->rows > 0 && chunk->bytes.size() + row.size() > kChunkBytes) return true;
    // The protocol would allow a message to hold a piece of a row; PostgreSQL never does that.
    if (!row.ends_with(kCsvRecordEnd)) {
      return Error(ErrorCode::kPgRead, "the server sent a piece of a row in a message of its own");
    }
    chunk->bytes.append(row);
    chunk->longest_row_bytes = std::max<uint64_t>(chunk->longest_row_bytes, row.size());
    ++chunk->rows;
    ++rows_;
    held_.reset();
  }
}

Status PostgresReader::finish() {
  if (connection_->copied_rows() != rows_) {
    return Error(ErrorCode::kPgRead, fmt::format("the server counts {} rows, {} came",
                                                 connection_->copied_rows(), rows_));
  }
  // The table was found by its name, and this transaction holds its lock only since then.
  if (range_.check_sql) {
    VESTO_ASSIGN(const PgAnswer answer, source_exec(*connection_, *range_.check_sql, kReading));
    if (const auto changed = changed_relation(answer)) return changed_error(*changed, "");
  }
  finished_ = true;
  return ok_status();
}

}  // namespace vesto
