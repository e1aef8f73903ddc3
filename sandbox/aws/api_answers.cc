#include "sandbox/aws/api_answers.h"

#include <algorithm>

namespace vesto::sandbox {

namespace {

std::string_view xml_namespace(ApiService service) {
  switch (service) {
    case ApiService::kSts:
      return "https://sts.amazonaws.com/doc/2011-06-15/";
    case ApiService::kIam:
      return "https://iam.amazonaws.com/doc/2010-05-08/";
    default:
      return "http://redshift.amazonaws.com/doc/2012-12-01/";
  }
}

ApiAnswer xml_document(const ApiCall& call, int status, std::string body) {
  return {.status = status,
          .headers = {{"x-amzn-RequestId", call.request_id}, {"Content-Type", "text/xml"}},
          .body = std::move(body)};
}

}  // namespace

std::string ApiCall::parameter(std::string_view name) const {
  if (is_json()) {
    const auto found = document.find(std::string(name));
    return found != document.end() && found->is_string() ? found->get<std::string>() : "";
  }
  const std::string* value = find_parameter(form, name);
  return value == nullptr ? "" : *value;
}

bool ApiCall::has(std::string_view name) const {
  return is_json() ? document.contains(std::string(name)) : find_parameter(form, name) != nullptr;
}

std::string_view signing_name(ApiService service) {
  switch (service) {
    case ApiService::kSts:
      return "sts";
    case ApiService::kIam:
      return "iam";
    case ApiService::kEc2:
      return "ec2";
    case ApiService::kRedshift:
      return "redshift";
    case ApiService::kRedshiftServerless:
      return "redshift-serverless";
    case ApiService::kSecretsManager:
      return "secretsmanager";
  }
  return "";
}

XmlWriter begin_result(const ApiCall& call) {
  XmlWriter xml;
  xml.open(call.operation + "Response xmlns=\"" + std::string(xml_namespace(call.service)) + "\"");
  xml.open(call.operation + "Result");
  return xml;
}

ApiAnswer end_result(const ApiCall& call, XmlWriter* xml) {
  xml->close();
  xml->open("ResponseMetadata").text("RequestId", call.request_id).close();
  xml->close();
  return xml_document(call, 200, xml->str());
}

ApiAnswer empty_answer(const ApiCall& call) {
  XmlWriter xml;
  xml.open(call.operation + "Response xmlns=\"" + std::string(xml_namespace(call.service)) + "\"");
  xml.open("ResponseMetadata").text("RequestId", call.request_id).close().close();
  return xml_document(call, 200, xml.str());
}

ApiAnswer json_answer(const ApiCall& call, const nlohmann::json& document) {
  return {.status = 200,
          .headers = {{"x-amzn-RequestId", call.request_id},
                      {"Content-Type", "application/x-amz-json-1.1"}},
          .body = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

ApiAnswer error_answer(const ApiCall& call, const IamError& given) {
  IamError error = given;
  // What was sent may be repeated in the text; XML has no form for control characters.
  std::replace_if(
      error.message.begin(), error.message.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t'; }, '?');
  if (call.is_json()) {
    const std::string space =
        call.service == ApiService::kRedshiftServerless ? "com.amazonaws.redshiftserverless#" : "";
    ApiAnswer answer =
        json_answer(call, {{"__type", space + error.code}, {"message", error.message}});
    answer.status = error.status >= 500 ? error.status : 400;
    answer.headers.emplace_back("x-amzn-errortype", error.code);
    return answer;
  }
  XmlWriter xml;
  if (call.service == ApiService::kEc2) {
    xml.open("Response").open("Errors").open("Error");
    xml.text("Code", error.code).text("Message", error.message).close().close();
    xml.text("RequestID", call.request_id).close();
    return xml_document(call, error.status, xml.str());
  }
  xml.open("ErrorResponse xmlns=\"" + std::string(xml_namespace(call.service)) + "\"");
  xml.open("Error")
      .text("Type", error.status >= 500 ? "Receiver" : "Sender")
      .text("Code", error.code)
      .text("Message", error.message)
      .close();
  xml.text("RequestId", call.request_id).close();
  return xml_document(call, error.status, xml.str());
}

IamError validation_error(std::string_view value, std::string_view field, std::string_view rule) {
  return {400, "ValidationError", constraint_text(value, field, rule)};
}

}  // namespace vesto::sandbox
