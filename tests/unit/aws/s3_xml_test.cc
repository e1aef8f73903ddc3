#include "aws/s3_xml.h"

#include <gtest/gtest.h>

#include "base/time_text.h"

namespace vesto {
namespace {

std::string list_xml(const std::string& inside) {
  return R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>)" +
         inside + "</ListBucketResult>";
}

std::string object_xml(const std::string& key, const std::string& size = "12",
                       const std::string& modified = "2026-11-22T01:26:56.000Z") {
  return "<Contents><Key>" + key + "</Key><LastModified>" + modified +
         "</LastModified><ETag>\"x\"</ETag><Size>" + size + "</Size></Contents>";
}

const std::string kEnd = "<IsTruncated>false</IsTruncated>";

void expect_no_list(const std::string& xml, std::string_view prefix = "") {
  const auto page = parse_s3_list(xml, prefix);
  ASSERT_FALSE(page.ok()) << xml.substr(0, 300);
  EXPECT_EQ(page.error().code(), ErrorCode::kS3Answer);
}

TEST(S3List, ReadsObjectsAndToken) {
  const auto page = parse_s3_list(
      list_xml("<IsTruncated>true</IsTruncated><NextContinuationToken>1ue/+=</NextContinuation"
               "Token>" +
               object_xml("p/a&amp;b") + object_xml("p/c", "0")),
      "p/");
  ASSERT_TRUE(page.ok()) << page.error().to_string();
  ASSERT_EQ(page->objects.size(), 2U);
  EXPECT_EQ(page->objects[0].key, "p/a&b");
  EXPECT_EQ(page->objects[0].size_bytes, 12U);
  EXPECT_EQ(page->objects[0].modified_ms, 1795310816000);
  EXPECT_EQ(page->objects[1].size_bytes, 0U);
  EXPECT_EQ(page->next_token, "1ue/+=");
}

TEST(S3List, EmptyList) {
  const auto page = parse_s3_list(list_xml(kEnd), "p/");
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page->objects.empty());
  EXPECT_EQ(page->next_token, "");
}

TEST(S3List, DecodesOnlyWhereTheAnswerSaysSo) {
  const auto encoded = parse_s3_list(
      list_xml("<EncodingType>url</EncodingType>" + kEnd + object_xml("a%2Fb+c%2B%28%29")), "a/");
  ASSERT_TRUE(encoded.ok());
  EXPECT_EQ(encoded->objects[0].key, "a/b c+()");
  const auto plain = parse_s3_list(list_xml(kEnd + object_xml("a%2Fb+c")), "a");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->objects[0].key, "a%2Fb+c");
}

TEST(S3List, ForeignKeysAreRefused) {
  expect_no_list(list_xml(kEnd + object_xml("p/a") + object_xml("others/b")), "p/");
}

TEST(S3List, HostileAnswers) {
  expect_no_list("");
  expect_no_list("<html><body>Bad gateway</body></html>");
  expect_no_list("\x1f\x8b\x08 not xml at all");
  expect_no_list(list_xml(kEnd + object_xml("a")).substr(0, 150));  // cut
  expect_no_list(list_xml(""));                                     // says not whether it goes on
  expect_no_list(list_xml("<IsTruncated>yes</IsTruncated>"));
  expect_no_list(list_xml("<IsTruncated>true</IsTruncated>"));  // goes on, but where?
  expect_no_list(list_xml("<IsTruncated>true</IsTruncated><NextContinuationToken>" +
                          std::string(9000, 'x') + "</NextContinuationToken>"));
  expect_no_list(list_xml(kEnd + object_xml("")));
  expect_no_list(list_xml(kEnd + object_xml(std::string(1025, 'k'))));
  expect_no_list(list_xml(kEnd + object_xml("a", "-1")));
  expect_no_list(list_xml(kEnd + object_xml("a", "99999999999999999999")));
  expect_no_list(list_xml(kEnd + object_xml("a", "many")));
  expect_no_list(list_xml(kEnd + object_xml("a", "1", "yesterday")));
  expect_no_list(list_xml(kEnd + object_xml("a", "1", "2026-13-01T00:00:00Z")));
  expect_no_list(list_xml(kEnd + object_xml("a", "1", "2026-02-30T00:00:00Z")));
  expect_no_list(list_xml("<EncodingType>url</EncodingType>" + kEnd + object_xml("a%2")));
  expect_no_list(list_xml("<EncodingType>url</EncodingType>" + kEnd + object_xml("a%zz")));
}

TEST(S3List, EntitiesOfADtdAreNotExpanded) {
  const auto page = parse_s3_list("<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>" +
                                      list_xml(kEnd + object_xml("k&b;")),
                                  "");
  if (page.ok()) {
    EXPECT_EQ(page->objects[0].key, "k&b;");
  }
}

