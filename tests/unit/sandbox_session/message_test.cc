#include "sandbox/wire/message.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace vesto::sandbox {
namespace {

using std::string_literals::operator""s;

TEST(MessageWriter, WritesTypeLengthAndBody) {
  std::string out;
  MessageWriter(&out, 'Z').byte('I').end();
  EXPECT_EQ(out, "Z\0\0\0\x05I"s);
  out.clear();
  MessageWriter(&out, 0).int32(196608).text("a").int16(258).bytes("xy").end();
  EXPECT_EQ(out, "\0\0\0\x0e\0\x03\0\0a\0\x01\x02xy"s);
}

TEST(MessageWriter, TextIsCutAtAZeroByte) {
  std::string out;
  MessageWriter(&out, 'C').text("ab\0cd"s).end();
  EXPECT_EQ(out,
            "C\0\0\0\x07"
            "ab\0"s);
}

TEST(FieldReader, ReadsInOrderAndStaysFailed) {
  const std::string body =
      "\x01\x02"
      "ab\0\xff\xff\xff\xfez"s;
  FieldReader reader(body);
  EXPECT_EQ(reader.int16(), 258);
  EXPECT_EQ(reader.text(), "ab");
  EXPECT_EQ(reader.int32(), -2);
  EXPECT_EQ(reader.byte(), 'z');
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.at_end());
  EXPECT_EQ(reader.byte(), '\0');
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.int32(), 0);
}

TEST(FieldReader, TextWithoutEndFails) {
  FieldReader reader("abc");
  EXPECT_EQ(reader.text(), "");
  EXPECT_FALSE(reader.ok());
}

TEST(ErrorFields, RoundTripKeepsWhatClientsSee) {
  ErrorFields fields;
  fields.severity = "ERROR";
  fields.sqlstate = "42P01";
  fields.message = "relation \"x\" does not exist";
  fields.detail = "d";
  fields.hint = "h";
  fields.position = 15;
  std::string out;
  write_error(&out, 'E', fields);
  const ErrorFields back = parse_error(std::string_view(out).substr(5));
  EXPECT_EQ(back.severity, "ERROR");
  EXPECT_EQ(back.sqlstate, "42P01");
  EXPECT_EQ(back.message, fields.message);
  EXPECT_EQ(back.detail, "d");
  EXPECT_EQ(back.hint, "h");
  EXPECT_EQ(back.position, 15);
}

TEST(ErrorFields, NonLocalisedSeverityWins) {
  EXPECT_EQ(parse_error("SFEHLER\0VERROR\0C0A000\0\0"s).severity, "ERROR");
}

TEST(ErrorFields, GarbageGivesEmptyFields) {
  EXPECT_EQ(parse_error("").message, "");
  EXPECT_EQ(parse_error("Mabc").message, "");
  EXPECT_EQ(parse_error("P99999999999999999999\0\0"s).position, 0);
}

TEST(RowDescription, RoundTrip) {
  ColumnDescription column;
  column.name = "n";
  column.table_oid = 16384;
  column.column_number = 2;
  column.type_oid = 1043;
  column.type_size = 0xffff;
  column.type_modifier = 14;
  column.format = 1;
  std::string out;
  write_row_description(&out, {column});
  const auto back = parse_row_description(std::string_view(out).substr(5));
  ASSERT_TRUE(back.has_value());
  ASSERT_EQ(back->size(), 1U);
  EXPECT_EQ((*back)[0].name, "n");
  EXPECT_EQ((*back)[0].type_modifier, 14);
  EXPECT_EQ((*back)[0].type_size, 0xffff);
  for (size_t size = 5; size + 1 < out.size(); ++size) {
    EXPECT_FALSE(parse_row_description(std::string_view(out).substr(5, size - 5)).has_value());
  }
}

TEST(DataRow, NullsAndValues) {
  std::string out;
  write_data_row(&out, {std::nullopt, "", "abc"});
  RowValues values;
  ASSERT_TRUE(parse_data_row(std::string_view(out).substr(5), &values));
  ASSERT_EQ(values.size(), 3U);
  EXPECT_FALSE(values[0].has_value());
  EXPECT_EQ(values[1], "");
  EXPECT_EQ(values[2], "abc");
  EXPECT_FALSE(parse_data_row(std::string_view(out).substr(5, out.size() - 6), &values));
}

TEST(Parse, FieldsAndTypes) {
  const std::string body = "s\0select 1\0\0\x02\0\0\x02\xc1\0\0\0\x15"s;
  const auto message = parse_parse(body);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->name, "s");
  EXPECT_EQ(message->query, "select 1");
  EXPECT_EQ(message->type_oids, (std::vector<int32_t>{705, 21}));
  EXPECT_FALSE(parse_parse("s\0select 1\0\xff\xff"s).has_value());
  EXPECT_FALSE(parse_parse("s\0select 1\0\0\0x"s).has_value());
  EXPECT_FALSE(parse_parse("").has_value());
}

TEST(Bind, KeepsTheRestForPassingOn) {
  const std::string rest = "\0\x01\0\x01\0\x02\0\0\0\x01z\xff\xff\xff\xff\0\0"s;
  const std::string body = "p\0s\0"s + rest;
  const auto message = parse_bind(body);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->portal, "p");
  EXPECT_EQ(message->statement, "s");
  EXPECT_EQ(message->rest, rest);
  EXPECT_EQ(message->value_count, 2);
  for (size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(parse_bind(std::string_view(body).substr(0, size)).has_value()) << size;
  }
}

TEST(Target, KindIsChecked) {
  EXPECT_TRUE(parse_target("Sx\0"s).has_value());
  EXPECT_TRUE(parse_target("P\0"s).has_value());
  EXPECT_FALSE(parse_target("Q\0"s).has_value());
  EXPECT_FALSE(parse_target("S").has_value());
  EXPECT_FALSE(parse_target("").has_value());
}

// Whatever comes: no crash, and no read beyond the body (the sanitizers watch).
TEST(AllParsers, RandomBodies) {
  for (int i = 0; i < 3'000; ++i) {
    const std::string body = random_bytes(static_cast<size_t>(i % 64));
    parse_error(body);
    parse_row_description(body);
    RowValues values;
    parse_data_row(body, &values);
    parse_parse(body);
    parse_bind(body);
    parse_execute(body);
    parse_target(body);
  }
}

}  // namespace
}  // namespace vesto::sandbox
