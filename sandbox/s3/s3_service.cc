#include "sandbox/s3/s3_service.h"

#include <algorithm>

#include "base/hash.h"
#include "base/ids.h"
#include "base/strings.h"
#include "sandbox/s3/s3_errors.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxDocumentBytes = 4U << 20U;
constexpr size_t kMaxKeyBytes = 1024;
constexpr std::string_view kHostSuffix = ".localhost";

// The bucket and the region that a host name carries: <bucket>.s3.localhost,
// <bucket>.s3.<region>.localhost, s3.<region>.localhost. Any other host: path style.
void read_host(std::string_view host, std::string& bucket, std::string& region) {
  host = host.substr(0, host.rfind(':') != std::string_view::npos && host.back() != ']'
                            ? host.rfind(':')
                            : host.size());
  if (host.size() <= kHostSuffix.size() ||
      to_lower_ascii(host.substr(host.size() - kHostSuffix.size())) != kHostSuffix) {
    return;
  }
  const std::vector<std::string> labels =
      split(host.substr(0, host.size() - kHostSuffix.size()), '.');
  // The last label "s3", or "s3" followed by a region; what is before is the bucket.
  size_t at = labels.size();
  if (labels.back() == "s3") {
    at = labels.size() - 1;
  } else if (labels.size() >= 2 && labels[labels.size() - 2] == "s3") {
    at = labels.size() - 2;
    region = labels.back();
  } else {
    return;
  }
  bucket = join({labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(at)}, ".");
}

bool is_utf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80   ? 1
                          : lead < 0xc2 ? 0
                          : lead < 0xe0 ? 2
                          : lead < 0xf0 ? 3
                          : lead < 0xf5 ? 4
                                        : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0U) != 0x80U) return false;
    }
    const auto second = length > 1 ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) {
      return false;
    }
    i += length;
  }
  return true;
}

std::string default_fault_code(int status) {
  switch (status) {
    case 400:
      return "RequestTimeout";
    case 403:
      return "AccessDenied";
    case 404:
      return "NoSuchKey";
    case 409:
      return "OperationAborted";
    case 503:
      return "SlowDown";
    default:
      return "InternalError";
  }
}

std::string fault_text(const std::string& code) {
  if (code == "SlowDown") return "Please reduce your request rate.";
  if (code == "ServiceUnavailable") return "Service is unable to handle request.";
  if (code == "AccessDenied") return "Access Denied";
  if (code == "NoSuchKey") return "The specified key does not exist.";
  if (code == "ExpiredToken") return "The provided token has expired.";
  if (code == "RequestTimeout") {
    return "Your socket connection to the server was not read from or written to within the "
           "timeout period. Idle connections will be closed.";
  }
  return "We encountered an internal error. Please try again.";
}

}  // namespace

void S3Service::handle(HttpExchange& exchange) {
  S3Call call{exchange, exchange.request(), {}, "", "", "", "", "", {}, false, std::nullopt};
  call.request_id = to_upper_ascii(to_hex(random_bytes(8)));
  call.host_id = base64_encode(random_bytes(48));
  const auto done = serve(call);
  if (!done.ok()) answer_error(call, done.error());
}

S3Result<Unit> S3Service::serve(S3Call& call) {
  VESTO_TRY(read_target(call));
  VESTO_ASSIGN(const Route route, S3Service::route(call));
  if (route.fault_kind == nullptr) {
    faults_.count("s3.other");
  } else if (route.operation != &S3Service::delete_objects) {  // that one names its keys later
    const std::string subject = call.key.empty() ? call.parameter_or_empty("prefix") : call.key;
    if (apply_fault(call, route.fault_kind, subject)) return Unit{};
  }
  if (!is_public_read(call, route)) VESTO_TRY(check_sender(call, route));
  if (route.action != nullptr) VESTO_TRY(check_right(call, route.action, call.key));
  S3Result<Unit> done = (this->*route.operation)(call);
  if (!done.ok()) return hide_absence(call, std::move(done).error());
  return done;
}

S3Result<Unit> S3Service::read_target(S3Call& call) {
  const S3Error bad_uri{400, "InvalidURI", "Couldn't parse the specified URI."};
  const auto query = parse_query(call.request.query);
  const auto path = percent_decode(call.request.path, false);
  if (!query || !path || !is_utf8(*path)) return bad_uri;
  call.query = *query;
  read_host(call.header("host"), call.bucket, call.host_region);
  std::string_view rest = std::string_view(*path).substr(1);
  if (call.bucket.empty()) {
    const size_t slash = rest.find('/');
    call.bucket = std::string(rest.substr(0, slash));
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  }
  call.key = std::string(rest);
  if (call.key.size() <= kMaxKeyBytes) return Unit{};
  return S3Error{400,
                 "KeyTooLongError",
                 "Your key is too long",
                 {{"Size", std::to_string(call.key.size())},
                  {"MaxSizeAllowed", std::to_string(kMaxKeyBytes)}}};
}

bool S3Service::is_public_read(const S3Call& call, const Route& route) const {
  if (gate_ == nullptr || route.action == nullptr || call.bucket.empty()) return false;
  const std::string_view action = route.action;
  const bool reads = call.request.method == "GET" || call.request.method == "HEAD";
  if (!reads || (action != "s3:ListBucket" && action != "s3:GetObject")) return false;
  // Half of a signature is a broken one.
  return call.request.header("authorization") == nullptr && !call.has("X-Amz-Algorithm") &&
         !call.has("X-Amz-Signature") && !call.has("AWSAccessKeyId");
}

