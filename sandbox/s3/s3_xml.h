// The XML documents of S3: written by hand, read with pugixml. Pure; any thread.
#ifndef VESTO_SANDBOX_S3_S3_XML_H_
#define VESTO_SANDBOX_S3_S3_XML_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/s3/file_object_store.h"

namespace vesto::sandbox {

// Builds a document; element names are ours, texts are escaped. Control characters are written as
// S3 does, "&#x1;", which no reader of XML 1.0 takes: for them there is encoding-type=url.
class XmlWriter {
 public:
  XmlWriter();
  XmlWriter& open(std::string_view name);  // may carry attributes: "a x=\"y\""
  XmlWriter& close();
  XmlWriter& text(std::string_view name, std::string_view value);
  XmlWriter& number(std::string_view name, int64_t value);
  XmlWriter& raw(std::string_view xml) {  // made by another writer
    out_ += xml;
    return *this;
  }
  [[nodiscard]] const std::string& str() const { return out_; }

 private:
  std::string out_;
  std::vector<std::string> open_;
};

// Whether all characters, and those that "&#1;" and its kind refer to, are ones that XML 1.0 knows.
[[nodiscard]] bool has_xml_characters(std::string_view text);

constexpr std::string_view kS3Namespace = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

std::string error_document(const S3Error& error, std::string_view resource,
                           std::string_view request_id, std::string_view host_id);

struct DeleteRequest {
  struct Item {
    std::string key;
    std::string version;  // "": none is named
  };
  bool quiet = false;
  std::vector<Item> items;
};
// 400 MalformedXML; also for more than 1,000 keys.
S3Result<DeleteRequest> parse_delete_request(std::string_view body);
// 400 MalformedXML; also for more than 10,000 parts or none.
S3Result<std::vector<NamedPart>> parse_complete_request(std::string_view body);
// The LocationConstraint of CreateBucketConfiguration; "" where the body is empty or names none.
S3Result<std::string> parse_create_bucket_request(std::string_view body);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_S3_XML_H_
