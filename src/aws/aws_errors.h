// What an answer of STS, Redshift or Redshift Serverless that is no success means: one code of the
// catalogue, the same everywhere.
// Sources: the error lists of the API references; IAM user guide "Troubleshoot access denied error
// messages" and "Troubleshoot Signature Version 4 requests".
// Pure; any thread.
#ifndef VESTO_AWS_AWS_ERRORS_H_
#define VESTO_AWS_AWS_ERRORS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aws/aws_answer.h"
#include "aws/endpoints.h"
#include "base/error.h"

namespace vesto {

// What was asked, for texts and hints. Nothing of it is secret.
struct AwsCall {
  AwsService service = AwsService::kSts;
  std::string action = {};  // as policies name it: "sts:AssumeRole"
  std::string who = {};     // the access key's id, or "" (web identity)
  std::string what = {};    // the role's ARN, the cluster, the workgroup
  std::string region = {};
  std::string external_id = {};  // that was sent to AssumeRole
  std::string db_user = {};      // for the ARN to allow
  std::string database = {};     // for the ARN to allow
  std::string host = {};         // of the warehouse, where it is known
  std::string account = {};      // of the warehouse, where it is known
  int64_t now_ms = 0;            // this machine's clock, to tell how wrong it is
};

// An AccessDenied text taken apart. Parts that the text does not have are "".
struct DeniedText {
  std::string who;       // arn:aws:sts::123456789012:assumed-role/name/session
  std::string action;    // redshift:GetClusterCredentials
  std::string resource;  // the ARN
  std::string why;       // "because no identity-based policy allows ..."
};
std::optional<DeniedText> parse_denied_text(std::string_view message);

// Which kind of policy refuses, in AWS's own words ("resource-based policy", "service control
// policy"), and whether by a Deny of its own; else it allows too little. `kind` is "" where the
// text does not say it, as from one account to another.
struct Refusal {
  std::string kind = {};
  bool denies = false;
};
Refusal refusal_in(std::string_view message);
// No Allow that is given to who asks, or in the trust policy of a role, can mend it.
bool is_beyond_an_allow(const Refusal& refusal);

// `response` with a status other than 2xx.
Error aws_error(const AwsCall& call, const HttpResponse& response);

// Whether the same request may succeed a moment later.
bool is_passing_fault(const Error& error);

}  // namespace vesto

#endif  // VESTO_AWS_AWS_ERRORS_H_
