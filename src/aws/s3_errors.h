// What an S3 answer that is no success means: one code of the catalogue, the same everywhere.
// Sources: Amazon S3 API reference "Error responses"; S3 user guide "Troubleshoot access denied
// (403 Forbidden) errors". Pure; any thread.
#ifndef VESTO_AWS_S3_ERRORS_H_
#define VESTO_AWS_S3_ERRORS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aws/s3_xml.h"
#include "base/error.h"
#include "net/http.h"

namespace vesto {

// What was asked, for texts and hints.
struct S3Call {
  std::string_view action;  // the right it needs: "s3:PutObject"
  std::string_view bucket;
  std::string_view key = {};     // "" for a call on the bucket
  std::string_view region = {};  // that it was signed for
  int64_t now_ms = 0;            // this machine's clock, to tell how wrong it is
};

// `response` with a status other than 2xx, or 2xx with an <Error> body.
Error s3_error(const S3Call& call, const HttpResponse& response);

// The bucket's region as `response` names it, in its body or its header; "" if it does not.
std::string s3_named_region(const HttpResponse& response);

// One key that DeleteObjects did not delete.
Error s3_delete_error(const S3Call& call, const S3DeleteFailure& failure);

}  // namespace vesto

#endif  // VESTO_AWS_S3_ERRORS_H_
