#include "source/postgres/cursor.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "pg/quoting.h"

namespace vesto {

namespace {

using nlohmann::json;

constexpr int kInt8Oid = 20;
constexpr int kInt2Oid = 21;
constexpr int kInt4Oid = 23;
constexpr int kDateOid = 1082;
constexpr int kTimestampOid = 1114;
constexpr int kTimestampTzOid = 1184;
constexpr int kNumericOid = 1700;

bool is_time(CursorKind kind) {
  return kind == CursorKind::kDate || kind == CursorKind::kTimestamp ||
         kind == CursorKind::kTimestampTz;
}

// No zone is further behind UTC (tzdata: Etc/GMT+12).
constexpr std::string_view kFurthestBehind = "interval '12 hours'";

std::string literal(std::string_view value, std::string_view type) {
  return quote_pg_literal(value) + "::" + std::string(type);
}

}  // namespace

Result<CursorKind> cursor_kind(const ColumnInfo& column) {
  switch (column.base.oid) {
    case kInt8Oid:
    case kInt2Oid:
    case kInt4Oid:
      return CursorKind::kInteger;
    case kNumericOid:
      return CursorKind::kNumeric;
    case kDateOid:
      return CursorKind::kDate;
    case kTimestampOid:
      return CursorKind::kTimestamp;
    case kTimestampTzOid:
      return CursorKind::kTimestampTz;
    default:
      return Error(ErrorCode::kPgType, fmt::format("column {} is {}: that cannot be a cursor",
                                                   column.name, column.type))
          .with_hint("Choose a column of type timestamptz, timestamp, date, integer or numeric.");
  }
}

std::string_view cursor_type_name(CursorKind kind) {
  switch (kind) {
    case CursorKind::kInteger:
      return "bigint";
    case CursorKind::kNumeric:
      return "numeric";
    case CursorKind::kDate:
      return "date";
    case CursorKind::kTimestamp:
      return "timestamp";
    case CursorKind::kTimestampTz:
      return "timestamptz";
  }
  return "";
}

std::string position_text(const CursorPosition& position) {
  const auto or_null = [](const std::optional<std::string>& text) {
    return text ? json_quote(*text) : std::string("null");
  };
  return fmt::format(
      R"({{"cursor":{},"type":{},"value":{},"oldest":{},"as_of":{},"relation":{},"timeline":{},)"
      R"("hidden":{},"immutable":{}}})",
      json_quote(position.cursor), json_quote(position.type), or_null(position.value),
      or_null(position.oldest), json_quote(position.as_of), position.relation, position.timeline,
      position.hidden, position.immutable);
}

std::optional<CursorPosition> parse_position(std::string_view text) {
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object()) return std::nullopt;
  const auto text_of = [&parsed](const char* name) -> std::optional<std::string> {
    const auto found = parsed.find(name);
    if (found == parsed.end() || !found->is_string()) return std::nullopt;
    return found->get<std::string>();
  };
  const auto cursor = text_of("cursor");
  const auto type = text_of("type");
  const auto as_of = text_of("as_of");
  if (!cursor || !type || !as_of) return std::nullopt;
  const auto number_of = [&parsed](const char* name, int64_t most) -> int64_t {
    const auto found = parsed.find(name);
    if (found == parsed.end() || !found->is_number_unsigned()) return 0;
    const auto number = found->get<uint64_t>();
    return number <= static_cast<uint64_t>(most) ? static_cast<int64_t>(number) : 0;
  };
  CursorPosition position{*cursor, *type, text_of("value"), text_of("oldest"), *as_of};
  position.relation =
      static_cast<uint32_t>(number_of("relation", std::numeric_limits<uint32_t>::max()));
  position.timeline = number_of("timeline", std::numeric_limits<int64_t>::max());
  const auto flag_of = [&parsed](const char* name) {
    const auto found = parsed.find(name);
    return found != parsed.end() && found->is_boolean() && found->get<bool>();
  };
  position.hidden = flag_of("hidden");
  position.immutable = flag_of("immutable");
  return position;
}

Result<Lookback> lookback_for(const StreamRequest& request, CursorKind kind) {
  Lookback lookback;
  if (is_time(kind)) {
    if (request.lookback_units) {
      return Error(ErrorCode::kCfgValue,
                   fmt::format("lookback of {}: the cursor {} is a time, so lookback must be a "
                               "duration (\"10m\")",
                               request.table, request.cursor));
    }
    lookback.ms = std::max<int64_t>(request.lookback_ms.value_or(lookback.ms), 0);
    return lookback;
  }
  if (request.lookback_ms) {
    return Error(ErrorCode::kCfgValue,
                 fmt::format("lookback of {}: the cursor {} is a number, so lookback must be a "
                             "number (1000)",
                             request.table, request.cursor));
  }
  if (!request.lookback_units) {
    return Error(ErrorCode::kCfgMissing,
                 fmt::format("the cursor {} of {} is a number: lookback must say how many values "
                             "back a row may still appear",
                             request.cursor, request.table))
        .with_hint(
            "Add lookback = N to the table: numbers are taken before a transaction commits, so "
            "smaller ones may appear later. 0 only if a single writer adds rows.");
  }
  lookback.units = std::max<int64_t>(*request.lookback_units, 0);
  return lookback;
}

