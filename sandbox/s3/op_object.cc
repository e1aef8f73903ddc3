// Objects: put, get, head, delete, copy.
#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/strings.h"
#include "sandbox/http/http_server.h"
#include "sandbox/s3/byte_range.h"
#include "sandbox/s3/checksum.h"
#include "sandbox/s3/dates.h"
#include "sandbox/s3/s3_errors.h"
#include "sandbox/s3/s3_service.h"

namespace vesto::sandbox {

namespace {

constexpr uint64_t kMaxPutBytes = 5ULL << 30U;
constexpr size_t kCopyBytes = 262144;
constexpr size_t kMaxDeleteBody = 2U << 20U;

bool etag_listed(const std::string& list, const std::string& etag) {
  for (const std::string& item : split(list, ',')) {
    const std::string_view word = trim(item);
    if (word == "*" || replace_all(word, "\"", "") == replace_all(etag, "\"", "")) return true;
  }
  return false;
}

// RFC 9110 13.2.2: If-Match before If-Unmodified-Since, If-None-Match before If-Modified-Since.
S3Result<Unit> check_read_conditions(const S3Call& call, const ObjectInfo& object) {
  const int64_t modified_ms = object.modified_ms / 1000 * 1000;
  const std::string* match = call.request.header("if-match");
  const auto unmodified = parse_http_date(call.header("if-unmodified-since"));
  if (match != nullptr) {
    if (!etag_listed(*match, object.etag)) return precondition_failed("If-Match");
  } else if (unmodified && modified_ms > *unmodified) {
    return precondition_failed("If-Unmodified-Since");
  }
  const S3Error not_modified{304, "NotModified", "Not Modified", {}};
  const std::string* none = call.request.header("if-none-match");
  const auto modified = parse_http_date(call.header("if-modified-since"));
  if (none != nullptr) {
    if (etag_listed(*none, object.etag)) return not_modified;
  } else if (modified && modified_ms <= *modified) {
    return not_modified;
  }
  return Unit{};
}

// Told where the bucket keeps versions, or kept them when this one was made.
void add_version(const ObjectInfo& object, HttpHeaders* headers) {
  if (!object.version.empty()) headers->emplace_back("x-amz-version-id", object.version);
}

HttpHeaders removed_headers(const Removed& removed) {
  HttpHeaders headers;
  if (!removed.version.empty()) headers.emplace_back("x-amz-version-id", removed.version);
  if (removed.marker) headers.emplace_back("x-amz-delete-marker", "true");
  return headers;
}

S3Error kms_not_implemented() {
  return {501,
          "NotImplemented",
          "A header you provided implies functionality that is not implemented",
          {{"Header", kEncryptionHeader}}};
}

// The headers of an object in an answer; checksums only for whole objects and where asked for.
HttpHeaders shown_headers(const S3Call& call, const ObjectInfo& object, bool whole) {
  HttpHeaders headers = {{"Last-Modified", format_http_date(object.modified_ms)},
                         {"ETag", object.etag},
                         {"Accept-Ranges", "bytes"}};
  if (object.headers.count(kEncryptionHeader) == 0) {
    headers.emplace_back(kEncryptionHeader, "AES256");
  }
  add_version(object, &headers);
  const bool checksums = whole && to_lower_ascii(call.header("x-amz-checksum-mode")) == "enabled";
  for (const auto& [name, value] : object.headers) {
    if (name.rfind("x-amz-checksum-", 0) == 0 && !checksums) continue;
    const std::string* instead =
        call.request.method == "GET" ? call.parameter("response-" + name) : nullptr;
    headers.emplace_back(name, instead == nullptr ? value : *instead);
  }
  for (const char* name : {"content-disposition", "content-encoding", "content-language",
                           "cache-control", "expires"}) {
    const std::string* added = call.parameter("response-" + std::string(name));
    if (call.request.method == "GET" && added != nullptr && object.headers.count(name) == 0) {
      headers.emplace_back(name, *added);
    }
  }
  return headers;
}

// Parameters reach the answer's head: line ends in them would forge headers.
bool is_clean(const HttpHeaders& headers) {
  return std::all_of(headers.begin(), headers.end(), [](const auto& header) {
    return std::all_of(header.second.begin(), header.second.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x20 || c == '\t'; });
  });
}

S3Error range_error(const ObjectInfo& object, const std::string& range) {
  return {416,
          "InvalidRange",
          "The requested range is not satisfiable",
          {{"ActualObjectSize", std::to_string(object.size_bytes)}, {"RangeRequested", range}}};
}

}  // namespace

