// A row of the catalogue, as the server sent it. Inside source/postgres only.
#ifndef VESTO_SOURCE_POSTGRES_CATALOG_ROW_H_
#define VESTO_SOURCE_POSTGRES_CATALOG_ROW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"

namespace vesto {

// What we were doing when a statement on the catalogue failed.
inline constexpr std::string_view kReadingCatalogue = "reading the catalogue of the source";

using CatalogRow = std::vector<std::optional<std::string>>;

// A server that sends fewer columns than asked for must not be able to stop the program.
inline std::string text_at(const CatalogRow& row, size_t index) {
  return index < row.size() ? row[index].value_or("") : std::string();
}
inline bool flag_at(const CatalogRow& row, size_t index) { return text_at(row, index) == "t"; }
inline int64_t number_at(const CatalogRow& row, size_t index) {
  return parse_int(text_at(row, index)).value_or(0);
}

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_CATALOG_ROW_H_
