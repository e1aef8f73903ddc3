// Names of a source's tables as people write them, and the one form they are kept in. Pure; any
// thread.
#ifndef VESTO_SCHEMA_TABLE_NAME_H_
#define VESTO_SCHEMA_TABLE_NAME_H_

#include <optional>
#include <string>
#include <string_view>

namespace vesto {

struct TableName {
  std::string schema;
  std::string table;
  bool operator==(const TableName&) const = default;
};

// "public.orders"; a part that holds a dot or a quote stands in double quotes, a quote in it is
// doubled, and any part may be quoted: public."Orders" is public.Orders. Letters are never folded.
// Nothing if it is not exactly two names, neither of them empty.
std::optional<TableName> parse_table_name(std::string_view text);

// The normal form: quotes only around parts that need them. A stream is known by it (state table,
// local store, screens), however the configuration writes the name.
std::string table_name_text(std::string_view schema, std::string_view table);

// Whether the text names tables by a pattern: it holds * and no quotes. There is no other sign.
bool is_table_pattern(std::string_view text);
// Whether the table is one of those. * stands for any characters, none included, in the schema's
// name or in the table's.
bool matches_table_pattern(std::string_view pattern, const TableName& table);

// Whether it can be the name of a query: letters, digits, _ and -, 1 to 63 of them. No table of a
// source is known by such a name, since those have two parts.
bool is_query_name(std::string_view text);

// The normal form of a text; the text itself if it is not a table name.
std::string normal_table_name(std::string_view text);
// Whether both texts name one table, however they are written.
bool same_table(std::string_view one, std::string_view other);

}  // namespace vesto

#endif  // VESTO_SCHEMA_TABLE_NAME_H_
