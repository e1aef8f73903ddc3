#include "sandbox/aws/warehouse_parameters.h"

#include <algorithm>

#include "base/strings.h"
#include "sandbox/sql/keywords.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxNameBytes = 64;
constexpr int64_t kUsualPort = 5439;

bool is_listed(const std::string& parameter, std::string_view listed) {
  for (const std::string& one : split(listed, ' ')) {
    // A list without members is sent as its bare name.
    if (parameter == one || (one.ends_with(".") && (parameter + ".").starts_with(one))) return true;
  }
  return false;
}

// A value of another kind than the document's model has.
IamError wrong_kind() { return {400, "SerializationException", ""}; }

IamError missing(const ApiCall& call, std::string_view name) {
  if (call.is_json()) {
    return invalid_parameter(call, constraint_text("", name, "Member must not be null"));
  }
  return {400, "MissingParameter",
          "The request must contain the parameter " + std::string(name) + "."};
}

bool has_between(std::string_view text, char first, char last) {
  return std::any_of(text.begin(), text.end(), [&](char c) { return c >= first && c <= last; });
}

}  // namespace

IamError invalid_parameter(const ApiCall& call, std::string text) {
  return {400, call.is_json() ? "ValidationException" : "InvalidParameterValue", std::move(text)};
}

IamError cluster_not_found(const std::string& id) {
  return {404, "ClusterNotFound", "Cluster " + id + " not found."};
}

bool is_database_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= kMaxNameBytes && letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) {
                       return letter(c) || (c >= '0' && c <= '9') ||
                              std::string_view("_+.@-").find(c) != std::string_view::npos;
                     }) &&
         !is_reserved(to_lower_ascii(name));
}

bool is_user_name(std::string_view name) {
  // rdsdb is the warehouse's own.
  const std::string lower = to_lower_ascii(name);
  return is_database_name(name) && lower != "public" && lower != "rdsdb";
}

ApiResult<Unit> check_parameters(const ApiCall& call, std::string_view listed) {
  const auto unknown = [&call](const std::string& name) {
    return IamError{400, call.is_json() ? "ValidationException" : "ValidationError",
                    name + " is not known to this sandbox"};
  };
  if (call.is_json()) {
    for (const auto& [name, value] : call.document.items()) {
      if (!is_listed(name, listed)) return unknown(name);
    }
    return Unit{};
  }
  for (const auto& [name, value] : call.form) {
    if (name == "Action" || name == "Version" || is_listed(name, listed)) continue;
    return unknown(name);
  }
  return Unit{};
}

ApiResult<std::string> text_parameter(const ApiCall& call, std::string_view name) {
  if (call.is_json() && call.has(name) && !call.document.at(std::string(name)).is_string()) {
    return wrong_kind();
  }
  return call.parameter(name);
}

ApiResult<std::string> required_text(const ApiCall& call, std::string_view name) {
  VESTO_ASSIGN(std::string text, text_parameter(call, name));
  if (text.empty()) return missing(call, name);
  return text;
}

ApiResult<bool> flag_parameter(const ApiCall& call, std::string_view name, bool otherwise) {
  if (!call.has(name)) return otherwise;
  if (call.is_json()) {
    const auto& value = call.document.at(std::string(name));
    if (!value.is_boolean()) return wrong_kind();
    return value.get<bool>();
  }
  const std::string text = to_lower_ascii(call.parameter(name));
  if (text == "true" || text == "false") return text == "true";
  return IamError{400, "MalformedInput", "Invalid boolean value for " + std::string(name)};
}

ApiResult<std::optional<int64_t>> number_parameter(const ApiCall& call, std::string_view name) {
  if (!call.has(name)) return std::optional<int64_t>();
  if (call.is_json()) {
    const auto& value = call.document.at(std::string(name));
    if (!value.is_number_integer()) return wrong_kind();
    return std::optional<int64_t>(value.get<int64_t>());
  }
  const auto number = parse_int(call.parameter(name));
  if (!number) return IamError{400, "MalformedInput", "Invalid integer"};
  return std::optional<int64_t>(*number);
}

ApiResult<std::vector<std::string>> list_parameter(const ApiCall& call, std::string_view name,
                                                   std::string_view member, size_t most) {
  std::vector<std::string> out;
  const auto too_many = [&] {
    return invalid_parameter(
        call, std::string(name) + " has more than " + std::to_string(most) + " members");
  };
  if (call.is_json()) {
    if (!call.has(name)) return out;
    const auto& list = call.document.at(std::string(name));
    if (!list.is_array()) return wrong_kind();
    if (list.size() > most) return too_many();
    for (const auto& one : list) {
      if (!one.is_string()) return wrong_kind();
      out.push_back(one.get<std::string>());
    }
    return out;
  }
  const std::string prefix = std::string(name) + "." + std::string(member) + ".";
  size_t given = 0;
  for (const auto& [key, value] : call.form) {
    if (key.starts_with(std::string(name) + ".")) ++given;
  }
  if (given > most) return too_many();
  for (size_t i = 1; call.has(prefix + std::to_string(i)); ++i) {
    out.push_back(call.parameter(prefix + std::to_string(i)));
  }
  // A gap, or another member's name.
  if (out.size() != given) {
    return IamError{400, "MalformedInput", "The list " + std::string(name) + " is not well-formed"};
  }
  return out;
}

ApiResult<int64_t> port_parameter(const ApiCall& call, std::string_view name) {
  VESTO_ASSIGN(const std::optional<int64_t> given, number_parameter(call, name));
  const int64_t port = given.value_or(kUsualPort);
  if ((port >= 5431 && port <= 5455) || (port >= 8191 && port <= 8215)) return port;
  return invalid_parameter(call, "Invalid " + std::string(name) + ": " + std::to_string(port) +
                                     ". Valid values are 5431-5455 and 8191-8215.");
}

ApiResult<Unit> check_admin_password(const ApiCall& call, std::string_view name,
                                     std::string_view password) {
  constexpr size_t kShortest = 8;
  constexpr size_t kLongest = 64;
  const bool printable = std::all_of(password.begin(), password.end(), [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("/@\"'\\").find(c) == std::string_view::npos;
  });
  if (password.size() >= kShortest && password.size() <= kLongest && printable &&
      has_between(password, 'a', 'z') && has_between(password, 'A', 'Z') &&
      has_between(password, '0', '9')) {
    return Unit{};
  }
  return invalid_parameter(
      call, "The parameter " + std::string(name) +
                " is not a valid password. It must have 8 to 64 printable ASCII characters except "
                "'/', '@', '\"', ''', '\\' and ' ', with at least one uppercase letter, one "
                "lowercase letter and one number.");
}

ApiResult<std::string> serverless_name(const ApiCall& call, std::string_view name) {
  constexpr size_t kShortest = 3;
  VESTO_ASSIGN(std::string text, required_text(call, name));
  if (text.size() < kShortest) {
    return invalid_parameter(
        call, constraint_text(text, name, "Member must have length greater than or equal to 3"));
  }
  if (text.size() > kMaxNameBytes) {
    return invalid_parameter(
        call, constraint_text(text, name, "Member must have length less than or equal to 64"));
  }
  if (text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos) {
    return text;
  }
  return invalid_parameter(
      call,
      constraint_text(text, name, "Member must satisfy regular expression pattern: ^[a-z0-9-]+$"));
}

}  // namespace vesto::sandbox
