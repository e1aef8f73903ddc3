// A staging bucket in any form that people paste. Pure; any thread.
// Forms: Amazon S3 user guide, "Methods for accessing a general purpose bucket"; addresses of the
// AWS console.
#ifndef VESTO_CLI_ADD_BUCKET_H_
#define VESTO_CLI_ADD_BUCKET_H_

#include <string>
#include <string_view>

#include "base/result.h"

namespace vesto::cli {

struct PastedBucket {
  std::string bucket;
  std::string prefix;  // "" or ends with "/"
  std::string region;  // "" = the text does not tell it
};

// A name, "name/prefix", s3://name/prefix, an ARN, an address of the console, an https address of
// the bucket. Errors: CFG-VALUE.
Result<PastedBucket> parse_bucket(std::string_view text);

// As it stands in the settings: "vesto/". Errors: CFG-VALUE.
Result<std::string> parse_prefix(std::string_view text);

}  // namespace vesto::cli

#endif  // VESTO_CLI_ADD_BUCKET_H_
