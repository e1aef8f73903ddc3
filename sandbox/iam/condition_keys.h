// The condition keys that this sandbox knows a value for: one list, and the code that supplies them
// for what came in over the wire. (What follows from the caller and the clock is in iam.cc, what an
// operation of STS or Redshift asks for is beside that operation.) A policy that tests any other
// key is refused when it is set: its condition could never work, and a test would believe in it.
// Source: IAM User Guide, "AWS global condition context keys"; Service Authorization Reference of
// S3, STS, KMS and Redshift.
//
// Pure functions; any thread.
#ifndef VESTO_SANDBOX_IAM_CONDITION_KEYS_H_
#define VESTO_SANDBOX_IAM_CONDITION_KEYS_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sandbox/iam/condition.h"
#include "sandbox/iam/policy.h"

namespace vesto::sandbox {

// How a call came in.
struct CallOrigin {
  std::string source_ip = {};
  bool secure_transport = false;
  std::string region = {};
  std::string user_agent = {};   // "": the request named none, and the key is missing
  bool via_aws_service = false;  // a service passes on what its caller asked for
};

// aws:SourceIp, aws:SecureTransport, aws:RequestedRegion, aws:UserAgent, aws:ViaAWSService.
RequestContext origin_context(const CallOrigin& origin);

// What S3 adds: s3:signatureversion, s3:authType, the parameters of a listing and the headers that
// policies may ask about. `parameters`: of the query, decoded; `headers`: names in lower case.
void add_s3_request(bool presigned, const std::map<std::string, std::string>& parameters,
                    const std::map<std::string, std::string>& headers, RequestContext& context);

// Whether a policy of this kind can ever see a value of `key` (in lower case). A bucket's policy
// never sees what only STS knows, and so on.
[[nodiscard]] bool is_supplied(std::string_view key, PolicyKind kind);

// parse_policy, and refused besides: a condition on a key that is not supplied, or a ${variable} of
// it. The text names it.
Result<IamPolicy, PolicyError> parse_working_policy(std::string_view json, PolicyKind kind);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_IAM_CONDITION_KEYS_H_
