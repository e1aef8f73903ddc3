#include <algorithm>

#include "base/strings.h"
#include "sandbox/aws/iam_service.h"
#include "sandbox/iam/policy_json.h"
#include "sandbox/s3/uri.h"

namespace vesto::sandbox {

namespace {

// "RoleName" as IAM's texts have it: "roleName".
std::string field_of(std::string_view parameter) {
  std::string out(parameter);
  if (!out.empty()) out[0] = to_lower_ascii(out.substr(0, 1))[0];
  return out;
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("+=,.@_-").find(c) != std::string_view::npos;
}

IamError missing(std::string_view parameter) {
  return validation_error("", field_of(parameter), "Member must not be null");
}

}  // namespace

IamError no_such_entity(std::string text) { return {404, "NoSuchEntity", std::move(text)}; }
IamError already_exists(std::string text) { return {409, "EntityAlreadyExists", std::move(text)}; }
IamError over_quota(std::string text) { return {409, "LimitExceeded", std::move(text)}; }

IamError delete_conflict(std::string_view why) {
  return {409, "DeleteConflict", "Cannot delete entity, must " + std::string(why) + " first."};
}

ApiResult<std::string> iam_name(const ApiCall& call, std::string_view parameter, size_t most) {
  std::string name = call.parameter(parameter);
  if (name.empty()) return missing(parameter);
  if (name.size() > most) {
    return validation_error(
        name, field_of(parameter),
        "Member must have length less than or equal to " + std::to_string(most));
  }
  if (!std::all_of(name.begin(), name.end(), is_name_char)) {
    return IamError{400, "ValidationError",
                    "The specified value for " + field_of(parameter) +
                        " is invalid. It must contain only alphanumeric characters and/or the "
                        "following: +=,.@_-"};
  }
  return name;
}

ApiResult<std::string> iam_path(const ApiCall& call) {
  if (!call.has("Path")) return std::string("/");
  std::string path = call.parameter("Path");
  const bool good =
      path.size() <= 512 && path.starts_with("/") && path.ends_with("/") &&
      path.find("//") == std::string::npos &&
      std::all_of(path.begin(), path.end(), [](char c) { return c == '/' || is_name_char(c); });
  if (good) return path;
  return IamError{400, "ValidationError",
                  "The specified value for path is invalid. It must begin and end with / and "
                  "contain only alphanumeric characters and/or / characters."};
}

ApiResult<int64_t> iam_number(const ApiCall& call, std::string_view parameter, int64_t otherwise,
                              int64_t least, int64_t most) {
  if (!call.has(parameter)) return otherwise;
  const std::string text = call.parameter(parameter);
  const auto number = parse_int(text);
  if (!number) return IamError{400, "MalformedInput", "Invalid integer"};
  if (*number < least) {
    return validation_error(
        text, field_of(parameter),
        "Member must have value greater than or equal to " + std::to_string(least));
  }
  if (*number > most) {
    return validation_error(text, field_of(parameter),
                            "Member must have value less than or equal to " + std::to_string(most));
  }
  return *number;
}

ApiResult<IamPolicy> iam_document(const ApiCall& call, std::string_view parameter, PolicyKind kind,
                                  size_t limit, const std::string& too_long) {
  const std::string text = call.parameter(parameter);
  if (text.empty()) return missing(parameter);
  if (count_non_blank(text) > limit) return over_quota(too_long);
  auto parsed = parse_working_policy(text, kind);
  if (!parsed.ok()) return IamError{400, "MalformedPolicyDocument", parsed.error().text};
  return *std::move(parsed);
}

ApiResult<std::map<std::string, std::string>> iam_tags(const ApiCall& call) {
  constexpr int kMaxTags = 50;
  std::map<std::string, std::string> tags;
  std::vector<std::string> seen;
  for (int i = 1;; ++i) {
    const std::string name = "Tags.member." + std::to_string(i);
    if (!call.has(name + ".Key")) return tags;
    if (i > kMaxTags) {
      return validation_error("[...]", "tags", "Member must have length less than or equal to 50");
    }
    const std::string key = call.parameter(name + ".Key");
    const std::string value = call.parameter(name + ".Value");
    const std::string field = "tags." + std::to_string(i) + ".member.";
    if (key.empty() || count_characters(key) > 128) {
      return validation_error(key, field + "key", "Member must have length between 1 and 128");
    }
    if (count_characters(value) > 256) {
      return validation_error(value, field + "value",
                              "Member must have length less than or equal to 256");
    }
    const std::string lower = to_lower_ascii(key);
    if (std::find(seen.begin(), seen.end(), lower) != seen.end()) {
      return IamError{400, "InvalidInput",
                      "Duplicate tag keys found. Please note that Tag keys are case insensitive."};
    }
    seen.push_back(lower);
    tags.emplace(key, value);
  }
}

void write_iam_tags(const std::map<std::string, std::string>& tags, XmlWriter& xml) {
  if (tags.empty()) return;
  xml.open("Tags");
  for (const auto& [key, value] : tags) {
    xml.open("member").text("Key", key).text("Value", value).close();
  }
  xml.close();
}

std::string iam_document_text(const IamPolicy& policy) {
  return percent_encode(policy.text, false);
}

}  // namespace vesto::sandbox
