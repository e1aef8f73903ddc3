// The columns of a stream as they were when it was last committed. The record is kept with the
// position in the destination, so that a rename, a drop and a new column are told from each other
// on any machine.
//
//   {"columns":[["id",1,"bigint"],["note",4,"text"]]}     name, number, type in the source
//
// Only columns that were delivered stand there: one that was left out (on_new_column = "ignore") is
// new for ever. Pure; any thread.
#ifndef VESTO_SYNC_COLUMN_RECORD_H_
#define VESTO_SYNC_COLUMN_RECORD_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/table.h"

namespace vesto {

struct RecordedColumn {
  std::string name;
  int number = 0;  // 0: the source has none (a query), the name alone counts
  std::string type;
  bool operator==(const RecordedColumn&) const = default;
};

std::vector<RecordedColumn> record_of(const StreamSchema& schema);
std::string column_record_text(const std::vector<RecordedColumn>& columns);
// Nothing for a text that column_record_text() did not make.
std::optional<std::vector<RecordedColumn>> parse_column_record(std::string_view text);

// What has happened to the source's columns. Names are the source's.
struct ColumnChanges {
  struct Renamed {
    std::string from;
    std::string to;
  };
  struct Retyped {
    std::string name;
    std::string from;
    std::string to;
  };
  std::vector<std::string> added;
  std::vector<Renamed> renamed;     // the same number under a new name
  std::vector<std::string> gone;    // dropped, or excluded by the configuration
  std::vector<std::string> remade;  // the same name, another column: dropped and added again
  std::vector<Retyped> retyped;     // its values may be others now; not those that only got wider
  [[nodiscard]] bool any() const {
    return !added.empty() || !renamed.empty() || !gone.empty() || !remade.empty() ||
           !retyped.empty();
  }
  // Names that the destination has not had from this stream.
  [[nodiscard]] std::vector<std::string> new_names() const;
  // Rows before the window hold values in the destination that the source has not any more.
  [[nodiscard]] bool old_rows_differ() const { return !remade.empty() || !retyped.empty(); }
};

ColumnChanges compare_columns(const std::vector<RecordedColumn>& before,
                              const std::vector<RecordedColumn>& now);

// Whether ALTER COLUMN TYPE from one to the other leaves every value as it is printed: smallint to
// integer, varchar(5) to text, numeric(5,2) to numeric(9,2). Types as format_type() prints them.
bool only_widens(std::string_view from, std::string_view to);

}  // namespace vesto

#endif  // VESTO_SYNC_COLUMN_RECORD_H_
