// The JSON of POST /v1/faults, read strictly: a fault that could never do anything is refused, so
// that no test passes because of a spelling mistake.
//
//   {"on": "s3.put", "match": "\\.csv\\.gz$", "nth": 3, "count": 1, "then": {"status": 503}}
//
// on      s3.put s3.get s3.head s3.list s3.delete s3.multipart pg.connect pg.statement pg.commit
//         copy.object disk google.metadata google.token google.keys ec2.token ec2.metadata
//         container.credentials
// match   POSIX extended regular expression, searched in the subject (key or SQL); without: any
// nth     the first matching call that is hit, counted from now on; 1 where absent
// count   how many matching calls from there on; 1 where absent
// then    s3.*: status with code, delay_ms, cut_after_bytes, drop. pg.*: error, delay_ms, drop.
//         copy.object: missing, half, error, status with code, delay_ms. disk: error.
//         google.*, ec2.*, container.credentials: as s3.*; ec2.metadata: error as well.
//
// What then means for s3.*: status answers without doing anything; delay_ms waits first;
// cut_after_bytes ends the connection within the body, of the request where it has one (an upload),
// else of the answer; drop "before" ends the connection without doing anything, "during" does it
// and ends the answer in its head, "after" does it and never answers.
//
// For google.*, ec2.* and container.credentials the same, cut_after_bytes always within the answer.
// The subject is the request's path; for google.token the assertion's issuer. code is the answer's
// error field: "invalid_grant". ec2.metadata's error: 200 with that Code in the role's document.
#ifndef VESTO_SANDBOX_CONTROL_FAULT_PARSER_H_
#define VESTO_SANDBOX_CONTROL_FAULT_PARSER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sandbox/control/faults.h"

namespace vesto::sandbox {

struct FaultRule {
  std::string on;
  std::string match;  // empty: everything
  uint64_t nth = 1;
  uint64_t count = 1;
  FaultAction then;
};

// Pure; any thread. The error says what is wrong.
Result<FaultRule, std::string> parse_fault(std::string_view json_body);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_CONTROL_FAULT_PARSER_H_
