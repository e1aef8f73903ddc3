#include "sandbox/s3/bucket_settings.h"

#include <algorithm>
#include <optional>
#include <pugixml.hpp>
#include <set>
#include <vector>

#include "base/strings.h"
#include "sandbox/http/http_server.h"
#include "sandbox/s3/s3_errors.h"
#include "sandbox/s3/s3_xml.h"
#include "sandbox/s3/uri.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxRules = 1000;
constexpr size_t kMaxRuleIdChars = 255;
constexpr int64_t kMaxDays = 2'147'483'647;
constexpr std::array<const char*, 4> kBlocks = {"BlockPublicAcls", "IgnorePublicAcls",
                                                "BlockPublicPolicy", "RestrictPublicBuckets"};

bool parse(std::string_view body, const char* root, pugi::xml_document& document,
           pugi::xml_node& node) {
  if (!has_xml_characters(body)) return false;
  if (!document.load_buffer(body.data(), body.size(), pugi::parse_default, pugi::encoding_utf8)) {
    return false;
  }
  node = document.child(root);
  return !node.empty();
}

// Whether all elements below `node` are among `known`, each once unless it may stand often.
bool has_only(const pugi::xml_node& node, const std::vector<std::string_view>& known,
              std::string_view often = {}) {
  std::set<std::string> seen;
  for (const pugi::xml_node child : node.children()) {
    if (child.type() != pugi::node_element) continue;
    const std::string_view name = child.name();
    if (std::find(known.begin(), known.end(), name) == known.end()) return false;
    if (!seen.insert(std::string(name)).second && name != often) return false;
  }
  return true;
}

std::string value_of(const pugi::xml_node& node, const char* name) {
  return std::string(trim(node.child_value(name)));
}

S3Result<std::string> read_public_access(std::string_view body) {
  pugi::xml_document document;
  pugi::xml_node root;
  const std::vector<std::string_view> known(kBlocks.begin(), kBlocks.end());
  if (!parse(body, "PublicAccessBlockConfiguration", document, root) || !has_only(root, known)) {
    return malformed_xml();
  }
  XmlWriter xml;
  xml.open("PublicAccessBlockConfiguration " + std::string(kS3Namespace));
  for (const char* name : kBlocks) {
    const std::string value = to_lower_ascii(value_of(root, name));
    if (!value.empty() && value != "true" && value != "false") return malformed_xml();
    xml.text(name, value == "true" ? "true" : "false");
  }
  xml.close();
  return xml.str();
}

bool is_ownership(std::string_view text) {
  return text == "BucketOwnerEnforced" || text == "BucketOwnerPreferred" || text == "ObjectWriter";
}

std::string ownership_document(const std::string& ownership) {
  XmlWriter xml;
  xml.open("OwnershipControls " + std::string(kS3Namespace)).open("Rule");
  xml.text("ObjectOwnership", ownership).close().close();
  return xml.str();
}

// MFA delete is for the owner's root alone, which the sandbox does not have.
S3Result<std::string> read_versioning(std::string_view body) {
  pugi::xml_document document;
  pugi::xml_node root;
  if (!parse(body, "VersioningConfiguration", document, root) || !has_only(root, {"Status"})) {
    return malformed_xml();
  }
  const std::string status = value_of(root, "Status");
  if (status != "Enabled" && status != "Suspended") return malformed_xml();
  XmlWriter xml;
  xml.open("VersioningConfiguration " + std::string(kS3Namespace));
  xml.text("Status", status).close();
  return xml.str();
}

S3Result<std::string> read_ownership(std::string_view body) {
  pugi::xml_document document;
  pugi::xml_node root;
  if (!parse(body, "OwnershipControls", document, root) || !has_only(root, {"Rule"}) ||
      !has_only(root.child("Rule"), {"ObjectOwnership"})) {
    return malformed_xml();
  }
  const std::string ownership = value_of(root.child("Rule"), "ObjectOwnership");
  if (!is_ownership(ownership)) return malformed_xml();
  return ownership_document(ownership);
}

// A number of days, at least one.
bool copy_days(const pugi::xml_node& node, const char* name, XmlWriter& xml) {
  const auto days = parse_int(value_of(node, name));
  if (!days || *days < 1 || *days > kMaxDays) return false;
  xml.number(name, *days);
  return true;
}