S3Result<Unit> S3Service::check_sender(S3Call& call, const Route& route) {
  const auto bucket = store_.bucket(call.bucket);
  const std::string home = bucket ? bucket->region : region_;
  // A bucket that is not there has no region: the endpoint that was asked takes its own, and says
  // 404. Where no host name tells that, it is the one that was signed for.
  const bool absent =
      !bucket && !call.bucket.empty() && route.operation != &S3Service::create_bucket;
  const std::string any;
  const std::string& expected =
      !call.host_region.empty() ? call.host_region : (absent ? any : home);
  VESTO_ASSIGN(call.auth, authenticate(call.request, keys_, expected, clock_.wall_ms()));
  for (const auto& [name, value] : call.query) {
    // Headers of a presigned request travel as parameters.
    if (name.rfind("x-amz-", 0) == 0) call.request.headers.emplace_back(name, value);
  }
  if (absent || expected == home) return Unit{};
  S3Error error{301, "PermanentRedirect",
                "The bucket you are attempting to access must be addressed using the specified "
                "endpoint. Please send all future requests to this endpoint."};
  error.extra = {{"Endpoint", call.bucket + ".s3-" + home + ".amazonaws.com"},
                 {"Bucket", call.bucket},
                 {"Region", home}};
  return error;
}

bool S3Service::apply_fault(S3Call& call, const char* kind, const std::string& subject) {
  const auto fault = faults_.hit(kind, subject);
  if (!fault) return false;
  if (fault->delay_ms > 0) clock_.sleep_ms(fault->delay_ms, call.exchange.stop());
  if (fault->drop == "before") {
    call.exchange.cut();
    return true;
  }
  if (fault->drop == "during") call.exchange.cut_answer_in_head();
  if (fault->drop == "after") call.drop_answer = true;
  if (fault->cut_after_bytes) {
    const bool has_body = call.exchange.framing().chunked || call.exchange.framing().length > 0U;
    if (has_body) {
      call.cut_upload_after = fault->cut_after_bytes;
    } else {
      call.exchange.cut_answer_after(*fault->cut_after_bytes);
    }
  }
  if (fault->status == 0) return false;
  const std::string code = fault->code.empty() ? default_fault_code(fault->status) : fault->code;
  S3Error error{fault->status, code, fault_text(code)};
  const std::string token = call.exchange.request().header_or_empty("x-amz-security-token");
  if (code == "ExpiredToken") error.extra["Token-0"] = token;
  if (code == "EchoedSecrets")
    error.message = token + call.exchange.request().header_or_empty("authorization");
  answer_error(call, error);
  return true;
}

S3Result<std::unique_ptr<PayloadReader>> S3Service::payload(S3Call& call, uint64_t max_bytes) {
  HttpExchange* exchange = &call.exchange;
  const std::optional<uint64_t> cut_after = call.cut_upload_after;
  uint64_t seen = 0;
  auto source = [exchange, cut_after, seen](char* buffer,
                                            size_t size) mutable -> Result<size_t, BodyError> {
    if (cut_after) size = static_cast<size_t>(std::min<uint64_t>(size, *cut_after - seen));
    if (cut_after && size == 0) {
      exchange->cut();
      return BodyError::kClosed;
    }
    auto got = exchange->read_body(buffer, size);
    if (got.ok()) seen += *got;
    return got;
  };
  return PayloadReader::make(call.request, call.exchange.framing(), call.auth, std::move(source),
                             max_bytes);
}

S3Result<std::string> S3Service::document(S3Call& call) {
  VESTO_ASSIGN(auto reader, payload(call, kMaxDocumentBytes));
  return reader->read_all(kMaxDocumentBytes);
}

bool S3Service::begin(S3Call& call, int status, const HttpHeaders& headers, uint64_t length) {
  if (call.drop_answer) {
    call.exchange.cut();
    return false;
  }
  HttpHeaders all = {
      {"x-amz-id-2", call.host_id}, {"x-amz-request-id", call.request_id}, {"Server", "AmazonS3"}};
  all.insert(all.end(), headers.begin(), headers.end());
  return call.exchange.begin(status, all, length);
}

S3Result<Unit> S3Service::answer(S3Call& call, int status, const HttpHeaders& headers,
                                 std::string_view body) {
  if (begin(call, status, headers, body.size())) call.exchange.write(body);
  return Unit{};
}

S3Result<Unit> S3Service::answer_xml(S3Call& call, const XmlWriter& xml, HttpHeaders headers) {
  headers.emplace_back("Content-Type", "application/xml");
  return answer(call, 200, headers, xml.str());
}

void S3Service::answer_error(S3Call& call, const S3Error& error) {
  HttpHeaders headers = {{"Content-Type", "application/xml"}};
  const auto region = error.extra.find("Region");
  // The region of a bucket that is not there is nothing to be told, whatever was signed for.
  if (region != error.extra.end()) headers.emplace_back("x-amz-bucket-region", region->second);
  for (const auto& [name, value] : error.headers) headers.emplace_back(name, value);
  const std::string resource = "/" + call.bucket + (call.key.empty() ? "" : "/" + call.key);
  // 304 and the answers to HEAD carry no document.
  const bool bare = error.status == 304 || call.request.method == "HEAD";
  const std::string body =
      bare ? "" : error_document(error, resource, call.request_id, call.host_id);
  if (begin(call, error.status, headers, body.size())) call.exchange.write(body);
}

}  // namespace vesto::sandbox
