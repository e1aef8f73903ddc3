// The errors of a COPY as a whole, in Redshift's words: XX000 with a DETAIL block.
//
//   ERROR:  The specified S3 prefix 'x/' does not exist
//   DETAIL:
//     -----------------------------------------------
//     error:  ...   code: 8001   context: ...   query: ...   location: ...   process: ...
//
// Thread rule: pure functions, any thread.
#ifndef VESTO_SANDBOX_COPY_COPY_ERROR_H_
#define VESTO_SANDBOX_COPY_COPY_ERROR_H_

#include <string>
#include <string_view>

#include "sandbox/copy/copy_executor.h"
#include "sandbox/s3/object_store.h"
#include "sandbox/sql_error.h"

namespace vesto::sandbox {

// What stands in the DETAIL block beside the text.
struct CopyErrorPlace {
  int code = 8001;
  std::string context = {};   // "S3 key being read : s3://b/k"
  std::string location = {};  // "s3_utility.cpp:568"
  std::string process = "padbmaster";
};

SqlError copy_error(const CopyContext& context, std::string text, const CopyErrorPlace& place);

// "<prefix>S3ServiceException:<message>,Status 403,Error AccessDenied,Rid ..,ExtRid ..,CanRetry 1".
SqlError s3_service_error(const CopyContext& context, const S3Error& error,
                          const CopyErrorPlace& place, std::string_view prefix = "");

// Rows were refused: "Load into table 't' failed.  Check '...' system table for details."
SqlError load_failed_error(const CopyContext& context, std::string_view table);

// 57014, when the statement was cancelled or the session ends.
SqlError copy_cancelled_error(const CopyContext& context);

// The view that holds the rows' errors for this kind of server.
std::string_view load_error_view(const CopyContext& context);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_COPY_COPY_ERROR_H_