// One action: its element with one number of days in it. True where it is not there.
bool copy_action(const pugi::xml_node& rule, const char* action, const char* days, int* count,
                 XmlWriter& xml) {
  const pugi::xml_node node = rule.child(action);
  if (node.empty()) return true;
  ++*count;
  if (!has_only(node, {days})) return false;
  xml.open(action);
  const bool good = copy_days(node, days, xml);
  xml.close();
  return good;
}

// Filter with a prefix, or the older Prefix beside it; one of the two.
bool copy_filter(const pugi::xml_node& rule, XmlWriter& xml) {
  const pugi::xml_node filter = rule.child("Filter");
  const pugi::xml_node prefix = rule.child("Prefix");
  if (filter.empty() == prefix.empty()) return false;
  if (!prefix.empty()) {
    xml.text("Prefix", prefix.child_value());
    return true;
  }
  if (!has_only(filter, {"Prefix"})) return false;
  xml.open("Filter");
  if (!filter.child("Prefix").empty()) xml.text("Prefix", filter.child_value("Prefix"));
  xml.close();
  return true;
}

S3Result<Unit> copy_rule(const pugi::xml_node& rule, std::set<std::string>& ids, XmlWriter& xml) {
  if (!has_only(rule, {"ID", "Status", "Filter", "Prefix", "Expiration",
                       "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"})) {
    return malformed_xml();
  }
  std::string id = value_of(rule, "ID");
  if (id.size() > kMaxRuleIdChars) {
    return S3Error{400, "InvalidArgument", "ID length should not exceed allowed limit of 255", {}};
  }
  if (id.empty()) id = "rule-" + std::to_string(ids.size() + 1);
  if (!ids.insert(id).second) {
    return S3Error{400,
                   "InvalidArgument",
                   "Rule ID must be unique. Found same ID for more than "
                   "one rule",
                   {}};
  }
  const std::string status = value_of(rule, "Status");
  if (status != "Enabled" && status != "Disabled") return malformed_xml();
  xml.open("Rule").text("ID", id);
  if (!copy_filter(rule, xml)) return malformed_xml();
  xml.text("Status", status);
  int actions = 0;
  const bool good =
      copy_action(rule, "Expiration", "Days", &actions, xml) &&
      copy_action(rule, "NoncurrentVersionExpiration", "NoncurrentDays", &actions, xml) &&
      copy_action(rule, "AbortIncompleteMultipartUpload", "DaysAfterInitiation", &actions, xml);
  if (!good) return malformed_xml();
  if (actions == 0) {
    return S3Error{
        400, "InvalidRequest", "At least one action needs to be specified in a rule.", {}};
  }
  xml.close();
  return Unit{};
}

S3Result<std::string> read_lifecycle(std::string_view body) {
  pugi::xml_document document;
  pugi::xml_node root;
  if (!parse(body, "LifecycleConfiguration", document, root) || !has_only(root, {"Rule"}, "Rule") ||
      root.child("Rule").empty()) {
    return malformed_xml();
  }
  std::set<std::string> ids;
  XmlWriter xml;
  xml.open("LifecycleConfiguration " + std::string(kS3Namespace));
  for (const pugi::xml_node rule : root.children("Rule")) {
    if (ids.size() == kMaxRules) return malformed_xml();
    VESTO_TRY(copy_rule(rule, ids, xml));
  }
  xml.close();
  return xml.str();
}

struct Expiry {
  int64_t at_ms = 0;
  std::string rule;
};

// The end of an object under one rule of a kept document; nothing if the rule is not for it.
std::optional<Expiry> expiry_under(const pugi::xml_node& rule, std::string_view key,
                                   int64_t modified_ms) {
  constexpr int64_t kDayMs = 24LL * 3600 * 1000;
  constexpr int64_t kMostDays = 2'000'000;  // a date has a year of four digits
  const auto days = parse_int(value_of(rule.child("Expiration"), "Days"));
  if (!days || value_of(rule, "Status") != "Enabled") return std::nullopt;
  const pugi::xml_node filter = rule.child("Filter");
  const std::string prefix = (filter.empty() ? rule : filter).child_value("Prefix");
  if (!key.starts_with(prefix)) return std::nullopt;
  const int64_t age_end_ms = modified_ms + std::min(*days, kMostDays) * kDayMs;
  return Expiry{.at_ms = (age_end_ms + kDayMs - 1) / kDayMs * kDayMs, .rule = value_of(rule, "ID")};
}

}  // namespace

