// The XML of S3: what it answers, and the one body that we send. Answers are hostile input: all of
// it is checked, nothing of it reaches a log as a whole (an ExpiredToken body echoes the token).
// Source: Amazon S3 API reference (ListObjectsV2, DeleteObjects, Error responses).
// Pure; any thread.
#ifndef VESTO_AWS_S3_XML_H_
#define VESTO_AWS_S3_XML_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3.h"
#include "base/result.h"

namespace vesto {

// <Error>: the fields that people and programs need. Texts are redacted and cut.
struct S3ErrorBody {
  std::string code = {};     // "NoSuchBucket"
  std::string message = {};  // at most 1,000 bytes
  std::string region = {};   // <Region> of AuthorizationHeaderMalformed
  std::string request_id = {};
};

// Nothing if the text is no <Error> document with a <Code>.
std::optional<S3ErrorBody> parse_s3_error(std::string_view xml);

// <ListBucketResult>. Errors: S3-ANSWER, also for a key that does not begin with `prefix`.
Result<S3ListPage> parse_s3_list(std::string_view xml, std::string_view prefix);

struct S3DeleteFailure {
  std::string key;
  S3ErrorBody error;
};

// <DeleteResult>: the keys that were not deleted. Errors: S3-ANSWER.
Result<std::vector<S3DeleteFailure>> parse_s3_delete_result(std::string_view xml);

// <PolicyStatus>: whether the bucket's policy is public by AWS's own definition. Errors: S3-ANSWER.
Result<bool> parse_s3_policy_status(std::string_view xml);

// <Delete> in quiet mode. Keys must be UTF-8 without control characters (XML cannot carry those).
std::string s3_delete_xml(const std::vector<std::string>& keys);

}  // namespace vesto

#endif  // VESTO_AWS_S3_XML_H_
