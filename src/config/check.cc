// What must hold between objects.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "address/arn.h"
#include "base/ids.h"
#include "base/strings.h"
#include "config/build.h"
#include "schema/table_name.h"

namespace vesto {

namespace {

class Checker {
 public:
  Checker(const Config& config, std::vector<ConfigIssue>* issues)
      : config_(config), issues_(issues) {}

  void check() {
    for (const SyncConfig& sync : config_.syncs) {
      named(sync, "source", sync.source, sync.source_origin, names_of(config_.sources));
      named(sync, "destination", sync.destination, sync.destination_origin,
            names_of(config_.destinations));
      state_table(sync);
      targets(sync);
    }
    for (const DestinationConfig& destination : config_.destinations) {
      audience(destination);
      warehouse(destination);
    }
    external_ids();
    google();
  }

 private:
  void add(ErrorCode code, const Origin& origin, std::string message, std::string hint) {
    issues_->push_back(
        {.code = code, .origin = origin, .message = std::move(message), .hint = std::move(hint)});
  }

  void named(const SyncConfig& sync, std::string_view kind, const std::string& name,
             const Origin& origin, const std::vector<std::string>& known) {
    if (name.empty() || std::find(known.begin(), known.end(), name) != known.end()) return;
    const std::optional<std::string> better = nearest(name, known);
    add(ErrorCode::kCfgValue, origin,
        fmt::format("sync.{} names the {} \"{}\", which is not defined{}", sync.name, kind,
                    cut_utf8(name, 100),
                    better ? fmt::format("; did you mean \"{}\"?", *better) : ""),
        fmt::format("Add [{}.{}], or correct the name.", kind, cut_utf8(name, 100)));
  }

  // State tables are named after a hash of the lower-case name.
  void state_table(const SyncConfig& sync) {
    const auto [at, fresh] = state_tables_.try_emplace(sync_id(sync.name).text, &sync);
    if (fresh) return;
    add(ErrorCode::kCfgDuplicate, sync.origin,
        fmt::format("sync.{} and sync.{} ({}) would share one state table", sync.name,
                    at->second->name, at->second->origin.text()),
        "Names that differ in upper and lower case only are the same: rename one of them.");
  }

  // Two destinations may be one place under two names: the place counts.
  void targets(const SyncConfig& sync) {
    const DestinationConfig* destination = config_.find_destination(sync.destination);
    if (destination == nullptr) return;
    std::map<std::string, const TableConfig*> streams;
    for (const TableConfig& table : sync.tables) {
      if (table.target.empty()) continue;
      // A stream has one position in its sync's state table.
      if (const auto [at, fresh] = streams.try_emplace(normal_table_name(table.name), &table);
          !fresh) {
        add(ErrorCode::kCfgDuplicate, table.origin,
            fmt::format("sync.{}: the table {} stands there twice ({})", sync.name,
                        cut_utf8(table.name, 200), at->second->origin.text()),
            "Remove one of them; for a second target make another sync.");
        continue;
      }
      const Place place{to_lower_ascii(destination->host), destination->port, destination->database,
                        to_lower_ascii(destination->schema), table.target};
      const auto [at, fresh] = targets_.try_emplace(place, &sync, &table);
      if (fresh) continue;
      const auto& [other_sync, other] = at->second;
      const std::string whose =
          other_sync == &sync ? std::string() : fmt::format(" of sync.{}", other_sync->name);
      add(ErrorCode::kCfgDuplicate, table.origin,
          fmt::format("sync.{}: {} delivers into {}.{}, and so does {}{} ({})", sync.name,
                      cut_utf8(table.name, 200), destination->schema, table.target,
                      cut_utf8(other->name, 200), whose, other->origin.text()),
          "Give one of them another target = \"...\", or another schema.");
    }
  }

  // Who may add a destination here knows its audience. If it were also that of another account's
  // role, they could name that role and have Vesto write with it (the confused deputy; IAM user
  // guide). So Vesto sends no token whose audience is another account's.
  void audience(const DestinationConfig& destination) {
    const AuthConfig& auth = destination.auth;
    if (auth.identity != "google" || auth.audience.empty() || !is_role_arn(auth.role_arn)) return;
    const auto [at, fresh] = audiences_.try_emplace(auth.audience, &destination);
    if (fresh) return;
    const DestinationConfig& other = *at->second;
    if (account_of_arn(other.auth.role_arn) == account_of_arn(auth.role_arn)) return;
    add(ErrorCode::kCfgDuplicate, auth.audience_origin,
        fmt::format(
            "destination.{}.auth.audience is that of destination.{} too ({}), whose role is "
            "of another AWS account: who knows one role's audience could use the other",
            destination.name, other.name, other.auth.audience_origin.text()),
        "Make an audience of its own for each account (any text that nobody else chose), here and "
        "in "
        "the trust policy of its role.");
  }

