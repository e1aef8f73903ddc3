// Faults on demand, and the count of calls. One object, shared by the endpoints; the control API
// (POST /v1/faults) fills it.
//
//   if (auto fault = faults.hit("s3.put", key)) { ... do what fault->then says ... }
//
// hit() also counts the call, so it is called once for each call of a kind, fault or not.
// Thread rule: every function may be called from any thread.
#ifndef VESTO_SANDBOX_CONTROL_FAULTS_H_
#define VESTO_SANDBOX_CONTROL_FAULTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vesto::sandbox {

// What happens to the call; exactly the fields of the request's "then" are set.
struct FaultAction {
  int status = 0;    // HTTP status for s3.*
  std::string code;  // S3 error code, "SlowDown"
  int64_t delay_ms = 0;
  std::optional<uint64_t> cut_after_bytes;  // close the connection after so many bytes
  std::string drop;                         // "before" | "during" | "after"
  bool missing = false;                     // copy.object: as if it were not there
  bool half = false;                        // copy.object: only its first half
  std::string error;                        // "1023", "Disk Full", ...
};

class Faults {
 public:
  virtual ~Faults() = default;
  // kind: s3.put s3.get s3.head s3.list s3.delete s3.multipart pg.connect pg.statement pg.commit
  // copy.object disk google.metadata google.token google.keys ec2.token ec2.metadata
  // container.credentials. subject: key, path, or the client's SQL text; matched by the fault's
  // regex.
  virtual std::optional<FaultAction> hit(std::string_view kind, std::string_view subject) = 0;
  // Adds to the counts of GET /v1/calls without offering a fault (statement classes).
  virtual void count(std::string_view name) = 0;
  // body: the JSON of POST /v1/faults. Returns a text that says what is wrong with it.
  virtual Result<Unit, std::string> add(std::string_view json_body) = 0;
  virtual void clear() = 0;
  virtual std::map<std::string, uint64_t> counts() = 0;
};

std::unique_ptr<Faults> make_faults();

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_CONTROL_FAULTS_H_
