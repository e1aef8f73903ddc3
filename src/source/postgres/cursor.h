// Cursors: which columns may be one, what a position says, and which rows the next read must see.
// Pure texts. Inside source/postgres only.
//
// A position is a JSON object. `value` is max(cursor) as PostgreSQL printed it. A row may commit
// after that read with a smaller value, since a transaction takes its time when it begins:
// `oldest` is the begin of the oldest transaction that was open then, and `as_of` the moment of
// that read. The next read begins at min(value - lookback, oldest).
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

// A SELECT with one value: where the next window begins.
std::string window_start_sql(const CursorPosition& position, CursorKind kind,
                             const Lookback& lookback);

// The condition of the window. Rows without a value are read again each time: nothing tells
// whether they changed.
std::string window_condition(std::string_view column, CursorKind kind, std::string_view start,
                             bool nullable);

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_CURSOR_H_
