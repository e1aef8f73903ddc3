// What the tests of STS and Redshift's APIs share: scripted answers and the project's credentials.
#ifndef VESTO_TESTS_UNIT_AWS_QUERY_SUPPORT_H_
#define VESTO_TESTS_UNIT_AWS_QUERY_SUPPORT_H_

#include <gtest/gtest.h>

#include <string>

#include "aws/credentials.h"
#include "tests/support/scripted_http.h"

namespace vesto::testing_support {

inline std::string query_fault(const std::string& code, const std::string& message) {
  return "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"
         "<Type>Sender</Type><Code>" +
         code + "</Code><Message>" + message +
         "</Message></Error><RequestId>REQ-1</RequestId></ErrorResponse>";
}

// A test with a script and a clock that stands at 2026-01-02T03:04:05Z, as the vectors want it.
class QueryTest : public testing::Test {
 protected:
  static AwsCredentials vector_credentials() {
    AwsCredentials credentials;
    credentials.access_key_id = "AKIDEXAMPLE";
    credentials.secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    credentials.session_token = Secret("IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////wEaCXVzLWVhc3QtMSJH");
    return credentials;
  }
  std::unique_ptr<HttpTransport> transport() { return std::make_unique<ScriptedHttp>(script_); }

  // The signature of the last request sent.
  [[nodiscard]] std::string sent_signature() const {
    const std::string header = script_.sent.back().headers.at("authorization");
    return header.substr(header.rfind('=') + 1);
  }

  HttpScript script_;
  InstantClock clock_{1'767'323'045'000};
  AwsCredentials as_ = vector_credentials();
};

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace vesto::testing_support

#endif  // VESTO_TESTS_UNIT_AWS_QUERY_SUPPORT_H_
