// ARNs taken apart: "arn:aws:iam::123456789012:role/path/name".
// Source: IAM user guide, "Identify AWS resources with ARNs", "IAM identifiers".
// Plain values, pure; any thread.
#ifndef VESTO_ADDRESS_ARN_H_
#define VESTO_ADDRESS_ARN_H_

#include <optional>
#include <string>
#include <string_view>

#include "address/aws_partition.h"

namespace vesto {

struct Arn {
  std::string partition;  // one of the table in aws_partition.h
  std::string service;    // "iam"
  std::string region;     // "" where the service has none
  std::string account;    // "" or 12 digits
  std::string resource;   // all that is left, colons included: "role/path/name", "dbuser:c/u"
};

// Nothing where the text is no ARN: another partition, no service or resource, an account that is
// not 12 digits, more than 2,048 bytes, blanks or control characters.
std::optional<Arn> parse_arn(std::string_view text);

// "123456789012"
bool is_account_id(std::string_view text);
// Of a role, path or not: what AssumeRole and COPY's IAM_ROLE take.
bool is_role_arn(std::string_view text);

// What is wrong with it as the ARN of a KMS key ("is no ARN of a KMS key"); "" = nothing. An
// alias's is refused: no policy can name one as what it allows. Whatever passes can stand in quotes
// anywhere. Source: KMS developer guide, "Key identifiers", "Controlling access to aliases".
std::string_view kms_key_fault(std::string_view text);

// Of a role's session: "arn:aws:sts::123456789012:assumed-role/acme-sync/session".
bool is_session_arn(std::string_view text);

// The account in an ARN, or "".
std::string account_of_arn(std::string_view arn);
// The partition that the ARN names; "aws" where it names none.
const AwsPartition& partition_of_arn(std::string_view arn);
// "acme-sync" of "arn:aws:iam::123456789012:role/path/acme-sync" and of
// "arn:aws:sts::123456789012:assumed-role/acme-sync/session"; "" if it is neither.
std::string role_name_of_arn(std::string_view arn);
// What a trust policy names for somebody with this ARN: of a session its role, since sessions
// change. A session does not tell the role's path: `known_role`, where it is the same role, does.
// Others as they are.
std::string principal_of_arn(std::string_view arn, std::string_view known_role = "");

}  // namespace vesto

#endif  // VESTO_ADDRESS_ARN_H_
