#include "sandbox/control/fault_parser.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/strings.h"

namespace vesto::sandbox {

namespace {

using Json = nlohmann::json;
using Problem = std::optional<std::string>;

constexpr size_t kMaxMatchBytes = 1024;
constexpr uint64_t kMaxCount = 1'000'000'000;
constexpr int64_t kMaxDelayMs = 3'600'000;

const std::vector<std::string>& fields_of(const std::string& on) {
  static const std::vector<std::string> kS3 = {"status", "code", "delay_ms", "cut_after_bytes",
                                               "drop"};
  static const std::vector<std::string> kPg = {"error", "delay_ms", "drop"};
  static const std::vector<std::string> kCopy = {"missing", "half", "error",
                                                 "status",  "code", "delay_ms"};
  static const std::vector<std::string> kDisk = {"error"};
  static const std::vector<std::string> kRole = {"status",          "code", "delay_ms",
                                                 "cut_after_bytes", "drop", "error"};
  static const std::vector<std::string> kNone;
  static const std::vector<std::pair<std::string, const std::vector<std::string>*>> kKinds = {
      {"s3.put", &kS3},
      {"s3.get", &kS3},
      {"s3.head", &kS3},
      {"s3.list", &kS3},
      {"s3.delete", &kS3},
      {"s3.multipart", &kS3},
      {"pg.connect", &kPg},
      {"pg.statement", &kPg},
      {"pg.commit", &kPg},
      {"copy.object", &kCopy},
      {"disk", &kDisk},
      {"google.metadata", &kS3},
      {"google.token", &kS3},
      {"google.keys", &kS3},
      {"ec2.token", &kS3},
      {"ec2.metadata", &kRole},
      {"container.credentials", &kS3},
      {"aws.sts", &kS3},
      {"aws.ec2", &kS3},
      {"aws.iam", &kS3},
      {"aws.redshift", &kS3}};
  for (const auto& kind : kKinds) {
    if (kind.first == on) return *kind.second;
  }
  return kNone;
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

Problem read_text(const Json& json, const char* name, std::string& out) {
  const auto it = json.find(name);
  if (it == json.end()) return std::nullopt;
  if (!it->is_string()) return std::string(name) + " must be a text";
  out = it->get<std::string>();
  return std::nullopt;
}

Problem read_number(const Json& json, const char* name, uint64_t least, uint64_t most,
                    std::optional<uint64_t>& out) {
  const auto it = json.find(name);
  if (it == json.end()) return std::nullopt;
  if (!it->is_number_unsigned() || it->get<uint64_t>() < least || it->get<uint64_t>() > most) {
    return std::string(name) + " must be a whole number from " + std::to_string(least) + " to " +
           std::to_string(most);
  }
  out = it->get<uint64_t>();
  return std::nullopt;
}

Problem read_flag(const Json& json, const char* name, bool& out) {
  const auto it = json.find(name);
  if (it == json.end()) return std::nullopt;
  if (!it->is_boolean() || !it->get<bool>()) return std::string(name) + " must be true";
  out = true;
  return std::nullopt;
}

Problem read_then(const Json& json, FaultRule& rule) {
  const auto it = json.find("then");
  if (it == json.end() || !it->is_object() || it->empty()) {
    return "then must be an object with at least one field";
  }
  const std::vector<std::string>& allowed = fields_of(rule.on);
  for (auto field = it->begin(); field != it->end(); ++field) {
    if (!contains(allowed, field.key())) {
      return "then." + field.key() + " does nothing on " + rule.on +
             "; known: " + join(allowed, ", ");
    }
  }
  FaultAction& then = rule.then;
  std::optional<uint64_t> status;
  std::optional<uint64_t> delay_ms;
  for (const Problem& problem :
       {read_number(*it, "status", 300, 599, status), read_text(*it, "code", then.code),
        read_number(*it, "delay_ms", 0, kMaxDelayMs, delay_ms),
        read_number(*it, "cut_after_bytes", 0, UINT64_MAX, then.cut_after_bytes),
        read_text(*it, "drop", then.drop), read_flag(*it, "missing", then.missing),
        read_flag(*it, "half", then.half), read_text(*it, "error", then.error)}) {
    if (problem) return "then." + *problem;
  }
  then.status = static_cast<int>(status.value_or(0));
  then.delay_ms = static_cast<int64_t>(delay_ms.value_or(0));
  if (!then.code.empty() && then.status == 0) return "then.code needs then.status";
  if (!then.drop.empty() && !contains({"before", "during", "after"}, then.drop)) {
    return "then.drop must be before, during or after";
  }
  return std::nullopt;
}

}  // namespace

Result<FaultRule, std::string> parse_fault(std::string_view json_body) {
  const Json json = Json::parse(json_body, nullptr, false);
  if (!json.is_object()) return std::string("the body must be a JSON object");
  for (auto field = json.begin(); field != json.end(); ++field) {
    if (!contains({"on", "match", "nth", "count", "then"}, field.key())) {
      return "unknown field " + field.key();
    }
  }
  FaultRule rule;
  std::optional<uint64_t> nth;
  std::optional<uint64_t> count;
  for (const Problem& problem :
       {read_text(json, "on", rule.on), read_text(json, "match", rule.match),
        read_number(json, "nth", 1, kMaxCount, nth),
        read_number(json, "count", 1, kMaxCount, count)}) {
    if (problem) return *problem;
  }
  if (fields_of(rule.on).empty()) return "on: no calls of the kind \"" + rule.on + "\"";
  if (rule.match.size() > kMaxMatchBytes) return std::string("match is too long");
  rule.nth = nth.value_or(1);
  rule.count = count.value_or(1);
  if (auto problem = read_then(json, rule)) return *std::move(problem);
  return rule;
}

}  // namespace vesto::sandbox
