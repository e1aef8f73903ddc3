// The providers of the default chain, one function each. Every one gives a source where it is
// configured and nullptr where it is not; what it gives lives no longer than `context`.
// Errors: AWS-PROFILE for a configuration that cannot be used. One thread at a time.
#ifndef VESTO_AWS_CHAIN_PROVIDERS_H_
#define VESTO_AWS_CHAIN_PROVIDERS_H_

#include <memory>
#include <string>

#include "aws/default_chain_parts.h"
#include "aws/profile_files.h"

namespace vesto {

using ChainSource = Result<std::unique_ptr<CredentialSource>>;
using FetchKeys = std::function<Result<AwsCredentials>(const std::stop_token&)>;

// A source that asks `fetch` at each call.
std::unique_ptr<CredentialSource> make_asking_source(std::string description, FetchKeys fetch);

ChainSource environment_provider(const ChainContext& context);
ChainSource web_identity_environment_provider(const ChainContext& context,
                                              const ProfileKeys& profile);
ChainSource container_provider(const ChainContext& context);
// Always there, unless it is switched off.
ChainSource instance_provider(const ChainContext& context);

// Keys in the profile itself; `origin` is the file they stand in.
ChainSource static_profile_provider(const std::string& profile, const ProfileKeys& keys,
                                    const std::string& origin);
ChainSource web_identity_profile_provider(const ChainContext& context, const std::string& profile,
                                          const ProfileKeys& keys);
ChainSource process_provider(const ChainContext& context, const std::string& profile,
                             const ProfileKeys& keys);
// SSO is not spoken: an AWS-PROFILE that says what to do, or nothing.
Status refuse_sso(const std::string& profile, const ProfileKeys& keys);

// role_arn with source_profile or credential_source, up to 5 roles in a row.
ChainSource role_provider(const ChainContext& context, const ProfileFiles& files,
                          const std::string& profile);

// All that a profile can be but a role: web identity, SSO, keys, a process.
ChainSource plain_profile_provider(const ChainContext& context, const ProfileFiles& files,
                                   const std::string& profile);

// The STS client for the profile's region. `role_arn` tells the partition where no region is set.
std::unique_ptr<Sts> sts_for(const ChainContext& context, const ProfileKeys& profile,
                             const std::string& role_arn);

// The value of `name`, or "".
std::string profile_value(const ProfileKeys& keys, const std::string& name);

// AWS-PROFILE: "the profile etl ...".
Error profile_error(const std::string& profile, const std::string& what);

}  // namespace vesto

#endif  // VESTO_AWS_CHAIN_PROVIDERS_H_
