// What trust policies are asked by: parts of JMESPath, which awscli takes as --query, for a text of
// sh within '...'. Sources: AWS CLI user guide, "Filtering output"; jmespath.org, specification.
// Pure; any thread.
#ifndef VESTO_KIT_TRUST_QUERY_H_
#define VESTO_KIT_TRUST_QUERY_H_

#include <string>
#include <string_view>

namespace vesto::kit {

// The statements of a role's trust policy, one or many.
inline constexpr const char* kAll = "to_array(Role.AssumeRolePolicyDocument.Statement)";

// JSON as a literal, and a text.
std::string literal(const std::string& json);
std::string text_literal(std::string_view text);

// The statements of a policy without their brackets, as one line.
std::string statements_of(const std::string& policy);

}  // namespace vesto::kit

#endif  // VESTO_KIT_TRUST_QUERY_H_
