#include "aws/chain_providers.h"

#include <fmt/format.h>

#include <array>

#include "address/arn.h"
#include "aws/container_credentials.h"
#include "aws/credential_process.h"
#include "aws/env_number.h"
#include "aws/imds.h"
#include "aws/json_answer.h"
#include "aws/keys_json.h"
#include "aws/small_file.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kMaxTokenBytes = 20'000;

class AskingSource final : public CredentialSource {
 public:
  AskingSource(std::string description, FetchKeys fetch)
      : description_(std::move(description)), fetch_(std::move(fetch)) {}

  Result<AwsCredentials> get(int64_t /*min_life_ms*/, const std::stop_token& stop) override {
    if (stop.stop_requested()) {
      return Error(ErrorCode::kRunInterrupted, "no AWS credentials were asked for: stopped");
    }
    return fetch_(stop);
  }
  [[nodiscard]] std::string describe() const override { return description_; }

 private:
  const std::string description_;
  const FetchKeys fetch_;
};

std::unique_ptr<CredentialSource> nothing() { return nullptr; }

std::unique_ptr<CredentialSource> fixed(std::string description, AwsCredentials keys) {
  return make_asking_source(
      std::move(description),
      [keys = std::move(keys)](const std::stop_token&) -> Result<AwsCredentials> { return keys; });
}

struct WebIdentity {
  std::string token_file;
  std::string role_arn;
  std::string session_name;
  std::string description;
};

// The token's text; any issuer's, so it is not looked into.
Result<Secret> read_token(const std::string& path) {
  VESTO_ASSIGN(SmallFile file, read_small_file(path, kMaxTokenBytes, ErrorCode::kCfgSecretMissing));
  const std::string shown = outside_text(path, 300);
  if (!file.there) {
    return Error(ErrorCode::kCfgSecretMissing, "there is no web identity token file " + shown);
  }
  Secret token{std::string(trim(file.text))};
  for (const char c : token.reveal()) {
    if (c > ' ' && c < '\x7f') continue;
    return Error(ErrorCode::kCfgSecretMissing,
                 "the web identity token file " + shown + " holds something else than a token");
  }
  if (token.empty()) {
    return Error(ErrorCode::kCfgSecretMissing,
                 "the web identity token file " + shown + " is empty");
  }
  return token;
}

std::unique_ptr<CredentialSource> web_identity(const ChainContext& context, WebIdentity identity,
                                               ProfileKeys profile) {
  const std::string description = identity.description;
  return make_asking_source(
      description,
      [&context, identity = std::move(identity),
       profile = std::move(profile)](const std::stop_token& stop) -> Result<AwsCredentials> {
        VESTO_ASSIGN(const Secret token, read_token(identity.token_file));
        AssumeRoleRequest request{.role_arn = identity.role_arn};
        request.session_name =
            identity.session_name.empty() ? context.options.session_name : identity.session_name;
        auto assumed = sts_for(context, profile, identity.role_arn)
                           ->assume_role_with_web_identity(request, token, stop);
        if (!assumed.ok()) return std::move(assumed).error().in(identity.description);
        return std::move(assumed).value().credentials;
      });
}

}  // namespace

std::unique_ptr<CredentialSource> make_asking_source(std::string description, FetchKeys fetch) {
  return std::make_unique<AskingSource>(std::move(description), std::move(fetch));
}

std::string profile_value(const ProfileKeys& keys, const std::string& name) {
  const auto found = keys.find(name);
  return found == keys.end() ? std::string() : found->second;
}

Error profile_error(const std::string& profile, const std::string& what) {
  return {ErrorCode::kAwsProfile, "the profile " + outside_text(profile, 100) + " " + what};
}

std::unique_ptr<Sts> sts_for(const ChainContext& context, const ProfileKeys& profile,
                             const std::string& role_arn) {
  const Environment& environment = context.options.environment;
  std::string region = context.options.region;
  if (region.empty()) region = env_text(environment, "AWS_REGION");
  if (region.empty()) region = env_text(environment, "AWS_DEFAULT_REGION");
  if (region.empty()) region = profile_value(profile, "region");
  if (region.empty()) region = std::string(partition_of_arn(role_arn).default_region);
  return context.make_sts({.region = region, .endpoint = context.options.sts_endpoint});
}

ChainSource environment_provider(const ChainContext& context) {
  const Environment& environment = context.options.environment;
  AwsCredentials keys;
  keys.access_key_id = env_text(environment, "AWS_ACCESS_KEY_ID");
  if (keys.access_key_id.empty()) return nothing();
  keys.secret_access_key = Secret(env_text(environment, "AWS_SECRET_ACCESS_KEY"));
  keys.session_token = Secret(env_text(environment, "AWS_SESSION_TOKEN"));
  if (keys.secret_access_key.empty()) {
    return Error(ErrorCode::kAwsNoCredentials,
                 "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not")
        .with_hint("Set both, or neither.");
  }
  if (!are_usable(keys)) {
    return Error(ErrorCode::kAwsNoCredentials,
                 "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_SESSION_TOKEN holds "
                 "characters that keys cannot have")
        .with_hint("Set them again, without quotes, blanks and line ends.");
  }
  return fixed("the environment (AWS_ACCESS_KEY_ID)", std::move(keys));
}

