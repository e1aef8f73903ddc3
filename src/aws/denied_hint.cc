#include "aws/denied_hint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "address/arn.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr std::string_view kSpread = " AWS takes up to ten minutes to spread a new policy.";

// Eats blanks, then `word` if it stands there.
bool take_word(std::string_view* text, std::string_view word) {
  std::string_view rest = trim(*text);
  if (!to_lower_ascii(rest.substr(0, word.size())).starts_with(word)) return false;
  rest.remove_prefix(word.size());
  *text = rest;
  return true;
}

// Up to the next blank.
std::string take_token(std::string_view* text) {
  *text = trim(*text);
  const size_t end = std::min(text->size(), text->find_first_of(" \t\r\n"));
  std::string token(text->substr(0, end));
  text->remove_prefix(end);
  return token;
}

// Quotes around it, and the sentence's full stop, are not part of an ARN.
std::string bare(std::string token) {
  while (!token.empty() && (token.back() == '"' || token.back() == '.' || token.back() == ',')) {
    token.pop_back();
  }
  while (!token.empty() && token.front() == '"') token.erase(0, 1);
  return token;
}

// The ARN that a login needs, with what is known: the text of AWS had none.
std::string wanted_arn(const AwsCall& call) {
  const std::string partition(partition_of_region(call.region).name);
  const std::string account = call.account.empty() ? "ACCOUNT" : call.account;
  if (call.service == AwsService::kRedshiftServerless) {
    return "arn:" + partition + ":redshift-serverless:" + call.region + ":" + account +
           ":workgroup/ID (the workgroup's UUID, not its name)";
  }
  const std::string start = "arn:" + partition + ":redshift:" + call.region + ":" + account + ":";
  if (call.action == "redshift:DescribeClusters") return start + "cluster:" + call.what;
  std::string out;
  if (!call.db_user.empty()) out = start + "dbuser:" + call.what + "/" + call.db_user;
  if (!call.database.empty()) {
    if (!out.empty()) out += " and ";
    out += start + "dbname:" + call.what + "/" + call.database;
  }
  return out.empty() ? start + "dbname:" + call.what + "/*" : out;
}

// " of account 123456789012", where the ARN has one.
std::string with_account(const std::string& arn) {
  const std::string account = account_of_arn(arn);
  return account.empty() ? arn : fmt::format("{} (account {})", arn, account);
}

// Whose policy it is: what people of another account can change is of no use to know. AWS's words
// name its kind, and who asked.
std::string whose_policy(const Refusal& refusal, const std::string& who, const std::string& role) {
  const std::string account = account_of_arn(who);
  const std::string over = account.empty() ? "the account of " + who : "account " + account;
  if (refusal.kind == "service control policy") {
    return fmt::format("A service control policy over {}, which is that of {},", over, who);
  }
  if (refusal.kind == "resource control policy") {
    const std::string of_role = account_of_arn(role);
    return fmt::format("A resource control policy over {}, which is that of {},",
                       of_role.empty() ? "the role's account" : "account " + of_role, role);
  }
  if (refusal.kind == "VPC endpoint policy") {
    return "The policy of the VPC endpoint for STS that this machine goes through";
  }
  if (refusal.kind == "role trust policy" || refusal.kind == "resource-based policy") {
    return fmt::format("The trust policy of {} itself", with_account(role));
  }
  if (refusal.kind == "identity-based policy") {
    return fmt::format("A policy of {} itself", with_account(who));
  }
  if (refusal.kind.empty()) {
    return fmt::format("A policy of {}, or the trust policy of {} (AWS does not say which), itself",
                       with_account(who), role);
  }
  return fmt::format("The {} of {}", refusal.kind, with_account(who));
}

// Nothing that the kit makes is at fault, so that nobody is sent to the role or its trust policy.
std::string beyond_hint(const AwsCall& call, const Refusal& refusal, const std::string& who) {
  const std::string right = fmt::format("{} on {}", call.action, call.what);
  const std::string whose = whose_policy(refusal, who.empty() ? "who asks" : who, call.what);
  if (refusal.denies) {
    return fmt::format(
        "{} denies {}: no Allow helps against a Deny. Who administers that policy has to take it "
        "out of the statement with \"Effect\": \"Deny\".",
        whose, right);
  }
  return fmt::format(
      "{} does not allow {}: no other policy makes up for it. Who administers that policy has to "
      "allow it there.",
      whose, right);
}

}  // namespace

