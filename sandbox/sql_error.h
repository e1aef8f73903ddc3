// SqlError: what a Redshift client gets back: SQLSTATE, text, and the optional fields of an
// ErrorResponse. The sandbox's own counterpart of the product's Error.
#ifndef VESTO_SANDBOX_SQL_ERROR_H_
#define VESTO_SANDBOX_SQL_ERROR_H_

#include <string>

#include "base/result.h"

namespace vesto::sandbox {

struct SqlError {
  std::string sqlstate;  // five characters, "XX000"
  std::string message;
  std::string detail = {};
  std::string hint = {};
  int position = 0;  // 1-based character position in the client's text; 0: none
};

template <typename T>
using SqlResult = Result<T, SqlError>;
using SqlStatus = Result<Unit, SqlError>;

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_ERROR_H_
