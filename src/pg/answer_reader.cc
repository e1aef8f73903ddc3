#include "pg/answer_reader.h"

#include <fmt/core.h>

#include <cstring>

namespace vesto {

namespace {

// A list of PostgreSQL has 1,664 columns at the most, one of Redshift 1,600.
constexpr int kMaxColumns = 1664;
// libpq copies the names for each row.
constexpr size_t kMaxNameBytes = 1 << 20;
// What a kept row may take for each byte that it may bring: a NULL is 4 bytes on the wire and an
// empty optional<string> in memory.
constexpr int64_t kMemoryOfAByte = 4;
constexpr size_t kHeapBytes = 16;  // what an allocation takes beside its bytes

int64_t memory_of(const std::optional<std::string>& cell) {
  const bool on_heap = cell && cell->capacity() > std::string().capacity();
  return static_cast<int64_t>(sizeof cell + (on_heap ? cell->capacity() + 1 + kHeapBytes : 0));
}

}  // namespace

int64_t wire_bytes(const PGresult* result) {
  constexpr int64_t kHeader = 7;
  int64_t bytes = kHeader;
  const int columns = PQnfields(result);
  if (PQntuples(result) == 0) {
    constexpr int64_t kOfAColumn = 19;  // a NUL, and what else is said of it
    for (int c = 0; c < columns; ++c) {
      const char* name = PQfname(result, c);  // none in a COPY
      bytes += static_cast<int64_t>(name == nullptr ? 0 : std::strlen(name)) + kOfAColumn;
    }
    return bytes + static_cast<int64_t>(std::strlen(PQresultErrorMessage(result)));
  }
  for (int c = 0; c < columns; ++c) bytes += PQgetlength(result, 0, c) + 4;
  return bytes;
}

std::optional<std::string> AnswerReader::take(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK) {
    if (!in_rows_) {
      if (auto fault = begin_rows(result)) return fault;
    }
    in_rows_ = status == PGRES_SINGLE_TUPLE;
    if (in_rows_) return keep_row(result);
  }
  answer_.tag = PQcmdStatus(const_cast<PGresult*>(result));  // libpq only reads it
  return std::nullopt;
}

std::optional<std::string> AnswerReader::begin_rows(const PGresult* result) {
  answer_.columns.clear();
  answer_.rows.clear();
  kept_bytes_ = 0;
  const int columns = PQnfields(result);
  if (columns > kMaxColumns) {
    return fmt::format("has {} columns, more than {}", columns, kMaxColumns);
  }
  size_t bytes = 0;
  for (int c = 0; c < columns; ++c) {
    bytes += answer_.columns.emplace_back(PQfname(result, c)).size();
    if (bytes > kMaxNameBytes) return std::string("has names of columns of more than 1 MiB");
  }
  return std::nullopt;
}

std::optional<std::string> AnswerReader::keep_row(const PGresult* result) {
  if (answer_.rows.size() >= limit_.rows) return fmt::format("has more than {} rows", limit_.rows);
  auto& row = answer_.rows.emplace_back();
  const int columns = PQnfields(result);
  row.reserve(static_cast<size_t>(columns));
  kept_bytes_ += static_cast<int64_t>(sizeof row + kHeapBytes);
  for (int c = 0; c < columns; ++c) {
    auto& cell = row.emplace_back();
    if (PQgetisnull(result, 0, c) == 0) {
      cell.emplace(PQgetvalue(result, 0, c), static_cast<size_t>(PQgetlength(result, 0, c)));
    }
    kept_bytes_ += memory_of(cell);
  }
  if (kept_bytes_ > limit_.bytes * kMemoryOfAByte) {
    return fmt::format("takes more than {} MiB of memory", (limit_.bytes * kMemoryOfAByte) >> 20);
  }
  return std::nullopt;
}

}  // namespace vesto
