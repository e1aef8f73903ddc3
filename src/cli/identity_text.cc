// How `vesto identity show` is printed: texts for people, one JSON object for programs.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "address/arn.h"
#include "base/strings.h"
#include "cli/identity_report.h"
#include "kit/kit.h"
#include "kit/places.h"
#include "sync/run.h"
#include "sync/warehouse_wait.h"

namespace vesto::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kHowTo =
    "How to get a Google identity (one of three)\n"
    "  1. On Google Cloud: a service account for what Vesto runs in. No key anywhere.\n"
    "       gcloud iam service-accounts create vesto\n"
    "     Compute Engine, with the instance stopped:\n"
    "       gcloud compute instances set-service-account INSTANCE --scopes=cloud-platform \\\n"
    "         --service-account=vesto@PROJECT.iam.gserviceaccount.com\n"
    "     Kubernetes (GKE), with Workload Identity switched on:\n"
    "       gcloud iam service-accounts add-iam-policy-binding \\\n"
    "         vesto@PROJECT.iam.gserviceaccount.com --role=roles/iam.workloadIdentityUser \\\n"
    "         --member=\"serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME]\"\n"
    "       kubectl annotate serviceaccount NAME --namespace=NAMESPACE \\\n"
    "         iam.gke.io/gcp-service-account=vesto@PROJECT.iam.gserviceaccount.com\n"
    "     [identity.google] source = \"metadata\" (the default)\n"
    "  2. Elsewhere, by a key of that service account:\n"
    "       gcloud iam service-accounts keys create google.json \\\n"
    "         --iam-account=vesto@PROJECT.iam.gserviceaccount.com\n"
    "       vesto secret set google/key --from-file google.json      and remove google.json\n"
    "     [identity.google] source = \"key_file\", key = { secret = \"google/key\" }\n"
    "  3. By a file that something else keeps fresh with an ID token for the one audience of the\n"
    "     destination:\n"
    "     [identity.google] source = \"token_file\", token_file = \"/run/vesto/google-token\"\n";

int64_t minutes_left(const TokenClaims& claims, int64_t now_ms) {
  const int64_t now_s = now_ms / 1000;
  return claims.expires_at_s > now_s ? (claims.expires_at_s - now_s) / 60 : 0;
}

// What others have written: one line, of a bounded length that any ARN has room in. Where it was
// cut, it says so.
std::string shown(const std::string& text) {
  constexpr size_t kMostBytes = 2'048;
  const std::string_view kept = cut_utf8(text, kMostBytes);
  return printable(kept, false) + (kept.size() < text.size() ? "... (cut)" : "");
}

// Nothing where the value is not known.
std::string field(std::string_view name, const std::string& value) {
  if (value.empty()) return "";
  return fmt::format("  {:<12}{}\n", name, shown(value));
}

std::string google_text(const GoogleReport& google, int64_t now_ms) {
  std::string out = "Google\n" + field("source", google.source);
  if (google.error) {
    return out + fmt::format("  no token: {}\n\n{}", shown(google.error->message()), kHowTo);
  }
  if (!google.claims) return out + "  no token was asked for\n";
  const TokenClaims& claims = *google.claims;
  out += field("sub", claims.subject);
  out += field("email", claims.email.empty() ? "(not in the token)" : claims.email);
  out += field("azp", claims.authorized_party.empty() ? "(none)" : claims.authorized_party);
  out += field("issuer", claims.issuer);
  out += field("audience", claims.audience);
  return out + field("token", fmt::format("{} min left", minutes_left(claims, now_ms)));
}

std::string mark(const Terminal& terminal, Shape what) {
  return "  " + shape(terminal, what) + " ";
}

std::string identity_name(const AuthConfig& auth) {
  if (auth.identity == "google") return "a Google identity";
  if (auth.identity == "access_key") return "an access key";
  return "AWS's default chain";
}

std::string copy_name(const AuthConfig& auth) {
  if (auth.copy == "attached_role") {
    return auth.copy_role_arn == "default" ? "the warehouse's default role"
                                           : "the attached role " + auth.copy_role_arn;
  }
  if (auth.copy == "static_keys") return "the access key itself";
  return auth.role_arn.empty() ? "the temporary keys themselves (narrowed to the files of one load "
                                 "only with role_arn)"
                               : "temporary keys, narrowed to the files of one load";
}

std::string bound_text(const IdentityReport& report, const Terminal& terminal) {
  const bool google = report.google.has_value();
  if (report.bound == TrustBound::kBound) {
    return mark(terminal, Shape::kDone) + (google
                                               ? "the role refuses a token for another audience "
                                                 "(that it asks for our sub as well cannot be "
                                                 "tried: see its trust policy)\n"
                                               : "the role refuses us without the external id, and "
                                                 "with another one\n");
  }
  if (report.bound == TrustBound::kLoose) {
    const CatalogEntry& entry = catalog_entry(ErrorCode::kAwsTrustLoose);
    const std::string took = "It took " + shown(report.took);
    return mark(terminal, Shape::kPartial) +
           fmt::format("{}: {}. {}:\n", entry.name, entry.title, took) +
           "    whoever may add a destination to this Vesto can use it. Put the trust policy "
           "below\n"
           "    in its place.\n";
  }
  if (report.why.empty()) return "";
  return mark(terminal, Shape::kNone) +
         fmt::format("whether the role refuses {}: {}\n",
                     google ? "another audience" : "us without the external id", shown(report.why));
}

