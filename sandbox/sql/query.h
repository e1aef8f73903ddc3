// One query (or CREATE TABLE, already stripped) through tokens, tree, allow-list and back to text.
// Internal to sandbox/sql.
#ifndef VESTO_SANDBOX_SQL_QUERY_H_
#define VESTO_SANDBOX_SQL_QUERY_H_

#include <string>
#include <vector>

#include "sandbox/sql/render.h"
#include "sandbox/sql/statement.h"

namespace vesto::sandbox {

// What a tree told about its statement.
struct TreeFacts {
  StatementClass cls = StatementClass::kOther;  // of what the tree is: SELECT, INSERT, ...
  int parameter_count = 0;
  std::vector<TableRef> tables;
  std::vector<TableRef> writes;
};

struct QueryText {
  std::string sql;
  TreeFacts facts;
};

// Translates tokens [from, to), with `edits` on top of those that queries need (TOP, MINUS,
// VARCHAR(MAX), ...). Errors: as translate().
SqlResult<QueryText> translate_tree(const Source& source, size_t from, size_t to, Edits edits,
                                    NameMapper* names);

// Adds the changes that Redshift's own words in queries need.
void add_query_edits(const Source& source, size_t from, size_t to, Edits* edits);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_QUERY_H_
