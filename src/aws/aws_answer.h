// Reading what AWS's query services (XML) and JSON 1.1 services answer. Answers are hostile input:
// only fields that are asked for by name are taken, every one is checked, and nothing of an answer
// reaches a log as a whole.
// Sources: AWS query protocol (ErrorResponse/Error/{Type,Code,Message}, RequestId), AWS JSON 1.1
// protocol (__type, message).
// Pure; any thread.
#ifndef VESTO_AWS_AWS_ANSWER_H_
#define VESTO_AWS_AWS_ANSWER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/redact.h"
#include "base/result.h"
#include "net/http.h"

namespace vesto {

// What an answer that is no success says. Texts are redacted, printable and cut.
struct AwsFault {
  std::string code = {};     // "AccessDenied"
  std::string message = {};  // at most 1,000 bytes
  std::string request_id = {};
};

// Nothing if the body is no <ErrorResponse> with a <Code>.
std::optional<AwsFault> parse_query_fault(const HttpResponse& response);
// The code is in __type ("namespace#Code:more") or in the header x-amzn-errortype. Nothing if the
// body is no JSON object, or no code is there.
std::optional<AwsFault> parse_json_fault(const HttpResponse& response);

// One document. Paths name elements or members from the root, with "/" between them:
// "AssumeRoleResult/Credentials/AccessKeyId". XML: whatever the namespace's prefix is.
class AwsAnswer {
 public:
  virtual ~AwsAnswer() = default;
  // AWS-ANSWER where it is missing, empty, longer than `max_bytes` or holds a control character.
  [[nodiscard]] virtual Result<std::string> text(std::string_view path, size_t max_bytes) const = 0;
  // "" where it is missing or null; else as text().
  [[nodiscard]] virtual Result<std::string> optional_text(std::string_view path,
                                                          size_t max_bytes) const = 0;
  // The value as a Secret, registered at once; empty where it is missing or no string. To be
  // called before anything that can make an error.
  [[nodiscard]] virtual Secret secret(std::string_view path) const = 0;
  // A moment that lies ahead of `now_ms` (Unix ms). AWS-ANSWER else.
  [[nodiscard]] virtual Result<int64_t> expiry_ms(std::string_view path, int64_t now_ms) const = 0;
  [[nodiscard]] virtual bool is_true(std::string_view path) const = 0;
  // -1 where it is missing or no number.
  [[nodiscard]] virtual int64_t number(std::string_view path) const = 0;
  [[nodiscard]] virtual bool has(std::string_view path) const = 0;
};

// `root`: the name that the document's only element must have. Errors: AWS-ANSWER.
Result<std::unique_ptr<AwsAnswer>> parse_xml_answer(std::string_view body, std::string_view root);
// Must be a JSON object, 1 MiB and 32 levels deep at most. Errors: AWS-ANSWER.
Result<std::unique_ptr<AwsAnswer>> parse_json_answer(std::string_view body);

// AWS-ANSWER unless the secret has 1 to `max_bytes` bytes, all of them printable ASCII.
Status check_secret(const Secret& secret, std::string_view what, size_t max_bytes);

Error bad_aws_answer(std::string what);

}  // namespace vesto

#endif  // VESTO_AWS_AWS_ANSWER_H_
