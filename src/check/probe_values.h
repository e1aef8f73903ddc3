// Forty values that are loaded and read back: what a warehouse, a bucket or a proxy in between
// could change without a word. Pure; any thread.
#ifndef VESTO_CHECK_PROBE_VALUES_H_
#define VESTO_CHECK_PROBE_VALUES_H_

#include <optional>
#include <string>
#include <vector>

#include "redshift/sql.h"

namespace vesto {

// A row: the text that is staged for each column, nothing for NULL. The first column is its number.
using ProbeRow = std::vector<std::optional<std::string>>;

std::vector<sql::ColumnDdl> probe_columns();
// Five rows of eight values beside the number.
std::vector<ProbeRow> probe_rows();

// SELECT that gives the rows in their order, each value as the text of probe_rows().
// `table`: already quoted.
std::string select_probe_rows(const std::string& table);

// "" where both are the same; else the first difference, for people: column and row, no values.
std::string probe_difference(const std::vector<ProbeRow>& expected,
                             const std::vector<ProbeRow>& found);

}  // namespace vesto

#endif  // VESTO_CHECK_PROBE_VALUES_H_
