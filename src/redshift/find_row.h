// The record of a staged part that COPY has refused, found again in our own bytes: Redshift's views
// name its file and line, and cut what they show of it at 1,024 characters.
//
// A record can span lines (a newline inside quotes). Whether Redshift's line_number counts lines or
// records then is not documented, so both readings are looked at. Where the view shows the refused
// field, only a record whose field holds that value is taken; where it does not (Serverless), only
// one on which both readings agree.
// Pure; any thread. Takes at most four records of memory beside the object, and bounded buffers.
#ifndef VESTO_REDSHIFT_FIND_ROW_H_
#define VESTO_REDSHIFT_FIND_ROW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schema/table.h"

namespace vesto {

// What is taken apart of a part: beyond it the row counts as not found.
inline constexpr uint64_t kMaxPartBytes = uint64_t{256} << 20;
// One record; Redshift itself takes 4 MB of a row unless told otherwise.
inline constexpr size_t kMaxRecordBytes = size_t{16} << 20;
// The compressed object: a part ends at 8 MiB, or behind one row.
inline constexpr uint64_t kMaxStagedObjectBytes = uint64_t{16} << 20;
// How many characters of the field the view keeps.
inline constexpr size_t kKeptFieldBytes = 1024;

struct RefusedField {
  int64_t line = 0;    // as the view says it, 1 = the first
  std::string column;  // in the destination
  // The field as far as the view keeps it, without trailing blanks; nothing: not known.
  std::optional<std::string> value;
};

struct FoundRow {
  std::string key;            // JSON object: {"id":"7"}; {} for a stream without a key
  std::string source_column;  // the source's name
  uint64_t value_bytes = 0;
  bool is_null = false;
};

// `object`: the part as it was staged, one gzip member or zstd frames. Nothing: the row is not
// there, or cannot be told for sure from another.
std::optional<FoundRow> find_refused_row(std::string_view object, bool zstd,
                                         const StreamSchema& schema, std::string_view null_marker,
                                         const RefusedField& field);

}  // namespace vesto

#endif  // VESTO_REDSHIFT_FIND_ROW_H_
