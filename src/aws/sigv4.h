// AWS Signature Version 4 for requests that carry it in the Authorization header.
//
//   SigV4Request request{.method = "GET", .path = "/a%20b", .query = {{"list-type", "2"}},
//                        .headers = {{"host", host}, {"x-amz-date", date}}, .payload_hash = hash};
//   headers.emplace_back("Authorization", sigv4_authorization(request, key));
//
// Source: "Create a signed AWS API request" (IAM user guide) and "Authenticating requests:
// using the Authorization header" (Amazon S3 API reference). Pure; any thread.
#ifndef VESTO_AWS_SIGV4_H_
#define VESTO_AWS_SIGV4_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/redact.h"

namespace vesto {

using NameValues = std::vector<std::pair<std::string, std::string>>;

struct SigV4Key {
  std::string access_key_id;
  Secret secret_access_key;
  std::string region;   // "eu-west-1"
  std::string service;  // "s3", "sts", "redshift"
};

struct SigV4Request {
  std::string method;
  std::string path = "/";    // as it travels: already encoded (S3: once, not normalised)
  NameValues query = {};     // decoded; a name without a value has ""
  NameValues headers;        // all of them are signed; "host" and "x-amz-date" must be there
  std::string payload_hash;  // 64 hexadecimal digits, or one of S3's markers
};

// "20130524T000000Z".
std::string amz_date(int64_t wall_ms);

// Encoded, sorted, joined by "&": what stands behind "?" in the URL and what is signed.
std::string canonical_query(const NameValues& query);

// The canonical request of step 1, for tests and for looking at a signature mismatch.
std::string canonical_request(const SigV4Request& request);

// The value of the Authorization header.
std::string sigv4_authorization(const SigV4Request& request, const SigV4Key& key);

}  // namespace vesto

#endif  // VESTO_AWS_SIGV4_H_
