// What helps where AWS refuses: that a policy of ours lacks a right is one reason of several.
// Source: IAM user guide, "Troubleshoot access denied error messages" (which policy denied) and
// "Policy evaluation logic" (an explicit Deny wins).
#include <fmt/format.h>

#include "address/arn.h"
#include "aws/aws_errors.h"
#include "base/strings.h"
#include "check/destination_state.h"
#include "kit/places.h"

namespace vesto::check {

namespace {

// "s3:PutObject for arn:..." out of AWS's text.
std::string refused_right(const std::string& text) {
  const auto denied = parse_denied_text(text);
  if (!denied) return "it";
  return printable(fmt::format("{} for {}", denied->action, denied->who), false);
}

// Whom a policy of its own refuses.
struct Refused {
  std::string name;     // "this identity"
  std::string policy;   // the kit's
  bool listed = false;  // what is to be run names its policies
};

std::string hint_for(const Refusal& refusal, const Refused& who, const std::string& right,
                     bool key) {
  const char* what = key ? "KMS key" : "bucket";
  if (refusal.kind == "resource-based policy") {
    return refusal.denies
               ? fmt::format(
                     "The policy of the {} itself denies it, so that no right of ours "
                     "helps: take {} out of its statement with \"Effect\": \"Deny\".",
                     what, right)
               : fmt::format("The policy of the {} itself must allow it: {}.", what, right);
  }
  if (refusal.kind == "identity-based policy") {
    return fmt::format(
        "A policy of {} denies it, so that no right of the kit's helps: take {} out of its "
        "statement with \"Effect\": \"Deny\". AWS does not say which policy: it is another one "
        "than the kit's, or the kit's own ({}), if somebody added that to it.{}",
        who.name, right, who.policy, who.listed ? " What is to be run names its policies." : "");
  }
  const std::string kind = refusal.kind.empty() ? "policy" : refusal.kind;
  return fmt::format("A {} {} it: who administers that has to {} {}.", kind,
                     refusal.denies ? "denies" : "does not allow",
                     refusal.denies ? "take out" : "allow", right);
}

// What S3 answered, to us or to COPY: the policy of a resource is the bucket's.
bool is_of_bucket(const Error& error) {
  return error.name().starts_with("S3-") || error.code() == ErrorCode::kRsCopyS3;
}

}  // namespace

// To put the kit's policy again would not help, and would take out what somebody has added to it.
std::optional<CheckAnswer> key_not_named(const State& state, const Error& error) {
  const DestinationConfig& to = state.destination();
  const std::string& text = error.upstream().text;
  const auto said = parse_denied_text(text);
  if (!to.kms_key_arn.empty() || !said || !said->action.starts_with("kms:")) return std::nullopt;
  const Refusal refusal = refusal_in(text);
  const bool lacks = refusal.kind.empty() || refusal.kind == "identity-based policy" ||
                     refusal.kind == "session policy";  // that of COPY's keys, which we write
  if (refusal.denies || !lacks) return std::nullopt;
  const std::string arn = said->resource.substr(0, said->resource.find(','));
  const bool known = kms_key_fault(arn).empty();
  Error told = error;
  told.with_hint(fmt::format(
      "The bucket encrypts with a KMS key by itself, and staging.kms_key_arn ({}) does not name "
      "it: neither the kit's policies nor COPY's keys have a right to it. Write it into "
      "[destination.{}.staging]{}. The next test tells the policy that is to be put then.",
      to.staging_origin.line_text(), to.name,
      known ? ""
            : fmt::format("; aws s3api get-bucket-encryption --region {} --bucket {} tells which "
                          "key it is",
                          state.bucket_region, to.bucket)));
  Fix fix{.who = "you", .kind = "text", .snippet = ""};
  if (known) {
    fix.kind = "toml";
    fix.snippet = fmt::format("kms_key_arn = \"{}\"", arn);
  }
  return failed(std::move(told), std::move(fix));
}

namespace {

// `part`: what mends it where ours allows too little.
CheckAnswer denied_to(const State& state, Error error, const Refused& who, Fix part) {
  const std::string text = error.upstream().text;
  const Refusal refusal = refusal_in(text);
  const bool identity = refusal.kind == "identity-based policy";
  if (!refusal.denies && (refusal.kind.empty() || identity)) {
    return failed(std::move(error), std::move(part));
  }
  const auto said = parse_denied_text(text);
  const bool key = error.code() == ErrorCode::kS3Kms || (said && said->action.starts_with("kms:"));
  error.with_hint(hint_for(refusal, who, refused_right(text), key));
  if (identity && who.listed) return failed(std::move(error), part_fix(state, "policies"));
  const bool of_bucket = refusal.kind == "resource-based policy" && is_of_bucket(error);
  if (of_bucket && !key) return failed(std::move(error), bucket_policy_fix(state));
  return failed(std::move(error), Fix{.who = "aws_admin", .kind = "text", .snippet = ""});
}

}  // namespace

CheckAnswer denied(const State& state, Error error) {
  if (auto unnamed = key_not_named(state, error)) return *std::move(unnamed);
  const kit::Places places = kit::places_of(state.destination(), state.facts());
  return denied_to(state, std::move(error),
                   {.name = "this identity", .policy = places.policy, .listed = true},
                   policy_fix(state));
}

CheckAnswer copy_role_denied(const State& state, Error error) {
  const kit::Places places = kit::places_of(state.destination(), state.facts());
  return denied_to(state, std::move(error),
                   {.name = "COPY's role", .policy = places.copy_policy, .listed = false},
                   part_fix(state, "copy-role"));
}

std::optional<Fix> two_warehouses(const State& state, Error* error) {
  const DestinationConfig& to = state.destination();
  const std::string other = other_warehouse(to);
  if (other.empty()) return std::nullopt;
  error->with_hint(fmt::format(
      "auth.warehouse ({}) is \"{}\", and the endpoint ({}) is that of \"{}\": correct one of them "
      "first. A policy for the wrong one would take the place of the right one.",
      to.auth.warehouse_origin.line_text(), printable(to.auth.warehouse, false),
      to.endpoint_origin.line_text(), printable(other, false)));
  return Fix{.who = "you",
             .kind = "toml",
             .snippet = fmt::format("warehouse = \"{}\"", printable(other, false))};
}

}  // namespace vesto::check
