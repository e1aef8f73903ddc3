#include "aws/aws_answer.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "aws/json_answer.h"
#include "base/strings.h"
#include "base/time_text.h"

namespace vesto {

namespace {

constexpr size_t kMaxTextBytes = 1000;
constexpr size_t kMaxCodeBytes = 100;
constexpr size_t kMaxRequestIdBytes = 128;
constexpr size_t kMaxExpiryBytes = 64;

// No DTD, no comments, no processing instructions: only elements and their text.
bool parse(pugi::xml_document* document, std::string_view xml) {
  constexpr unsigned kOptions =
      pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_ws_pcdata_single;
  return static_cast<bool>(
      document->load_buffer(xml.data(), xml.size(), kOptions, pugi::encoding_utf8));
}

std::string_view local_name(const pugi::xml_node& node) {
  const std::string_view name = node.name();
  const size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

pugi::xml_node child_of(const pugi::xml_node& node, std::string_view name) {
  for (const pugi::xml_node& child : node.children()) {
    if (local_name(child) == name) return child;
  }
  return {};
}

pugi::xml_node descend(pugi::xml_node node, std::string_view path) {
  for (const std::string& name : split(path, '/')) node = child_of(node, name);
  return node;
}

std::string_view last_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool has_control(std::string_view text) { return printable(text, /*keep_lines=*/false) != text; }

Result<std::string> checked(std::string value, std::string_view path, size_t max_bytes) {
  const std::string name(last_name(path));
  if (value.size() > max_bytes) {
    return bad_aws_answer(name + " has " + std::to_string(value.size()) + " bytes");
  }
  if (has_control(value)) return bad_aws_answer(name + " holds control characters");
  return value;
}

Result<int64_t> ahead_of(int64_t expiry_ms, int64_t now_ms, std::string_view path) {
  if (expiry_ms > now_ms) return expiry_ms;
  return Error(bad_aws_answer(std::string(last_name(path)) + " is in the past"))
      .with_hint("Check this machine's clock.");
}

class XmlAnswer final : public AwsAnswer {
 public:
  static Result<std::unique_ptr<AwsAnswer>> make(std::string_view body, std::string_view root) {
    auto answer = std::make_unique<XmlAnswer>();
    if (!parse(&answer->document_, body)) return bad_aws_answer("it is no XML, or was cut");
    answer->root_ = child_of(answer->document_, root);
    if (!answer->root_) return bad_aws_answer("no " + std::string(root));
    return std::unique_ptr<AwsAnswer>(std::move(answer));
  }

  [[nodiscard]] Result<std::string> text(std::string_view path, size_t max_bytes) const override {
    VESTO_ASSIGN(std::string value, optional_text(path, max_bytes));
    if (value.empty()) return bad_aws_answer("no " + std::string(last_name(path)));
    return value;
  }
  [[nodiscard]] Result<std::string> optional_text(std::string_view path,
                                                  size_t max_bytes) const override {
    return checked(std::string(value_of(path)), path, max_bytes);
  }
  [[nodiscard]] Secret secret(std::string_view path) const override {
    return Secret(std::string(value_of(path)));
  }
  [[nodiscard]] Result<int64_t> expiry_ms(std::string_view path, int64_t now_ms) const override {
    VESTO_ASSIGN(const std::string value, text(path, kMaxExpiryBytes));
    const auto moment = parse_iso8601_utc(value);
    if (!moment) return bad_aws_answer(std::string(last_name(path)) + " is no time");
    return ahead_of(*moment, now_ms, path);
  }
  [[nodiscard]] bool is_true(std::string_view path) const override {
    return to_lower_ascii(value_of(path)) == "true";
  }
  [[nodiscard]] int64_t number(std::string_view path) const override {
    return parse_int(value_of(path)).value_or(-1);
  }
  [[nodiscard]] bool has(std::string_view path) const override {
    return static_cast<bool>(descend(root_, path));
  }

 private:
  [[nodiscard]] std::string_view value_of(std::string_view path) const {
    return trim(descend(root_, path).text().get());
  }

  pugi::xml_document document_;
  pugi::xml_node root_;
};

class JsonAnswer final : public AwsAnswer {
 public:
  explicit JsonAnswer(nlohmann::json document) : document_(std::move(document)) {}

  [[nodiscard]] Result<std::string> text(std::string_view path, size_t max_bytes) const override {
    VESTO_ASSIGN(std::string value, optional_text(path, max_bytes));
    if (value.empty()) return bad_aws_answer("no " + std::string(last_name(path)));
    return value;
  }
  [[nodiscard]] Result<std::string> optional_text(std::string_view path,
                                                  size_t max_bytes) const override {
    const nlohmann::json* value = find(path);
    if (value == nullptr || value->is_null()) return std::string();
    if (!value->is_string()) {
      return bad_aws_answer(std::string(last_name(path)) + " is no text");
    }
    return checked(value->get<std::string>(), path, max_bytes);
  }
  [[nodiscard]] Secret secret(std::string_view path) const override {
    const nlohmann::json* value = find(path);
    return value != nullptr && value->is_string() ? Secret(value->get<std::string>()) : Secret();
  }
  // Seconds since 1970, perhaps with a fraction; some services write the ISO form.
  [[nodiscard]] Result<int64_t> expiry_ms(std::string_view path, int64_t now_ms) const override {
    const nlohmann::json* value = find(path);
    const std::string name(last_name(path));
    if (value == nullptr) return bad_aws_answer("no " + name);
    if (value->is_string()) {
      const auto moment = parse_iso8601_utc(value->get<std::string>());
      if (!moment) return bad_aws_answer(name + " is no time");
      return ahead_of(*moment, now_ms, path);
    }
    constexpr double kYear9999 = 253'402'300'799.0;
    const double seconds = value->is_number() ? value->get<double>() : -1;
    if (!std::isfinite(seconds) || seconds < 0 || seconds > kYear9999) {
      return bad_aws_answer(name + " is no time");
    }
    return ahead_of(static_cast<int64_t>(seconds * 1000), now_ms, path);
  }
  [[nodiscard]] bool is_true(std::string_view path) const override {
    const nlohmann::json* value = find(path);
    return value != nullptr && value->is_boolean() && value->get<bool>();
  }
  [[nodiscard]] int64_t number(std::string_view path) const override {
    const nlohmann::json* value = find(path);
    return value != nullptr && value->is_number_integer() ? value->get<int64_t>() : -1;
  }
  [[nodiscard]] bool has(std::string_view path) const override { return find(path) != nullptr; }

 private:
  [[nodiscard]] const nlohmann::json* find(std::string_view path) const {
    const nlohmann::json* at = &document_;
    for (const std::string& name : split(path, '/')) {
      if (!at->is_object()) return nullptr;
      const auto member = at->find(name);
      if (member == at->end()) return nullptr;
      at = &*member;
    }
    return at;
  }

  const nlohmann::json document_;
};

std::string request_id_of(const HttpResponse& response, std::string_view in_body) {
  if (!trim(in_body).empty()) return outside_text(trim(in_body), kMaxRequestIdBytes);
  return outside_text(response.header("x-amzn-requestid"), kMaxRequestIdBytes);
}

}  // namespace

Error bad_aws_answer(std::string what) {
  return {ErrorCode::kAwsAnswer, "AWS's answer cannot be understood: " + std::move(what)};
}

std::optional<AwsFault> parse_query_fault(const HttpResponse& response) {
  pugi::xml_document document;
  if (!parse(&document, response.body)) return std::nullopt;
  const pugi::xml_node root = child_of(document, "ErrorResponse");
  const pugi::xml_node error = child_of(root, "Error");
  AwsFault fault{
      .code = outside_text(trim(child_of(error, "Code").text().get()), kMaxCodeBytes),
      .message = outside_text(trim(child_of(error, "Message").text().get()), kMaxTextBytes),
      .request_id = request_id_of(response, child_of(root, "RequestId").text().get())};
  if (fault.code.empty()) return std::nullopt;
  return fault;
}

std::optional<AwsFault> parse_json_fault(const HttpResponse& response) {
  const auto parsed = parse_json_object(response.body);
  if (!parsed) return std::nullopt;
  const nlohmann::json& body = *parsed;
  std::string code = json_text(body, "__type").value_or("");
  if (code.empty()) code = std::string(response.header("x-amzn-errortype"));
  if (code.empty()) code = json_text(body, "code").value_or("");
  code = code.substr(0, code.find(':'));
  const size_t hash = code.rfind('#');
  if (hash != std::string::npos) code.erase(0, hash + 1);
  std::string message = json_text(body, "message").value_or("");
  if (message.empty()) message = json_text(body, "Message").value_or("");
  AwsFault fault{.code = outside_text(trim(code), kMaxCodeBytes),
                 .message = outside_text(trim(message), kMaxTextBytes),
                 .request_id = request_id_of(response, "")};
  if (fault.code.empty()) return std::nullopt;
  return fault;
}

Result<std::unique_ptr<AwsAnswer>> parse_xml_answer(std::string_view body, std::string_view root) {
  return XmlAnswer::make(body, root);
}

Result<std::unique_ptr<AwsAnswer>> parse_json_answer(std::string_view body) {
  auto document = parse_json_object(body);
  if (!document) return bad_aws_answer("it is no JSON object, or was cut");
  return std::unique_ptr<AwsAnswer>(std::make_unique<JsonAnswer>(*std::move(document)));
}

Status check_secret(const Secret& secret, std::string_view what, size_t max_bytes) {
  const std::string& value = secret.reveal();
  if (value.empty()) return bad_aws_answer("no " + std::string(what));
  if (value.size() > max_bytes) {
    return bad_aws_answer(std::string(what) + " has " + std::to_string(value.size()) + " bytes");
  }
  const bool plain =
      std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 127; });
  if (!plain) return bad_aws_answer(std::string(what) + " holds characters that it cannot have");
  return ok_status();
}

}  // namespace vesto