ChainSource static_profile_provider(const std::string& profile, const ProfileKeys& keys,
                                    const std::string& origin) {
  AwsCredentials found;
  found.access_key_id = profile_value(keys, "aws_access_key_id");
  if (found.access_key_id.empty()) return nothing();
  found.secret_access_key = Secret(profile_value(keys, "aws_secret_access_key"));
  found.session_token = Secret(profile_value(keys, "aws_session_token"));
  if (found.secret_access_key.empty()) {
    return profile_error(profile, "has an aws_access_key_id without an aws_secret_access_key");
  }
  if (!are_usable(found)) {
    return profile_error(profile, "has keys with characters in them that keys cannot have")
        .with_hint("A comment behind a value is part of the value: put it on a line of its own.");
  }
  return fixed(fmt::format("the profile {} (keys in {})", outside_text(profile, 100),
                           outside_text(origin, 300)),
               std::move(found));
}

ChainSource web_identity_environment_provider(const ChainContext& context,
                                              const ProfileKeys& profile) {
  const Environment& environment = context.options.environment;
  WebIdentity identity{.token_file = env_text(environment, "AWS_WEB_IDENTITY_TOKEN_FILE"),
                       .role_arn = env_text(environment, "AWS_ROLE_ARN"),
                       .session_name = env_text(environment, "AWS_ROLE_SESSION_NAME"),
                       .description = {}};
  if (identity.token_file.empty()) return nothing();
  if (identity.role_arn.empty()) identity.role_arn = profile_value(profile, "role_arn");
  if (identity.role_arn.empty()) {
    return Error(ErrorCode::kAwsNoCredentials,
                 "AWS_WEB_IDENTITY_TOKEN_FILE is set, AWS_ROLE_ARN is not")
        .with_hint("Set AWS_ROLE_ARN to the role that the token is for.");
  }
  identity.description =
      fmt::format("web identity (role {}, token in {})", outside_text(identity.role_arn, 300),
                  outside_text(identity.token_file, 300));
  return web_identity(context, std::move(identity), profile);
}

ChainSource web_identity_profile_provider(const ChainContext& context, const std::string& profile,
                                          const ProfileKeys& keys) {
  WebIdentity identity{.token_file = profile_value(keys, "web_identity_token_file"),
                       .role_arn = profile_value(keys, "role_arn"),
                       .session_name = profile_value(keys, "role_session_name"),
                       .description = {}};
  if (identity.token_file.empty()) return nothing();
  if (identity.role_arn.empty()) {
    return profile_error(profile, "has a web_identity_token_file, but no role_arn");
  }
  identity.description =
      fmt::format("the profile {} (role {}, token in {})", outside_text(profile, 100),
                  outside_text(identity.role_arn, 300), outside_text(identity.token_file, 300));
  return web_identity(context, std::move(identity), keys);
}

Status refuse_sso(const std::string& profile, const ProfileKeys& keys) {
  for (const char* name : {"sso_account_id", "sso_role_name"}) {
    if (keys.count(name) == 0) continue;
    return profile_error(profile, std::string("logs in by IAM Identity Center (") + name +
                                      "), which Vesto does not speak")
        .with_hint(fmt::format(
            "Make a profile with credential_process = aws configure export-credentials --profile "
            "{} --format process, and name that one.",
            outside_text(profile, 100)));
  }
  return ok_status();
}

ChainSource process_provider(const ChainContext& context, const std::string& profile,
                             const ProfileKeys& keys) {
  const std::string command = profile_value(keys, "credential_process");
  if (command.empty()) return nothing();
  return make_asking_source(
      fmt::format("the profile {} (credential_process)", outside_text(profile, 100)),
      [&context, command, profile](const std::stop_token& stop) {
        return run_credential_process(command, profile, context.clock.wall_ms(),
                                      context.process_limits, stop);
      });
}

ChainSource container_provider(const ChainContext& context) {
  if (!has_container_credentials(context.options.environment)) return nothing();
  return make_asking_source(
      "the container's role (ECS or EKS Pod Identity)", [&context](const std::stop_token& stop) {
        const auto http = context.options.make_http(container_http_options());
        return get_container_credentials(context.options.environment, context.clock, *http, stop);
      });
}

ChainSource instance_provider(const ChainContext& context) {
  const Environment& environment = context.options.environment;
  if (env_is_true(environment, "AWS_EC2_METADATA_DISABLED")) return nothing();
  return make_asking_source(
      "the instance's role (EC2 metadata)", [&context](const std::stop_token& stop) {
        const Environment& values = context.options.environment;
        const auto http = context.options.make_http(imds_http_options(values));
        return get_instance_credentials(values, context.clock, *http, stop);
      });
}

ChainSource plain_profile_provider(const ChainContext& context, const ProfileFiles& files,
                                   const std::string& profile) {
  const ProfileKeys keys = files.find(profile).value_or(ProfileKeys{});
  VESTO_ASSIGN(auto source, web_identity_profile_provider(context, profile, keys));
  if (source) return source;
  VESTO_TRY(refuse_sso(profile, keys));
  const auto in_credentials = files.credentials.find(profile);
  if (in_credentials != files.credentials.end()) {
    VESTO_ASSIGN(source,
                 static_profile_provider(profile, in_credentials->second, files.credentials_path));
    if (source) return source;
  }
  VESTO_ASSIGN(source, process_provider(context, profile, keys));
  if (source) return source;
  const auto in_config = files.config.find(profile);
  if (in_config == files.config.end()) return nothing();
  return static_profile_provider(profile, in_config->second, files.config_path);
}

}  // namespace vesto