S3Result<std::unique_ptr<ObjectWriter>> S3Service::receive(S3Call& call, ObjectHeaders& checksums) {
  VESTO_ASSIGN(auto reader, payload(call, kMaxPutBytes));
  reader->want_default_checksum();
  VESTO_ASSIGN(auto writer, store_.create_writer(call.key));
  std::string buffer(kCopyBytes, '\0');
  for (;;) {
    VESTO_ASSIGN(const size_t got, reader->read(buffer.data(), buffer.size()));
    if (got == 0) break;
    VESTO_TRY(writer->write({buffer.data(), got}));
  }
  checksums = reader->checksums();
  return writer;
}

S3Result<Unit> S3Service::take_kms_key(const S3Call& call, ObjectHeaders* headers) const {
  if (headers->count(kEncryptionHeader) == 0) return Unit{};
  if (gate_ == nullptr) return kms_not_implemented();
  const auto sent = headers->find(kKmsKeyHeader);
  if (sent == headers->end()) return Unit{};
  VESTO_ASSIGN(sent->second, gate_->use_kms_key(call.auth.access_key_id, "kms:GenerateDataKey",
                                                sent->second, store_.bucket_region(call.bucket)));
  return Unit{};
}

S3Result<Unit> S3Service::check_decrypt(const S3Call& call, const ObjectInfo& object) const {
  const auto key = object.headers.find(kKmsKeyHeader);
  if (key == object.headers.end() || gate_ == nullptr) return Unit{};
  const auto used = gate_->use_kms_key(call.auth.access_key_id, "kms:Decrypt", key->second,
                                       store_.bucket_region(call.bucket));
  if (!used.ok()) return used.error();
  return Unit{};
}

void S3Service::add_expiration(const S3Call& call, int64_t modified_ms,
                               HttpHeaders* headers) const {
  const auto bucket = store_.bucket(call.bucket);
  if (!bucket) return;
  std::string told = expiration_of(bucket->settings, call.key, modified_ms);
  if (!told.empty()) headers->emplace_back("x-amz-expiration", std::move(told));
}

S3Result<Unit> S3Service::put_object(S3Call& call) {
  if (!store_.bucket_exists(call.bucket)) return no_such_bucket(call.bucket);
  VESTO_ASSIGN(ObjectHeaders headers, object_headers(call.request));
  VESTO_TRY(take_kms_key(call, &headers));
  VESTO_ASSIGN(const PutCondition condition, put_condition(call.request));
  ObjectHeaders checksums;
  VESTO_ASSIGN(auto writer, receive(call, checksums));
  for (const auto& [name, value] : checksums) headers[name] = value;
  headers["x-amz-checksum-type"] = "FULL_OBJECT";
  VESTO_ASSIGN(const ObjectInfo object,
               store_.commit(std::move(writer), call.bucket, call.key, headers, condition));
  HttpHeaders answered = {{"ETag", object.etag}};
  add_version(object, &answered);
  headers.emplace(kEncryptionHeader, "AES256");
  for (const char* name : {kEncryptionHeader, kKmsKeyHeader}) {
    if (headers.count(name) != 0) answered.emplace_back(name, headers[name]);
  }
  for (const auto& [name, value] : checksums) answered.emplace_back(name, value);
  answered.emplace_back("x-amz-checksum-type", "FULL_OBJECT");
  add_expiration(call, object.modified_ms, &answered);
  return answer(call, 200, answered, "");
}

