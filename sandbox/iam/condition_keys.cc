#include "sandbox/iam/condition_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/strings.h"

namespace vesto::sandbox {

namespace {

// Which calls carry a key.
constexpr unsigned kSts = 1;
constexpr unsigned kS3 = 2;
constexpr unsigned kKms = 4;
constexpr unsigned kRedshift = 8;
constexpr unsigned kIam = 16;
constexpr unsigned kEvery = kSts | kS3 | kKms | kRedshift | kIam;

struct SuppliedKey {
  std::string_view name;  // lower case; one that ends in "/" is followed by a tag's name
  unsigned calls;
};

// The list. Those of add_s3_request stand in the two lists below it.
constexpr std::array<SuppliedKey, 36> kSupplied = {{
    {"aws:currenttime", kEvery},
    {"aws:epochtime", kEvery},
    {"aws:principalaccount", kEvery},
    {"aws:principalarn", kEvery},
    {"aws:principalisawsservice", kEvery},
    {"aws:principaltag/", kEvery},
    {"aws:principaltype", kEvery},
    {"aws:requestedregion", kEvery},
    {"aws:resourceaccount", kEvery},
    {"aws:securetransport", kEvery},
    {"aws:sourceidentity", kEvery},
    {"aws:sourceip", kEvery},
    {"aws:tokenissuetime", kEvery},
    {"aws:useragent", kEvery},
    {"aws:userid", kEvery},
    {"aws:username", kEvery},
    {"aws:viaawsservice", kEvery},
    // Of a Google session; those of other issuers end like them.
    {"accounts.google.com:aud", kEvery},
    {"accounts.google.com:oaud", kEvery},
    {"accounts.google.com:sub", kEvery},
    {"aws:federatedprovider", kSts},
    {"aws:requesttag/", kSts},
    {"aws:tagkeys", kSts},
    {"sts:externalid", kSts},
    {"sts:rolesessionname", kSts},
    {"sts:sourceidentity", kSts},
    {"sts:transitivetagkeys", kSts},
    {"s3:authtype", kS3},
    {"s3:resourceaccount", kS3},
    {"s3:signatureversion", kS3},
    {"redshift:dbname", kRedshift},
    {"redshift:dbuser", kRedshift},
    {"redshift:durationseconds", kRedshift},
    {"iam:policyarn", kIam},
    {"kms:calleraccount", kKms},
    {"kms:viaservice", kKms},
}};

// "s3:" and the name of a parameter, or of a header.
constexpr std::array<std::string_view, 3> kS3Parameters = {"delimiter", "max-keys", "prefix"};
constexpr std::array<std::string_view, 17> kS3Headers = {
    "if-match",
    "if-none-match",
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-metadata-directive",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-website-redirect-location"};

// Of which calls a policy is asked.
unsigned calls_of(PolicyKind kind) {
  switch (kind) {
    case PolicyKind::kResource:
      return kS3;
    case PolicyKind::kKey:
      return kKms;
    case PolicyKind::kTrust:
      return kSts;
    default:
      return kEvery;
  }
}

bool is_key(const SuppliedKey& one, std::string_view key) {
  if (!one.name.ends_with("/")) return key == one.name;
  return key.size() > one.name.size() && key.starts_with(one.name);
}

// "issuer.example/path:sub": oidc_context supplies these two.
bool is_issuer_key(std::string_view key) {
  const size_t colon = key.rfind(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view host = key.substr(0, std::min(key.find('/'), colon));
  const std::string_view claim = key.substr(colon + 1);
  return host != "accounts.google.com" && host.find('.') != std::string_view::npos &&
         (claim == "aud" || claim == "sub");
}

bool is_s3_request_key(std::string_view key) {
  constexpr std::string_view kPrefix = "s3:";
  if (!key.starts_with(kPrefix)) return false;
  key.remove_prefix(kPrefix.size());
  return std::find(kS3Parameters.begin(), kS3Parameters.end(), key) != kS3Parameters.end() ||
         std::find(kS3Headers.begin(), kS3Headers.end(), key) != kS3Headers.end();
}

template <typename Names>
void add_named(const Names& names, const std::map<std::string, std::string>& given,
               RequestContext& context) {
  for (const std::string_view name : names) {
    const auto found = given.find(std::string(name));
    if (found != given.end()) context.set("s3:" + found->first, found->second);
  }
}

// The first ${key} of a text whose key is not supplied; "" if there is none. ${*}, ${?} and ${$}
// are the characters themselves, and a default may follow the key: ${key, 'none'}.
std::string unsupplied_variable(std::string_view text, PolicyKind kind) {
  for (size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at + 2)) {
    const size_t end = text.find('}', at);
    if (end == std::string_view::npos) break;
    const std::string_view inside = text.substr(at + 2, end - at - 2);
    const std::string key = to_lower_ascii(trim(inside.substr(0, inside.find(','))));
    if (key.find(':') != std::string::npos && !is_supplied(key, kind)) return key;
  }
  return "";
}

// The key that a statement asks for in vain, or "".
std::string unsupplied_key(const PolicyStatement& statement, bool variables, PolicyKind kind) {
  std::vector<std::string> texts = variables ? statement.resources : std::vector<std::string>();
  for (const ConditionTest& test : statement.conditions) {
    if (!is_supplied(test.key, kind)) return test.key;
    if (variables) texts.insert(texts.end(), test.values.begin(), test.values.end());
  }
  for (const std::string& text : texts) {
    std::string key = unsupplied_variable(text, kind);
    if (!key.empty()) return key;
  }
  return "";
}

const char* truth(bool value) { return value ? "true" : "false"; }

}  // namespace

RequestContext origin_context(const CallOrigin& origin) {
  RequestContext context;
  if (!origin.source_ip.empty()) context.set("aws:SourceIp", origin.source_ip);
  context.set("aws:SecureTransport", truth(origin.secure_transport));
  if (!origin.region.empty()) context.set("aws:RequestedRegion", origin.region);
  if (!origin.user_agent.empty()) context.set("aws:UserAgent", origin.user_agent);
  context.set("aws:ViaAWSService", truth(origin.via_aws_service));
  return context;
}

void add_s3_request(bool presigned, const std::map<std::string, std::string>& parameters,
                    const std::map<std::string, std::string>& headers, RequestContext& context) {
  context.set("s3:signatureversion", "AWS4-HMAC-SHA256");
  context.set("s3:authType", presigned ? "REST-QUERY-STRING" : "REST-HEADER");
  // A presigned request need not say that its body is not signed.
  if (presigned) context.set("s3:x-amz-content-sha256", "UNSIGNED-PAYLOAD");
  add_named(kS3Parameters, parameters, context);
  add_named(kS3Headers, headers, context);
}

bool is_supplied(std::string_view key, PolicyKind kind) {
  const unsigned calls = calls_of(kind);
  const auto fits = [&](const SuppliedKey& one) {
    return (one.calls & calls) != 0 && is_key(one, key);
  };
  return std::any_of(kSupplied.begin(), kSupplied.end(), fits) ||
         ((calls & kS3) != 0 && is_s3_request_key(key)) || is_issuer_key(key);
}

Result<IamPolicy, PolicyError> parse_working_policy(std::string_view json, PolicyKind kind) {
  auto policy = parse_policy(json, kind);
  if (!policy.ok()) return policy;
  for (size_t i = 0; i < policy->statements.size(); ++i) {
    const std::string key = unsupplied_key(policy->statements[i], policy->variables, kind);
    if (key.empty()) continue;
    return PolicyError{.text = fmt::format("The sandbox never supplies the condition key {} to a "
                                           "policy of this kind.",
                                           key),
                       .detail = fmt::format("statement {}", i + 1)};
  }
  return policy;
}

}  // namespace vesto::sandbox
