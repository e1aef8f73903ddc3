#include "check/pod_facts.h"

#include <cstdlib>
#include <cstring>

#include "address/arn.h"
#include "aws/google_token.h"
#include "aws/small_file.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kMaxTokenBytes = 64 << 10;  // a token of EKS has about 1 KiB

// Of what an issuer and a pod's name are made; anything else does not go into a policy.
bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= 512 &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "-._/:") == std::string_view::npos;
}

}  // namespace

void add_pod_facts(const AuthConfig& auth, KitFacts* facts) {
  if (auth.identity != "aws" || !auth.profile.empty()) return;
  const char* path = std::getenv("AWS_WEB_IDENTITY_TOKEN_FILE");  // NOLINT: read only
  if (path == nullptr) return;
  auto file = read_small_file(path, kMaxTokenBytes, ErrorCode::kAwsProfile);
  if (!file.ok() || !file->there) return;
  const auto claims = parse_token_claims(Secret(std::string(trim(file->text))));
  explicit_bzero(file->text.data(), file->text.size());
  if (!claims.ok()) return;
  const std::string_view issuer = claims->issuer;
  constexpr std::string_view kScheme = "https://";
  const bool plain = issuer.starts_with(kScheme) && is_plain(issuer.substr(kScheme.size()));
  if (!plain || !is_plain(claims->subject)) return;
  facts->pod_issuer = issuer.substr(kScheme.size());
  facts->pod_subject = claims->subject;
  const char* role = std::getenv("AWS_ROLE_ARN");  // NOLINT: read only
  if (role != nullptr && is_role_arn(role)) facts->pod_role_arn = role;
}

bool asks_as_pod(const std::string& asker, const KitFacts& facts) {
  return !facts.pod_role_arn.empty() &&
         asker.starts_with("web identity (role " + facts.pod_role_arn + ",");
}

}  // namespace vesto
