// The second half of the error catalogue: what lies behind an error, and the answers of the other
// side by which it is recognised.
//
// A cause belongs to one code. Those with a pattern are found by recognise(): checks and runs ask
// the same table, so the same answer gives the same code and cause in both. Those without one are
// set by name, where more is known than the answer says (Error::because()).
//
//   if (const ErrorCause* cause = recognise("redshift", sqlstate, text)) {
//     return Error(cause->code, message).because(cause);
//   }
//
// Every cause stands once in base/error_causes.def; `vesto help CODE` prints those of a code.
// Sources: AWS API references (error codes), PostgreSQL (SQLSTATE), Redshift's texts as collected
// there. Pure; any thread.
#ifndef VESTO_BASE_ERROR_CAUSES_H_
#define VESTO_BASE_ERROR_CAUSES_H_

#include <string_view>
#include <vector>

#include "base/error.h"

namespace vesto {

struct ErrorCause {
  std::string_view name;  // "temp-not-granted"; never used for another meaning
  ErrorCode code;
  // The pattern. "" in all three: found by no answer.
  std::string_view system;         // who answered: "redshift", "sts", "s3", "curl", "os", ...
  std::string_view upstream_code;  // SQLSTATE or its first characters, AWS's code; "" = any
  // What the answer holds, in lower case; several fragments are parted by "|" and all must be
  // there, in this order; behind "^" the first begins it. "" = any.
  std::string_view text;
  std::string_view cause;  // one sentence for people
  std::string_view hint;   // what to do then; "" = the code's own
  bool lasting;            // repeating never helps, whatever the code's retry class says
};

// In the order of the file: the first that fits wins (but see recognise() in error_causes.cc).
const std::vector<ErrorCause>& error_causes();
// The cause of an answer, or nullptr. `upstream_code` is compared as it is, `text` in lower case.
const ErrorCause* recognise(std::string_view system, std::string_view upstream_code,
                            std::string_view text);
// As error.retry(), or after_fix where its cause is a lasting one. Exit codes go by it.
Retry retry_of(const Error& error);
// The cause of this name. It must be there.
const ErrorCause* cause_named(std::string_view name);

}  // namespace vesto

#endif  // VESTO_BASE_ERROR_CAUSES_H_
