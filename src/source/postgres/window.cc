#include "source/postgres/window.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "pg/quoting.h"
#include "source/postgres/cursor.h"
#include "source/postgres/selection.h"
#include "source/postgres/session.h"

namespace vesto {

namespace {

constexpr std::string_view kPlanning = "planning the read";

// "10m", "2h", "90s": as the configuration writes it.
std::string whole_duration(int64_t duration_ms) {
  if (duration_ms % 3'600'000 == 0 && duration_ms > 0)
    return fmt::format("{}h", duration_ms / 3'600'000);
  if (duration_ms % 60'000 == 0) return fmt::format("{}m", duration_ms / 60'000);
  return fmt::format("{}s", duration_ms / 1000);
}

class WindowPlanner {
 public:
  WindowPlanner(const PlanContext& context, const StreamRequest& request, const TableInfo& table,
                const StreamColumns& columns, const std::string& from)
      : context_(context), request_(request), table_(table), columns_(columns), from_(from) {}

  Result<WindowPlan> plan() {
    VESTO_ASSIGN(const CursorKind kind, cursor_kind(cursor()));
    CursorPosition next;
    next.cursor = cursor().name;
    next.type = cursor_type_name(kind);
    // A view, a foreign table or a query says nothing about the rows behind it.
    if (std::string_view("rpm").find(table_.relation.kind) != std::string_view::npos) {
      next.relation = table_.relation.oid;
    }
    next.timeline = context_.timeline;
    VESTO_TRY(request_.cursor_is_immutable ? plan_immutable(kind, next)
                                           : plan_lookback(kind, next));
    return std::move(out_);
  }

 private:
  [[nodiscard]] size_t cursor_index() const { return *columns_.schema.cursor; }
  [[nodiscard]] const ColumnInfo& cursor() const { return *columns_.source[cursor_index()]; }

  Status plan_lookback(CursorKind kind, CursorPosition next) {
    VESTO_ASSIGN(const Lookback lookback, lookback_for(request_, kind));
    VESTO_ASSIGN(const PgAnswer newest,
                 source_exec(*context_.connection, newest_value_sql(from_, cursor().name, kind),
                             fmt::format("reading the newest {}", cursor().name)));
    if (newest.rows.empty() || newest.rows.front().size() != 3) {
      return Error(ErrorCode::kPgRead, "the server did not tell the newest value of the cursor");
    }
    next.value = newest.rows.front()[0];
    next.as_of = newest.rows.front()[2].value_or("");
    if (newest.rows.front()[1] == "t") {
      out_.notes.push_back(fmt::format(
          "column {}: the newest value lies in the future; rows newer than now are read again",
          cursor().name));
    }
    VESTO_ASSIGN(const std::optional<CursorPosition> from, committed_position(next));
    VESTO_TRY(find_oldest(kind, from, &next));
    VESTO_TRY(choose_window(kind, lookback, from, &next));
    out_.next = Position{position_text(next)};
    note_cursor(kind, cursor());
    note_search(cursor());
    return ok_status();
  }

