#include "cli/kit_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "address/arn.h"
#include "base/ids.h"
#include "base/strings.h"
#include "check/pod_facts.h"
#include "cli/identity_report.h"
#include "redshift/sql.h"
#include "redshift/sql_rows.h"
#include "sync/assemble.h"
#include "sync/trust_bound.h"
#include "sync/tunnel.h"

namespace vesto::cli {

namespace {

static_assert(kViewForPeople == sql::kStatusView);

// What Google and AWS are asked for.
constexpr std::array<std::string_view, 6> kAsked = {"GOOGLE_SUB", "PRINCIPAL_ARN", "ROLE_NAME",
                                                    "ACCOUNT_ID", "WORKGROUP_ID",  "DATABASE_USER"};

constexpr std::string_view kKeyUnread = "The tunnel's key cannot be read";
constexpr std::string_view kNobody = "Who we are towards AWS is not known";

// For a note of a line or a few; a text that is cut ends with a whole word, and says so.
std::string shortened(const std::string& text) {
  constexpr size_t kMostBytes = 300;
  if (text.size() <= kMostBytes) return printable(text, false);
  std::string_view kept = cut_utf8(text, kMostBytes);
  const size_t blank = text.find(' ', kept.size()) == kept.size() ? kept.size() : kept.rfind(' ');
  if (blank != std::string_view::npos) kept = kept.substr(0, blank);
  return printable(kept, false) + " ... (cut)";
}

std::string note(std::string_view what, const Error& error) {
  return fmt::format("{}: {}: {}", what, error.name(), shortened(error.message()));
}

// A role of IAM Identity Center, whose paths AWS makes. Source: IAM Identity Center user guide,
// "Referencing permission sets in resource policies".
constexpr std::string_view kOfIdentityCenter = "AWSReservedSSO_";

std::string path_note(const std::string& principal_arn) {
  const std::string role = role_name_of_arn(principal_arn);
  return fmt::format(
      "AWS does not tell the path of the role {} of account {}, which Vesto runs as; {}", role,
      account_of_arn(principal_arn),
      role.starts_with(kOfIdentityCenter) ? "it begins with /aws-reserved/sso.amazonaws.com/"
                                          : "most roles have none, and then it is /");
}

}  // namespace

bool KitFactFinder::asks(std::string_view name) {
  return std::find(kAsked.begin(), kAsked.end(), name) != kAsked.end();
}

void KitFactFinder::look() {
  facts_.public_egress = config_.public_egress;
  facts_.foreign_names = foreign_names(config_, to_);
  for (const SyncConfig& sync : config_.syncs) {
    if (sync.destination == to_.name) add_tables(sync);
  }
  add_own_tables();
  if (to_.auth.method == "password") {
    auto user = resolve_text(to_.auth.user, sealed_store(context_));
    if (user.ok()) facts_.database_user = std::move(user).value();
  }
  if (to_.ssh.given) ssh_line();
  add_pod_facts(to_.auth, &facts_);
}

void KitFactFinder::ask() {
  if (to_.auth.identity == "google") return google();
  aws();
}

std::vector<std::string> KitFactFinder::notes(const std::vector<std::string>& missing) const {
  const bool asked = std::any_of(missing.begin(), missing.end(), asks);
  const auto is_missing = [&](std::string_view name) {
    return std::find(missing.begin(), missing.end(), name) != missing.end();
  };
  std::vector<std::string> out;
  if (is_missing("SSH_PUBLIC_KEY_LINE") && !ssh_note_.empty()) out.push_back(ssh_note_);
  if (asked && !asked_note_.empty()) out.push_back(asked_note_);
  if (is_missing("PRINCIPAL_PATH")) out.push_back(path_note(facts_.principal_arn));
  return out;
}

void KitFactFinder::add_tables(const SyncConfig& sync) {
  for (const TableConfig& table : sync.tables) {
    if (!table.pattern) facts_.tables.push_back(table.target);
  }
}

// Those that Vesto makes for itself beside the tables of a sync.
void KitFactFinder::add_own_tables() {
  std::vector<std::string> own;
  for (const SyncConfig& sync : config_.syncs) {
    if (sync.destination == to_.name) own.push_back(sql::state_table_name(sync_id(sync.name)));
  }
  if (own.empty()) return;
  for (const std::string_view shared : {sql::kLoadsTable, sql::kRejectedTable, sql::kStatusView}) {
    own.emplace_back(shared);
  }
  facts_.tables.insert(facts_.tables.end(), own.begin(), own.end());
}

void KitFactFinder::ssh_line() {
  const TunnelPlace place = tunnel_place(to_);
  auto key = resolve_secret(to_.ssh.key, sealed_store(context_));
  Result<Secret> passphrase = Secret();
  if (to_.ssh.passphrase.given()) {
    passphrase = resolve_secret(to_.ssh.passphrase, sealed_store(context_));
  }
  if (!key.ok() || !passphrase.ok()) {
    ssh_note_ = note(kKeyUnread, key.ok() ? passphrase.error() : key.error());
    return;
  }
  const auto shown = ssh_public_key(*key, *passphrase);
  if (!shown.ok()) {
    ssh_note_ = note(kKeyUnread, shown.error());
    return;
  }
  facts_.ssh_public_key = tunnel_authorize_line(config_, place, *shown);
}

void KitFactFinder::google() {
  const GoogleReport report = report_google(config_.google, google_key(context_, config_),
                                            {to_.auth.audience}, *context_.clock);
  if (!report.claims) {
    if (report.error) asked_note_ = note("Google was asked who we are", *report.error);
    return;
  }
  facts_.google_sub = report.claims->subject;
  workgroup();
}

void KitFactFinder::aws() {
  const auto identity = make_identity();
  if (!identity) return;
  const Result<CallerIdentity> asker = identity->asker(stop_);
  if (!asker.ok()) {
    // A role that does not take its pods yet is who will ask.
    if (asks_as_pod(identity->describe_asker(), facts_)) {
      facts_.principal_arn = facts_.pod_role_arn;
    }
    asked_note_ = note("AWS was asked who we are", asker.error());
    return;
  }
  add_asker(identity->describe_asker(), asker->arn, &facts_);
  if (to_.auth.role_arn.empty()) {
    facts_.account = asker->account;
    if (to_.auth.method == "iam_role") facts_.database_user = login_user(to_, asker->arn);
  }
  workgroup();
}

// Its UUID. Few may ask, and before the set-up nobody: that it fails is no news.
void KitFactFinder::workgroup() {
  if (!to_.serverless || to_.auth.method != "iam_role") return;
  const auto identity = make_identity();
  if (!identity) return;
  const Result<WarehouseInfo> info = identity->warehouse(stop_);
  if (info.ok()) facts_.workgroup_arn = info->resource_arn;
}

std::shared_ptr<DestinationIdentity> KitFactFinder::make_identity() {
  auto options = identity_options(config_, to_, sealed_store(context_));
  if (!options.ok()) {
    asked_note_ = note(kNobody, options.error());
    return nullptr;
  }
  auto made =
      DestinationIdentity::make(std::move(options).value(), real_identity_effects(*context_.clock));
  if (made.ok()) return std::move(made).value();
  asked_note_ = note(kNobody, made.error());
  return nullptr;
}

}  // namespace vesto::cli