// "paused": nobody can log in then.
std::string warehouse_text(const IdentityReport& report) {
  if (!report.warehouse) return "";
  const WarehouseInfo& info = *report.warehouse;
  const std::optional<WarehouseAway> away = warehouse_away(info);
  std::string text = to_lower_ascii(info.status);
  if (!info.address.empty()) text += fmt::format(", {}:{}", info.address, info.port);
  text += info.publicly_accessible ? ", publicly accessible" : ", not publicly accessible";
  return field("warehouse", text) +
         (info.status == "paused" ? "              Nobody can log in until it is resumed.\n"
          : away                  ? fmt::format("              Not ready: {}.\n", away->reason)
                                  : std::string());
}

std::string aws_text(const IdentityReport& report, const Terminal& terminal) {
  const AuthConfig& auth = report.destination->auth;
  std::string out = "AWS\n";
  if (!report.google) out += field("keys", report.source);
  if (report.asker) {
    out += field("asking", report.asker->arn) + field("account", report.asker->account);
  }
  if (!auth.role_arn.empty()) out += field("role", auth.role_arn);
  if (!auth.external_id.empty()) out += field("external id", auth.external_id);
  if (report.self) {
    out += field(auth.role_arn.empty() ? "we are" : "session", report.self->arn);
    if (!report.asker) out += field("account", report.self->account);
    if (!auth.role_arn.empty()) out += mark(terminal, Shape::kDone) + "the role can be assumed\n";
  }
  // That there is no token stands above.
  const bool told = report.google && report.google->error;
  if (report.error && !told) {
    out += mark(terminal, Shape::kFailed) +
           fmt::format("{}: {}\n", report.error->name(), shown(report.error->message()));
  }
  return out + bound_text(report, terminal) + warehouse_text(report);
}

std::string trust_text(const IdentityReport& report) {
  const AuthConfig& auth = report.destination->auth;
  if (auth.role_arn.empty()) return "";
  if (report.trust_policy.empty()) {
    return "\nThe trust policy can be printed once it is known who asks.\n";
  }
  std::string out = fmt::format("\nTrust policy of {} (an AWS admin sets it)\n{}\n",
                                shown(auth.role_arn), report.trust_policy);
  if (report.google) {
    const std::string azp = report.google->claims ? report.google->claims->authorized_party : "";
    out += fmt::format(
        "Do not test accounts.google.com:aud: AWS fills it from azp, which says who asks, the "
        "same\n"
        "for every destination{}. The audience is accounts.google.com:oaud.\n",
        azp.empty() ? "" : " (here " + shown(azp) + ")");
  } else if (report.path_unknown) {
    out +=
        "In the place of <<PRINCIPAL_PATH>> put the path of the role that asks, "
        "which AWS does not\n"
        "tell: / where it has none, as most have, else all of it (/team/data/), "
        "as on the role's page.\n";
  }
  if (!report.google && auth.external_id.empty()) {
    out += "external_id is not set: with one, nobody else's destination can name this role.\n";
  }
  return out;
}

std::string login_text(const IdentityReport& report) {
  const AuthConfig& auth = report.destination->auth;
  if (auth.method == "password") {
    return "\nLogin\n" + field("user", report.user) +
           "  By its password; the AWS identity above is for the staging bucket.\n";
  }
  if (report.database_user.empty()) {
    return "\nDatabase user: known once AWS says who we are.\n";
  }
  return fmt::format(
      "\nDatabase user \"{}\"{}\n"
      "(a Redshift admin runs this; the first line only where there is no such user yet)\n{}\n",
      shown(report.database_user), auth.db_user.empty() ? ": the grants must name it" : "",
      join(report.grants, "\n"));
}

std::string permission_text(const IdentityReport& report) {
  const AuthConfig& auth = report.destination->auth;
  std::string whose = "who we are";
  if (report.self) whose = principal_of_arn(report.self->arn);
  if (!auth.role_arn.empty()) whose = auth.role_arn;
  std::string out = fmt::format("\nPermission policy of {} (an AWS admin sets it)\n{}\n",
                                shown(whose), report.permission_policy);
  for (const std::string& name : kit::missing_in(report.permission_policy)) {
    out += fmt::format("Missing: <<{}>>. {}\n", name, missing_help(name, *report.destination));
  }
  if (auth.copy == "attached_role") {
    out += "The attached role needs s3:GetObject and s3:ListBucket on the same prefix.\n";
  }
  return out;
}

Json claims_json(const std::optional<GoogleReport>& google, int64_t now_ms) {
  if (!google) return nullptr;
  Json out = {{"source", google->source}, {"sub", nullptr}};
  if (google->claims) {
    const TokenClaims& claims = *google->claims;
    out["sub"] = claims.subject;
    out["email"] = claims.email;
    out["azp"] = claims.authorized_party;
    out["issuer"] = claims.issuer;
    out["audience"] = claims.audience;
    out["minutes_left"] = minutes_left(claims, now_ms);
  }
  return out;
}

