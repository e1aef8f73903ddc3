// Profiles that assume a role: role_arn with source_profile or credential_source.
// Source: AWS SDKs and tools reference guide, "Assume role credential provider".
#include <fmt/format.h>

#include <algorithm>

#include "aws/chain_providers.h"
#include "aws/container_credentials.h"
#include "aws/imds.h"
#include "aws/json_answer.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kMaxRoles = 5;  // in a row
constexpr int64_t kMinDurationS = 900;
constexpr int64_t kMaxDurationS = 43'200;

bool is_role(const ProfileKeys& keys) {
  return keys.count("role_arn") != 0 && keys.count("web_identity_token_file") == 0;
}

// Not empty because a source that cannot be used must be told, not passed over.
ChainSource needed(ChainSource source, const std::string& profile, const std::string& what) {
  if (source.ok() && !*source) return profile_error(profile, what);
  return source;
}

Result<AssumeRoleRequest> request_of(const ChainContext& context, const std::string& profile,
                                     const ProfileKeys& keys) {
  AssumeRoleRequest request;
  request.role_arn = profile_value(keys, "role_arn");
  request.external_id = profile_value(keys, "external_id");
  request.session_name = profile_value(keys, "role_session_name");
  if (request.session_name.empty()) request.session_name = context.options.session_name;
  if (request.role_arn.empty()) return profile_error(profile, "has an empty role_arn");
  if (keys.count("mfa_serial") != 0) {
    return profile_error(profile, "needs a code of a person's device (mfa_serial)")
        .with_hint(
            "Vesto runs without a person: give it a role whose trust policy asks for no "
            "MFA.");
  }
  if (keys.count("duration_seconds") != 0) {
    const auto duration_s = parse_int(profile_value(keys, "duration_seconds"));
    if (!duration_s || *duration_s < kMinDurationS || *duration_s > kMaxDurationS) {
      return profile_error(profile, "has a duration_seconds that is no number of 900 to 43200");
    }
    request.duration_s = *duration_s;
  }
  return request;
}

// Walks from profile to profile; `path_` are those that it came through.
class RoleWalk {
 public:
  RoleWalk(const ChainContext& context, const ProfileFiles& files)
      : context_(context), files_(files) {}

  ChainSource role(const std::string& profile, const ProfileKeys& keys) {
    path_.push_back(profile);
    if (path_.size() > kMaxRoles) {
      return profile_error(path_.front(), fmt::format("goes through more than {} roles: {}",
                                                      kMaxRoles, shown_path()));
    }
    VESTO_ASSIGN(AssumeRoleRequest request, request_of(context_, profile, keys));
    const std::string source_profile = profile_value(keys, "source_profile");
    const std::string credential_source = profile_value(keys, "credential_source");
    if (source_profile.empty() == credential_source.empty()) {
      return profile_error(profile,
                           source_profile.empty()
                               ? "has a role_arn, but no source_profile and no credential_source"
                               : "has both source_profile and credential_source; one is needed");
    }
    const bool by_profile = !source_profile.empty();
    VESTO_ASSIGN(auto base, by_profile ? from_profile(profile, source_profile)
                                       : from_source(profile, credential_source));
    const std::string from = by_profile ? "profile " + outside_text(source_profile, 100)
                                        : outside_text(credential_source, 100);
    return assuming(profile, keys, std::move(request), std::move(base), from);
  }

 private:
  ChainSource assuming(const std::string& profile, const ProfileKeys& keys,
                       AssumeRoleRequest request, std::unique_ptr<CredentialSource> base,
                       const std::string& from) {
    const std::string description =
        fmt::format("the profile {} (role {} from {})", outside_text(profile, 100),
                    outside_text(request.role_arn, 300), from);
    // std::function wants to be copied; the source behind it is one and the same.
    std::shared_ptr<CredentialSource> shared_base = std::move(base);
    const ChainContext& context = context_;
    return make_asking_source(
        description,
        [&context, keys, request = std::move(request), shared_base,
         description](const std::stop_token& stop) -> Result<AwsCredentials> {
          VESTO_ASSIGN(const AwsCredentials as, shared_base->get(0, stop));
          auto assumed = sts_for(context, keys, request.role_arn)->assume_role(request, as, stop);
          if (!assumed.ok()) return std::move(assumed).error().in(description);
          return std::move(assumed).value().credentials;
        });
  }

  ChainSource from_profile(const std::string& profile, const std::string& source) {
    const auto keys = files_.find(source);
    if (!keys) {
      Error error = profile_error(profile, "names the source_profile " + outside_text(source, 100) +
                                               ", which is not in " + files_.where());
      if (const auto near = nearest(source, files_.names())) {
        error.with_hint("Did you mean " + outside_text(*near, 100) + "?");
      }
      return error;
    }
    // Keys of its own win over a role, also where a profile is its own source.
    const bool has_keys = keys->count("aws_access_key_id") != 0;
    if (has_keys || !is_role(*keys)) {
      return needed(
          plain_or_keys(source), source,
          "is the source_profile of " + outside_text(profile, 100) + ", but has no credentials");
    }
    if (std::find(path_.begin(), path_.end(), source) != path_.end()) {
      path_.push_back(source);
      return profile_error(path_.front(), "goes in a circle: " + shown_path());
    }
    return role(source, *keys);
  }

  ChainSource plain_or_keys(const std::string& source) {
    return plain_profile_provider(context_, files_, source);
  }

  ChainSource from_source(const std::string& profile, const std::string& source) {
    const std::string kind = to_lower_ascii(source);
    if (kind == "environment") {
      return needed(environment_provider(context_), profile,
                    "takes its keys from the Environment, but AWS_ACCESS_KEY_ID is not set");
    }
    if (kind == "ecscontainer") {
      return needed(container_provider(context_), profile,
                    "takes its keys from the EcsContainer, but no "
                    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or ..._FULL_URI is set");
    }
    if (kind == "ec2instancemetadata") {
      return needed(instance_provider(context_), profile,
                    "takes its keys from the Ec2InstanceMetadata, but AWS_EC2_METADATA_DISABLED is "
                    "true");
    }
    return profile_error(profile, "has the credential_source " + outside_text(source, 100) +
                                      "; known are Environment, Ec2InstanceMetadata and "
                                      "EcsContainer");
  }

  [[nodiscard]] std::string shown_path() const { return outside_text(join(path_, " -> "), 600); }

  const ChainContext& context_;
  const ProfileFiles& files_;
  std::vector<std::string> path_;
};

}  // namespace

ChainSource role_provider(const ChainContext& context, const ProfileFiles& files,
                          const std::string& profile) {
  const auto keys = files.find(profile);
  if (!keys || !is_role(*keys)) return std::unique_ptr<CredentialSource>();
  return RoleWalk(context, files).role(profile, *keys);
}

}  // namespace vesto
