#include "sandbox/s3/s3_xml.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <pugixml.hpp>

#include "base/strings.h"
#include "sandbox/s3/s3_errors.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxDeleteKeys = 1000;
constexpr size_t kMaxParts = 10000;
constexpr int64_t kMaxPartNumber = 10000;

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (byte < 0x20 && c != '\n' && c != '\t') {
      out += fmt::format("&#x{:x};", byte);
    } else {
      out += c;
    }
  }
  return out;
}

// Of a reference without its "&#" and ";": "x1f", "31". Nothing: it is none.
std::optional<uint32_t> referred_character(std::string_view digits) {
  const bool hex = !digits.empty() && (digits.front() == 'x' || digits.front() == 'X');
  if (hex) digits.remove_prefix(1);
  uint32_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

bool is_xml_character(uint32_t c) {
  if (c < 0x20) return c == '\t' || c == '\n' || c == '\r';
  return c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) && c != 0xfffe && c != 0xffff;
}

// The root element, if the text is a document whose root has this name. Whitespace in a key counts.
bool parse_document(std::string_view body, const char* root, pugi::xml_document& document,
                    pugi::xml_node& node) {
  if (!has_xml_characters(body)) return false;
  const auto options = pugi::parse_default | pugi::parse_ws_pcdata_single;
  if (!document.load_buffer(body.data(), body.size(), options, pugi::encoding_utf8)) return false;
  node = document.child(root);
  return !node.empty();
}

}  // namespace

bool has_xml_characters(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80 && !is_xml_character(byte)) return false;
    if (text.substr(i, 2) != "&#") continue;
    const size_t end = text.find(';', i);
    if (end == std::string_view::npos) return false;
    const auto referred = referred_character(text.substr(i + 2, end - i - 2));
    if (!referred || !is_xml_character(*referred)) return false;
  }
  return true;
}

XmlWriter::XmlWriter() : out_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {}

XmlWriter& XmlWriter::open(std::string_view name) {
  out_ += "<" + std::string(name) + ">";
  open_.emplace_back(name.substr(0, name.find(' ')));
  return *this;
}

XmlWriter& XmlWriter::close() {
  if (open_.empty()) return *this;
  out_ += "</" + open_.back() + ">";
  open_.pop_back();
  return *this;
}

XmlWriter& XmlWriter::text(std::string_view name, std::string_view value) {
  const std::string tag(name);
  out_ += "<" + tag + ">" + escape(value) + "</" + tag + ">";
  return *this;
}

XmlWriter& XmlWriter::number(std::string_view name, int64_t value) {
  return text(name, std::to_string(value));
}

std::string error_document(const S3Error& error, std::string_view resource,
                           std::string_view request_id, std::string_view host_id) {
  XmlWriter xml;
  xml.open("Error").text("Code", error.code).text("Message", error.message);
  for (const auto& [name, value] : error.extra) xml.text(name, value);
  if (!resource.empty()) xml.text("Resource", resource);
  xml.text("RequestId", request_id).text("HostId", host_id).close();
  return xml.str();
}

S3Result<DeleteRequest> parse_delete_request(std::string_view body) {
  pugi::xml_document document;
  pugi::xml_node root;
  if (!parse_document(body, "Delete", document, root)) return malformed_xml();
  DeleteRequest request;
  const std::string_view quiet = root.child_value("Quiet");
  if (quiet != "" && quiet != "true" && quiet != "false") return malformed_xml();
  request.quiet = quiet == "true";
  for (const pugi::xml_node object : root.children("Object")) {
    if (request.items.size() == kMaxDeleteKeys) return malformed_xml();
    std::string key = object.child_value("Key");
    if (key.empty()) return malformed_xml();
    request.items.push_back({std::move(key), object.child_value("VersionId")});
  }
  if (request.items.empty()) return malformed_xml();
  return request;
}

S3Result<std::vector<NamedPart>> parse_complete_request(std::string_view body) {
  pugi::xml_document document;
  pugi::xml_node root;
  if (!parse_document(body, "CompleteMultipartUpload", document, root)) return malformed_xml();
  std::vector<NamedPart> parts;
  for (const pugi::xml_node item : root.children("Part")) {
    const auto number = parse_int(trim(item.child_value("PartNumber")));
    NamedPart part;
    part.etag = item.child_value("ETag");
    if (!number || *number < 1 || *number > kMaxPartNumber || part.etag.empty() ||
        parts.size() == kMaxParts) {
      return malformed_xml();
    }
    part.number = static_cast<int>(*number);
    for (const std::string& algorithm : header_checksum_algorithms()) {
      const std::string element = "Checksum" + to_upper_ascii(algorithm);
      const char* value = item.child_value(element.c_str());
      if (*value != '\0') part.checksums["x-amz-checksum-" + algorithm] = value;
    }
    parts.push_back(std::move(part));
  }
  if (parts.empty()) return malformed_xml();
  return parts;
}

S3Result<std::string> parse_create_bucket_request(std::string_view body) {
  if (trim(body).empty()) return std::string();
  pugi::xml_document document;
  pugi::xml_node root;
  if (!parse_document(body, "CreateBucketConfiguration", document, root)) return malformed_xml();
  return std::string(trim(root.child_value("LocationConstraint")));
}

}  // namespace vesto::sandbox
