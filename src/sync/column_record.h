// The columns of a stream as they were when it was last committed. The record is kept with the
// position in the destination, so that a rename, a drop and a new column are told from each other
// on any machine.
//
//   {"columns":[["id",1,"bigint"],["note",4,"text"]],"former":["memo"]}
//
// Of each column its name, number and type in the source. "former": columns of the target, by their
// names there, that the stream had once and has no more.
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

struct ColumnRecord {
  std::vector<RecordedColumn> columns;
  std::vector<std::string> former;
  bool operator==(const ColumnRecord&) const = default;
};

std::vector<RecordedColumn> record_of(const StreamSchema& schema);
std::string column_record_text(const ColumnRecord& record);
// Nothing for a text that column_record_text() did not make.
std::optional<ColumnRecord> parse_column_record(std::string_view text);

// ColumnRecord::former once `schema` is delivered after `before`.
std::vector<std::string> former_columns(const ColumnRecord& before, const StreamSchema& schema);

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
  std::vector<Renamed> renamed;   // the same column under a new name
  std::vector<std::string> gone;  // dropped, or excluded by the configuration
  // What the target has under this column's name is of another one: dropped and added again, names
  // that were exchanged, or a new column that has taken a name.
  std::vector<std::string> remade;
  std::vector<std::string> moved;  // delivered under another name although it is called the same
  std::vector<Retyped> retyped;    // its values may be others now (ALTER ... TYPE ... USING)
  [[nodiscard]] bool any() const {
    return !added.empty() || !renamed.empty() || !gone.empty() || old_rows_differ();
  }
  // Names that the destination has not had from this stream.
  [[nodiscard]] std::vector<std::string> new_names() const;
  // Rows before the window hold values in the destination that the source has not any more.
  [[nodiscard]] bool old_rows_differ() const {
    return !remade.empty() || !moved.empty() || !retyped.empty();
  }
};

// Columns are the same that have the same number; names of the target follow from those of all
// columns (schema/names.h).
// A column that takes the name of a former one finds that one's values there: it is `remade`.
ColumnChanges compare_columns(const ColumnRecord& before, const std::vector<RecordedColumn>& now);

}  // namespace vesto

#endif  // VESTO_SYNC_COLUMN_RECORD_H_