  // [where the last read ended, where the oldest open transaction began less lookback)
  Status plan_immutable(CursorKind kind, CursorPosition next) {
    if (kind != CursorKind::kTimestampTz) {
      return Error(ErrorCode::kCfgValue,
                   fmt::format("cursor_is_immutable of {}: the cursor {} is {}, and only a "
                               "timestamptz can be held against the begins of transactions",
                               request_.table, cursor().name, cursor().type))
          .with_hint("Remove cursor_is_immutable: the window is then read again and replaced.");
    }
    VESTO_TRY(check_begins_are_known());
    VESTO_TRY(check_no_nulls());
    next.immutable = true;
    VESTO_ASSIGN(const std::optional<CursorPosition> from, committed_position(next));
    if (context_.open.oldest_prepared && !(from && from->oldest && !from->hidden)) {
      return Error(ErrorCode::kPgLocked,
                   fmt::format("cursor_is_immutable of {}: a prepared transaction is open, and "
                               "PostgreSQL does not tell when it began",
                               request_.table))
          .with_hint(
              "COMMIT PREPARED or ROLLBACK PREPARED it (SELECT gid FROM pg_prepared_xacts), then "
              "run again.");
    }
    VESTO_TRY(find_oldest(kind, from, &next));
    const std::string lower = from && from->value ? *from->value : "";
    VESTO_ASSIGN(
        const PgAnswer ends,
        source_exec(*context_.connection,
                    immutable_end_sql(*next.oldest, lower, request_.lookback_ms.value_or(0)),
                    kPlanning));
    if (ends.rows.size() != 1 || ends.rows[0].size() != 3 || !ends.rows[0][0]) {
      return Error(ErrorCode::kPgRead, "the server gave no end of the window");
    }
    next.value = *ends.rows[0][0];
    next.as_of = ends.rows[0][1].value_or("");
    out_.data_as_of_ms = parse_int(ends.rows[0][2].value_or("")).value_or(0);
    out_.condition = immutable_condition(cursor().name, "", *next.value);
    if (from && is_of_this_table(*from, next) && !lower.empty()) {
      out_.condition = immutable_condition(cursor().name, lower, *next.value);
      out_.full = false;
      out_.window = ReadWindow{cursor_index(), lower, false};
      out_.from_text = fmt::format("{} >= {} and < {}", cursor().name, lower, *next.value);
    }
    out_.next = Position{position_text(next)};
    note_search(cursor());
    return ok_status();
  }

  [[nodiscard]] Status check_begins_are_known() const {
    if (context_.open.standby) {
      return Error(ErrorCode::kPgPriv,
                   fmt::format("cursor_is_immutable of {}: the source is a standby, which does not "
                               "know the open transactions",
                               request_.table))
          .with_hint("Read from the primary, or remove cursor_is_immutable.");
    }
    if (!context_.open.oldest) {
      return Error(ErrorCode::kPgPriv,
                   fmt::format("cursor_is_immutable of {}: begins of open transactions are hidden "
                               "from {}",
                               request_.table, context_.user))
          .with_hint(
              fmt::format("GRANT pg_read_all_stats TO {};", quote_identifier(context_.user)));
    }
    if (!context_.open.hidden) return ok_status();
    return Error(ErrorCode::kPgPriv,
                 fmt::format("cursor_is_immutable of {}: a session of the source has "
                             "track_activities off, which hides when its transactions began",
                             request_.table))
        .with_hint("Set track_activities = on for all roles and databases, and end that session.");
  }

  // Such a row belongs into no window and would never be read.
  [[nodiscard]] Status check_no_nulls() const {
    if (cursor().not_null) return ok_status();
    VESTO_ASSIGN(
        const PgAnswer nulls,
        source_exec(
            *context_.connection,
            fmt::format("SELECT count(*) FROM (SELECT FROM {} WHERE {} IS NULL{} "
                        "LIMIT 1000) AS nulls",
                        from_, quote_identifier(cursor().name),
                        request_.filter.empty() ? "" : " AND " + filter_condition(request_.filter)),
            kPlanning));
    const std::string rows = nulls.scalar().value_or("");
    if (rows == "0") return ok_status();
    return Error(ErrorCode::kSrcNullCursor,
                 fmt::format("{}: {}{} rows have no value in the cursor {}", request_.table, rows,
                             rows == "1000" ? " or more" : "", cursor().name));
  }

  // What is committed, if it is of the same cursor; `next` says of which.
  Result<std::optional<CursorPosition>> committed_position(const CursorPosition& next) {
    if (request_.from.text.empty()) return std::optional<CursorPosition>();
    auto from = parse_position(request_.from.text);
    if (from && from->cursor == next.cursor && from->type == next.type) {
      return same_rule(*std::move(from), next);
    }
    out_.notes.push_back(
        "the committed position belongs to another cursor: all rows are read again");
    return std::optional<CursorPosition>();
  }

