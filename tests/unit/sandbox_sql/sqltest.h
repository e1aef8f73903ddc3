// The declarative cases of cases/*.sqltest: client text -> what translate() makes of it.
//
//   === a name, unique in its file [case_sensitive]
//   SELECT TOP 5 * FROM t          <- the client's text, up to the next line of dashes
//   ---
//   class: select                  <- one line per expected fact; what is not named is not checked
//   pg: SELECT * FROM t LIMIT 5    <- every pg line, in order
//
// Keys: class, tag, pg, writes, tables, rows (yes/no), set (name=value, or name alone), copy
// (name=value, one line each), no_transaction, commits, parameters, object, inner, notice, long
// (short=full), secret; `next` begins the expectations of the next statement of the same text.
// For a refusal: error (SQLSTATE) and message, detail, position. Control characters show as \n, \t,
// \x01.
#ifndef VESTO_TESTS_UNIT_SANDBOX_SQL_SQLTEST_H_
#define VESTO_TESTS_UNIT_SANDBOX_SQL_SQLTEST_H_

#include <string>
#include <utility>
#include <vector>

#include "sandbox/sql/statement.h"

namespace vesto::sandbox {

struct SqlCase {
  std::string file;
  int line = 0;
  std::string name;
  std::string text;
  TranslateOptions options;
  std::vector<std::pair<std::string, std::string>> expected;  // key, value
};

// The folder of the .sqltest files.
std::string cases_folder();

// Reads one file. A malformed file gives a case whose `expected` holds the key "malformed".
std::vector<SqlCase> read_cases(const std::string& path);

// Everything translate() says about the text, in the form of expectations.
std::vector<std::pair<std::string, std::string>> describe(const SqlCase& test);

}  // namespace vesto::sandbox

#endif  // VESTO_TESTS_UNIT_SANDBOX_SQL_SQLTEST_H_
