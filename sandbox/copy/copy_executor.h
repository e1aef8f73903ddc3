// COPY ... FROM 's3://...': reads the objects, takes the CSV apart by itself, checks each value
// against its column as Redshift does, and feeds PostgreSQL through a CopySink.
//
// Source of the behaviour: Redshift's COPY documentation; docs/unverified.md lists the readings.
// Thread rule: one executor for one COPY at a time; it may use the shared ObjectStore.
#ifndef VESTO_SANDBOX_COPY_COPY_EXECUTOR_H_
#define VESTO_SANDBOX_COPY_COPY_EXECUTOR_H_

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sandbox/control/faults.h"
#include "sandbox/s3/object_store.h"
#include "sandbox/s3/s3_gate.h"
#include "sandbox/sql/statement.h"

namespace vesto::sandbox {

// A target column as the catalogue shows it, in the order of the COPY's column list.
struct CopyColumn {
  std::string name;      // as the client knows it
  std::string type;      // Redshift's: boolean smallint integer bigint numeric real
                         // "double precision" varchar char date timestamp timestamptz time
                         // timetz super varbyte
  int length_bytes = 0;  // varchar, char, varbyte
  int precision = 0;     // numeric
  int scale = 0;
  bool not_null = false;
};

// Where accepted rows go: the session turns them into PostgreSQL's COPY ... FROM STDIN (text).
class CopySink {
 public:
  virtual ~CopySink() = default;
  // One or more whole rows in PostgreSQL's COPY text format, each ended by LF.
  virtual SqlStatus write(std::string_view rows) = 0;
};

// One row of stl_load_errors / sys_load_error_detail.
struct LoadError {
  std::string filename;     // s3://bucket/key
  int64_t line_number = 0;  // 1-based
  std::string column_name;
  std::string type;
  std::string column_length;
  int64_t position = 0;
  std::string raw_line;         // cut at 1,024 characters
  std::string raw_field_value;  // cut at 1,024 characters
  int error_code = 0;
  std::string error_reason;
};

struct CopyOutcome {
  int64_t rows_loaded = 0;
  int64_t rows_skipped = 0;          // bad rows accepted by MAXERROR
  std::vector<LoadError> errors;     // at most 100 of them; also filled when the COPY failed
  std::vector<std::string> notices;  // INFO texts, in order
};

// Questions about Redshift that its documentation leaves open. The defaults are the stricter
// readings; docs/unverified.md names each with the test that would settle it.
struct CopyReadings {
  // A NULL AS marker inside quotes: is it NULL, text, or an error of the row?
  enum class QuotedMarker { kNull, kText, kError };
  QuotedMarker quoted_marker = QuotedMarker::kNull;
  bool several_members = false;       // true: several gzip members or zstd frames in one object
  bool float_specials = false;        // true: NaN and infinities load into real and double
  bool wide_dates = false;            // true: BC and years above 9999 load
  bool nul_is_data = false;           // true: text is cut at a NUL byte; false: the row is refused
  bool skip_bom = false;              // true: a UTF-8 byte order mark at the start is dropped
  bool lone_cr_is_data = false;       // true: CSV takes an unquoted CR; false: the row is refused
  bool decimal_exponent = false;      // true: 1e5 loads into a numeric column
  bool empty_super_is_null = false;   // true: an empty field is NULL in a SUPER column
  bool check_content_length = false;  // true: the manifest's content_length must be the size
  int64_t row_limit_bytes = int64_t{4} << 20;  // 64 MiB on current servers, at most
};

// The roles that are attached to the warehouse.
class CopyRoles {
 public:
  virtual ~CopyRoles() = default;
  // Temporary keys of the role ("default": the one that is attached first), or the text of why
  // Redshift may not take it ("": a cluster's usual one, which names the user).
  virtual Result<AccessKey, std::string> assume(const std::string& role_arn) const = 0;
};

constexpr const char* kSampleAccount = "123456789012";

struct CopyContext {
  ObjectStore* store = nullptr;
  const KeyRing* keys = nullptr;
  const S3Gate* gate = nullptr;             // nullptr: every known key may do all
  const CopyRoles* roles = nullptr;         // of IAM_ROLE; nullptr: none is attached
  Clock* clock = nullptr;                   // for keys that expire; nullptr: the system's
  Faults* faults = nullptr;                 // may be nullptr
  std::string region;                       // the warehouse's
  std::string account = kSampleAccount;     // whose it is, for the texts of IAM_ROLE
  std::string warehouse = "vesto-sandbox";  // its name, for the same
  CopyReadings readings = {};
  bool serverless = false;  // names sys_load_error_detail instead of stl_load_errors
  std::string user;         // database user, for the texts of IAM_ROLE
  int64_t query_id = 0;     // for DETAIL blocks
  int64_t process_id = 0;
  size_t read_bytes = size_t{256} << 10;  // read at once from an object, 1 byte to 1 MiB
  std::stop_token stop = {};              // asked for between batches and in delays; ends in 57014
};

// Runs the COPY. On error the caller rolls back (nothing stays) and still writes outcome->errors to
// the system tables, on a connection of its own.
SqlStatus execute_copy(const CopyStatement& statement, const std::vector<CopyColumn>& columns,
                       const CopyContext& context, CopySink* sink, CopyOutcome* outcome);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_COPY_COPY_EXECUTOR_H_
