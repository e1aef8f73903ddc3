// ListObjects in both forms, and ListObjectVersions.
#include <algorithm>

#include "base/clock.h"
#include "base/strings.h"
#include "sandbox/s3/checksum.h"
#include "sandbox/s3/s3_errors.h"
#include "sandbox/s3/s3_service.h"

namespace vesto::sandbox {

namespace {

constexpr int64_t kMaxKeys = 1000;

struct ListOptions {
  std::string prefix;
  std::string delimiter;
  int64_t max_keys = kMaxKeys;
  bool url_encoded = false;

  // A key as it goes into the document.
  [[nodiscard]] std::string shown(std::string_view key) const {
    return url_encoded ? percent_encode(key, true) : std::string(key);
  }
};

S3Result<ListOptions> list_options(const S3Call& call) {
  ListOptions options;
  options.prefix = call.parameter_or_empty("prefix");
  options.delimiter = call.parameter_or_empty("delimiter");
  if (const std::string* text = call.parameter("max-keys"); text != nullptr && !text->empty()) {
    const auto number = parse_int(*text);
    if (!number) {
      return invalid_argument("Provided max-keys not an integer or within integer range",
                              "max-keys", *text);
    }
    if (*number < 0) {
      return invalid_argument("Argument maxKeys must be an integer between 0 and 2147483647",
                              "maxKeys", *text);
    }
    options.max_keys = *number;
  }
  if (const std::string* encoding = call.parameter("encoding-type"); encoding != nullptr) {
    if (*encoding != "url") {
      return invalid_argument("Invalid Encoding Method specified in Request", "encoding-type",
                              *encoding);
    }
    options.url_encoded = true;
  }
  return options;
}

void write_object(XmlWriter& xml, const ObjectInfo& object) {
  xml.text("LastModified", format_utc(object.modified_ms)).text("ETag", object.etag);
  for (const std::string& algorithm : header_checksum_algorithms()) {
    if (object.headers.count("x-amz-checksum-" + algorithm) == 0) continue;
    const auto type = object.headers.find("x-amz-checksum-type");
    xml.text("ChecksumAlgorithm", to_upper_ascii(algorithm));
    xml.text("ChecksumType", type == object.headers.end() ? "FULL_OBJECT" : type->second);
  }
  xml.number("Size", static_cast<int64_t>(object.size_bytes)).text("StorageClass", "STANDARD");
}

void write_prefixes(XmlWriter& xml, const std::vector<std::string>& prefixes,
                    const ListOptions& options) {
  for (const std::string& prefix : prefixes) {
    xml.open("CommonPrefixes").text("Prefix", options.shown(prefix)).close();
  }
}

void write_contents(XmlWriter& xml, const ListPage& page, const ListOptions& options) {
  for (const ObjectInfo& object : page.objects) {
    xml.open("Contents").text("Key", options.shown(object.key));
    write_object(xml, object);
    xml.close();
  }
  write_prefixes(xml, page.common_prefixes, options);
}

void write_versions(XmlWriter& xml, const VersionPage& page, const ListOptions& options) {
  for (const VersionInfo& one : page.versions) {
    xml.open(one.marker ? "DeleteMarker" : "Version")
        .text("Key", options.shown(one.info.key))
        .text("VersionId", shown_version(one.info.version))
        .text("IsLatest", one.latest ? "true" : "false");
    if (one.marker) {
      xml.text("LastModified", format_utc(one.info.modified_ms));
    } else {
      write_object(xml, one.info);
    }
    xml.close();
  }
  write_prefixes(xml, page.common_prefixes, options);
}

// A marker that is a common prefix stands for everything below it: it ends in the first delimiter
// behind the prefix.
bool is_common_prefix(const ListOptions& options, const std::string& marker) {
  return !options.delimiter.empty() && marker.size() > options.prefix.size() &&
         marker.starts_with(options.prefix) &&
         marker.find(options.delimiter, options.prefix.size()) ==
             marker.size() - options.delimiter.size();
}

// A page ends behind a common prefix by this byte, which no key of a request holds.
std::string without_end_mark(std::string next) {
  if (!next.empty() && next.back() == '\xff') next.pop_back();
  return next;
}

}  // namespace

S3Result<Unit> S3Service::list_objects_v1(S3Call& call) {
  VESTO_ASSIGN(const ListOptions options, list_options(call));
  const std::string marker = call.parameter_or_empty("marker");
  std::string start = marker;
  if (is_common_prefix(options, marker)) start += '\xff';
  const auto count = static_cast<size_t>(std::min(options.max_keys, kMaxKeys));
  VESTO_ASSIGN(const ListPage page,
               store_.list(call.bucket, options.prefix, options.delimiter, start, count));
  XmlWriter xml;
  xml.open("ListBucketResult " + std::string(kS3Namespace))
      .text("Name", call.bucket)
      .text("Prefix", options.shown(options.prefix))
      .text("Marker", options.shown(marker));
  // Without a delimiter the client continues from the last key by itself.
  if (page.truncated && !options.delimiter.empty()) {
    xml.text("NextMarker", options.shown(without_end_mark(page.next)));
  }
  xml.number("MaxKeys", std::min(options.max_keys, kMaxKeys));
  if (!options.delimiter.empty()) xml.text("Delimiter", options.shown(options.delimiter));
  if (options.url_encoded) xml.text("EncodingType", "url");
  xml.text("IsTruncated", page.truncated ? "true" : "false");
  write_contents(xml, page, options);
  xml.close();
  return answer_xml(call, xml);
}

S3Result<Unit> S3Service::list_objects_v2(S3Call& call) {
  VESTO_ASSIGN(const ListOptions options, list_options(call));
  std::string start = call.parameter_or_empty("start-after");
  const std::string* token = call.parameter("continuation-token");
  if (token != nullptr) {
    const auto decoded = base64_decode(*token);
    if (!decoded || decoded->empty()) {
      return invalid_argument("The continuation token provided is incorrect", "continuation-token",
                              *token);
    }
    start = *decoded;
  }
  const auto count = static_cast<size_t>(std::min(options.max_keys, kMaxKeys));
  VESTO_ASSIGN(const ListPage page,
               store_.list(call.bucket, options.prefix, options.delimiter, start, count));
  XmlWriter xml;
  xml.open("ListBucketResult " + std::string(kS3Namespace))
      .text("Name", call.bucket)
      .text("Prefix", options.shown(options.prefix));
  if (token != nullptr) xml.text("ContinuationToken", *token);
  if (page.truncated) xml.text("NextContinuationToken", base64_encode(page.next));
  if (call.has("start-after")) {
    xml.text("StartAfter", options.shown(call.parameter_or_empty("start-after")));
  }
  xml.number("KeyCount", static_cast<int64_t>(page.objects.size() + page.common_prefixes.size()));
  xml.number("MaxKeys", std::min(options.max_keys, kMaxKeys));
  if (!options.delimiter.empty()) xml.text("Delimiter", options.shown(options.delimiter));
  if (options.url_encoded) xml.text("EncodingType", "url");
  xml.text("IsTruncated", page.truncated ? "true" : "false");
  write_contents(xml, page, options);
  xml.close();
  return answer_xml(call, xml);
}

S3Result<Unit> S3Service::list_versions(S3Call& call) {
  VESTO_ASSIGN(const ListOptions options, list_options(call));
  const std::string key_marker = call.parameter_or_empty("key-marker");
  const std::string version_marker = call.parameter_or_empty("version-id-marker");
  if (call.has("version-id-marker") && version_marker.empty()) {
    return invalid_argument("A version-id marker cannot be empty.", "version-id-marker", "");
  }
  if (!version_marker.empty() && key_marker.empty()) {
    return invalid_argument("A version-id marker cannot be specified without a key marker.",
                            "version-id-marker", version_marker);
  }
  const std::string start = key_marker + (is_common_prefix(options, key_marker) ? "\xff" : "");
  const int64_t count = std::min(options.max_keys, kMaxKeys);
  VESTO_ASSIGN(const VersionPage page,
               store_.list_versions(call.bucket, {.prefix = options.prefix,
                                                  .delimiter = options.delimiter,
                                                  .after_key = start,
                                                  .after_version = version_marker,
                                                  .max = static_cast<size_t>(count)}));
  XmlWriter xml;
  xml.open("ListVersionsResult " + std::string(kS3Namespace))
      .text("Name", call.bucket)
      .text("Prefix", options.shown(options.prefix))
      .text("KeyMarker", options.shown(key_marker))
      .text("VersionIdMarker", version_marker);
  if (page.truncated) {
    xml.text("NextKeyMarker", options.shown(page.next_key));
    if (!page.next_version.empty()) xml.text("NextVersionIdMarker", page.next_version);
  }
  xml.number("MaxKeys", count);
  if (!options.delimiter.empty()) xml.text("Delimiter", options.shown(options.delimiter));
  if (options.url_encoded) xml.text("EncodingType", "url");
  xml.text("IsTruncated", page.truncated ? "true" : "false");
  write_versions(xml, page, options);
  xml.close();
  return answer_xml(call, xml);
}

}  // namespace vesto::sandbox
