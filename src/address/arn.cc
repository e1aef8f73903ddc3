#include "address/arn.h"

#include <algorithm>

#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kMaxArnBytes = 2048;
constexpr std::string_view kRole = "role/";
constexpr std::string_view kSession = "assumed-role/";

// Up to the next colon, which goes too; nothing if there is none.
std::optional<std::string> take_part(std::string_view* text) {
  const size_t colon = text->find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string part(text->substr(0, colon));
  text->remove_prefix(colon + 1);
  return part;
}

}  // namespace

bool is_account_id(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<Arn> parse_arn(std::string_view text) {
  if (text.size() > kMaxArnBytes || !text.starts_with("arn:")) return std::nullopt;
  const auto is_no_text = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  if (std::any_of(text.begin(), text.end(), is_no_text)) return std::nullopt;
  text.remove_prefix(4);
  Arn arn;
  for (std::string* part : {&arn.partition, &arn.service, &arn.region, &arn.account}) {
    std::optional<std::string> taken = take_part(&text);
    if (!taken) return std::nullopt;
    *part = *std::move(taken);
  }
  arn.resource = std::string(text);
  if (find_partition(arn.partition) == nullptr) return std::nullopt;
  if (arn.service.empty() || arn.resource.empty()) return std::nullopt;
  if (!arn.account.empty() && !is_account_id(arn.account)) return std::nullopt;
  return arn;
}

bool is_role_arn(std::string_view text) {
  const std::optional<Arn> arn = parse_arn(text);
  return arn && arn->service == "iam" && arn->region.empty() && !arn->account.empty() &&
         arn->resource.starts_with(kRole) && arn->resource.size() > kRole.size() &&
         !arn->resource.ends_with('/');
}

std::string_view kms_key_fault(std::string_view text) {
  constexpr std::string_view kKey = "key/";
  constexpr std::string_view kNone = "is no ARN of a KMS key";
  const auto is_plain = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of(
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                                "UVWXYZ0123456789-") == std::string_view::npos;
  };
  const std::optional<Arn> arn = parse_arn(text);
  if (!arn || arn->service != "kms" || arn->account.empty() || !is_plain(arn->region)) return kNone;
  const std::string_view resource = arn->resource;
  if (resource.starts_with("alias/")) return "is that of an alias, which no policy can name";
  return resource.starts_with(kKey) && is_plain(resource.substr(kKey.size())) ? "" : kNone;
}

bool is_session_arn(std::string_view text) {
  const std::optional<Arn> arn = parse_arn(text);
  if (!arn || arn->service != "sts" || !arn->region.empty() || arn->account.empty()) return false;
  if (!arn->resource.starts_with(kSession)) return false;
  const std::string_view rest = std::string_view(arn->resource).substr(kSession.size());
  const size_t slash = rest.find('/');  // neither name holds one
  return slash != std::string_view::npos && slash > 0 && slash + 1 < rest.size() &&
         rest.find('/', slash + 1) == std::string_view::npos;
}

std::string account_of_arn(std::string_view arn) {
  const std::optional<Arn> parsed = parse_arn(arn);
  return parsed ? parsed->account : "";
}

const AwsPartition& partition_of_arn(std::string_view arn) {
  const std::optional<Arn> parsed = parse_arn(arn);
  return parsed ? *find_partition(parsed->partition) : *find_partition("aws");
}

std::string role_name_of_arn(std::string_view arn) {
  const std::optional<Arn> parsed = parse_arn(arn);
  if (!parsed) return "";
  const std::string_view resource = parsed->resource;
  if (parsed->service == "iam" && resource.starts_with(kRole)) {
    return std::string(resource.substr(resource.rfind('/') + 1));
  }
  if (parsed->service == "sts" && resource.starts_with(kSession)) {
    const std::string_view rest = resource.substr(kSession.size());
    return std::string(rest.substr(0, rest.find('/')));
  }
  return "";
}

std::string principal_of_arn(std::string_view arn, std::string_view known_role) {
  const std::string role = role_name_of_arn(arn);
  const std::optional<Arn> parsed = parse_arn(arn);
  if (role.empty() || parsed->service != "sts") return std::string(arn);
  if (is_role_arn(known_role) && role_name_of_arn(known_role) == role &&
      account_of_arn(known_role) == parsed->account) {
    return std::string(known_role);
  }
  return "arn:" + parsed->partition + ":iam::" + parsed->account + ":role/" + role;
}

}  // namespace vesto
