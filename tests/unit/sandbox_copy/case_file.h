// The declarative cases under data/*.cases. One case:
//
//   case: a name
//   options: csv null 'X' maxerror 5        words of COPY; see read_options()
//   readings: quoted_marker=text            fields of CopyReadings; optional
//   columns: id integer, n numeric(10,2) not null, t varchar(5)
//   data: 1,"a"\n                           bytes; \n \r \t \0 \\ \xHH; several lines are joined
//   row: 1 | \N | a                         one accepted row; columns parted by " | ", each in
//                                           PostgreSQL's COPY text form
//   error: LINE CODE COLUMN REASON          one refused row; COLUMN is - where none is named
//   result: failed                          default: ok. failed = "Load into table 't' failed...."
//   result: 0A000 some text                 any other error, exactly
//
// A line that begins with # is a comment; a blank line ends a case.
#ifndef VESTO_TESTS_SANDBOX_COPY_CASE_FILE_H_
#define VESTO_TESTS_SANDBOX_COPY_CASE_FILE_H_

#include <string>
#include <vector>

#include "sandbox/copy/copy_executor.h"

namespace vesto::sandbox {

struct CopyCase {
  std::string name;
  std::string place;  // file:line
  CopyStatement statement;
  CopyReadings readings;
  std::vector<CopyColumn> columns;
  std::string data;
  std::string rows;                 // COPY text
  std::vector<std::string> errors;  // as in the file
  std::string result = "ok";
};

// All cases of a file. A line that cannot be read is returned as a case whose result says so.
std::vector<CopyCase> read_case_file(const std::string& path);

// For tests in C++: the same notations.
std::vector<CopyColumn> read_columns(const std::string& text);
// True when every word is known.
bool read_options(const std::string& text, CopyStatement* statement);
std::string read_bytes(const std::string& text);

}  // namespace vesto::sandbox

#endif  // VESTO_TESTS_SANDBOX_COPY_CASE_FILE_H_