  // Of a prepared transaction only the moment of PREPARE is known, and its rows hold that of its
  // begin. Either it was open when the committed position was taken, and that one's `oldest` covers
  // it, or it began later than that.
  Status find_oldest(CursorKind kind, const std::optional<CursorPosition>& from,
                     CursorPosition* next) {
    next->oldest = context_.open.oldest;
    next->hidden = context_.open.hidden || !context_.open.oldest;
    if (!context_.open.oldest_prepared) return ok_status();
    const bool covered = from && from->oldest && !from->hidden;
    VESTO_ASSIGN(
        const PgAnswer oldest,
        source_exec(*context_.connection,
                    oldest_sql(next->oldest, from, *context_.open.oldest_prepared, covered),
                    kPlanning));
    next->oldest = oldest.scalar();
    if (kind == CursorKind::kInteger || kind == CursorKind::kNumeric) return ok_status();
    if (covered) {
      out_.notes.push_back(
          next->immutable
              ? "a prepared transaction is open: until it ends, nothing newer than it is delivered"
              : "a prepared transaction is open: until it ends, each run reads again what changed "
                "since the run before it began");
    } else {
      out_.warnings.push_back(
          {.text =
               "a prepared transaction is open, and PostgreSQL does not tell when it began: if "
               "that was more than a day before its PREPARE, rows that it commits may be missed",
           .fix = "COMMIT PREPARED or ROLLBACK PREPARED (see pg_prepared_xacts), then one run with "
                  "--full-refresh"});
    }
    return ok_status();
  }

  // A position of the other rule is good for this one as well: rows at or above its value are read
  // again, and what the target has of them is replaced or merged.
  static std::optional<CursorPosition> same_rule(CursorPosition from, const CursorPosition& next) {
    if (next.immutable && !from.immutable) from.value = from.oldest;
    return from;
  }

  void warn(std::string_view text) {
    out_.warnings.push_back({.text = fmt::format("{}: {}", columns_.schema.stream, text)});
    out_.commit_position = true;  // or each run would say it again
  }

  // Whether the committed position is of this table as it is now; warns of what a person must know.
  bool is_of_this_table(const CursorPosition& from, const CursorPosition& next) {
    if (from.timeline != 0 && next.timeline != 0 && from.timeline != next.timeline) {
      warn(fmt::format(
          "the source's timeline went from {} to {}: it was restored, or a standby took over. If "
          "commits were lost by that, one run with --full-refresh is needed",
          from.timeline, next.timeline));
    }
    if (from.relation == 0 || next.relation == 0 || from.relation == next.relation) return true;
    warn(
        "another table has this name since the last run: all rows are read again. Rows that "
        "only the former one had stay in the destination until a run with --full-refresh");
    return false;
  }

  Status choose_window(CursorKind kind, const Lookback& lookback,
                       const std::optional<CursorPosition>& from, CursorPosition* next) {
    if (!from || !is_of_this_table(*from, *next)) return ok_status();
    if (!from->value) {
      // There was no row with a value, so all are new but for those that still have none.
      out_.full = !request_.append;
      if (request_.append) out_.window = ReadWindow{cursor_index(), "", true};
      return ok_status();
    }
    VESTO_ASSIGN(
        const PgAnswer start,
        source_exec(*context_.connection, window_start_sql(*from, kind, lookback), kPlanning));
    if (!start.scalar()) return Error(ErrorCode::kPgRead, "the server gave no start of the window");
    // A table of additions that has been emptied: what is added from now on is still newer.
    const bool emptied = request_.append && !next->value;
    if (emptied) {
      next->value = from->value;
    } else {
      VESTO_ASSIGN(const bool behind, went_back(kind, *from, *next, *start.scalar()));
      if (behind) return ok_status();
    }
    const bool nullable = !cursor().not_null;
    out_.condition = window_condition(cursor().name, kind, *start.scalar(), nullable);
    out_.full = false;
    out_.window = ReadWindow{cursor_index(), *start.scalar(), nullable};
    const bool number = kind == CursorKind::kInteger || kind == CursorKind::kNumeric;
    out_.from_text =
        fmt::format("{} >= {} (lookback {})", cursor().name, *start.scalar(),
                    number ? std::to_string(lookback.units) : whole_duration(lookback.ms));
    return ok_status();
  }

