// The statements by which a comparison reads the warehouse: sums of a table, and its rows by
// buckets through a cursor (DG declare: inside a transaction, one a session, forward only). The
// other side of source/postgres/compare.h, by the same map (schema/sums.h). Pure; any thread.
#ifndef VESTO_REDSHIFT_PARITY_SQL_H_
#define VESTO_REDSHIFT_PARITY_SQL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/table.h"

namespace vesto::sql {

// How values are printed while rows are read: UTC, ISO dates, all digits of floats.
std::vector<std::string> parity_session();

// One row: count(*), the sum of the keys' hashes, the sum of the rows' hashes, for each column
// count(c) and its sum, and for each text, binary or SUPER column the most bytes that a value has.
std::string parity_sums(const TargetName& table, const StreamSchema& schema);
// How many fields stand before the sizes.
size_t parity_sum_fields(const StreamSchema& schema);

// The rows that RowBucket (source/source.h) names, all columns of the schema in its order.
std::string parity_rows(const TargetName& table, const StreamSchema& schema,
                        const std::vector<size_t>& bucket_columns, int bits, uint32_t value);

// Keys of the rejected rows of one stream, each once.
std::string parity_rejected_keys(std::string_view schema, std::string_view sync,
                                 std::string_view stream, int limit);

std::string declare_parity_cursor(const std::string& select);
std::string fetch_parity_rows(int64_t rows);
std::string close_parity_cursor();

}  // namespace vesto::sql

#endif  // VESTO_REDSHIFT_PARITY_SQL_H_
