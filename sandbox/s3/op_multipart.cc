// Multipart uploads.
#include <algorithm>

#include "base/clock.h"
#include "base/strings.h"
#include "sandbox/s3/checksum.h"
#include "sandbox/s3/s3_errors.h"
#include "sandbox/s3/s3_service.h"

namespace vesto::sandbox {

namespace {

constexpr int64_t kMaxPartNumber = 10000;
constexpr int64_t kMaxPage = 1000;

S3Result<int> part_number(const S3Call& call) {
  const std::string text = call.parameter_or_empty("partNumber");
  const auto number = parse_int(text);
  if (!number || *number < 1 || *number > kMaxPartNumber) {
    return invalid_argument("Part number must be an integer between 1 and 10000, inclusive",
                            "partNumber", text);
  }
  return static_cast<int>(*number);
}

S3Result<int64_t> page_size(const S3Call& call, const std::string& name) {
  const std::string text = call.parameter_or_empty(name);
  if (text.empty()) return kMaxPage;
  const auto number = parse_int(text);
  if (!number || *number < 0) {
    return invalid_argument("Provided " + name + " not an integer or within integer range", name,
                            text);
  }
  return std::min(*number, kMaxPage);
}

void write_checksums(XmlWriter& xml, const ObjectHeaders& headers) {
  for (const std::string& algorithm : header_checksum_algorithms()) {
    const auto found = headers.find("x-amz-checksum-" + algorithm);
    if (found != headers.end()) xml.text("Checksum" + to_upper_ascii(algorithm), found->second);
  }
}

void write_person(XmlWriter& xml, std::string_view element) {
  xml.open(element)
      .text("ID", "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a")
      .text("DisplayName", "vesto-sandbox")
      .close();
}

}  // namespace

S3Result<Unit> S3Service::create_upload(S3Call& call) {
  VESTO_ASSIGN(ObjectHeaders headers, object_headers(call.request));
  VESTO_TRY(take_kms_key(call, &headers));
  const std::string algorithm = to_lower_ascii(call.header("x-amz-checksum-algorithm"));
  const std::string type = call.header("x-amz-checksum-type");
  if (!algorithm.empty()) {
    if (checksum_size(algorithm) == 0 || algorithm == "md5") {
      return invalid_request(
          "Checksum algorithm provided is unsupported. Please try again with "
          "any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
    }
    const bool digest = algorithm == "sha1" || algorithm == "sha256";
    const bool composite_only_full = algorithm == "crc64nvme" && type == "COMPOSITE";
    if ((digest && type == "FULL_OBJECT") || composite_only_full ||
        (!type.empty() && type != "FULL_OBJECT" && type != "COMPOSITE")) {
      return invalid_request("The " + type + " checksum type cannot be used with the " + algorithm +
                             " checksum algorithm.");
    }
    headers["x-amz-checksum-algorithm"] = to_upper_ascii(algorithm);
    if (!type.empty()) headers["x-amz-checksum-type"] = type;
  }
  VESTO_ASSIGN(const std::string body, document(call));
  VESTO_ASSIGN(const std::string id, store_.create_upload(call.bucket, call.key, headers));
  XmlWriter xml;
  xml.open("InitiateMultipartUploadResult " + std::string(kS3Namespace))
      .text("Bucket", call.bucket)
      .text("Key", call.key)
      .text("UploadId", id)
      .close();
  HttpHeaders answered = {{"Content-Type", "application/xml"}};
  if (!algorithm.empty()) {
    answered.emplace_back("x-amz-checksum-algorithm", to_upper_ascii(algorithm));
    const bool full = type == "FULL_OBJECT" || algorithm == "crc64nvme";
    answered.emplace_back("x-amz-checksum-type", full ? "FULL_OBJECT" : "COMPOSITE");
  }
  return answer(call, 200, answered, xml.str());
}

S3Result<Unit> S3Service::upload_part(S3Call& call) {
  VESTO_ASSIGN(const int number, part_number(call));
  const std::string id = call.parameter_or_empty("uploadId");
  VESTO_ASSIGN(const UploadInfo upload, store_.upload(call.bucket, call.key, id));
  ObjectHeaders checksums;
  VESTO_ASSIGN(auto writer, receive(call, checksums));
  const auto asked = upload.headers.find("x-amz-checksum-algorithm");
  if (asked != upload.headers.end() && to_lower_ascii(asked->second) != "crc64nvme") {
    const std::string needed = "x-amz-checksum-" + to_lower_ascii(asked->second);
    if (checksums.count(needed) == 0) {
      return invalid_request("Checksum Type mismatch occurred, expected checksum Type: " +
                             to_lower_ascii(asked->second) + ", actual checksum Type: null");
    }
  }
  VESTO_ASSIGN(const PartInfo part,
               store_.commit_part(std::move(writer), call.bucket, call.key, id, number, checksums));
  HttpHeaders headers = {{"ETag", part.etag}, {"x-amz-server-side-encryption", "AES256"}};
  for (const auto& [name, value] : part.checksums) headers.emplace_back(name, value);
  return answer(call, 200, headers, "");
}

S3Result<Unit> S3Service::complete_upload(S3Call& call) {
  const std::string id = call.parameter_or_empty("uploadId");
  VESTO_TRY(store_.upload(call.bucket, call.key, id));
  VESTO_ASSIGN(const PutCondition condition, put_condition(call.request));
  // A checksum header of this request is of the object, not of the request's body.
  ObjectHeaders checksums;
  auto& headers = call.request.headers;
  for (auto it = headers.begin(); it != headers.end();) {
    const bool whole = it->first.rfind("x-amz-checksum-", 0) == 0;
    if (whole) checksums[it->first] = it->second;
    it = whole ? headers.erase(it) : it + 1;
  }
  VESTO_ASSIGN(const std::string body, document(call));
  VESTO_ASSIGN(const auto parts, parse_complete_request(body));
  VESTO_ASSIGN(const ObjectInfo object,
               store_.complete_upload(call.bucket, call.key, id, parts, checksums, condition));
  XmlWriter xml;
  xml.open("CompleteMultipartUploadResult " + std::string(kS3Namespace))
      .text("Location", "/" + call.bucket + "/" + call.key)
      .text("Bucket", call.bucket)
      .text("Key", call.key)
      .text("ETag", object.etag);
  write_checksums(xml, object.headers);
  const auto type = object.headers.find("x-amz-checksum-type");
  if (type != object.headers.end()) xml.text("ChecksumType", type->second);
  xml.close();
  if (object.version.empty()) return answer_xml(call, xml);
  return answer_xml(call, xml, {{"x-amz-version-id", object.version}});
}

S3Result<Unit> S3Service::abort_upload(S3Call& call) {
  VESTO_TRY(store_.abort_upload(call.bucket, call.key, call.parameter_or_empty("uploadId")));
  return answer(call, 204, {}, "");
}

S3Result<Unit> S3Service::list_parts(S3Call& call) {
  const std::string id = call.parameter_or_empty("uploadId");
  VESTO_ASSIGN(const auto parts, store_.parts(call.bucket, call.key, id));
  VESTO_ASSIGN(const int64_t count, page_size(call, "max-parts"));
  const int64_t marker = parse_int(call.parameter_or_empty("part-number-marker")).value_or(0);
  XmlWriter xml;
  xml.open("ListPartsResult " + std::string(kS3Namespace))
      .text("Bucket", call.bucket)
      .text("Key", call.key)
      .text("UploadId", id);
  write_person(xml, "Initiator");
  write_person(xml, "Owner");
  xml.text("StorageClass", "STANDARD").number("PartNumberMarker", marker).number("MaxParts", count);
  int64_t written = 0;
  int64_t last = marker;
  bool truncated = false;
  XmlWriter items;
  const size_t prologue = items.str().size();
  for (const PartInfo& part : parts) {
    if (part.number <= marker) continue;
    if (written == count) {
      truncated = true;
      break;
    }
    items.open("Part")
        .number("PartNumber", part.number)
        .text("LastModified", format_utc(part.modified_ms))
        .text("ETag", part.etag)
        .number("Size", static_cast<int64_t>(part.size_bytes));
    write_checksums(items, part.checksums);
    items.close();
    last = part.number;
    ++written;
  }
  if (truncated) xml.number("NextPartNumberMarker", last);
  xml.text("IsTruncated", truncated ? "true" : "false");
  xml.raw(std::string_view(items.str()).substr(prologue)).close();
  return answer_xml(call, xml);
}

S3Result<Unit> S3Service::list_uploads(S3Call& call) {
  if (!store_.bucket_exists(call.bucket)) return no_such_bucket(call.bucket);
  VESTO_ASSIGN(const int64_t count, page_size(call, "max-uploads"));
  const std::string prefix = call.parameter_or_empty("prefix");
  const std::string key_marker = call.parameter_or_empty("key-marker");
  const std::string id_marker = call.parameter_or_empty("upload-id-marker");
  const bool url = call.parameter_or_empty("encoding-type") == "url";
  if (!call.parameter_or_empty("delimiter").empty()) {
    return S3Error{501,
                   "NotImplemented",
                   "A header you provided implies functionality that is not implemented",
                   {{"Header", "delimiter"}}};
  }
  const auto shown = [url](std::string_view key) {
    return url ? percent_encode(key, true) : std::string(key);
  };
  XmlWriter xml;
  XmlWriter items;
  const size_t prologue = items.str().size();
  int64_t written = 0;
  UploadInfo last;
  bool truncated = false;
  bool passed_marker = id_marker.empty();
  for (const UploadInfo& upload : store_.uploads(call.bucket)) {
    if (upload.key.rfind(prefix, 0) != 0 || upload.key < key_marker) continue;
    if (upload.key == key_marker) {  // with an id: those of this key that came later
      const bool skip = id_marker.empty() || !passed_marker;
      if (upload.id == id_marker) passed_marker = true;
      if (skip) continue;
    }
    if (written == count) {
      truncated = true;
      break;
    }
    items.open("Upload").text("Key", shown(upload.key)).text("UploadId", upload.id);
    write_person(items, "Initiator");
    write_person(items, "Owner");
    items.text("StorageClass", "STANDARD")
        .text("Initiated", format_utc(upload.initiated_ms))
        .close();
    last = upload;
    ++written;
  }
  xml.open("ListMultipartUploadsResult " + std::string(kS3Namespace))
      .text("Bucket", call.bucket)
      .text("KeyMarker", shown(key_marker))
      .text("UploadIdMarker", id_marker)
      .text("Prefix", shown(prefix));
  if (url) xml.text("EncodingType", "url");
  if (truncated) xml.text("NextKeyMarker", shown(last.key)).text("NextUploadIdMarker", last.id);
  xml.number("MaxUploads", count).text("IsTruncated", truncated ? "true" : "false");
  xml.raw(std::string_view(items.str()).substr(prologue)).close();
  return answer_xml(call, xml);
}

}  // namespace vesto::sandbox
