// What the services answer: XML of the query services, JSON of the JSON services, and their errors.
// Pure; any thread.
#ifndef VESTO_SANDBOX_AWS_API_ANSWERS_H_
#define VESTO_SANDBOX_AWS_API_ANSWERS_H_

#include <string>

#include "sandbox/aws/api_call.h"
#include "sandbox/http/http_exchange.h"
#include "sandbox/s3/s3_xml.h"

namespace vesto::sandbox {

struct ApiAnswer {
  int status = 200;
  HttpHeaders headers;
  std::string body;
};

// <OperationResponse xmlns=...><OperationResult> is open; the caller writes what stands inside.
XmlWriter begin_result(const ApiCall& call);
// Closes both, with the request's id behind the result.
ApiAnswer end_result(const ApiCall& call, XmlWriter* xml);
// Of a call that has no result.
ApiAnswer empty_answer(const ApiCall& call);
ApiAnswer json_answer(const ApiCall& call, const nlohmann::json& document);
ApiAnswer error_answer(const ApiCall& call, const IamError& error);

// "1 validation error detected: Value 'v' at 'field' failed to satisfy constraint: rule".
IamError validation_error(std::string_view value, std::string_view field, std::string_view rule);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_API_ANSWERS_H_