S3Result<Unit> S3Service::get_object(S3Call& call) {
  if (call.has("partNumber")) {
    return S3Error{501,
                   "NotImplemented",
                   "A header you provided implies functionality that is not implemented",
                   {}};
  }
  VESTO_ASSIGN(auto reader,
               store_.open_file(call.bucket, call.key, call.parameter_or_empty("versionId")));
  const ObjectInfo& object = reader->info();
  VESTO_TRY(check_decrypt(call, object));
  VESTO_TRY(check_read_conditions(call, object));
  const std::string range_text = call.header("range");
  const RangeAnswer range = read_range(range_text, object.size_bytes);
  if (range.kind == RangeKind::kUnsatisfiable) return range_error(object, range_text);
  const bool whole = range.kind == RangeKind::kWhole;
  HttpHeaders headers = shown_headers(call, object, whole);
  add_expiration(call, object.modified_ms, &headers);
  if (!is_clean(headers)) return invalid_argument("Header value cannot be set", "response", "");
  if (!whole) {
    headers.emplace_back("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                              std::to_string(range.first + range.length - 1) + "/" +
                                              std::to_string(object.size_bytes));
    VESTO_TRY(reader->seek(range.first));
  }
  if (!begin(call, whole ? 200 : 206, headers, range.length)) return Unit{};
  std::string buffer(kCopyBytes, '\0');
  uint64_t left = range.length;
  while (left > 0) {
    auto got =
        reader->read(buffer.data(), static_cast<size_t>(std::min<uint64_t>(left, buffer.size())));
    // Once the head is out, an error can only be shown by ending the connection too early.
    if (!got.ok() || *got == 0 || !call.exchange.write({buffer.data(), *got})) return Unit{};
    left -= *got;
  }
  return Unit{};
}

S3Result<Unit> S3Service::head_object(S3Call& call) {
  if (call.has("partNumber")) {
    return S3Error{501,
                   "NotImplemented",
                   "A header you provided implies functionality that is not implemented",
                   {}};
  }
  VESTO_ASSIGN(const ObjectInfo object,
               store_.head(call.bucket, call.key, call.parameter_or_empty("versionId")));
  VESTO_TRY(check_read_conditions(call, object));
  const std::string range_text = call.header("range");
  const RangeAnswer range = read_range(range_text, object.size_bytes);
  if (range.kind == RangeKind::kUnsatisfiable) return range_error(object, range_text);
  const bool whole = range.kind == RangeKind::kWhole;
  HttpHeaders headers = shown_headers(call, object, whole);
  add_expiration(call, object.modified_ms, &headers);
  begin(call, whole ? 200 : 206, headers, range.length);
  return Unit{};
}

S3Result<Unit> S3Service::delete_object(S3Call& call) {
  if (const std::string* match = call.request.header("if-match")) {
    VESTO_ASSIGN(const ObjectInfo object, store_.head(call.bucket, call.key));
    if (!etag_listed(*match, object.etag)) return precondition_failed("If-Match");
  }
  VESTO_ASSIGN(const Removed removed,
               store_.remove_version(call.bucket, call.key, call.parameter_or_empty("versionId")));
  return answer(call, 204, removed_headers(removed), "");
}

S3Result<Removed> S3Service::remove_one(const S3Call& call, const DeleteRequest::Item& item) {
  VESTO_TRY(check_right(call, item.version.empty() ? "s3:DeleteObject" : "s3:DeleteObjectVersion",
                        item.key));
  return store_.remove_version(call.bucket, item.key, item.version);
}

S3Result<Unit> S3Service::delete_objects(S3Call& call) {
  VESTO_ASSIGN(auto reader, payload(call, kMaxDeleteBody));
  if (!reader->has_integrity_header()) {
    return invalid_request("Missing required header for this request: Content-MD5");
  }
  VESTO_ASSIGN(const std::string body, reader->read_all(kMaxDeleteBody));
  VESTO_ASSIGN(const DeleteRequest request, parse_delete_request(body));
  std::string named;
  for (const DeleteRequest::Item& item : request.items) {
    named += (named.empty() ? "" : "\n") + item.key;
  }
  if (apply_fault(call, "s3.delete", named)) return Unit{};
  if (!store_.bucket_exists(call.bucket)) return no_such_bucket(call.bucket);
  XmlWriter xml;
  xml.open("DeleteResult " + std::string(kS3Namespace));
  for (const DeleteRequest::Item& item : request.items) {
    const auto removed = remove_one(call, item);
    if (!removed.ok()) {
      xml.open("Error").text("Key", item.key);
      if (!item.version.empty()) xml.text("VersionId", item.version);
      xml.text("Code", removed.error().code).text("Message", removed.error().message).close();
    } else if (!request.quiet) {
      xml.open("Deleted").text("Key", item.key);
      if (!item.version.empty()) xml.text("VersionId", item.version);
      if (removed->marker) {
        xml.text("DeleteMarker", "true").text("DeleteMarkerVersionId", removed->version);
      }
      xml.close();
    }
  }
  xml.close();
  return answer_xml(call, xml);
}