  // Whether all rows must be read: the newest value lies before the window. If it went back at all,
  // a person must hear of it: the rows were deleted, or the source is an older one of itself.
  Result<bool> went_back(CursorKind kind, const CursorPosition& from, const CursorPosition& next,
                         std::string_view start) {
    bool back = true;
    bool outside = true;
    if (next.value) {
      VESTO_ASSIGN(const PgAnswer answer,
                   source_exec(*context_.connection,
                               went_back_sql(*from.value, *next.value, start, kind), kPlanning));
      if (answer.rows.empty() || answer.rows.front().size() != 2) {
        return Error(ErrorCode::kPgRead, "the server did not compare the values of the cursor");
      }
      back = answer.rows.front()[0] == "t";
      outside = answer.rows.front()[1] == "t";
    }
    if (back) {
      warn(
          fmt::format("the newest value of {} went back from {} to {}{}. If the source was "
                      "restored from a backup, one run with --full-refresh is needed",
                      next.cursor, *from.value, next.value.value_or("none"),
                      outside ? ": all rows are read again" : ""));
    }
    return back && outside;
  }

  void note_cursor(CursorKind kind, const ColumnInfo& cursor) {
    if (!cursor.not_null) {
      out_.notes.push_back(fmt::format(
          "column {}: rows without a value in the cursor are read in each run", cursor.name));
    }
    if (kind == CursorKind::kTimestamp) {
      out_.notes.push_back(fmt::format(
          "column {}: a time without a zone may be any writer's local time, so each run reads the "
          "rows of the last 12 hours (26 where clocks are ahead of UTC) again",
          cursor.name));
    }
    const bool number = kind == CursorKind::kInteger || kind == CursorKind::kNumeric;
    if (number) return;
    if (context_.open.hidden) {
      out_.warnings.push_back(
          {.text = "a session of the source has track_activities off, which hides when its "
                   "transactions began: rows that it commits later than lookback allows are missed",
           .fix = "set track_activities = on for all roles and databases"});
    }
    if (context_.open.oldest) return;
    if (context_.open.standby) {
      out_.warnings.push_back(
          {.text = "the source is a standby, which does not know the open transactions: rows that "
                   "commit later than lookback allows are missed"});
      return;
    }
    out_.warnings.push_back(
        {.text = fmt::format("begins of open transactions are hidden from {}: rows that commit "
                             "later than lookback allows are missed",
                             context_.user),
         .statement =
             fmt::format("GRANT pg_read_all_stats TO {};", quote_identifier(context_.user))});
  }

  void note_search(const ColumnInfo& cursor) {
    const bool known = table_.relation.kind != 'v' && table_.relation.kind != 'f';
    if (!known || cursor.index_first) return;
    out_.notes.push_back(
        fmt::format("column {}: no index begins with the cursor, so each run reads the whole table "
                    "to find its newest value and its new rows",
                    cursor.name));
  }

  const PlanContext& context_;
  const StreamRequest& request_;
  const TableInfo& table_;
  const StreamColumns& columns_;
  const std::string& from_;
  WindowPlan out_;
};

}  // namespace

Result<WindowPlan> plan_window(const PlanContext& context, const StreamRequest& request,
                               const TableInfo& table, const StreamColumns& columns,
                               const std::string& from) {
  return WindowPlanner(context, request, table, columns, from).plan();
}

}  // namespace vesto
