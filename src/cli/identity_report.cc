#include "cli/identity_report.h"

#include <fmt/format.h>

#include <stop_token>
#include <utility>

#include "address/arn.h"
#include "kit/kit.h"

namespace vesto::cli {

namespace {

std::string source_name(const GoogleIdentityConfig& config) {
  if (config.source == "key_file") return "a service account's key file";
  if (config.source == "token_file") return "the token file " + config.token_file;
  return "the metadata server";
}

// The first error is the one that people must mend; what comes after it follows from it.
void keep(const Error& error, IdentityReport* report) {
  if (!report->error) report->error = error;
}

class Finder {
 public:
  Finder(const DestinationConfig& destination, const std::vector<std::string>& others, Clock& clock)
      : auth_(destination.auth), clock_(clock), others_(others) {
    report_.destination = &destination;
  }

  IdentityReport find(Result<IdentityOptions> options) {
    if (auth_.identity == "google") report_.google.emplace();
    if (options.ok()) {
      if (report_.google) report_.google->source = source_name(options->google);
      report_.user = options->user;
      auto made =
          DestinationIdentity::make(std::move(options).value(), real_identity_effects(clock_));
      if (made.ok()) {
        identity_ = std::move(made).value();
      } else {
        keep(made.error(), &report_);
        if (report_.google) report_.google->error = made.error();
      }
    } else {
      keep(options.error(), &report_);
    }
    if (identity_ && report_.google) ask_google();
    if (identity_ && !report_.google) ask_aws();
    if (identity_ && report_.self && auth_.method == "iam_role") ask_warehouse();
    login();
    permissions();
    return std::move(report_);
  }

 private:
  void ask_google() {
    report_.source = identity_->describe();
    const Result<IdToken> token = identity_->id_token("", stop_);
    if (!token.ok()) {
      report_.google->error = token.error();
      return keep(token.error(), &report_);
    }
    report_.google->claims = token->claims;
    facts_.google_sub = token->claims.subject;
    report_.trust_policy = trust_policy_for(*report_.destination, facts_);
    const Result<AssumedRole> role = identity_->assume_with(*token, stop_);
    if (!role.ok()) return keep(role.error(), &report_);
    report_.self =
        CallerIdentity{.arn = role->arn, .account = account_of_arn(role->arn), .user_id = ""};
    keep_trust(test_audience(*identity_, auth_.audience, others_, stop_));
  }

  void keep_trust(TrustTest test) {
    report_.bound = test.bound;
    report_.why = std::move(test.why);
    report_.took = std::move(test.took);
  }

  void ask_aws() {
    const Result<CallerIdentity> asker = identity_->asker(stop_);
    report_.source = identity_->describe_asker();
    if (!asker.ok()) return keep(asker.error(), &report_);
    if (auth_.role_arn.empty()) {
      report_.self = *asker;
      return;
    }
    report_.asker = *asker;
    add_asker(report_.source, asker->arn, &facts_);
    report_.path_unknown = facts_.principal_path_unknown;
    report_.trust_policy = trust_policy_for(*report_.destination, facts_);
    const Result<CallerIdentity> self = identity_->caller(stop_);
    if (!self.ok()) return keep(self.error(), &report_);
    report_.self = *self;
    keep_trust(test_external_id(*identity_, auth_.external_id, others_, stop_));
  }

  // Few roles may ask; that they may not is no fault.
  void ask_warehouse() {
    Result<WarehouseInfo> info = identity_->warehouse(stop_);
    if (info.ok()) report_.warehouse = *std::move(info);
  }

  // Who we are in the end, as far as it is known: AWS's word, else the configuration's.
  [[nodiscard]] std::string own_arn() const {
    return report_.self ? report_.self->arn : auth_.role_arn;
  }

  void login() {
    if (auth_.method != "iam_role") return;
    report_.database_user = login_user(*report_.destination, own_arn());
    if (report_.database_user.empty()) return;
    report_.grants = login_grants(*report_.destination, report_.database_user);
  }

  // What is not known stands as <<NAME>>, as in the kit: never as a right that is wider.
  void permissions() {
    if (auth_.role_arn.empty()) facts_.principal_arn = own_arn();
    facts_.account = account_of_arn(own_arn());
    if (report_.warehouse) facts_.workgroup_arn = report_.warehouse->resource_arn;
    if (report_.destination->serverless && auth_.method == "iam_role") {
      report_.workgroup_known = !facts_.workgroup_arn.empty();
    }
    report_.permission_policy = permission_policy_for(*report_.destination, facts_);
  }

  const AuthConfig& auth_;
  Clock& clock_;
  const std::vector<std::string>& others_;
  const std::stop_token stop_;
  std::shared_ptr<DestinationIdentity> identity_;
  IdentityReport report_;
  KitFacts facts_;
};

}  // namespace

GoogleReport report_google(const GoogleIdentityConfig& config, const Result<Secret>& key,
                           const std::vector<std::string>& audiences, Clock& clock) {
  GoogleReport report{.source = source_name(config), .claims = {}, .error = {}};
  if (!key.ok()) {
    report.error = key.error();
    return report;
  }
  auto tokens = make_google_tokens(config, *key, real_identity_effects(clock));
  if (!tokens.ok()) {
    report.error = std::move(tokens).error();
    return report;
  }
  report.source = (*tokens)->describe();
  for (const std::string& audience : audiences) {
    auto token = (*tokens)->get(audience, std::stop_token());
    if (token.ok()) {
      report.claims = token->claims;
      report.error.reset();
      break;
    }
    if (!report.error) report.error = std::move(token).error();
  }
  return report;
}

IdentityReport report_identity(const DestinationConfig& destination,
                               Result<IdentityOptions> options,
                               const std::vector<std::string>& others, Clock& clock) {
  return Finder(destination, others, clock).find(std::move(options));
}

}  // namespace vesto::cli