std::optional<DeniedText> parse_denied_text(std::string_view message) {
  const size_t start = message.find("User:");
  if (start == std::string_view::npos) return std::nullopt;
  std::string_view rest = message.substr(start + 5);
  DeniedText denied;
  denied.who = take_token(&rest);
  for (const std::string_view word : {"is", "not", "authorized", "to", "perform"}) {
    if (!take_word(&rest, word)) return std::nullopt;
  }
  take_word(&rest, ":");
  denied.action = bare(take_token(&rest));
  if (denied.who.empty() || denied.action.find(':') == std::string::npos) return std::nullopt;
  if (take_word(&rest, "on this resource")) {
    // The text knows no ARN.
  } else if (take_word(&rest, "on resource")) {
    take_word(&rest, ":");
    denied.resource = bare(take_token(&rest));
  } else if (take_word(&rest, "on")) {
    denied.resource = bare(take_token(&rest));
  }
  denied.why = std::string(trim(rest));
  return denied;
}

Refusal refusal_in(std::string_view message) {
  // What AWS writes; nothing of it goes on but one of these.
  constexpr std::array<std::string_view, 8> kKinds = {
      "identity-based policy",  "resource-based policy",   "permissions boundary",
      "service control policy", "resource control policy", "session policy",
      "VPC endpoint policy",    "role trust policy"};
  constexpr std::string_view kDeny = "explicit deny";
  constexpr std::string_view kNone = "because no ";
  Refusal out;
  size_t at = message.rfind(kDeny);
  out.denies = at != std::string_view::npos;
  if (!out.denies) at = message.rfind(kNone);
  if (at == std::string_view::npos) return out;
  const std::string_view rest = message.substr(at, kDeny.size() + 32);
  for (const std::string_view kind : kKinds) {
    if (rest.find(kind) != std::string_view::npos) out.kind = kind;
  }
  return out;
}

bool is_beyond_an_allow(const Refusal& refusal) {
  // What narrows a caller: who may give it a right may not widen these.
  constexpr std::array<std::string_view, 5> kNarrows = {
      "permissions boundary", "service control policy", "resource control policy", "session policy",
      "VPC endpoint policy"};
  return refusal.denies ||
         std::find(kNarrows.begin(), kNarrows.end(), refusal.kind) != kNarrows.end();
}

std::string assume_denied_hint(const AwsCall& call, std::string_view message) {
  const auto denied = parse_denied_text(message);
  if (call.what.empty()) return "";
  const std::string who = denied ? denied->who : call.who;
  const Refusal refusal = refusal_in(message);
  if (is_beyond_an_allow(refusal)) return beyond_hint(call, refusal, who);
  if (call.action == "sts:AssumeRoleWithWebIdentity") {
    return "The trust policy of " + call.what +
           " must allow sts:AssumeRoleWithWebIdentity to the identity token's issuer, with the "
           "token's own subject and audience; the role's account and name must be right." +
           std::string(kSpread);
  }
  std::string hint = "Allow " + call.action + " to " + (who.empty() ? "this identity" : who) +
                     " in the trust policy of " + call.what;
  if (!call.external_id.empty()) hint += ", with sts:ExternalId \"" + call.external_id + "\"";
  hint += ", and in its own policy where it is of another account.";
  return hint + std::string(kSpread);
}

std::string credentials_denied_hint(const AwsCall& call, const AwsFault& fault) {
  if (fault.code == "UnsupportedOperation") {
    return call.db_user.empty()
               ? "This cluster does not give this identity a login of its own: set db_user."
               : "This cluster does not give a login for a named user: leave db_user out.";
  }
  const auto denied = parse_denied_text(fault.message);
  const std::string action = denied ? denied->action : call.action;
  const std::string arn = denied && !denied->resource.empty() ? denied->resource : wanted_arn(call);
  std::string hint = "Allow " + action + " on " + arn;
  if (denied) hint += " to " + denied->who;
  hint += ".";
  const std::string account = account_of_arn(denied ? denied->resource : "");
  if (!account.empty() && !call.account.empty() && account != call.account) {
    hint += " That ARN is of account " + account + ", the warehouse is in " + call.account +
            ": the role or the keys are of another account than the warehouse.";
  }
  if (denied && denied->why.find("explicit deny") != std::string::npos) {
    hint += " A policy denies it explicitly: an Allow alone does not help.";
  }
  return hint + std::string(kSpread);
}

}  // namespace vesto
