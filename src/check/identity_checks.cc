// Who we are at AWS: host.clock, gcp.token, aws.key, aws.assume_role.
#include <fmt/format.h>

#include "address/arn.h"
#include "aws/aws_errors.h"
#include "aws/endpoints.h"
#include "aws/iam.h"
#include "base/error_causes.h"
#include "base/hash.h"
#include "base/strings.h"
#include "base/time_text.h"
#include "check/clock_check.h"
#include "check/destination_state.h"
#include "check/pod_facts.h"
#include "sync/trust_bound.h"

namespace vesto::check {

namespace {

constexpr int64_t kMinLifeMs = 60'000;

std::string until(int64_t wall_ms) { return format_utc_seconds(wall_ms); }

CheckAnswer google_token(State& state, const CheckLimits& limits) {
  const Result<IdToken> token = state.to.identity->id_token("", limits.stop);
  if (!token.ok()) return failed(token.error());
  state.known.google_sub = token->claims.subject;
  std::vector<Evidence> seen = {{"sub", token->claims.subject},
                                {"aud", token->claims.audience},
                                {"issuer", token->claims.issuer}};
  if (!token->claims.email.empty()) seen.push_back({"email", token->claims.email});
  seen.push_back({"valid_until", until(token->claims.expires_at_s * 1000)});
  return passed(std::move(seen));
}

// A key works for S3 also where STS cannot be reached, as in a network with an endpoint for S3
// alone.
bool only_unreachable(const Error& error) { return error.name().starts_with("NET-"); }

CheckAnswer who(Result<CallerIdentity> caller, bool sts_needed) {
  if (!caller.ok() && !sts_needed && only_unreachable(caller.error())) {
    return skipped("AWS STS cannot be reached, and is not needed");
  }
  if (!caller.ok()) return failed(std::move(caller).error());
  return passed({{"account", caller->account}, {"arn", caller->arn}});
}

Fix trust_fix(const State& state) {
  KitFacts facts = state.facts();
  facts.foreign_names = foreign_names(*state.target.config, state.destination());
  return {.who = "aws_admin", .kind = "shell", .snippet = trust_shell(state.destination(), facts)};
}

// Where the role of Vesto's own pods does not take their token. A token may lie there unused, as
// where AWS_PROFILE names another role: what AWS refuses then is no matter of the pods' role.
std::optional<Fix> pod_fix(const State& state, const Error& error) {
  if (error.cause() != cause_named("web-identity-denied")) return std::nullopt;
  KitFacts facts = state.facts();
  add_pod_facts(state.destination().auth, &facts);
  if (!asks_as_pod(state.to.identity->describe_asker(), facts)) return std::nullopt;
  const std::string steps = pod_trust_shell(state.destination(), facts);
  if (steps.empty()) return std::nullopt;
  return Fix{.who = "operator", .kind = "shell", .snippet = steps};
}

// Whether a new key may help: of a wrong secret, of a session that is over or of an account that is
// not subscribed the key is there.
bool may_be_gone(const Error& error) {
  for (const char* gone : {"key-unknown", "key-unknown-json", "key-id-unknown"}) {
    if (error.cause() == cause_named(gone)) return true;
  }
  return error.code() == ErrorCode::kAwsKey && error.cause() == nullptr;
}

// A role of another account that takes us without an external id takes us for whoever may name it
// here (the confused deputy). One of our own account is ours to give.
CheckAnswer no_external_id(const State& state) {
  const DestinationConfig& to = state.destination();
  const std::string of_role = account_of_arn(to.auth.role_arn);
  const std::string asks = account_of_arn(state.known.principal_arn);
  if (asks.empty() || asks == of_role) {
    return skipped(asks.empty() ? "no external_id is set"
                                : "no external_id is set, and the role is of our own account");
  }
  const std::string mark = sha256_hex(to.name + "\n" + to.auth.role_arn).substr(0, 8);
  return warned(
      Error(ErrorCode::kAwsTrustLoose,
            fmt::format("no external_id is set, and role {} is of another AWS account than who "
                        "asks ({}): whoever may add a destination here could name it",
                        to.auth.role_arn, asks))
          .with_hint(
              fmt::format("Write external_id into [destination.{}.auth] ({}): a text that no "
                          "other destination has. The next test then says how the role's "
                          "trust policy demands it (sts:ExternalId).",
                          to.name, to.auth.origin.line_text())),
      Fix{.who = "you",
          .kind = "toml",
          .snippet = fmt::format("external_id = \"vesto-{}-{}\"", to.name, mark)});
}

// A Deny, or a policy that narrows who asks: the role's script would change nothing. The hint says
// whose policy it is; those of the asker are its own account's matter.
std::optional<CheckAnswer> beyond_the_kit(const AuthConfig& auth, const Error& error) {
  const Refusal refusal = refusal_in(error.upstream().text);
  if (!is_beyond_an_allow(refusal)) return std::nullopt;
  const auto said = parse_denied_text(error.upstream().text);
  const std::string asks = said ? account_of_arn(said->who) : "";
  const bool of_role = refusal.kind == "role trust policy" ||
                       refusal.kind == "resource-based policy" ||
                       refusal.kind == "resource control policy";
  const bool ours = !of_role && !asks.empty() && asks != account_of_arn(auth.role_arn);
  return failed(error, Fix{.who = ours ? "operator" : "aws_admin", .kind = "text", .snippet = ""});
}

CheckAnswer assume_role(State& state, const CheckLimits& limits) {
  DestinationIdentity& identity = *state.to.identity;
  const AuthConfig& auth = state.destination().auth;
  const Result<AwsCredentials> keys = identity.keys()->get(kMinLifeMs, limits.stop);
  if (!keys.ok()) {
    Error error = keys.error();
    if (error.code() != ErrorCode::kAwsAssumeDenied) return failed(std::move(error));
    if (auto elsewhere = beyond_the_kit(auth, error)) return *std::move(elsewhere);
    const Origin& at = auth.external_id.empty() ? auth.audience_origin : auth.external_id_origin;
    error.with_hint(error.hint() + " Is there a typo in role_arn (" +
                    auth.role_arn_origin.line_text() + ")? Or correct " +
                    (auth.external_id.empty() ? "audience" : "external_id") + " (" +
                    at.line_text() + ") if the role is for another one.");
    return failed(std::move(error), trust_fix(state));
  }
  CheckAnswer answer = passed({{"role", auth.role_arn}});
  if (const auto caller = identity.caller(limits.stop); caller.ok()) {
    answer.evidence.push_back({"session", caller->arn});
    state.known.account = caller->account;
  }
  if (keys->expires_at_ms) answer.evidence.push_back({"valid_until", until(*keys->expires_at_ms)});
  return answer;
}

// Tried out once: that a role is wider than it should be keeps nobody from working.
CheckAnswer trust_bound(State& state, const CheckLimits& limits) {
  DestinationIdentity& identity = *state.to.identity;
  const AuthConfig& auth = state.destination().auth;
  if (auth.identity != "google" && auth.external_id.empty()) return no_external_id(state);
  const std::vector<std::string> others =
      names_of_other_roles(*state.target.config, state.destination());
  const TrustTest test = auth.identity == "google"
                             ? test_audience(identity, auth.audience, others, limits.stop)
                             : test_external_id(identity, auth.external_id, others, limits.stop);
  if (test.bound == TrustBound::kBound) return passed();
  if (test.bound == TrustBound::kLoose) {
    const bool google = auth.identity == "google";
    const char* condition = google ? "accounts.google.com:oaud" : "sts:ExternalId";
    return warned(Error(ErrorCode::kAwsTrustLoose, "role " + auth.role_arn + " took " + test.took)
                      .with_hint(fmt::format(
                          "Each statement of the role's trust policy that lets us in must test {} "
                          "for \"{}\". "
                          "What is to be run adds such a statement and takes out what is loose.",
                          condition, printable(google ? auth.audience : auth.external_id, false))),
                  trust_fix(state));
  }
  return skipped(test.why);
}

// Which Google identities it takes is read, where the role may read itself: a token of somebody
// else cannot be had.
CheckAnswer trust_sub(State& state, const CheckLimits& limits) {
  const std::string& role = state.destination().auth.role_arn;
  // A closed network may have a way to STS and none to IAM.
  const Result<std::string> policy = state.to.identity->role_trust(limits.stop);
  if (!policy.ok()) {
    const ErrorCode code = policy.error().code();
    if (code == ErrorCode::kAwsAssumeDenied || code == ErrorCode::kRsCredDenied) {
      return skipped_refused(
          "the role may not read its own trust policy (iam:GetRole), and need not");
    }
    return skipped("AWS IAM could not be asked: " + printable(policy.error().message(), false));
  }
  switch (google_trust(*policy)) {
    case GoogleTrust::kOurs:
      return passed();
    case GoogleTrust::kAnybody:
      return warned(Error(ErrorCode::kAwsTrustLoose,
                          "the trust policy of role " + role +
                              " does not test accounts.google.com:sub: every Google identity that "
                              "knows the audience may assume it")
                        .with_hint("Each statement that lets Google identities in must test "
                                   "accounts.google.com:sub for the number of one. What is to be "
                                   "run adds ours and takes out what is loose."),
                    trust_fix(state));
    case GoogleTrust::kUnclear:
      break;
  }
  return skipped("the role's trust policy names no Google identities");
}

// S3 is asked, as it answers everybody; it is where the first signature goes.
CheckAnswer clock(State& state, const CheckLimits& limits) {
  const S3Options& s3 = state.s3_options;
  const Result<std::string> endpoint =
      choose_endpoint(AwsService::kS3, s3.region.empty() ? s3.first_region : s3.region, s3.endpoint,
                      process_environment());
  if (!endpoint.ok()) return skipped("the endpoint of S3 is not known");
  const Result<HttpOrigin> origin = parse_origin(*endpoint);
  if (!origin.ok()) return skipped("the endpoint of S3 is not known");
  const auto http = make_http_client({.tls_ca_file = s3.tls_ca_file,
                                      .connect_timeout_ms = limits.limit_ms,
                                      .request_timeout_ms = limits.limit_ms});
  const auto ahead_ms =
      clock_ahead_ms(*http, *state.target.clock, origin->url() + "/", limits.stop);
  if (!ahead_ms.ok()) {
    return skipped("S3 could not be asked: " + printable(ahead_ms.error().message(), false));
  }
  if (!*ahead_ms) return skipped("S3's answer has no Date");
  return clock_answer(**ahead_ms);
}

Check make(std::string id, std::string title, std::vector<std::string> needs) {
  Check check;
  check.id = std::move(id);
  check.title = std::move(title);
  check.group = "identity";
  check.needs = std::move(needs);
  check.may_wait = true;
  return check;
}

}  // namespace

void clock_check(const StatePtr& state, std::vector<Check>* checks) {
  Check check = make(kClockCheck, "Clock agrees with AWS", {kSecretsCheck});
  check.may_wait = false;
  check.run = [state](const CheckLimits& limits) { return clock(*state, limits); };
  checks->push_back(std::move(check));
}

std::string identity_checks(const StatePtr& state, std::vector<Check>* checks) {
  const AuthConfig& auth = state->destination().auth;
  const bool google = auth.identity == "google";
  std::string end;
  if (google) {
    Check token = make("gcp.token", "Our identity token is issued", {kSecretsCheck});
    token.may_wait = false;
    token.run = [state](const CheckLimits& limits) { return google_token(*state, limits); };
    end = token.id;
    checks->push_back(std::move(token));
  } else {
    Check key = make("aws.key", "AWS knows our key", {kSecretsCheck, kClockCheck});
    key.run = [state](const CheckLimits& limits) {
      DestinationIdentity& identity = *state->to.identity;
      const bool role = !state->destination().auth.role_arn.empty();
      Result<CallerIdentity> caller =
          role ? identity.asker(limits.stop) : identity.caller(limits.stop);
      if (caller.ok()) {
        // A trust policy names the role, as its sessions change.
        add_asker(identity.describe_asker(), caller->arn, &state->known);
        // Who assumes a role may be of another account than the warehouse.
        if (!role) state->known.account = caller->account;
      }
      const bool new_key = !role && state->destination().auth.identity == "access_key" &&
                           !caller.ok() && may_be_gone(caller.error());
      CheckAnswer answer = who(std::move(caller), role);
      if (new_key) answer.fix = part_fix(*state, "key");
      if (answer.error && !answer.fix) answer.fix = pod_fix(*state, *answer.error);
      return answer;
    };
    end = key.id;
    checks->push_back(std::move(key));
  }
  if (auth.role_arn.empty()) return end;
  Check role = make("aws.assume_role", "Role can be assumed", {end, kClockCheck});
  role.run = [state](const CheckLimits& limits) { return assume_role(*state, limits); };
  end = role.id;
  checks->push_back(std::move(role));
  Check bound = make("aws.trust_bound", "Role takes nobody else's", {end});
  bound.may_wait = false;
  bound.run = [state](const CheckLimits& limits) { return trust_bound(*state, limits); };
  checks->push_back(std::move(bound));
  if (!google) return end;
  Check whose = make("aws.trust_sub", "Role takes our identity alone", {end});
  whose.may_wait = false;
  whose.run = [state](const CheckLimits& limits) { return trust_sub(*state, limits); };
  checks->push_back(std::move(whose));
  return end;
}

}  // namespace vesto::check
