#include "redshift/catalog.h"

#include <array>

#include "base/strings.h"
#include "redshift/sql.h"

namespace vesto {

namespace {

enum Field : size_t {
  kUser,
  kDatabase,
  kSchema,
  kTable,
  kRelkind,
  kOwner,
  kColumn,
  kType,
  kNotNull,
  kHasDefault,
  kDistkey,
  kSortkey,
  kFields,
};

struct PlainType {
  std::string_view text;
  TypeKind kind;
};

constexpr std::array kPlainTypes = {
    PlainType{"boolean", TypeKind::kBoolean},
    PlainType{"smallint", TypeKind::kSmallint},
    PlainType{"integer", TypeKind::kInteger},
    PlainType{"bigint", TypeKind::kBigint},
    PlainType{"real", TypeKind::kReal},
    PlainType{"double precision", TypeKind::kDouble},
    PlainType{"date", TypeKind::kDate},
    PlainType{"timestamp without time zone", TypeKind::kTimestamp},
    PlainType{"timestamp with time zone", TypeKind::kTimestampTz},
    PlainType{"time without time zone", TypeKind::kTime},
    PlainType{"super", TypeKind::kSuper},
    PlainType{"geometry", TypeKind::kGeometry},
    PlainType{"geography", TypeKind::kGeography},
};

// "name(1,2)" -> its numbers, or nothing if `text` is not `name` followed by such a list.
std::optional<std::vector<int>> numbers_of(std::string_view text, std::string_view name) {
  if (!text.starts_with(name) || !text.ends_with(")")) return std::nullopt;
  text.remove_prefix(name.size());
  if (text.empty() || text.front() != '(') return std::nullopt;
  std::vector<int> out;
  for (const std::string& part : split(text.substr(1, text.size() - 2), ',')) {
    const auto number = parse_int(trim(part));
    if (!number || *number < 0 || *number > 16'777'216) return std::nullopt;
    out.push_back(static_cast<int>(*number));
  }
  return out;
}

std::string text_of(const std::optional<std::string>& cell) { return cell.value_or(""); }

bool is_true(const std::optional<std::string>& cell) { return cell && *cell == "t"; }

}  // namespace

const CatalogColumn* CatalogTable::find(std::string_view column) const {
  for (const CatalogColumn& c : columns) {
    if (c.name == column) return &c;
  }
  return nullptr;
}

std::string CatalogTable::distkey() const {
  for (const CatalogColumn& c : columns) {
    if (c.distkey) return c.name;
  }
  return "";
}

const CatalogTable* Catalog::find(std::string_view table) const {
  const auto found = tables.find(table);
  return found == tables.end() ? nullptr : &found->second;
}

std::optional<ColumnType> parse_redshift_type(std::string_view text) {
  for (const PlainType& plain : kPlainTypes) {
    if (text == plain.text) return ColumnType{plain.kind, 0, 0, 0};
  }
  if (const auto n = numbers_of(text, "character varying"); n && n->size() == 1) {
    return ColumnType{TypeKind::kVarchar, 0, 0, (*n)[0]};
  }
  if (const auto n = numbers_of(text, "numeric"); n && n->size() == 2) {
    return ColumnType{TypeKind::kDecimal, (*n)[0], (*n)[1], 0};
  }
  if (const auto n = numbers_of(text, "binary varying"); n && n->size() == 1) {
    return ColumnType{TypeKind::kVarbyte, 0, 0, (*n)[0]};
  }
  return std::nullopt;
}

std::string catalog_sql(std::string_view schema, const std::vector<std::string>& tables) {
  std::vector<std::string> names;
  names.reserve(tables.size());
  for (const std::string& table : tables) names.push_back(sql::literal(table));
  return "SELECT current_user, current_database(), n.nspname, c.relname, c.relkind, "
         "pg_get_userbyid(c.relowner), a.attname, format_type(a.atttypid, a.atttypmod), "
         "a.attnotnull, a.atthasdef, a.attisdistkey, a.attsortkeyord "
         "FROM (SELECT 1 AS one) o LEFT JOIN pg_namespace n ON n.nspname = " +
         sql::literal(schema) +
         " LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname IN (" + join(names, ", ") +
         ") LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
         "AND NOT a.attisdropped ORDER BY c.relname, a.attnum";
}

Result<Catalog> parse_catalog(const ExecResult& answer) {
  Catalog out;
  if (answer.rows.empty()) return Error(ErrorCode::kRsSql, "the catalogue query gave no row");
  for (const auto& row : answer.rows) {
    if (row.size() != kFields) {
      return Error(ErrorCode::kRsSql, "the catalogue query gave rows of another shape");
    }
    out.user = text_of(row[kUser]);
    out.database = text_of(row[kDatabase]);
    if (!row[kSchema]) continue;
    out.schema_exists = true;
    if (!row[kTable]) continue;
    CatalogTable& table = out.tables[*row[kTable]];
    table.name = *row[kTable];
    table.owner = text_of(row[kOwner]);
    table.is_table = text_of(row[kRelkind]) == "r";
    if (!row[kColumn]) continue;
    CatalogColumn column;
    column.name = *row[kColumn];
    column.type_text = text_of(row[kType]);
    column.type = parse_redshift_type(column.type_text);
    column.not_null = is_true(row[kNotNull]);
    column.has_default = is_true(row[kHasDefault]);
    column.distkey = is_true(row[kDistkey]);
    // Its place among them, negative in some of an interleaved one; 0: none.
    column.sortkey = row[kSortkey] && *row[kSortkey] != "0";
    table.columns.push_back(std::move(column));
  }
  return out;
}

}  // namespace vesto
