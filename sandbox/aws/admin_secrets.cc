#include "sandbox/aws/admin_secrets.h"

#include "base/ids.h"
#include "sandbox/aws/warehouse_parameters.h"

namespace vesto::sandbox {

namespace {

// Fits Redshift's rule: upper, lower, digit.
std::string make_password() { return "A1a" + random_alphanumeric(29); }

std::string arn_prefix(const ApiCall& call) {
  return "arn:aws:secretsmanager:" + call.region + ":" + call.key->principal.account + ":secret:";
}

}  // namespace

ApiResult<std::string> AdminSecrets::make(const ApiCall& call, const std::string& name,
                                          const std::string& user) {
  const auto denial = iam_.authorize(*call.key, "secretsmanager:CreateSecret",
                                     arn_prefix(call) + name + "-*", origin_context(call.origin));
  if (denial) {
    if (call.is_json()) return IamError{400, "AccessDeniedException", denial->text};
    return IamError{403, "DependentServiceAccessDenied", denial->text};
  }
  std::string arn = arn_prefix(call) + name + "-" + random_alphanumeric(6);
  const Lock lock(mutex_);
  kept_[arn] = {.name = name, .user = user, .password = make_password(), .created_ms = call.now_ms};
  return arn;
}

std::string AdminSecrets::password_of(const std::string& arn) {
  const Lock lock(mutex_);
  const auto found = kept_.find(arn);
  return found == kept_.end() ? "" : found->second.password;
}

void AdminSecrets::forget(const std::string& arn) {
  const Lock lock(mutex_);
  kept_.erase(arn);
}

std::vector<std::string> AdminSecrets::passwords() {
  const Lock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [arn, one] : kept_) out.push_back(one.password);
  return out;
}

ApiResult<ApiAnswer> AdminSecrets::serve(const ApiCall& call) {
  if (call.operation != "GetSecretValue") return IamError{400, "UnknownOperationException", ""};
  VESTO_TRY(check_parameters(call, "SecretId VersionStage"));
  VESTO_ASSIGN(const std::string id, required_text(call, "SecretId"));
  VESTO_ASSIGN(const std::string stage, text_parameter(call, "VersionStage"));
  const std::string prefix = arn_prefix(call);
  const auto judged = [&](const std::string& arn) -> ApiResult<Unit> {
    const auto denial = iam_.authorize(*call.key, "secretsmanager:GetSecretValue", arn,
                                       origin_context(call.origin));
    if (!denial) return Unit{};
    return IamError{400, "AccessDeniedException", denial->text};
  };
  std::string arn = id;
  Kept found;
  {
    const Lock lock(mutex_);
    for (const auto& [one_arn, one] : kept_) {
      if ((one_arn != id && one.name != id) || !one_arn.starts_with(prefix)) continue;
      arn = one_arn;
      found = one;
    }
  }
  // Whoever may not ask does not learn whether it is there.
  VESTO_TRY(judged(arn.starts_with("arn:") ? arn : prefix + arn));
  if (found.password.empty() || (call.has("VersionStage") && stage != "AWSCURRENT")) {
    return IamError{400, "ResourceNotFoundException",
                    "Secrets Manager can't find the specified secret."};
  }
  const nlohmann::json secret = {{"password", found.password}, {"username", found.user}};
  return json_answer(call, {{"ARN", arn},
                            {"Name", found.name},
                            {"VersionId", uuid_from(arn)},
                            {"SecretString", secret.dump()},
                            {"VersionStages", {"AWSCURRENT"}},
                            {"CreatedDate", static_cast<double>(found.created_ms) / 1000.0}});
}

}  // namespace vesto::sandbox
