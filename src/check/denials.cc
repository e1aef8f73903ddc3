// What helps where AWS refuses: that a policy of ours lacks a right is one reason of several.
// Source: IAM user guide, "Troubleshoot access denied error messages" (which policy denied) and
// "Policy evaluation logic" (an explicit Deny wins).
#include <fmt/format.h>

#include "address/arn.h"
#include "aws/aws_errors.h"
#include "base/strings.h"
#include "check/destination_state.h"

namespace vesto::check {

namespace {

// "s3:PutObject for arn:..." out of AWS's text.
std::string refused_right(const std::string& text) {
  const auto denied = parse_denied_text(text);
  if (!denied) return "it";
  return printable(fmt::format("{} for {}", denied->action, denied->who), false);
}

std::string hint_for(const Refusal& refusal, const std::string& right, bool key) {
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
        "Another policy of this identity denies it, so that the kit's does not help: take {} out "
        "of its statement with \"Effect\": \"Deny\". What is to be run names its policies.",
        right);
  }
  const std::string kind = refusal.kind.empty() ? "policy" : refusal.kind;
  return fmt::format("A {} {} it: who administers that has to {} {}.", kind,
                     refusal.denies ? "denies" : "does not allow",
                     refusal.denies ? "take out" : "allow", right);
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
      "it: "
      "neither the kit's policies nor COPY's keys have a right to it. Write it into "
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

CheckAnswer denied(const State& state, Error error) {
  if (auto unnamed = key_not_named(state, error)) return *std::move(unnamed);
  const std::string text = error.upstream().text;
  const Refusal refusal = refusal_in(text);
  const bool lacks = refusal.kind.empty() || refusal.kind == "identity-based policy";
  if (lacks && !refusal.denies) return failed(std::move(error), policy_fix(state));
  const bool key = error.code() == ErrorCode::kS3Kms;
  error.with_hint(hint_for(refusal, refused_right(text), key));
  if (refusal.kind == "identity-based policy") {
    return failed(std::move(error), part_fix(state, "policies"));
  }
  const bool of_bucket = refusal.kind == "resource-based policy" && error.name().starts_with("S3-");
  if (of_bucket && !key) return failed(std::move(error), bucket_policy_fix(state));
  return failed(std::move(error), Fix{.who = "aws_admin", .kind = "text", .snippet = ""});
}

// Where a Deny refuses, or a policy that is not the role's, what the kit gives it does not help.
CheckAnswer copy_role_denied(const State& state, Error error) {
  const std::string text = error.upstream().text;
  const Refusal refusal = refusal_in(text);
  const bool identity = refusal.kind == "identity-based policy";
  if (!refusal.denies && (refusal.kind.empty() || identity)) {
    return failed(std::move(error), part_fix(state, "copy-role"));
  }
  const std::string right = refused_right(text);
  if (identity) {
    error.with_hint(fmt::format(
        "Another policy of COPY's role denies it, so that the kit's does not help: take {} out of "
        "its statement with \"Effect\": \"Deny\".",
        right));
    return failed(std::move(error), Fix{.who = "aws_admin", .kind = "text", .snippet = ""});
  }
  const auto said = parse_denied_text(text);
  const bool key = said && said->action.starts_with("kms:");
  error.with_hint(hint_for(refusal, right, key));
  if (refusal.kind == "resource-based policy" && !key) {
    return failed(std::move(error), bucket_policy_fix(state));
  }
  return failed(std::move(error), Fix{.who = "aws_admin", .kind = "text", .snippet = ""});
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
