#include "source/postgres/columns.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "schema/names.h"
#include "schema/postgres_types.h"
#include "schema/table_name.h"
#include "source/postgres/selection.h"

namespace vesto {

namespace {

std::string stream_of(const TableInfo& table) {
  if (table.relation.kind == kQueryRelation) return table.relation.name;
  return table_name_text(table.relation.schema, table.relation.name);
}

// A column as a person wrote it: exactly, or else the only one that differs in case alone.
Result<size_t> column_index(const TableInfo& table, std::string_view name, std::string_view where) {
  std::vector<std::string> names;
  std::vector<size_t> alike;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].name == name) return i;
    if (to_lower_ascii(table.columns[i].name) == to_lower_ascii(name)) alike.push_back(i);
    names.push_back(table.columns[i].name);
  }
  if (alike.size() == 1) return alike.front();
  std::string message = fmt::format("{} has no column {} ({})", stream_of(table), name, where);
  if (const auto near = nearest(name, names)) message += fmt::format("; did you mean {}?", *near);
  return Error(ErrorCode::kPgNoColumn, message);
}

constexpr uint32_t kJsonbOid = 3802;
constexpr uint32_t kNumericOid = 1700;
constexpr uint32_t kIntervalOid = 1186;
constexpr uint32_t kNumRangeOid = 3906;
constexpr uint32_t kNumMultirangeOid = 4532;
constexpr int kTrimScaleVersion = 130000;

// 1.0 and 1.00 are equal and printed as they were written.
bool is_loose_numeric(const ColumnInfo& column) {
  return column.base.oid == kNumericOid && column.base.typmod < 0;
}

ReadColumn::Size size_test(uint32_t type_oid, const MappedType& mapped) {
  if (type_oid == kNumericOid) return ReadColumn::Size::kBounded;  // 150 kB at most
  if (!mapped.unbounded) return ReadColumn::Size::kBounded;
  if (type_oid == kJsonbOid) return ReadColumn::Size::kJsonb;
  if (mapped.print == PrintForm::kJson || mapped.print == PrintForm::kJsonTexts) {
    return ReadColumn::Size::kPrinted;
  }
  // Texts, json and bytea tell it without being read; others must be printed.
  return ReadColumn::Size::kOctets;
}

class Chooser {
 public:
  Chooser(const TableInfo& table, const StreamRequest& request)
      : table_(table), request_(request) {}

  Result<StreamColumns> choose() {
    out_.schema.stream = stream_of(table_);
    VESTO_TRY(exclude());
    VESTO_TRY(map_types());
    choose_names();
    VESTO_TRY(choose_key());
    VESTO_TRY(choose_cursor());
    return std::move(out_);
  }

 private:
  Status exclude() {
    excluded_.assign(table_.columns.size(), false);
    for (const std::string& name : request_.exclude) {
      VESTO_ASSIGN(const size_t index, column_index(table_, name, "exclude"));
      excluded_[index] = true;
    }
    return ok_status();
  }

  Status map_types() {
    for (size_t i = 0; i < table_.columns.size(); ++i) {
      const ColumnInfo& column = table_.columns[i];
      if (!excluded_[i]) add(column, map_postgres_type(column.base, column.average_bytes));
    }
    if (!out_.schema.columns.empty()) return ok_status();
    return Error(ErrorCode::kPgNoColumn,
                 fmt::format("{} has no column to deliver", out_.schema.stream))
        .with_hint("Leave the table out of the sync.");
  }

  void add(const ColumnInfo& column, const MappedType& mapped) {
    out_.schema.columns.push_back({.name = {},
                                   .source_name = column.name,
                                   .source_type = column.type,
                                   .source_number = column.number,
                                   .type = mapped.type,
                                   .nullable = !column.not_null,
                                   .unbounded = mapped.unbounded});
    ReadColumn read{.name = column.name,
                    .print = mapped.print,
                    .size = size_test(column.base.oid, mapped),
                    .text = mapped.type.kind == TypeKind::kVarchar};
    out_.read.push_back(std::move(read));
    out_.source.push_back(&column);
    if (!mapped.note.empty()) {
      out_.notes.push_back(fmt::format("column {}: {}", column.name, mapped.note));
    }
  }

