#include "aws/s3_xml.h"

#include <chrono>
#include <pugixml.hpp>

#include "base/redact.h"
#include "base/strings.h"
#include "base/time_text.h"
#include "net/http.h"

namespace vesto {

namespace {

constexpr size_t kMaxTextBytes = 1000;
constexpr size_t kMaxKeyBytes = 1024;  // S3's own limit
constexpr size_t kMaxTokenBytes = 8192;

Error bad_answer(std::string what) {
  return Error(ErrorCode::kS3Answer, "S3's answer cannot be understood: " + std::move(what));
}

// No entities of a DTD, no comments, no processing instructions: only elements and their text.
bool parse(pugi::xml_document* document, std::string_view xml) {
  constexpr unsigned kOptions =
      pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_ws_pcdata_single;
  return static_cast<bool>(
      document->load_buffer(xml.data(), xml.size(), kOptions, pugi::encoding_utf8));
}

std::string_view text_of(const pugi::xml_node& node, const char* name) {
  return node.child(name).text().get();
}

std::string short_text(std::string_view text) {
  return std::string(cut_utf8(redact(text), kMaxTextBytes));
}

S3ErrorBody error_of(const pugi::xml_node& node) {
  return S3ErrorBody{.code = std::string(cut_utf8(redact(trim(text_of(node, "Code"))), 100)),
                     .message = short_text(trim(text_of(node, "Message"))),
                     .region = std::string(cut_utf8(trim(text_of(node, "Region")), 64)),
                     .request_id = std::string(cut_utf8(trim(text_of(node, "RequestId")), 128))};
}

Result<S3Object> object_of(const pugi::xml_node& node, bool encoded, std::string_view prefix) {
  S3Object object;
  object.key = std::string(text_of(node, "Key"));
  if (encoded) {
    auto decoded = percent_decode(object.key, /*plus_is_blank=*/true);
    if (!decoded) return bad_answer("a key is not percent-encoded");
    object.key = std::move(*decoded);
  }
  if (object.key.empty() || object.key.size() > kMaxKeyBytes) {
    return bad_answer("a key of " + std::to_string(object.key.size()) + " bytes");
  }
  if (!object.key.starts_with(prefix)) return bad_answer("a key outside the prefix asked for");
  const auto size = parse_int(text_of(node, "Size"));
  if (!size || *size < 0) return bad_answer("an object without a size");
  object.size_bytes = static_cast<uint64_t>(*size);
  const auto modified = parse_iso8601_utc(text_of(node, "LastModified"));
  if (!modified) return bad_answer("an object without a time");
  object.modified_ms = *modified;
  return object;
}

void append_escaped(std::string* out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        *out += "&amp;";
        break;
      case '<':
        *out += "&lt;";
        break;
      case '>':
        *out += "&gt;";
        break;
      case '\r':
        *out += "&#13;";
        break;
      default:
        *out += c;
    }
  }
}

}  // namespace

std::optional<S3ErrorBody> parse_s3_error(std::string_view xml) {
  pugi::xml_document document;
  if (!parse(&document, xml)) return std::nullopt;
  const pugi::xml_node root = document.child("Error");
  if (!root) return std::nullopt;
  S3ErrorBody error = error_of(root);
  if (error.code.empty()) return std::nullopt;
  return error;
}

Result<S3ListPage> parse_s3_list(std::string_view xml, std::string_view prefix) {
  pugi::xml_document document;
  if (!parse(&document, xml)) return bad_answer("the list is no XML, or was cut");
  const pugi::xml_node root = document.child("ListBucketResult");
  if (!root) return bad_answer("no list of objects");
  const bool encoded = text_of(root, "EncodingType") == "url";
  S3ListPage page;
  for (const pugi::xml_node& node : root.children("Contents")) {
    VESTO_ASSIGN(S3Object object, object_of(node, encoded, prefix));
    page.objects.push_back(std::move(object));
  }
  const std::string_view truncated = text_of(root, "IsTruncated");
  if (truncated == "true") {
    page.next_token = std::string(text_of(root, "NextContinuationToken"));
    if (page.next_token.empty() || page.next_token.size() > kMaxTokenBytes) {
      return bad_answer("a list that goes on without saying where");
    }
  } else if (truncated != "false") {
    return bad_answer("a list that does not say whether it goes on");
  }
  return page;
}

Result<std::vector<S3DeleteFailure>> parse_s3_delete_result(std::string_view xml) {
  pugi::xml_document document;
  if (!parse(&document, xml)) return bad_answer("the result of a delete is no XML, or was cut");
  const pugi::xml_node root = document.child("DeleteResult");
  if (!root) return bad_answer("no result of a delete");
  std::vector<S3DeleteFailure> failures;
  for (const pugi::xml_node& node : root.children("Error")) {
    S3DeleteFailure failure{.key = std::string(cut_utf8(text_of(node, "Key"), kMaxKeyBytes)),
                            .error = error_of(node)};
    if (failure.error.code.empty()) return bad_answer("a failed delete without a code");
    failures.push_back(std::move(failure));
  }
  return failures;
}

Result<bool> parse_s3_policy_status(std::string_view xml) {
  pugi::xml_document document;
  if (!parse(&document, xml)) return bad_answer("the status of a policy is no XML, or was cut");
  const std::string told =
      to_lower_ascii(trim(text_of(document.child("PolicyStatus"), "IsPublic")));
  if (told != "true" && told != "false") return bad_answer("no status of a policy");
  return told == "true";
}

std::string s3_delete_xml(const std::vector<std::string>& keys) {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
      "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>";
  for (const std::string& key : keys) {
    out += "<Object><Key>";
    append_escaped(&out, key);
    out += "</Key></Object>";
  }
  return out + "</Delete>";
}

}  // namespace vesto
