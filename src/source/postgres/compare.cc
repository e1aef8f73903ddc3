#include "source/postgres/compare.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "schema/sums.h"

namespace vesto {

namespace {

constexpr std::string_view kCopy = "COPY ";
// The NULL marker and the encoding behind it cannot hold this text.
constexpr std::string_view kOptions = " TO STDOUT WITH (FORMAT csv";
constexpr std::string_view kMomentFormat = "'YYYY-MM-DD HH24:MI:SS.US BC'";

std::string column(size_t index) { return fmt::format("c{}", index); }

std::string column_list(const StreamSchema& schema) {
  std::vector<std::string> names;
  for (size_t i = 0; i < schema.columns.size(); ++i) names.push_back(column(i));
  return join(names, ", ");
}

// `digits` of the text's MD5 as a number.
std::string hash(std::string_view text, int digits) {
  return fmt::format("('x{}' || substr(md5({}), 1, {}))::bit(64)::bigint",
                     std::string(static_cast<size_t>(16 - digits), '0'), text, digits);
}

// The canonical text of a column's value; NULL stays NULL.
std::string canonical(const StreamSchema& schema, size_t index) {
  const std::string name = column(index);
  const ColumnType& type = schema.columns[index].type;
  switch (sum_form(type)) {
    case SumForm::kBoolean:
      return fmt::format("CASE WHEN {0} THEN '1' WHEN NOT {0} THEN '0' END", name);
    case SumForm::kDays:
      return fmt::format("CASE WHEN isfinite({0}) THEN ({0} - '2000-01-01'::date)::text END", name);
    case SumForm::kMoment:
      return type.kind == TypeKind::kTimestampTz
                 ? fmt::format("to_char({} AT TIME ZONE 'UTC', {})", name, kMomentFormat)
                 : fmt::format("to_char({}, {})", name, kMomentFormat);
    default:
      return name + "::text";
  }
}

// Others are numbers by their text alone: oid, xid8, domains.
bool has_sum(const Column& column) {
  const std::string_view type = column.source_type;
  return type == "smallint" || type == "integer" || type == "bigint" ||
         type.starts_with("numeric(");
}

std::string sum_of(const StreamSchema& schema, size_t index) {
  const std::string name = column(index);
  switch (sum_form(schema.columns[index].type)) {
    case SumForm::kNone:
      return "0";
    case SumForm::kNumber:
      return has_sum(schema.columns[index]) ? fmt::format("sum({})", name)
                                            : fmt::format("sum({}::text::numeric)", name);
    case SumForm::kBoolean:
      return fmt::format("sum(CASE WHEN {} THEN 1 ELSE 0 END)", name);
    case SumForm::kDays:
      return fmt::format("sum(CASE WHEN isfinite({0}) THEN {0} - '2000-01-01'::date END)", name);
    case SumForm::kMoment:
    case SumForm::kText:
      break;
  }
  return fmt::format("sum({})", hash(canonical(schema, index), kValueDigits));
}

// What the texts of these columns together are hashed from. Long texts by their own hash.
std::string together(const StreamSchema& schema, const std::vector<size_t>& columns) {
  std::vector<std::string> parts;
  for (const size_t index : columns) {
    std::string text = canonical(schema, index);
    if (sum_form(schema.columns[index].type) == SumForm::kText) text = fmt::format("md5({})", text);
    parts.push_back(fmt::format("coalesce({}, '~')", text));
  }
  return join(parts, " || '|' || ");
}

std::string sum_of_hashes(const StreamSchema& schema, const std::vector<size_t>& columns) {
  if (columns.empty()) return "0";
  return fmt::format("sum({})", hash(together(schema, columns), kRowDigits));
}

}  // namespace

std::optional<CopyParts> copy_parts(std::string_view copy) {
  const size_t end = copy.rfind(kOptions);
  if (!copy.starts_with(kCopy) || end == std::string_view::npos || end <= kCopy.size()) {
    return std::nullopt;
  }
  const std::string_view from = copy.substr(kCopy.size(), end - kCopy.size());
  CopyParts out;
  out.options = copy.substr(end);
  if (from.starts_with('(')) {
    out.select = from;
    return out;
  }
  // "schema"."table" ("a", "b"): the first bracket outside quotes opens the list.
  bool quoted = false;
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] == '"') quoted = !quoted;
    if (quoted || from[i] != '(') continue;
    if (!from.ends_with(')')) return std::nullopt;
    out.select = fmt::format("(SELECT {} FROM {})", from.substr(i + 1, from.size() - i - 2),
                             trim(from.substr(0, i)));
    return out;
  }
  return std::nullopt;
}

std::optional<std::string> sums_statement(const StreamSchema& schema,
                                          const std::vector<ReadRange>& ranges) {
  std::vector<std::string> selects;
  std::string options;
  for (const ReadRange& range : ranges) {
    std::optional<CopyParts> parts = copy_parts(range.sql);
    if (!parts) return std::nullopt;
    selects.push_back(std::move(parts->select));
    options = std::move(parts->options);
  }
  if (selects.empty()) return std::nullopt;
  const SummedColumns columns = summed_columns(schema);
  std::vector<std::string> fields = {"count(*)", sum_of_hashes(schema, columns.key),
                                     sum_of_hashes(schema, columns.summed)};
  for (size_t i = 0; i < schema.columns.size(); ++i) {
    fields.push_back(fmt::format("count({})", column(i)));
    fields.push_back(sum_of(schema, i));
  }
  return fmt::format("COPY (SELECT {} FROM ({}) AS vesto_rows ({})){}", join(fields, ", "),
                     join(selects, " UNION ALL "), column_list(schema), options);
}

std::optional<std::string> bucket_statement(const StreamSchema& schema, const ReadRange& range,
                                            const RowBucket& bucket) {
  const std::optional<CopyParts> parts = copy_parts(range.sql);
  if (!parts) return std::nullopt;
  std::vector<std::string> texts;
  for (const size_t index : bucket.columns) {
    texts.push_back(fmt::format("coalesce({}, '')", canonical(schema, index)));
  }
  if (texts.empty() || bucket.bits <= 0) return range.sql;
  return fmt::format("COPY (SELECT {0} FROM {1} AS vesto_rows ({0}) WHERE {2} % {3} = {4}){5}",
                     column_list(schema), parts->select,
                     hash(join(texts, " || '|' || "), kBucketDigits), uint32_t{1} << bucket.bits,
                     bucket.value, parts->options);
}

}  // namespace vesto
