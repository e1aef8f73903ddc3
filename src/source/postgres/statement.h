// The statements that read rows: pure texts, tested as such. Inside source/postgres only.
#ifndef VESTO_SOURCE_POSTGRES_STATEMENT_H_
#define VESTO_SOURCE_POSTGRES_STATEMENT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "encode/chunk.h"
#include "schema/postgres_types.h"

namespace vesto {

struct ReadColumn {
  // How the size of a value is told without fetching it whole.
  enum class Size {
    kBounded,  // its type bounds it
    kOctets,   // octet_length() reads it from the TOAST pointer
    kJsonb,    // must be printed to be known; only where its stored size is not small
    kPrinted,  // the same for what may print as far more bytes than it is stored in (arrays)
  };
  std::string name;
  PrintForm print = PrintForm::kPlain;
  Size size = Size::kBounded;
  bool key = false;
  bool text = false;  // a value may be empty, and is a text to Redshift too
};

struct ReadStatement {
  std::string from;  // "schema"."table", or a query in brackets with a name
  std::vector<ReadColumn> columns;
  // COPY table (...) is possible: no view, no partitioned or foreign table, no generated column,
  // not inherited by others.
  bool table_form = false;
  bool only = false;               // FROM ONLY: without the rows of tables that inherit
  std::vector<std::string> where;  // conditions, all must hold
  std::string null_marker;
  // SQL_ASCII for a database of that encoding: its bytes come as they are and are checked here, so
  // that the row can be named.
  std::string encoding = "UTF8";
  // Not empty: rows whose values exceed max_row_bytes are read by their key alone; this text
  // stands in their first large column, NULL in the others.
  std::string oversize_marker;
  size_t max_row_bytes = kMaxRowBytes;
};

// "COPY ... TO STDOUT WITH (FORMAT csv, NULL '...')".
std::string copy_statement(const ReadStatement& read);

// One piece of a heap by its blocks: [from, to), the last one without end, since a table may have
// grown after its size was read.
struct BlockRange {
  int64_t from = 0;
  int64_t to = -1;  // -1: no end
};
// "" for a range that holds all.
std::string block_condition(const BlockRange& range);

// Cuts a heap into pieces of at least 64 MiB, at most 64 of them. `total_bytes` weighs TOAST too.
std::vector<BlockRange> cut_blocks(int64_t heap_bytes, int64_t total_bytes, int64_t block_bytes);

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_STATEMENT_H_