  // Logins are asked for under that name, and the kit's policies hold it. The endpoint's own name
  // may still be the wrong one of the two: a warning.
  void warehouse(const DestinationConfig& destination) {
    const std::string other = other_warehouse(destination);
    if (other.empty()) return;
    issues_->push_back(
        {.code = ErrorCode::kCfgValue,
         .origin = destination.auth.warehouse_origin,
         .message = fmt::format("destination.{}.auth.warehouse is \"{}\", and the endpoint is that "
                                "of \"{}\"",
                                destination.name, cut_utf8(destination.auth.warehouse, 200), other),
         .hint = "Correct one of them, or leave warehouse out: the endpoint's name tells it.",
         .warning = true});
  }

  // The same for roles that keys assume: there the external id tells accounts apart. A company may
  // reach several accounts of its own without one, so this is a warning.
  void external_ids() {
    std::map<std::string, std::vector<const DestinationConfig*>> by_asker;
    for (const DestinationConfig& destination : config_.destinations) {
      const AuthConfig& auth = destination.auth;
      if (auth.identity == "google" || !is_role_arn(auth.role_arn)) continue;
      by_asker[fmt::format("{}\n{}\n{}", auth.identity, auth.profile, auth.access_key_id.name)]
          .push_back(&destination);
    }
    for (const auto& [asker, destinations] : by_asker) {
      for (const DestinationConfig* destination : destinations)
        external_id(*destination, destinations);
    }
  }

  void external_id(const DestinationConfig& destination,
                   const std::vector<const DestinationConfig*>& all) {
    const AuthConfig& auth = destination.auth;
    const auto clashes = [&](const DestinationConfig* other) {
      return account_of_arn(other->auth.role_arn) != account_of_arn(auth.role_arn) &&
             (auth.external_id.empty() || other->auth.external_id == auth.external_id);
    };
    const auto other = std::find_if(all.begin(), all.end(), clashes);
    if (other == all.end()) return;
    issues_->push_back(
        {.code = ErrorCode::kAwsTrustLoose,
         .origin = auth.external_id.empty() ? auth.role_arn_origin : auth.external_id_origin,
         .message =
             auth.external_id.empty()
                 ? fmt::format(
                       "destination.{}.auth has no external_id, and the same keys assume the "
                       "role of another AWS account for destination.{}: who may add a "
                       "destination could name this role",
                       destination.name, (*other)->name)
                 : fmt::format(
                       "destination.{}.auth.external_id is that of destination.{} too, whose "
                       "role is of another AWS account",
                       destination.name, (*other)->name),
         .hint =
             "Set external_id to a text of its own for each account, and demand it in the role's "
             "trust policy (sts:ExternalId).",
         .warning = true});
  }

  void google() {
    if (config_.destinations.empty() || !config_.google.says_something) return;
    for (const DestinationConfig& destination : config_.destinations) {
      if (destination.auth.identity == "google") return;
    }
    issues_->push_back({.code = ErrorCode::kCfgValue,
                        .origin = config_.google.origin,
                        .message = "[identity.google] is not used: no destination has identity = "
                                   "\"google\"",
                        .hint =
                            "Remove the section, or set identity = \"google\" with role_arn and "
                            "audience in the destination that is to use it.",
                        .warning = true});
  }

  using Place = std::tuple<std::string, int, std::string, std::string, std::string>;

  const Config& config_;
  std::vector<ConfigIssue>* issues_;
  std::map<std::string, const SyncConfig*> state_tables_;
  std::map<std::string, const DestinationConfig*> audiences_;
  std::map<Place, std::pair<const SyncConfig*, const TableConfig*>> targets_;
};

}  // namespace

void check_config(const Config& config, std::vector<ConfigIssue>* issues) {
  Checker(config, issues).check();
}

}  // namespace vesto