TEST(S3List, DepthDoesNotHurt) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  for (int i = 0; i < 100'000; ++i) deep += "</a>";
  const auto page = parse_s3_list(list_xml(kEnd + deep), "");
  EXPECT_TRUE(page.ok());
  expect_no_list(deep);
}

TEST(S3ErrorXml, ReadsTheFieldsThatPeopleNeed) {
  const auto error = parse_s3_error(
      "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' is wrong"
      "</Message><Region>us-west-2</Region><RequestId>RID</RequestId><HostId>H</HostId></Error>");
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, "AuthorizationHeaderMalformed");
  EXPECT_EQ(error->message, "the region 'us-east-1' is wrong");
  EXPECT_EQ(error->region, "us-west-2");
  EXPECT_EQ(error->request_id, "RID");
}

TEST(S3ErrorXml, WhiteSpaceBeforeIsAllowed) {
  // Sent by S3 to keep a connection open while it works.
  EXPECT_TRUE(parse_s3_error("   \n  <Error><Code>InternalError</Code></Error>").has_value());
}

TEST(S3ErrorXml, NoErrorIsNoError) {
  EXPECT_FALSE(parse_s3_error("").has_value());
  EXPECT_FALSE(parse_s3_error("<Error></Error>").has_value());
  EXPECT_FALSE(parse_s3_error("<Error><Code></Code></Error>").has_value());
  EXPECT_FALSE(parse_s3_error("<Error><Code>X</Code>").has_value());
  EXPECT_FALSE(parse_s3_error("<html>502</html>").has_value());
  EXPECT_FALSE(parse_s3_error(list_xml(kEnd)).has_value());
}

TEST(S3ErrorXml, SecretsAndLengthAreCut) {
  const Secret token("the-session-token-of-somebody");
  const auto error = parse_s3_error(
      "<Error><Code>ExpiredToken</Code><Message>expired: the-session-token-of-somebody " +
      std::string(5000, 'x') +
      "</Message><Token-0>the-session-token-of-somebody</Token-0></Error>");
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->message.find("the-session-token"), std::string::npos);
  EXPECT_LE(error->message.size(), 1000U);
}

TEST(S3DeleteXml, EscapesKeys) {
  const std::string xml = s3_delete_xml({"a<b>&c", "plain", "\"quoted\"'"});
  EXPECT_NE(xml.find("<Key>a&lt;b&gt;&amp;c</Key>"), std::string::npos);
  EXPECT_NE(xml.find("<Object><Key>plain</Key></Object>"), std::string::npos);
  EXPECT_NE(xml.find("<Quiet>true</Quiet>"), std::string::npos);
}

TEST(S3DeleteXml, ReadsFailures) {
  const auto none = parse_s3_delete_result("<DeleteResult></DeleteResult>");
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->empty());
  const auto some = parse_s3_delete_result(
      "<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code><Message>Access Denied</Message>"
      "</Error><Error><Key>l</Key><Code>InternalError</Code></Error></DeleteResult>");
  ASSERT_TRUE(some.ok());
  ASSERT_EQ(some->size(), 2U);
  EXPECT_EQ((*some)[0].key, "k");
  EXPECT_EQ((*some)[1].error.code, "InternalError");
  EXPECT_FALSE(parse_s3_delete_result("").ok());
  EXPECT_FALSE(
      parse_s3_delete_result("<DeleteResult><Error><Key>k</Key></Error></DeleteResult>").ok());
  EXPECT_FALSE(parse_s3_delete_result("<html/>").ok());
}

TEST(Iso8601, Times) {
  EXPECT_EQ(parse_iso8601_utc("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_iso8601_utc("1970-01-01T00:00:00.5Z"), 500);
  EXPECT_EQ(parse_iso8601_utc("2026-11-22T01:26:56.123456Z"), 1795310816123);
  for (const char* bad : {"", "Z", "2026-11-22", "2026-11-22T01:26:56", "2026-11-22T01:26:56.Z",
                          "2026-11-22T24:00:00Z", "2026-11-22 01:26:56Z", "2026-1-22T01:26:56ZZ",
                          "2026-11-22T01:26:56.12a4Z", "2026-00-22T01:26:56Z"}) {
    EXPECT_FALSE(parse_iso8601_utc(bad).has_value()) << bad;
  }
}

TEST(S3Xml, TheStatusOfAPolicy) {
  const auto status = [](const std::string& told) {
    return parse_s3_policy_status(
        "<PolicyStatus xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><IsPublic>" + told +
        "</IsPublic></PolicyStatus>");
  };
  EXPECT_TRUE(status("TRUE").value());
  EXPECT_TRUE(status("true").value());
  EXPECT_FALSE(status("FALSE").value());
  EXPECT_FALSE(status("").ok());
  EXPECT_FALSE(status("maybe").ok());
  EXPECT_FALSE(parse_s3_policy_status("<Error/>").ok());
}

}  // namespace
}  // namespace vesto
