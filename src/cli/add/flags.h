// The flags of `destination add`, in one table: it drives the command line, the questions and what
// is said of a missing one. Constant; any thread.
#ifndef VESTO_CLI_ADD_FLAGS_H_
#define VESTO_CLI_ADD_FLAGS_H_

#include <string_view>
#include <vector>

namespace vesto::cli {

// In the place of an endpoint or the id of an access key: the kit makes one, and a draft is kept.
inline constexpr std::string_view kNoneYet = "none";

// How a value is understood.
enum class AddValue {
  kEndpoint,
  kKind,
  kDatabase,
  kRegion,
  kWarehouse,
  kAccount,
  kHost,
  kText,
  kPort,
  kFingerprint,
  kKeyId,
  kRole,
  kRoleOrDefault,
  kIdentity,
  kCopy,
  kBucket,
  kPrefix,
  kKmsKey,
  kSchema,
  kYesNo,
  kSealed,  // the name of a sealed secret
  kVariable,
  kFile,
};

struct AddFlag {
  std::string_view name;     // "role-arn"
  std::string_view setting;  // below the destination: "auth.role_arn"
  AddValue value;
  std::string_view type;  // what stands in the help: "ARN"
  std::string_view about;
};

// In the order in which they are taken: the endpoint first, what corrects it behind it.
const std::vector<AddFlag>& add_flags();
// nullptr: there is none.
const AddFlag* find_add_flag(std::string_view name);

}  // namespace vesto::cli

#endif  // VESTO_CLI_ADD_FLAGS_H_
