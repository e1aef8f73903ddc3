// S3's answers as hostile input: the first byte chooses the reader, the rest is the body.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aws/s3_errors.h"
#include "aws/s3_xml.h"
#include "base/check.h"
#include "base/time_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string body(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 5) {
    case 0: {
      const auto page = vesto::parse_s3_list(body, "a/");
      if (!page.ok()) break;
      for (const vesto::S3Object& object : page->objects) {
        VESTO_CHECK(object.key.starts_with("a/"));
        VESTO_CHECK(object.key.size() <= 1024);
      }
      break;
    }
    case 1: {
      const auto failures = vesto::parse_s3_delete_result(body);
      if (!failures.ok()) break;
      for (const vesto::S3DeleteFailure& failure : *failures) {
        VESTO_CHECK(!failure.error.code.empty());
      }
      break;
    }
    case 2: {
      vesto::HttpResponse response;
      response.status = 403;
      response.body = body;
      const vesto::Error error = vesto::s3_error(
          {.action = "s3:PutObject", .bucket = "b", .key = "k", .region = "eu-west-1"}, response);
      VESTO_CHECK(error.to_string().size() < 8192);
      break;
    }
    case 3: {
      // What we write, we must read: a list made of our own escaping.
      const std::string xml = vesto::s3_delete_xml({body});
      VESTO_CHECK(xml.find("<Key>") != std::string::npos);
      break;
    }
    default: {
      (void)vesto::parse_iso8601_utc(body);
      (void)vesto::parse_http_date(body);
      const auto decoded = vesto::percent_decode(vesto::percent_encode(body, false), false);
      VESTO_CHECK(decoded.has_value() && *decoded == body);
    }
  }
  return 0;
}
