// A client for the tests of the HTTP ports: raw bytes over a socket, so that everything that a real
// client would never send can be sent.
#ifndef VESTO_TESTS_UNIT_SANDBOX_S3_TEST_CLIENT_H_
#define VESTO_TESTS_UNIT_SANDBOX_S3_TEST_CLIENT_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace vesto::sandbox {

struct Answer {
  int status = 0;  // 0: the connection ended before the head did
  std::map<std::string, std::string> headers;
  std::string body;
  bool whole = false;  // the body has the announced length
  [[nodiscard]] std::string header(const std::string& name) const;
  // The text of the first <name> element of the body.
  [[nodiscard]] std::string element(const std::string& name) const;
};

class RawClient {
 public:
  explicit RawClient(uint16_t port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view bytes) const;
  void end_sending() const;
  // `head_only`: the answer to a HEAD request.
  Answer receive(bool head_only = false);
  // True: the other side has ended the connection and nothing more comes.
  bool at_end();

 private:
  bool fill();
  int fd_;
  std::string buffer_;
};

struct Signer {
  std::string id;
  std::string secret;
  std::string token;
  std::string region = "eu-west-1";
  int64_t time_ms = 0;  // 0: now
};

struct Call {
  std::string method = "GET";
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers;  // lower-case names, all signed
  std::string body;
  std::string payload_hash;  // "": the hash of the body
  std::string host = "localhost";
};

// The request as bytes, signed in the header form. Content-Length is added (not signed), but for
// requests without a body.
std::string signed_request(const Signer& signer, const Call& call);

}  // namespace vesto::sandbox

#endif  // VESTO_TESTS_UNIT_SANDBOX_S3_TEST_CLIENT_H_
