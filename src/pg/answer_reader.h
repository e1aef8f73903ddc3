// Puts a PgAnswer together from the results of one string of statements, which come row by row,
// and keeps it below a limit. Inside pg/ only. Thread rule: one thread.
#ifndef VESTO_PG_ANSWER_READER_H_
#define VESTO_PG_ANSWER_READER_H_

#include <libpq-fe.h>

#include <cstdint>
#include <optional>
#include <string>

#include "pg/connection.h"

namespace vesto {

// The bytes of its message on the wire, about.
int64_t wire_bytes(const PGresult* result);

class AnswerReader {
 public:
  explicit AnswerReader(const PgLimit& limit) : limit_(limit) {}

  // Takes a row or the end of a statement (PGRES_SINGLE_TUPLE, _TUPLES_OK, _COMMAND_OK). Gives
  // what is too large about the answer, as the rest of a sentence; then no more must be read.
  std::optional<std::string> take(const PGresult* result);

  PgAnswer& answer() { return answer_; }

 private:
  std::optional<std::string> begin_rows(const PGresult* result);
  std::optional<std::string> keep_row(const PGresult* result);

  const PgLimit limit_;
  PgAnswer answer_;
  bool in_rows_ = false;    // a statement's rows are coming
  int64_t kept_bytes_ = 0;  // of memory
};

}  // namespace vesto

#endif  // VESTO_PG_ANSWER_READER_H_
