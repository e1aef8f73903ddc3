#include "test_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"
#include "base/strings.h"
#include "sandbox/s3/dates.h"
#include "sandbox/s3/sigv4.h"

namespace vesto::sandbox {

std::string Answer::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::string Answer::element(const std::string& name) const {
  const size_t begin = body.find("<" + name + ">");
  const size_t end = body.find("</" + name + ">");
  if (begin == std::string::npos || end == std::string::npos) return "";
  const size_t from = begin + name.size() + 2;
  return body.substr(from, end - from);
}

RawClient::RawClient(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval limit{20, 0};  // no test waits for ever
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
}

RawClient::~RawClient() { ::close(fd_); }

void RawClient::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // an early answer may have ended the connection
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

void RawClient::end_sending() const { ::shutdown(fd_, SHUT_WR); }

bool RawClient::fill() {
  char buffer[65536];
  const ssize_t got = ::recv(fd_, buffer, sizeof(buffer), 0);
  if (got <= 0) return false;
  buffer_.append(buffer, static_cast<size_t>(got));
  return true;
}

bool RawClient::at_end() { return buffer_.empty() && !fill(); }

Answer RawClient::receive(bool head_only) {
  Answer answer;
  size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return answer;
  }
  const std::vector<std::string> lines = split(buffer_.substr(0, end), '\n');
  buffer_.erase(0, end + 4);
  answer.status = static_cast<int>(parse_int(lines[0].substr(9, 3)).value_or(0));
  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t colon = lines[i].find(':');
    answer.headers[to_lower_ascii(lines[i].substr(0, colon))] =
        std::string(trim(lines[i].substr(colon + 1)));
  }
  const auto length = parse_int(answer.header("content-length")).value_or(0);
  const size_t wanted = head_only || answer.status == 100 ? 0 : static_cast<size_t>(length);
  while (buffer_.size() < wanted && fill()) {
  }
  answer.body = buffer_.substr(0, wanted);
  answer.whole = answer.body.size() == wanted;
  buffer_.erase(0, answer.body.size());
  return answer;
}

std::string signed_request(const Signer& signer, const Call& call) {
  const std::string time =
      format_amz_time(signer.time_ms == 0 ? system_clock().wall_ms() : signer.time_ms);
  const SigningScope scope{time.substr(0, 8), signer.region, "s3"};
  const std::string hash = call.payload_hash.empty() ? sha256_hex(call.body) : call.payload_hash;
  auto headers = call.headers;
  headers.emplace_back("host", call.host);
  headers.emplace_back("x-amz-content-sha256", hash);
  headers.emplace_back("x-amz-date", time);
  if (!signer.token.empty()) headers.emplace_back("x-amz-security-token", signer.token);
  std::sort(headers.begin(), headers.end());
  std::vector<std::string> names;
  for (const auto& header : headers) names.push_back(header.first);
  const size_t mark = call.target.find('?');
  const std::string query = mark == std::string::npos ? "" : call.target.substr(mark + 1);
  const std::string canonical =
      call.method + "\n" + canonical_path(call.target.substr(0, mark)).value_or("?") + "\n" +
      canonical_query(query, "").value_or("?") + "\n" + canonical_headers(headers, names) + "\n" +
      join(names, ";") + "\n" + hash;
  std::string out = call.method + " " + call.target + " HTTP/1.1\r\n";
  for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
  out += "authorization: AWS4-HMAC-SHA256 Credential=" + signer.id + "/" + scope.text() +
         ", SignedHeaders=" + join(names, ";") + ", Signature=" +
         sign_hex(signing_key(signer.secret, scope), string_to_sign(time, scope, canonical)) +
         "\r\n";
  if (call.method == "PUT" || call.method == "POST" || !call.body.empty()) {
    out += "content-length: " + std::to_string(call.body.size()) + "\r\n";
  }
  return out + "\r\n" + call.body;
}

}  // namespace vesto::sandbox