  void choose_names() {
    std::vector<std::string> source_names;
    for (const Column& column : out_.schema.columns) source_names.push_back(column.source_name);
    std::vector<std::string> names = column_names(source_names);
    for (size_t i = 0; i < names.size(); ++i) {
      Column& column = out_.schema.columns[i];
      column.name = std::move(names[i]);
      if (column.name == fold_name(column.source_name)) continue;
      out_.notes.push_back(
          fmt::format("column {}: delivered as {}", column.source_name, column.name));
    }
  }

  // The index among the delivered columns.
  Result<size_t> delivered(std::string_view name, std::string_view where) {
    VESTO_ASSIGN(const size_t index, column_index(table_, name, where));
    for (size_t i = 0; i < out_.source.size(); ++i) {
      if (out_.source[i] == &table_.columns[index]) return i;
    }
    return Error(ErrorCode::kCfgValue, fmt::format("{}: column {} is needed as {}, so it cannot "
                                                   "stand in exclude",
                                                   out_.schema.stream, name, where));
  }

  Status choose_key() {
    const bool own = request_.key.empty();
    for (const std::string& name : own ? table_.primary_key : request_.key) {
      VESTO_ASSIGN(const size_t index, delivered(name, "key"));
      const Column& column = out_.schema.columns[index];
      if (const std::string fault = key_fault(*out_.source[index], column); !fault.empty()) {
        const std::string why = fmt::format("column {} {}: it cannot be a key", name, fault);
        if (!own) {
          return Error(ErrorCode::kPgNoKey, fmt::format("{}: {}", out_.schema.stream, why));
        }
        // Good enough for a copy that replaces the table.
        out_.notes.push_back(why);
        drop_key();
        out_.no_key = why;
        return ok_status();
      }
      if (is_loose_numeric(*out_.source[index])) out_.read[index].print = PrintForm::kTrimmed;
      const auto& key = out_.schema.key;
      if (std::find(key.begin(), key.end(), index) != key.end()) continue;
      out_.schema.key.push_back(index);
      out_.read[index].key = true;
    }
    return ok_status();
  }

  // Why the column cannot tell rows apart in Redshift as it does in the source; "": it can. There
  // texts are equal only byte by byte.
  [[nodiscard]] std::string key_fault(const ColumnInfo& source, const Column& column) const {
    if (!can_compare(column.type.kind)) {
      return fmt::format("is {}, which Redshift cannot compare", column.source_type);
    }
    if (source.loose_collation) {
      return "has a collation that is not deterministic, for which texts are equal that differ";
    }
    if (source.base.extension == "citext")
      return "is citext, for which texts of any case are equal";
    const uint32_t oid = source.base.oid;
    if (oid == kIntervalOid || oid == kNumRangeOid || oid == kNumMultirangeOid) {
      return fmt::format("is {}, for which values are equal that are not written alike",
                         column.source_type);
    }
    if (is_loose_numeric(source) && table_.server_version < kTrimScaleVersion) {
      return "is numeric without a scale, and 1.0 and 1.00 become one text only from PostgreSQL 13 "
             "on";
    }
    return "";
  }

  void drop_key() {
    out_.schema.key.clear();
    for (ReadColumn& column : out_.read) column.key = false;
  }

  Status choose_cursor() {
    if (request_.cursor.empty()) return ok_status();
    VESTO_ASSIGN(const size_t index, delivered(request_.cursor, "cursor"));
    out_.schema.cursor = index;
    if (!out_.schema.key.empty() || request_.append) return ok_status();
    if (!out_.no_key.empty()) {
      return Error(ErrorCode::kPgNoKey, fmt::format("{}: {}", out_.schema.stream, out_.no_key))
          .with_hint("Give key = [\"...\"], or leave cursor out and use mode = \"replace\".");
    }
    return Error(ErrorCode::kPgNoKey,
                 fmt::format("{} has no primary key and the configuration names none; without one "
                             "the rows behind a cursor cannot be merged",
                             out_.schema.stream))
        .with_hint("Give key = [\"...\"], or leave cursor out and use mode = \"replace\".");
  }

  const TableInfo& table_;
  const StreamRequest& request_;
  std::vector<bool> excluded_;
  StreamColumns out_;
};

}  // namespace

Result<StreamColumns> choose_columns(const TableInfo& table, const StreamRequest& request) {
  return Chooser(table, request).choose();
}

}  // namespace vesto
