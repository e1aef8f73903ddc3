// Ranges, dates, percent-encoding, XML, bucket names.
#include <gtest/gtest.h>

#include "sandbox/s3/byte_range.h"
#include "sandbox/s3/dates.h"
#include "sandbox/s3/file_object_store.h"
#include "sandbox/s3/s3_xml.h"
#include "sandbox/s3/uri.h"

namespace vesto::sandbox {
namespace {

void expect_part(std::string_view header, uint64_t size, uint64_t first, uint64_t length) {
  const RangeAnswer range = read_range(header, size);
  EXPECT_EQ(range.kind, RangeKind::kPart) << header;
  EXPECT_EQ(range.first, first) << header;
  EXPECT_EQ(range.length, length) << header;
}

TEST(ByteRange, Parts) {
  expect_part("bytes=0-9", 100, 0, 10);
  expect_part("bytes=0-0", 100, 0, 1);
  expect_part("bytes=90-", 100, 90, 10);
  expect_part("bytes=90-200", 100, 90, 10);
  expect_part("bytes=-5", 100, 95, 5);
  expect_part("bytes=-500", 100, 0, 100);
}

TEST(ByteRange, UnsatisfiableAndIgnored) {
  EXPECT_EQ(read_range("bytes=100-", 100).kind, RangeKind::kUnsatisfiable);
  EXPECT_EQ(read_range("bytes=-0", 100).kind, RangeKind::kUnsatisfiable);
  EXPECT_EQ(read_range("bytes=0-0", 0).kind, RangeKind::kUnsatisfiable);
  for (const char* header : {"", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=0-1,3-4",
                             "chars=0-1", "bytes=--1", "bytes=99999999999999999999-"}) {
    const RangeAnswer range = read_range(header, 100);
    EXPECT_EQ(range.kind, RangeKind::kWhole) << header;
    EXPECT_EQ(range.length, 100U) << header;
  }
}

TEST(Dates, BothForms) {
  EXPECT_EQ(parse_amz_time("20130524T000000Z").value_or(0), 1369353600000);
  EXPECT_EQ(format_amz_time(1369353600000), "20130524T000000Z");
  EXPECT_EQ(parse_http_date("Fri, 24 May 2013 00:00:00 GMT").value_or(0), 1369353600000);
  for (const char* bad : {"", "20130524T000000", "20131324T000000Z", "20130524 000000Z",
                          "2013052xT000000Z", "20130524T250000Z"}) {
    EXPECT_FALSE(parse_amz_time(bad).has_value()) << bad;
  }
  for (const char* bad : {"", "Fri, 24 Mai 2013 00:00:00 GMT", "Fri, 24 May 2013 00:00:00 UTC",
                          "24 May 2013 00:00:00 GMT", "Fri, 24 aFe 2013 00:00:00 GMT"}) {
    EXPECT_FALSE(parse_http_date(bad).has_value()) << bad;
  }
}

TEST(Uri, EncodeAndDecode) {
  EXPECT_EQ(percent_encode("a/b c~\xff", true), "a/b%20c~%FF");
  EXPECT_EQ(percent_encode("a/b", false), "a%2Fb");
  EXPECT_EQ(percent_decode("a%2fb+c", false).value_or(""), "a/b+c");
  EXPECT_EQ(percent_decode("a%2fb+c", true).value_or(""), "a/b c");
  EXPECT_FALSE(percent_decode("%", false).has_value());
  EXPECT_FALSE(percent_decode("%4", false).has_value());
  EXPECT_FALSE(percent_decode("%4g", false).has_value());
}

TEST(Uri, Query) {
  const auto query = parse_query("a=1&b&&c=x%3Dy=z");
  ASSERT_TRUE(query.has_value());
  ASSERT_EQ(query->size(), 3U);
  EXPECT_EQ(*find_parameter(*query, "b"), "");
  EXPECT_EQ(*find_parameter(*query, "c"), "x=y=z");
  EXPECT_EQ(find_parameter(*query, "d"), nullptr);
  std::string many;
  for (int i = 0; i < 300; ++i) many += "a&";
  EXPECT_FALSE(parse_query(many).has_value());
}

TEST(BucketNames, Rules) {
  for (const char* good : {"abc", "vesto-demo", "a.b-c", "0ab", "1.2.3"}) {
    EXPECT_TRUE(is_valid_bucket_name(good)) << good;
  }
  for (const char* bad : {"", "ab", "Abc", "a_b", "-abc", "abc-", "a..b", "192.168.0.1", "xn--abc",
                          "sthree-abc", "abc-s3alias", "../../etc", "a/b", "."}) {
    EXPECT_FALSE(is_valid_bucket_name(bad)) << bad;
  }
  EXPECT_TRUE(is_valid_bucket_name(std::string(63, 'a')));
  EXPECT_FALSE(is_valid_bucket_name(std::string(64, 'a')));
}

TEST(Xml, EscapesTexts) {
  XmlWriter xml;
  xml.open("R a=\"b\"").text("K", "<&>\"\x01\r\n\xC3\xBC").close();
  EXPECT_NE(xml.str().find("<R a=\"b\"><K>&lt;&amp;&gt;&quot;&#x1;&#xd;\n\xC3\xBC</K></R>"),
            std::string::npos)
      << xml.str();
}

TEST(Xml, DeleteRequests) {
  const auto two = parse_delete_request(
      "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a &amp; b</Key>"
      "</Object><Object><Key> </Key><VersionId>v</VersionId></Object><Quiet>true</Quiet></Delete>");
  ASSERT_TRUE(two.ok());
  EXPECT_TRUE(two->quiet);
  ASSERT_EQ(two->items.size(), 2U);
  EXPECT_EQ(two->items[0].key + two->items[0].version, "a & b");
  EXPECT_EQ(two->items[1].key + two->items[1].version, " v");
  std::string many = "<Delete>";
  for (int i = 0; i < 1001; ++i) many += "<Object><Key>k</Key></Object>";
  many += "</Delete>";
  for (const std::string& bad :
       {std::string(), std::string("x"), std::string("<Delete>"), std::string("<Delete></Delete>"),
        std::string("<Other><Object><Key>a</Key></Object></Other>"), many,
        std::string("<Delete><Object></Object></Delete>")}) {
    const auto parsed = parse_delete_request(bad);
    ASSERT_FALSE(parsed.ok()) << bad.substr(0, 60);
    EXPECT_EQ(parsed.error().code, "MalformedXML");
  }
}

TEST(Xml, CompleteRequests) {
  const auto one = parse_complete_request(
      "<CompleteMultipartUpload><Part><PartNumber>3</PartNumber><ETag>\"e\"</ETag>"
      "<ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part></CompleteMultipartUpload>");
  ASSERT_TRUE(one.ok());
  EXPECT_EQ((*one)[0].number, 3);
  EXPECT_EQ((*one)[0].checksums.at("x-amz-checksum-crc32"), "AAAAAA==");
  for (const char* bad :
       {"", "<CompleteMultipartUpload/>",
        "<CompleteMultipartUpload><Part><PartNumber>0</PartNumber><ETag>e</ETag></Part>"
        "</CompleteMultipartUpload>",
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part>"
        "</CompleteMultipartUpload>"}) {
    EXPECT_FALSE(parse_complete_request(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace vesto::sandbox