Json destination_json(const DestinationConfig& destination) {
  const AuthConfig& auth = destination.auth;
  return {{"name", destination.name},
          {"identity", auth.identity},
          {"login", auth.method},
          {"copy", auth.copy},
          {"role_arn", auth.role_arn},
          {"audience", auth.audience},
          {"external_id", auth.external_id},
          {"profile", auth.profile},
          {"db_user", auth.db_user},
          {"copy_role_arn", auth.copy_role_arn}};
}

Json caller_json(const std::optional<CallerIdentity>& caller) {
  if (!caller) return nullptr;
  return {{"arn", caller->arn}, {"account", caller->account}};
}

Json warehouse_json(const std::optional<WarehouseInfo>& info) {
  if (!info) return nullptr;
  return {{"status", info->status},
          {"availability", info->availability},
          {"address", info->address},
          {"port", info->port},
          {"publicly_accessible", info->publicly_accessible}};
}

// Our own text, or null where there is none.
Json parsed(const std::string& text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? Json(nullptr) : json;
}

Json report_json(const IdentityReport& report) {
  Json out = destination_json(*report.destination);
  out["source"] = report.source;
  out["asker"] = caller_json(report.asker);
  out["self"] = caller_json(report.self);
  out["role_assumed"] = report.self && !report.destination->auth.role_arn.empty();
  Json bound = nullptr;
  if (report.bound != TrustBound::kNotTested) bound = report.bound == TrustBound::kBound;
  out["trust_bound"] = {{"bound", bound}, {"why", report.why}};
  out["trust_policy"] = parsed(report.trust_policy);
  out["permission_policy"] = parsed(report.permission_policy);
  out["warehouse"] = warehouse_json(report.warehouse);
  out["workgroup_known"] = report.workgroup_known;
  out["missing"] = kit::missing_in(report.permission_policy);
  out["user"] = report.user;
  out["database_user"] = report.database_user;
  out["grants"] = report.grants;
  return out;
}

Json warnings_json(const IdentityReport* report) {
  Json out = Json::array();
  if (report == nullptr || report->bound != TrustBound::kLoose) return out;
  const CatalogEntry& entry = catalog_entry(ErrorCode::kAwsTrustLoose);
  const std::string hint = report->google
                               ? std::string(entry.hint)
                               : "Add the condition on sts:ExternalId to the role's trust policy: "
                                 "vesto identity show DESTINATION prints it whole.";
  out.push_back({{"code", entry.name}, {"message", entry.title}, {"hint", hint}});
  return out;
}

}  // namespace

std::string overview_text(const Config& config, const std::optional<GoogleReport>& google,
                          int64_t now_ms) {
  std::string out = google ? google_text(*google, now_ms) : "No destination uses Google.\n";
  if (config.destinations.empty()) {
    return out + "\nNo destination is defined yet: [destination.NAME] in the configuration.\n";
  }
  std::vector<std::vector<std::string>> rows = {
      {"DESTINATION", "IDENTITY", "LOGIN", "ROLE", "AUDIENCE OR EXTERNAL ID"}};
  for (const DestinationConfig& to : config.destinations) {
    const AuthConfig& auth = to.auth;
    const std::string& bound = auth.identity == "google" ? auth.audience : auth.external_id;
    rows.push_back({to.name, auth.identity, auth.method,
                    auth.role_arn.empty() ? "-" : shown(auth.role_arn),
                    bound.empty() ? "-" : shown(bound)});
  }
  return out + "\n" + table_text(rows) + "Next:  vesto identity show DESTINATION\n";
}

std::string identity_text(const IdentityReport& report, const Terminal& terminal, int64_t now_ms) {
  const AuthConfig& auth = report.destination->auth;
  std::string out = fmt::format("{}: {}{}\n", report.destination->name, identity_name(auth),
                                auth.role_arn.empty() ? "" : ", by which a role is assumed");
  out += fmt::format("COPY reads with {}.\n\n", shown(copy_name(auth)));
  if (report.google) out += google_text(*report.google, now_ms) + "\n";
  out += aws_text(report, terminal);
  out += trust_text(report);
  out += login_text(report);
  return out + permission_text(report);
}

std::string identity_json(const Config& config, const std::optional<GoogleReport>& google,
                          const IdentityReport* report, int64_t now_ms) {
  Json out = {{"schema", "vesto.identity/1"}, {"google", claims_json(google, now_ms)}};
  out["destinations"] = Json::array();
  if (report != nullptr) {
    out["destinations"].push_back(report_json(*report));
  } else {
    for (const DestinationConfig& to : config.destinations) {
      out["destinations"].push_back(destination_json(to));
    }
  }
  out["warnings"] = warnings_json(report);
  std::optional<Error> error = google ? google->error : std::nullopt;
  if (report != nullptr) error = report->error;
  out["error"] = error ? parsed(error_json(*error)) : Json(nullptr);
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace vesto::cli
