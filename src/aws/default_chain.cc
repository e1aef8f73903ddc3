#include "aws/default_chain.h"

#include <fmt/format.h>

#include "aws/chain_providers.h"
#include "aws/default_chain_parts.h"
#include "aws/env_number.h"
#include "aws/json_answer.h"
#include "base/strings.h"

namespace vesto {

namespace {

// Looks anew at each call: files and variables may have changed, and nothing of a former choice
// stands in the way.
class DefaultChain final : public CredentialSource {
 public:
  explicit DefaultChain(ChainContext context) : context_(std::move(context)) {}

  Result<AwsCredentials> get(int64_t min_life_ms, const std::stop_token& stop) override {
    VESTO_ASSIGN(const auto found, choose());
    if (found.source) return found.source->get(min_life_ms, stop);
    VESTO_ASSIGN(const auto instance, instance_provider(context_));
    if (!instance) {
      return none(found.profile, "the EC2 instance (switched off: AWS_EC2_METADATA_DISABLED)");
    }
    Result<AwsCredentials> keys = instance->get(min_life_ms, stop);
    // Every machine is asked for it, so that nobody answers means only that it is no EC2 instance.
    if (keys.ok() || keys.error().code() != ErrorCode::kAwsNoCredentials) return keys;
    return none(found.profile, keys.error().message())
        .with_hint(keys.error().hint())
        .with_upstream(keys.error().upstream());
  }

  [[nodiscard]] std::string describe() const override {
    const Result<Choice> found = choose();
    if (!found.ok()) return "AWS's default chain (" + found.error().message() + ")";
    if (found->source) return found->source->describe();
    const ChainSource instance = instance_provider(context_);
    if (instance.ok() && *instance) return (*instance)->describe();
    return "AWS's default chain (nothing is configured)";
  }

 private:
  struct Choice {
    std::string profile;
    std::unique_ptr<CredentialSource> source;  // null: the instance is left
  };

  // The first provider that is configured.
  [[nodiscard]] Result<Choice> choose() const {
    // A profile that the configuration names is meant, whatever the environment holds.
    const bool by_name = !context_.options.profile.empty();
    Choice choice{profile_name(), nullptr};
    if (!by_name) {
      VESTO_ASSIGN(choice.source, environment_provider(context_));
      if (choice.source) return choice;
    }
    VESTO_ASSIGN(const ProfileFiles files, read_profile_files(context_.options.environment));
    const auto profile = files.find(choice.profile);
    if (!profile && is_named()) return no_profile(choice.profile, files);
    VESTO_ASSIGN(choice.source, role_provider(context_, files, choice.profile));
    if (choice.source) return choice;
    if (!by_name) {
      VESTO_ASSIGN(choice.source,
                   web_identity_environment_provider(context_, profile.value_or(ProfileKeys{})));
      if (choice.source) return choice;
    }
    VESTO_ASSIGN(choice.source, plain_profile_provider(context_, files, choice.profile));
    if (choice.source) return choice;
    // Another identity in the place of the one that the configuration names would be somebody
    // else's.
    if (by_name) return empty_profile(choice.profile, files);
    VESTO_ASSIGN(choice.source, container_provider(context_));
    return choice;
  }

  [[nodiscard]] bool is_named() const {
    return !context_.options.profile.empty() ||
           !env_text(context_.options.environment, "AWS_PROFILE").empty();
  }

  [[nodiscard]] std::string profile_name() const {
    if (!context_.options.profile.empty()) return context_.options.profile;
    const std::string named = env_text(context_.options.environment, "AWS_PROFILE");
    return named.empty() ? "default" : named;
  }

  static Error no_profile(const std::string& profile, const ProfileFiles& files) {
    Error error(ErrorCode::kAwsNoCredentials,
                "there is no profile " + outside_text(profile, 100) + " in " + files.where());
    if (const auto near = nearest(profile, files.names())) {
      error.with_hint("Did you mean " + outside_text(*near, 100) + "?");
    }
    return error;
  }

  static Error empty_profile(const std::string& profile, const ProfileFiles& files) {
    return Error(ErrorCode::kAwsNoCredentials, "the profile " + outside_text(profile, 100) +
                                                   " has no credentials in " + files.where())
        .with_hint(
            "Give it aws_access_key_id and aws_secret_access_key, role_arn, "
            "web_identity_token_file or credential_process; without profile the whole chain of AWS "
            "is asked.");
  }

  [[nodiscard]] Error none(const std::string& profile, const std::string& instance) const {
    std::vector<std::string> looked;
    if (context_.options.profile.empty()) {
      looked = {"the environment (AWS_ACCESS_KEY_ID)",
                "web identity (AWS_WEB_IDENTITY_TOKEN_FILE)"};
    }
    const Result<ProfileFiles> files = read_profile_files(context_.options.environment);
    looked.push_back("the profile " + outside_text(profile, 100) + " in " +
                     (files.ok() ? files->where() : std::string("the profile files")));
    looked.emplace_back("the container (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, ..._FULL_URI)");
    looked.push_back(instance);
    return {ErrorCode::kAwsNoCredentials, "nothing found in: " + join(looked, "; ")};
  }

  const ChainContext context_;
};

}  // namespace

std::unique_ptr<CredentialSource> make_default_chain_with(DefaultChainOptions options, Clock& clock,
                                                          StsFactory make_sts,
                                                          ChildLimits process_limits) {
  return std::make_unique<DefaultChain>(
      ChainContext{std::move(options), clock, std::move(make_sts), process_limits});
}

}  // namespace vesto
