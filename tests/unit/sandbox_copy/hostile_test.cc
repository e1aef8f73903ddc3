// Bytes that nobody meant: the executor ends, keeps its bounds, and what it passes on is sound.
#include <random>

#include "copy_fixture.h"

namespace vesto::sandbox {
namespace {

class Hostile : public CopyTest {
 protected:
  Hostile() {
    columns = read_columns(
        "a integer, b varchar(9), c char(3), d numeric(9,3), e real, f boolean, g date, "
        "h timestamp, i timestamptz, j time, k timetz, l super, m varbyte(4)");
    statement.from = "s3://b/k";
    statement.max_error_rows = 100000;
    statement.date_format = "auto";
    statement.time_format = "auto";
  }

  // Every row has all columns; nothing unescaped could end a row or a column.
  void expect_sound_rows() {
    size_t tabs = 0;
    for (const char c : sink.rows) {
      ASSERT_NE(c, '\0');
      if (c == '\t') ++tabs;
      if (c != '\n') continue;
      ASSERT_EQ(tabs, columns.size() - 1);
      tabs = 0;
    }
    EXPECT_EQ(tabs, 0U);
  }

  void try_bytes(const std::string& bytes) {
    put("k", bytes);
    for (const size_t read_bytes : {size_t{1}, size_t{17}, size_t{4096}}) {
      context.read_bytes = read_bytes;
      const SqlStatus status = run();
      if (read_bytes == 1) {
        first_rows_ = sink.rows;
        first_skipped_ = outcome.rows_skipped;
      }
      EXPECT_EQ(sink.rows, first_rows_);
      EXPECT_EQ(outcome.rows_skipped, first_skipped_);
      if (status.ok()) expect_sound_rows();
      EXPECT_LE(outcome.errors.size(), 100U);
    }
  }

  std::string first_rows_;
  int64_t first_skipped_ = 0;
};

TEST_F(Hostile, RandomBytes) {
  std::mt19937 random(20261122);
  for (int round = 0; round < 60; ++round) {
    std::string bytes;
    for (int i = 0; i < 2000; ++i) bytes += static_cast<char>(random() & 0xFF);
    try_bytes(bytes);
  }
}

TEST_F(Hostile, BytesThatMatter) {
  constexpr std::string_view kAlphabet = ",,,,\"\"\n\n\r\\N0123456789.-+eE:tfTZ {}[]aé\xff";
  std::mt19937 random(7);
  for (int round = 0; round < 150; ++round) {
    std::string bytes;
    for (int i = 0; i < 800; ++i) bytes += kAlphabet[random() % kAlphabet.size()];
    statement.format =
        round % 2 == 0 ? CopyStatement::Format::kCsv : CopyStatement::Format::kDelimited;
    statement.delimiter = ",";
    statement.escape = round % 4 == 1;
    statement.remove_quotes = round % 8 >= 5 && round % 2 == 1;
    statement.fill_record = round % 3 == 0;
    try_bytes(bytes);
  }
}

TEST_F(Hostile, GoodRowsCutAtEveryByte) {
  const std::string row =
      "1,\"a\"\"b\",xy,1.500,2.5,t,2024-01-02,2024-01-02 03:04:05.5,2024-01-02T03:04:05Z,"
      "03:04:05,03:04:05+01,\"{\"\"k\"\":[1,null]}\",00ff\r\n";
  for (size_t size = 0; size <= row.size(); ++size) try_bytes(row.substr(0, size));
  try_bytes(row + row);
  EXPECT_EQ(outcome.rows_loaded, 2);
}

TEST_F(Hostile, MutatedRows) {
  const std::string row =
      "1,\"a\"\"b\",xy,1.500,2.5,t,2024-01-02,2024-01-02 03:04:05.5,2024-01-02T03:04:05Z,"
      "03:04:05,03:04:05+01,\"{\"\"k\"\":[1,null]}\",00ff\n";
  std::mt19937 random(99);
  for (int round = 0; round < 400; ++round) {
    std::string bytes = row + row + row;
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random() & 0xFF);
    try_bytes(bytes);
  }
}

TEST_F(Hostile, MutatedJson) {
  columns = read_columns("a integer, b varchar(9), l super, g date");
  statement.format = CopyStatement::Format::kJson;
  const std::string row =
      "{\"a\": 1, \"b\": \"x\\u00e9\\n\", \"l\": [1, {\"k\": null}], \"g\":\"2024-01-02\"}\n";
  std::mt19937 random(3);
  for (int round = 0; round < 400; ++round) {
    std::string bytes = row + row + row;
    for (int i = 0; i < 2; ++i) bytes[random() % bytes.size()] = static_cast<char>(random() & 0xFF);
    try_bytes(bytes);
  }
  for (size_t size = 0; size <= row.size(); ++size) try_bytes(row.substr(0, size));
}

TEST_F(Hostile, AQuoteThatNeverClosesIsBounded) {
  context.readings.row_limit_bytes = 100000;
  std::string bytes = "1,\"";
  for (int i = 0; i < 200000; ++i) bytes += "x\n";
  put("k", bytes);
  EXPECT_EQ(run_message(), "");
  EXPECT_GE(outcome.rows_skipped, 1);
}

TEST_F(Hostile, AHugeLineIsBounded) {
  context.readings.row_limit_bytes = 100000;
  put("k", std::string(3000000, ','));
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(outcome.rows_skipped, 1);
  ASSERT_EQ(outcome.errors.size(), 1U);
  EXPECT_EQ(outcome.errors[0].error_code, 1216);
}

}  // namespace
}  // namespace vesto::sandbox
