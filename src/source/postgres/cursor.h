// Cursors: which columns may be one, what a position says, and which rows the next read must see.
// Pure texts. Inside source/postgres only.
//
// A position is a JSON object. `value` is max(cursor) as PostgreSQL printed it. A row may commit
// after that read with a smaller value, since a transaction takes its time when it begins:
// `oldest` is the begin of the oldest transaction that was open then, and `as_of` the moment of
// that read. The next read begins at min(value, oldest) - lookback: a program may take the time of
// its row a while before it begins its transaction.
//
// Three more tell a table that is not the one the position was taken from. `relation` is its oid
// (another: dropped and made anew), `timeline` that of the server's write-ahead log (another:
// restored or failed over), and a newest value below `value` says that rows are gone. What lies
// behind a position of another table is read in full.
//
// A time without a zone is the local time of some writer, and nobody knows whose: a clock falls
// back an hour in autumn, and one writer may write UTC where the others write local time. No zone
// is more than 12 hours behind UTC, daylight saving time included. What a row that commits later
// can hold at the least is therefore its moment in UTC less 12 hours, and the next read begins at
// min(value, as_of - 12 h, oldest - 12 h) - lookback, the last two as times of UTC.
#ifndef VESTO_SOURCE_POSTGRES_CURSOR_H_
#define VESTO_SOURCE_POSTGRES_CURSOR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "source/postgres/catalog.h"
#include "source/source.h"

namespace vesto {

enum class CursorKind { kInteger, kNumeric, kDate, kTimestamp, kTimestampTz };

// Errors: PG-TYPE for a type that has no useful order (text, uuid, floats ...).
Result<CursorKind> cursor_kind(const ColumnInfo& column);

struct CursorPosition {
  std::string cursor;                 // name of the column
  std::string type;                   // cursor_type_name()
  std::optional<std::string> value;   // nothing: no row had one yet
  std::optional<std::string> oldest;  // timestamptz; nothing: not known
  std::string as_of;                  // timestamptz
  uint32_t relation = 0;              // 0: not known, or of a kind that does not tell
  int64_t timeline = 0;               // 0: not known
  bool hidden = false;                // transactions may have been open that `oldest` does not tell
  // `value` is where a read of an immutable cursor ended: rows from there on are still to come.
  bool immutable = false;
  bool operator==(const CursorPosition&) const = default;
};

std::string_view cursor_type_name(CursorKind kind);  // "timestamptz", as a cast takes it
std::string position_text(const CursorPosition& position);
// Nothing: not a position of this source.
std::optional<CursorPosition> parse_position(std::string_view text);

struct Lookback {
  int64_t ms = 600'000;
  int64_t units = 0;
};
// What the request says for this kind, or its default. Errors: CFG-VALUE for a duration on a
// number or a number on a time, CFG-MISSING for a number without lookback.
Result<Lookback> lookback_for(const StreamRequest& request, CursorKind kind);

// A SELECT with one row: the newest value (never later than now, since a value in the future would
// hide all that follows it), whether it was such a value, and now.
std::string newest_value_sql(std::string_view from, std::string_view column, CursorKind kind);

// A SELECT with one value: where the next window begins (see above).
std::string window_start_sql(const CursorPosition& position, CursorKind kind,
                             const Lookback& lookback);

// A SELECT with one row: whether `newest` is below `value`, and whether it is below `start`.
std::string went_back_sql(std::string_view value, std::string_view newest, std::string_view start,
                          CursorKind kind);

// A SELECT with one value: the oldest begin while a prepared transaction is open. `known`: that of
// the others; `covered`: the committed position tells all that was open when it was taken.
std::string oldest_sql(const std::optional<std::string>& known,
                       const std::optional<CursorPosition>& from, std::string_view prepared,
                       bool covered);

// A SELECT with one row: where a read of an immutable cursor ends, never before `lower` ("": there
// is none), now, and the first in milliseconds since 1970.
std::string immutable_end_sql(std::string_view oldest, std::string_view lower, int64_t lookback_ms);
// lower ("": no bound) <= column < upper.
std::string immutable_condition(std::string_view column, std::string_view lower,
                                std::string_view upper);

// The condition of the window. Rows without a value are read again each time: nothing tells
// whether they changed.
std::string window_condition(std::string_view column, CursorKind kind, std::string_view start,
                             bool nullable);

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_CURSOR_H_
