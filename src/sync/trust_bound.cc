#include "sync/trust_bound.h"

#include <fmt/format.h>

namespace vesto {

namespace {

constexpr const char* kNobody = "vesto-trust-test";

// Names that are not ours: one of nobody, two like ours (a pattern may take some and not others),
// and those of other destinations.
std::vector<std::string> foreign(const std::string& own, const std::vector<std::string>& others) {
  std::vector<std::string> out = {kNobody, own + "-trust-test", "trust-test-" + own};
  for (const std::string& other : others) {
    if (other != own && out.size() < kMaxForeignNames) out.push_back(other);
  }
  return out;
}

// Whether to go on asking.
bool judge(const Result<AssumedRole>& role, const std::string& with, TrustTest* test) {
  if (role.ok()) {
    *test = {.bound = TrustBound::kLoose, .took = with};
    return false;
  }
  if (role.error().code() != ErrorCode::kAwsAssumeDenied) {
    *test = {.bound = TrustBound::kNotTested, .why = "not tested: " + role.error().message()};
    return false;
  }
  *test = {.bound = TrustBound::kBound};
  return true;
}

}  // namespace

TrustTest test_audience(DestinationIdentity& identity, const std::string& own_audience,
                        const std::vector<std::string>& others, const std::stop_token& stop) {
  TrustTest test;
  for (const std::string& audience : foreign(own_audience, others)) {
    const Result<IdToken> token = identity.id_token(audience, stop);
    if (!token.ok()) {
      const bool file = identity.describe().find("the token file") != std::string::npos;
      return {.bound = TrustBound::kNotTested,
              .why = file ? "cannot be tested with a token file: it holds a token for one audience"
                          : "not tested: " + token.error().message()};
    }
    if (!judge(identity.assume_with(*token, stop),
               fmt::format("a token for the audience \"{}\"", audience), &test)) {
      break;
    }
  }
  return test;
}

TrustTest test_external_id(DestinationIdentity& identity, const std::string& own_id,
                           const std::vector<std::string>& others, const std::stop_token& stop) {
  TrustTest test;
  if (own_id.empty()) return test;
  if (!judge(identity.assume_with_external_id("", stop), "us without the external id", &test)) {
    return test;
  }
  for (const std::string& id : foreign(own_id, others)) {
    if (!judge(identity.assume_with_external_id(id, stop),
               "us with another external id (\"" + id + "\")", &test)) {
      break;
    }
  }
  return test;
}

std::vector<std::string> foreign_names(const Config& config, const DestinationConfig& own) {
  std::vector<std::string> out;
  for (std::string& name : names_of_other_roles(config, own)) {
    const bool ours = name == own.auth.audience || name == own.auth.external_id;
    if (!ours && out.size() < kMaxForeignNames) out.push_back(std::move(name));
  }
  return out;
}

std::vector<std::string> names_of_other_roles(const Config& config, const DestinationConfig& own) {
  std::vector<std::string> out;
  for (const DestinationConfig& other : config.destinations) {
    if (other.auth.role_arn == own.auth.role_arn) continue;
    for (const std::string& name : {other.auth.audience, other.auth.external_id}) {
      if (!name.empty()) out.push_back(name);
    }
  }
  return out;
}

}  // namespace vesto
