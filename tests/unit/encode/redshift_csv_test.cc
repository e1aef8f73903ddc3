#include "encode/redshift_csv.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>

namespace vesto {
namespace {

using Value = std::optional<std::string>;
constexpr std::string_view kMarker = "nullmarker0123";

std::string written(const std::vector<Value>& values) {
  std::string row;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) row += kCsvDelimiter;
    if (values[i]) {
      append_csv_value(&row, *values[i]);
    } else {
      row += kMarker;
    }
  }
  return row + kCsvRecordEnd;
}

std::vector<Value> taken_apart(std::string_view row) {
  std::vector<CsvField> fields;
  std::vector<Value> values;
  if (!split_csv_row(row, &fields)) return values;
  std::string scratch;
  for (const CsvField& field : fields) {
    if (is_csv_null(field, kMarker)) {
      values.emplace_back(std::nullopt);
    } else {
      values.emplace_back(std::string(csv_value(field, &scratch)));
      EXPECT_EQ(values.back()->size(), csv_value_bytes(field));
    }
  }
  return values;
}

TEST(Csv, WritesWhatRedshiftReads) {
  EXPECT_EQ(
      written({"a", "", std::nullopt, "1,2", "say \"x\"", "l1\nl2", "\r", " b ", "\\N", "\\."}),
      "a,\"\",nullmarker0123,\"1,2\",\"say \"\"x\"\"\",\"l1\nl2\",\"\r\", b ,\\N,\"\\.\"\n");
}

TEST(Csv, AQuotedMarkerIsText) {
  EXPECT_EQ(taken_apart("nullmarker0123,\"nullmarker0123\"\n"),
            (std::vector<Value>{std::nullopt, "nullmarker0123"}));
}

TEST(Csv, SplitsEdges) {
  EXPECT_EQ(taken_apart("\n"), (std::vector<Value>{""}));
  EXPECT_EQ(taken_apart(""), (std::vector<Value>{""}));
  EXPECT_EQ(taken_apart(",\n"), (std::vector<Value>{"", ""}));
  EXPECT_EQ(taken_apart("\"\",\n"), (std::vector<Value>{"", ""}));
  EXPECT_EQ(taken_apart("\"\"\"\"\n"), (std::vector<Value>{"\""}));
  EXPECT_EQ(taken_apart("a,\"b\""), (std::vector<Value>{"a", "b"}));  // without LF too
}

TEST(Csv, RefusesWhatIsNone) {
  std::vector<CsvField> fields;
  for (const char* row : {"\"a\n", "\"", "a\"b\n", "\"a\"b,c\n", "\"a\" ,c\n", "x,\"\"\"\n"}) {
    EXPECT_FALSE(split_csv_row(row, &fields)) << row;
  }
}

TEST(Csv, FindsRowEnds) {
  const std::string two = "a,\"x\ny\"\nb,\"\n";
  EXPECT_EQ(csv_row_end(two, 0), 8U);
  EXPECT_EQ(csv_row_end(two, 8), std::string::npos);  // the quote is still open
  EXPECT_EQ(csv_row_end("no end", 0), std::string::npos);
  EXPECT_EQ(csv_row_end("", 0), std::string::npos);
  EXPECT_EQ(csv_row_end("\n", 0), 1U);
  EXPECT_EQ(csv_row_end("\n", 7), std::string::npos);
}

// Whatever is written comes back, in one row or many.
TEST(Csv, RoundTripOfRandomRows) {
  std::mt19937 random(20261122);
  const std::string alphabet = "a,\"\n\r\\. \tN0-";
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::vector<Value>> rows(1 + random() % 4);
    std::string bytes;
    for (auto& row : rows) {
      row.resize(1 + random() % 6);
      for (Value& value : row) {
        if (random() % 5 == 0) continue;
        value.emplace();
        for (size_t length = random() % 70; length > 0; --length) {
          value->push_back(alphabet[random() % alphabet.size()]);
        }
        if (random() % 20 == 0) value = kMarker.substr(0, 13);
      }
      bytes += written(row);
    }
    size_t at = 0;
    for (const auto& row : rows) {
      const size_t end = csv_row_end(bytes, at);
      ASSERT_NE(end, std::string::npos) << round;
      ASSERT_EQ(taken_apart(std::string_view(bytes).substr(at, end - at)), row) << round;
      at = end;
    }
    ASSERT_EQ(at, bytes.size());
  }
}

TEST(Csv, MarkersDifferAndAreAlphanumeric) {
  const std::string one = make_null_marker();
  EXPECT_GE(one.size(), 12U);
  EXPECT_NE(one, make_null_marker());
  EXPECT_EQ(one.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"), std::string::npos);
}

}  // namespace
}  // namespace vesto
