#include "redshift/state_rows.h"

#include <algorithm>
#include <string_view>

#include "base/strings.h"
#include "redshift/sql.h"

namespace vesto {

namespace {

// Redshift's = does not see trailing blanks, so that a CASE could not tell such a name from another
// one's.
bool is_moved(const StreamLoad& stream) {
  return stream.kept_position && !stream.schema.stream.ends_with(' ');
}

class StateWriter {
 public:
  StateWriter(const TargetName& state, const StateStamp& stamp, const TakeStateStatement& take)
      : state_(state), stamp_(stamp), take_(take) {}

  Status move(const StreamLoad& stream) {
    moves_.push_back({row_of(stream), *stream.kept_position});
    return moves_.size() < sql::kRowsPerInsert ? ok_status() : flush_moves();
  }

  Status write(const StreamLoad& stream) {
    sql::StateRow row = row_of(stream);
    names_.push_back(row.stream);
    rows_.push_back(row);
    std::string_view left = stream.columns;
    while (!left.empty()) {
      --row.schema_version;
      const std::string_view piece = cut_utf8(left, sql::kMaxPositionBytes);
      row.position = piece.empty() ? left.substr(0, sql::kMaxPositionBytes) : piece;
      left.remove_prefix(row.position.size());
      rows_.push_back(row);
    }
    return rows_.size() < sql::kRowsPerInsert ? ok_status() : flush_rows();
  }

  Status flush_moves() {
    if (!moves_.empty()) VESTO_TRY(take_(sql::update_positions(state_, moves_), moves_.size()));
    moves_.clear();
    return ok_status();
  }

  Status flush_rows() {
    if (!names_.empty()) VESTO_TRY(take_(sql::delete_state_rows(state_, names_), 0));
    for (size_t first = 0; first < rows_.size(); first += sql::kRowsPerInsert) {
      const auto begin = rows_.begin() + static_cast<std::ptrdiff_t>(first);
      const size_t count = std::min(rows_.size() - first, sql::kRowsPerInsert);
      VESTO_TRY(take_(
          sql::insert_state_rows(state_, {begin, begin + static_cast<std::ptrdiff_t>(count)}), 0));
    }
    names_.clear();
    rows_.clear();
    return ok_status();
  }

 private:
  [[nodiscard]] sql::StateRow row_of(const StreamLoad& stream) const {
    return {stream.schema.stream, stamp_.load,     stamp_.writer.text,
            sql::kPositionPart,   stream.position, stamp_.now_ms};
  }

  const TargetName& state_;
  const StateStamp& stamp_;
  const TakeStateStatement& take_;
  std::vector<sql::PositionMove> moves_;
  std::vector<std::string> names_;
  std::vector<sql::StateRow> rows_;
};

}  // namespace

Status each_state_statement(const TargetName& state, const std::vector<const StreamLoad*>& streams,
                            const StateStamp& stamp, const TakeStateStatement& take) {
  StateWriter writer(state, stamp, take);
  for (const StreamLoad* stream : streams) {
    if (is_moved(*stream)) VESTO_TRY(writer.move(*stream));
  }
  VESTO_TRY(writer.flush_moves());
  for (const StreamLoad* stream : streams) {
    if (!is_moved(*stream)) VESTO_TRY(writer.write(*stream));
  }
  return writer.flush_rows();
}

}  // namespace vesto
