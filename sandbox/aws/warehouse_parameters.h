// Parameters of the calls that make and change warehouses, as Redshift (a form) and Redshift
// Serverless (a JSON document) check them, and their errors.
// Sources: Amazon Redshift API reference (2012-12-01: CreateCluster, ModifyCluster), Redshift
// Serverless API reference (2021-04-21), management guide (ports, node types, passwords). Texts
// that no source has are marked in docs/sandbox.md. Pure; any thread.
#ifndef VESTO_SANDBOX_AWS_WAREHOUSE_PARAMETERS_H_
#define VESTO_SANDBOX_AWS_WAREHOUSE_PARAMETERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/aws/api_answers.h"

namespace vesto::sandbox {

// InvalidParameterValue of Redshift, ValidationException of Serverless.
IamError invalid_parameter(const ApiCall& call, std::string text);
IamError cluster_not_found(const std::string& id);  // 404

// Letters, digits and _ + . @ -, a letter first, 64 at most; no reserved word.
bool is_database_name(std::string_view name);
// The same without PUBLIC, which is everybody.
bool is_user_name(std::string_view name);

// Refuses what is not listed, with blanks between; "Tags." stands for all that begin so. The rest
// of the document has the kinds that the other functions expect, or is refused by them.
ApiResult<Unit> check_parameters(const ApiCall& call, std::string_view listed);
// A text; "" if it is not given. Errors: it is something else.
ApiResult<std::string> text_parameter(const ApiCall& call, std::string_view name);
ApiResult<std::string> required_text(const ApiCall& call, std::string_view name);
ApiResult<bool> flag_parameter(const ApiCall& call, std::string_view name, bool otherwise);
// Nothing: it is not given.
ApiResult<std::optional<int64_t>> number_parameter(const ApiCall& call, std::string_view name);
// `member`: as the form numbers them ("IamRoleArn"). At most `most`.
ApiResult<std::vector<std::string>> list_parameter(const ApiCall& call, std::string_view name,
                                                   std::string_view member, size_t most);

// 5431 to 5455 and 8191 to 8215; 5439 if it is not given.
ApiResult<int64_t> port_parameter(const ApiCall& call, std::string_view name);
// Nothing: good. 8 to 64 printable characters but / @ " ' \ and the blank, with an upper-case and a
// lower-case letter and a digit.
ApiResult<Unit> check_admin_password(const ApiCall& call, std::string_view name,
                                     std::string_view password);
// Names of workgroups and namespaces: 3 to 64 of a-z, 0-9 and -.
ApiResult<std::string> serverless_name(const ApiCall& call, std::string_view name);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_WAREHOUSE_PARAMETERS_H_