S3Result<Unit> S3Service::copy_object(S3Call& call) {
  if (!store_.bucket_exists(call.bucket)) return no_such_bucket(call.bucket);
  const std::string sent = call.header("x-amz-copy-source");
  const size_t mark = sent.rfind("?versionId=");  // a "?" of a key is encoded
  const std::string version = mark == std::string::npos ? "" : sent.substr(mark + 11);
  auto source = percent_decode(sent.substr(0, mark), false);
  const S3Error bad_source =
      invalid_argument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
                       "x-amz-copy-source", call.header("x-amz-copy-source"));
  if (!source) return bad_source;
  if (!source->empty() && source->front() == '/') source->erase(0, 1);
  const size_t slash = source->find('/');
  if (slash == std::string::npos || slash + 1 == source->size()) return bad_source;
  VESTO_ASSIGN(ObjectHeaders headers, object_headers(call.request));
  if (headers.count(kEncryptionHeader) != 0) return kms_not_implemented();
  if (gate_ != nullptr) {
    const std::string bucket = source->substr(0, slash);
    const std::string key = source->substr(slash + 1);
    if (auto refused =
            gate_->refuse({.access_key_id = call.auth.access_key_id,
                           .action = version.empty() ? "s3:GetObject" : "s3:GetObjectVersion",
                           .bucket = bucket,
                           .key = key,
                           .sender = sender_of(call)})) {
      return *std::move(refused);
    }
  }
  VESTO_ASSIGN(auto reader,
               store_.open_file(source->substr(0, slash), source->substr(slash + 1), version));
  VESTO_TRY(check_decrypt(call, reader->info()));
  const std::string* match = call.request.header("x-amz-copy-source-if-match");
  if (match != nullptr && !etag_listed(*match, reader->info().etag)) {
    return precondition_failed("x-amz-copy-source-If-Match");
  }
  const bool replace = call.header("x-amz-metadata-directive") == "REPLACE";
  if (!replace && version.empty() && source->substr(0, slash) == call.bucket &&
      source->substr(slash + 1) == call.key) {
    return invalid_request(
        "This copy request is illegal because it is trying to copy an object to "
        "itself without changing the object's metadata, storage class, website "
        "redirect location or encryption attributes.");
  }
  if (!replace) headers = reader->info().headers;
  // The copy is encrypted as its own request says, not as the source.
  headers.erase(kEncryptionHeader);
  headers.erase(kKmsKeyHeader);
  VESTO_ASSIGN(auto writer, store_.create_writer(call.key));
  const auto sum = make_checksum("crc64nvme");
  std::string buffer(kCopyBytes, '\0');
  for (;;) {
    VESTO_ASSIGN(const size_t got, reader->read(buffer.data(), buffer.size()));
    if (got == 0) break;
    sum->update({buffer.data(), got});
    VESTO_TRY(writer->write({buffer.data(), got}));
  }
  // The copy is one piece, so a checksum over parts no longer fits.
  for (const std::string& name : header_checksum_algorithms()) {
    headers.erase("x-amz-checksum-" + name);
  }
  headers["x-amz-checksum-crc64nvme"] = base64_encode(sum->finish());
  headers["x-amz-checksum-type"] = "FULL_OBJECT";
  VESTO_ASSIGN(const ObjectInfo object,
               store_.commit(std::move(writer), call.bucket, call.key, headers, {}));
  XmlWriter xml;
  xml.open("CopyObjectResult " + std::string(kS3Namespace))
      .text("LastModified", format_utc(object.modified_ms))
      .text("ETag", object.etag)
      .close();
  HttpHeaders answered;
  add_version(object, &answered);
  return answer_xml(call, xml, answered);
}

}  // namespace vesto::sandbox