std::string newest_value_sql(std::string_view from, std::string_view column, CursorKind kind) {
  const std::string name = quote_identifier(column);
  std::string newest;            // over m, the greatest value
  std::string future = "false";  // whether that is a time to come
  switch (kind) {
    case CursorKind::kInteger:
    case CursorKind::kNumeric:
      newest = "m";
      break;
    case CursorKind::kTimestampTz:
      newest = "CASE WHEN m > now() THEN now() ELSE m END";  // least() would make NULL now()
      future = "coalesce(m > now() + interval '1 minute', false)";
      break;
    case CursorKind::kTimestamp:
    case CursorKind::kDate:
      // Nobody knows the zone of these. What is in the future everywhere (UTC+14) counts as the
      // present of the last zone (UTC-12).
      newest = fmt::format(
          "CASE WHEN m > ((now() AT TIME ZONE 'UTC') + interval '14 hours')::{0} THEN "
          "((now() AT TIME ZONE 'UTC') - {1})::{0} ELSE m END",
          cursor_type_name(kind), kFurthestBehind);
      future = fmt::format("({}) IS DISTINCT FROM m", newest);
      break;
  }
  // NaN and Infinity would be the greatest numbers for ever.
  const std::string filter =
      kind == CursorKind::kNumeric
          ? fmt::format(" FILTER (WHERE {}::text NOT IN ('NaN', 'Infinity', '-Infinity'))", name)
          : "";
  return fmt::format(
      "SELECT ({})::text, {}, now()::text FROM (SELECT max({}){} AS m FROM {}) AS "
      "newest",
      newest, future, name, filter, from);
}

std::string window_start_sql(const CursorPosition& position, CursorKind kind,
                             const Lookback& lookback) {
  const std::string type(cursor_type_name(kind));
  const std::string value = literal(position.value.value_or(""), type);
  const std::string back = fmt::format("interval '{} milliseconds'", lookback.ms);
  switch (kind) {
    case CursorKind::kInteger:
      // bigint could overflow.
      return fmt::format("SELECT greatest({}::numeric - {}, -9223372036854775808)::text", value,
                         lookback.units);
    case CursorKind::kNumeric:
      return fmt::format("SELECT ({} - {})::text", value, lookback.units);
    case CursorKind::kTimestampTz:
      return fmt::format("SELECT (least({}, {}) - {})::text", value,
                         position.oldest ? literal(*position.oldest, "timestamptz")
                                         : std::string("NULL::timestamptz"),
                         back);
    case CursorKind::kTimestamp:
    case CursorKind::kDate:
      break;
  }
  // The greatest value says nothing about the next ones: it may be of another zone than theirs.
  const auto furthest = [](const std::string& moment) {
    return fmt::format("({} AT TIME ZONE 'UTC') - {}", literal(moment, "timestamptz"),
                       kFurthestBehind);
  };
  // NULL is left out by least().
  const std::string oldest =
      position.oldest ? furthest(*position.oldest) + " - " + back : std::string("NULL::timestamp");
  return fmt::format("SELECT least({}::timestamp - {}, {} - {}, {})::{}::text", value, back,
                     furthest(position.as_of), back, oldest, type);
}

std::string went_back_sql(std::string_view value, std::string_view newest, std::string_view start,
                          CursorKind kind) {
  // The start of a window of integers may lie below the smallest of them.
  const std::string_view type = kind == CursorKind::kInteger ? "numeric" : cursor_type_name(kind);
  const std::string now = literal(newest, type);
  return fmt::format("SELECT {0} < {1}, {0} < {2}", now, literal(value, type),
                     literal(start, type));
}

std::string oldest_sql(const std::optional<std::string>& known,
                       const std::optional<CursorPosition>& from, std::string_view prepared,
                       bool covered) {
  const std::string none = "NULL::timestamptz";
  const auto moment = [&none](const std::optional<std::string>& text) {
    return text ? literal(*text, "timestamptz") : none;
  };
  // NULL is left out by least().
  return fmt::format("SELECT least({}, {}, {}, {})::text", moment(known),
                     from ? moment(from->as_of) : none, from ? moment(from->oldest) : none,
                     covered ? none : literal(prepared, "timestamptz") + " - interval '1 day'");
}

std::string immutable_end_sql(std::string_view oldest, std::string_view lower,
                              int64_t lookback_ms) {
  // NULL is left out by greatest().
  return fmt::format(
      "SELECT ends::text, now()::text, (extract(epoch FROM ends) * 1000)::bigint FROM (SELECT "
      "greatest(least({} - interval '{} milliseconds', now()), {}) AS ends) AS ending",
      literal(oldest, "timestamptz"), lookback_ms,
      lower.empty() ? std::string("NULL::timestamptz") : literal(lower, "timestamptz"));
}

std::string immutable_condition(std::string_view column, std::string_view lower,
                                std::string_view upper) {
  const std::string name = quote_identifier(column);
  const std::string below = fmt::format("{} < {}", name, literal(upper, "timestamptz"));
  if (lower.empty()) return below;
  return fmt::format("{} >= {} AND {}", name, literal(lower, "timestamptz"), below);
}

std::string window_condition(std::string_view column, CursorKind kind, std::string_view start,
                             bool nullable) {
  const std::string name = quote_identifier(column);
  const std::string condition =
      fmt::format("{} >= {}", name, literal(start, cursor_type_name(kind)));
  return nullable ? fmt::format("({} OR {} IS NULL)", condition, name) : condition;
}

}  // namespace vesto
