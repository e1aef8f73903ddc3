// The statements by which a comparison reads the source: those of a plan, wrapped. So they hold the
// plan's own rows and values, whatever filter, query or partition it has. Pure texts.
// Inside source/postgres only.
#ifndef VESTO_SOURCE_POSTGRES_COMPARE_H_
#define VESTO_SOURCE_POSTGRES_COMPARE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schema/table.h"
#include "source/source.h"

namespace vesto {

// A COPY statement of statement.h taken apart.
struct CopyParts {
  std::string select;   // "(SELECT ...)": the rows
  std::string options;  // " TO STDOUT WITH (FORMAT csv, ...)"
};
// Nothing: it is no statement of copy_statement().
std::optional<CopyParts> copy_parts(std::string_view copy);

// One row for all ranges together, its fields as SourceSnapshot::sums() says.
std::optional<std::string> sums_statement(const StreamSchema& schema,
                                          const std::vector<ReadRange>& ranges);

// The rows of one range that fall into the bucket, with all columns.
std::optional<std::string> bucket_statement(const StreamSchema& schema, const ReadRange& range,
                                            const RowBucket& bucket);

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_COMPARE_H_