std::string expiring_after(int64_t days) {
  XmlWriter xml;
  xml.open("LifecycleConfiguration " + std::string(kS3Namespace)).open("Rule");
  xml.text("ID", "expire").open("Filter").close().text("Status", "Enabled");
  xml.open("Expiration").number("Days", days).close().close().close();
  return xml.str();
}

std::string expiration_of(const BucketSettings& settings, std::string_view key,
                          int64_t modified_ms) {
  const auto found = settings.find("lifecycle");
  pugi::xml_document document;
  pugi::xml_node root;
  if (found == settings.end() || !parse(found->second, "LifecycleConfiguration", document, root)) {
    return "";
  }
  std::optional<Expiry> first;
  for (const pugi::xml_node rule : root.children("Rule")) {
    const auto expiry = expiry_under(rule, key, modified_ms);
    if (expiry && (!first || expiry->at_ms < first->at_ms)) first = expiry;
  }
  if (!first) return "";
  return "expiry-date=\"" + format_http_date(first->at_ms) + "\", rule-id=\"" +
         percent_encode(first->rule, false) + "\"";
}

bool restricts_public(const BucketSettings& settings) {
  const auto found = settings.find("publicAccessBlock");
  pugi::xml_document document;
  pugi::xml_node root;
  return found != settings.end() &&
         parse(found->second, "PublicAccessBlockConfiguration", document, root) &&
         value_of(root, "RestrictPublicBuckets") == "true";
}

Versioning versioning_of(const BucketSettings& settings) {
  const auto found = settings.find("versioning");
  if (found == settings.end()) return Versioning::kNever;
  const bool enabled = found->second.find("<Status>Enabled<") != std::string::npos;
  return enabled ? Versioning::kEnabled : Versioning::kSuspended;
}

const std::array<BucketSetting, kBucketSettings>& bucket_settings() {
  static const std::array<BucketSetting, kBucketSettings> kSettings = {{
      {"publicAccessBlock", "s3:PutBucketPublicAccessBlock", "s3:GetBucketPublicAccessBlock",
       "NoSuchPublicAccessBlockConfiguration",
       "The public access block configuration was not found", read_public_access},
      {"ownershipControls", "s3:PutBucketOwnershipControls", "s3:GetBucketOwnershipControls",
       "OwnershipControlsNotFoundError", "The bucket ownership controls were not found",
       read_ownership},
      {"lifecycle", "s3:PutLifecycleConfiguration", "s3:GetLifecycleConfiguration",
       "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist",
       read_lifecycle},
      {"versioning", "s3:PutBucketVersioning", "s3:GetBucketVersioning", nullptr,
       "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>",
       read_versioning},
  }};
  return kSettings;
}

S3Result<BucketSettings> new_bucket_settings(const std::string& ownership) {
  const std::string wanted = ownership.empty() ? "BucketOwnerEnforced" : ownership;
  if (!is_ownership(wanted)) {
    return S3Error{
        400, "InvalidArgument", "Invalid x-amz-object-ownership header: " + ownership, {}};
  }
  BucketSettings out;
  out["ownershipControls"] = ownership_document(wanted);
  std::string blocks;
  for (const char* name : kBlocks) {
    blocks += "<" + std::string(name) + ">true</" + name + ">";
  }
  VESTO_ASSIGN(out["publicAccessBlock"],
               read_public_access("<PublicAccessBlockConfiguration>" + blocks +
                                  "</PublicAccessBlockConfiguration>"));
  return out;
}

bool blocks_public_policy(const BucketSettings& settings) {
  const auto found = settings.find("publicAccessBlock");
  return found != settings.end() &&
         found->second.find("<BlockPublicPolicy>true<") != std::string::npos;
}

}  // namespace vesto::sandbox
