// The head of an HTTP request, its framing, S3's reading of query and credentials, and aws-chunked
// bodies. The first byte chooses the kind of payload and the size of the pieces; a line "\n\n"
// divides head and body.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/strings.h"
#include "sandbox/http/http_head.h"
#include "sandbox/s3/key_ring.h"
#include "sandbox/s3/payload_reader.h"
#include "sandbox/s3/request_auth.h"
#include "sandbox/s3/s3_xml.h"

namespace {

using vesto::sandbox::AuthenticRequest;
using vesto::sandbox::BodyError;
using vesto::sandbox::PayloadKind;
using vesto::sandbox::PayloadReader;

void read_payload(const vesto::sandbox::HttpRequest& request,
                  const vesto::sandbox::BodyFraming& framing, PayloadKind kind, size_t piece,
                  const std::string& body) {
  AuthenticRequest auth;
  auth.payload = kind;
  auth.scope = {"20260102", "eu-west-1", "s3"};
  auth.time = "20260102T030405Z";
  auth.key = "key";
  size_t at = 0;
  auto source = [&](char* buffer, size_t size) -> vesto::Result<size_t, BodyError> {
    const size_t count = std::min({size, piece, body.size() - at});
    std::memcpy(buffer, body.data() + at, count);
    at += count;
    return count;
  };
  auto reader = PayloadReader::make(request, framing, auth, source, 1U << 20U);
  if (!reader.ok()) return;
  const auto text = (*reader)->read_all(1U << 20U);
  // What passes can never be longer than what was sent.
  if (text.ok() && text->size() > body.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t cut = text.find("\n\n");
  const std::string head = vesto::replace_all(text.substr(0, cut), "\n", "\r\n") + "\r\n\r\n";
  const std::string body = cut == std::string::npos ? "" : text.substr(cut + 2);
  const auto request = vesto::sandbox::parse_request_head(head);
  if (request.ok()) {
    const auto framing = vesto::sandbox::body_framing(*request);
    vesto::sandbox::MemoryKeyRing keys;
    keys.add({"AKIDEXAMPLE", "secret", "", 0});
    // Nobody can sign by chance.
    if (authenticate(*request, keys, "eu-west-1", 1767323045000).ok()) std::abort();
    const auto kind = static_cast<PayloadKind>(data[0] % 5);
    if (framing.ok()) read_payload(*request, *framing, kind, 1 + data[0] / 5U, body);
  }
  (void)vesto::sandbox::parse_delete_request(text).ok();
  (void)vesto::sandbox::parse_complete_request(text).ok();
  (void)vesto::sandbox::parse_create_bucket_request(text).ok();
  return 0;
}
