// Rows that leave the stream of CSV: by the side door, or as rejected rows.
#include <gtest/gtest.h>
#include <malloc.h>
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// Of the sanitizers' run-time; gcc comes without its header here.
extern "C" size_t
__sanitizer_get_current_allocated_bytes();  // NOLINT(bugprone-reserved-identifier)
#endif

#include "encode/guards.h"

namespace vesto {
namespace {

constexpr std::string_view kMarker = "nullmarker0123";

Column column(const char* name, TypeKind kind, Unrepresentable policy = Unrepresentable::kReject) {
  Column made;
  made.name = made.source_name = name;
  made.type.kind = kind;
  made.on_unrepresentable = policy;
  if (kind == TypeKind::kVarchar || kind == TypeKind::kVarbyte) {
    made.type.length_bytes = 1024;
    made.unbounded = true;
  }
  return made;
}

// By all of this process.
int64_t allocated_bytes() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return static_cast<int64_t>(__sanitizer_get_current_allocated_bytes());
#else
  const struct mallinfo2 info = ::mallinfo2();
  return static_cast<int64_t>(info.uordblks + info.hblkhd);
#endif
}

class DiversionTest : public ::testing::Test {
 protected:
  // The rows that stay.
  std::string check(const std::vector<Column>& columns, const std::vector<std::string>& rows) {
    StreamSchema schema;
    schema.stream = "public.t";
    schema.columns = columns;
    schema.columns.insert(schema.columns.begin(), key_);
    schema.key = {0};
    limits_.diversion =
        std::make_shared<DiversionLimits>(bytes_, max_rejected_rows_, was_delivered_);
    Guard guard(schema, std::string(kMarker), limits_);
    Chunk chunk;
    for (const std::string& row : rows) {
      chunk.bytes += row + "\n";
      chunk.longest_row_bytes = std::max<uint64_t>(chunk.longest_row_bytes, row.size() + 1);
    }
    chunk.rows = rows.size();
    out_ = Diversion();
    const Status checked = guard.check(&chunk, &out_);
    error_ = checked.ok() ? "" : checked.error().to_string();
    EXPECT_TRUE(!checked.ok() || out_.fails_for_room ||
                chunk.rows + out_.side.size() + out_.rejected.size() == rows.size());
    return chunk.bytes;
  }

  // What is held of before is given back first, which would come on top.
  void leave(std::atomic<int64_t>* left, int64_t amount) {
    out_ = Diversion();
    *left = amount;
  }

  std::shared_ptr<DiversionBytes> bytes_ = std::make_shared<DiversionBytes>();
  std::atomic<int64_t>& side_left_ = bytes_->left_of(DiversionBound::kSideDoor);
  std::atomic<int64_t>& value_left_ = bytes_->left_of(DiversionBound::kKeptValues);
  std::atomic<int64_t>& rejected_left_ = bytes_->left_of(DiversionBound::kRejectedRows);
  GuardLimits limits_;
  int64_t max_rejected_rows_ = 10;
  bool was_delivered_ = false;
  Column key_ = column("id", TypeKind::kBigint);
  Diversion out_;
  std::string error_;
};

TEST_F(DiversionTest, WhatInsertTakesGoesByTheSideDoor) {
  const std::vector<Column> columns = {column("f", TypeKind::kDouble), column("d", TypeKind::kDate),
                                       column("t", TypeKind::kVarchar)};
  EXPECT_EQ(check(columns, {"1,1.5,2024-01-01,a", "2,NaN,2024-01-01,\"b \"\"q\"\"\"",
                            "3,-Infinity,nullmarker0123,c", "4,2,0044-03-15 BC,",
                            "5,2,20000-01-01,\"\"", "6,2,2024-01-01,NaN"}),
            "1,1.5,2024-01-01,a\n6,2,2024-01-01,NaN\n");
  EXPECT_EQ(error_, "");
  ASSERT_EQ(out_.side.size(), 4U);
  EXPECT_EQ(out_.side[0], (SideRow{"2", "NaN", "2024-01-01", "b \"q\""}));
  EXPECT_EQ(out_.side[1], (SideRow{"3", "-Infinity", std::nullopt, "c"}));
  EXPECT_EQ(out_.side[2], (SideRow{"4", "2", "0044-03-15 BC", ""}));
  EXPECT_EQ(out_.side[3], (SideRow{"5", "2", "20000-01-01", ""}));
  EXPECT_TRUE(out_.rejected.empty());
}

TEST_F(DiversionTest, WhatNothingCanCarryIsRejected) {
  const std::vector<Column> columns = {column("n", TypeKind::kDecimal),
                                       column("d", TypeKind::kTimestamp)};
  EXPECT_EQ(check(columns, {"1,1,2024-01-01 00:00:00", "2,NaN,2024-01-01 00:00:00", "3,1,infinity",
                            "4,1,300000-01-01 00:00:00"}),
            "1,1,2024-01-01 00:00:00\n");
  ASSERT_EQ(out_.rejected.size(), 3U);
  EXPECT_EQ(out_.rejected[0].key, "{\"id\":\"2\"}");
  EXPECT_EQ(out_.rejected[0].column, "n");
  EXPECT_EQ(out_.rejected[0].value, "NaN");
  EXPECT_EQ(out_.rejected[0].value_bytes, 3U);
  EXPECT_NE(out_.rejected[0].reason.find("DECIMAL"), std::string::npos);
  EXPECT_EQ(out_.rejected[1].column, "d");
  EXPECT_EQ(out_.rejected[2].value, "300000-01-01 00:00:00");
}

TEST_F(DiversionTest, NullStandsInItsPlaceWhereAPersonSaidSo) {
  const std::vector<Column> columns = {column("n", TypeKind::kDecimal, Unrepresentable::kNull),
                                       column("d", TypeKind::kDate, Unrepresentable::kNull),
                                       column("t", TypeKind::kVarchar)};
  EXPECT_EQ(check(columns, {"1,NaN,2024-01-01,\"a,\"\"b\"", "2,1,infinity,", "3,NaN,infinity,c",
                            "4,1,2024-01-01,d"}),
            "1,nullmarker0123,2024-01-01,\"a,\"\"b\"\n2,1,nullmarker0123,\n"
            "3,nullmarker0123,nullmarker0123,c\n4,1,2024-01-01,d\n");
  EXPECT_EQ(out_.nulled_values, 4U);
  // NULL is for what cannot be kept; a date before Christ can.
  EXPECT_EQ(check(columns, {"5,NaN,0044-03-15 BC,x"}), "");
  ASSERT_EQ(out_.side.size(), 1U);
  EXPECT_EQ(out_.side[0], (SideRow{"5", std::nullopt, "0044-03-15 BC", "x"}));
  EXPECT_EQ(out_.nulled_values, 1U);
}

TEST_F(DiversionTest, StopWinsForItsOwnColumnOnly) {
  const std::vector<Column> columns = {column("a", TypeKind::kDecimal),
                                       column("b", TypeKind::kDecimal, Unrepresentable::kStop)};
  check(columns, {"1,NaN,1"});
  EXPECT_EQ(error_, "");
  EXPECT_EQ(out_.rejected.size(), 1U);
  check(columns, {"1,1,NaN"});
  EXPECT_NE(error_.find("SRC-VALUE"), std::string::npos) << error_;
  EXPECT_NE(error_.find("column b"), std::string::npos) << error_;
}

TEST_F(DiversionTest, OneRowMoreThanAllowedFailsTheStream) {
  max_rejected_rows_ = 2;
  const std::vector<Column> columns = {column("n", TypeKind::kDecimal)};
  check(columns, {"1,NaN", "2,NaN"});
  EXPECT_EQ(error_, "");
  check(columns, {"1,NaN", "2,NaN", "3,NaN"});
  EXPECT_NE(error_.find("SRC-REJECTED-LIMIT"), std::string::npos) << error_;
  EXPECT_NE(error_.find("id = 3"), std::string::npos) << error_;
  max_rejected_rows_ = 0;
  check(columns, {"1,NaN"});
  EXPECT_NE(error_.find("SRC-REJECTED-LIMIT"), std::string::npos) << error_;
}

TEST_F(DiversionTest, AFullSideDoorLeavesTheColumnsPolicy) {
  leave(&side_left_, 150);  // of one short row, and not of two
  const std::vector<Column> columns = {column("f", TypeKind::kReal)};
  check(columns, {"1,NaN", "2,Infinity", "3,NaN"});
  EXPECT_EQ(out_.side.size(), 1U);
  EXPECT_TRUE(out_.lacked_room);
  ASSERT_EQ(out_.rejected.size(), 2U);
  EXPECT_NE(out_.rejected[0].reason.find("COPY cannot take, and this run has more such rows"),
            std::string::npos)
      << out_.rejected[0].reason;
  leave(&side_left_, 0);
  EXPECT_EQ(check({column("f", TypeKind::kReal, Unrepresentable::kNull)}, {"1,NaN"}),
            "1,nullmarker0123\n");
  EXPECT_EQ(out_.nulled_values, 1U);
  // Each of several values as its own column says.
  const Column nulls = column("f", TypeKind::kReal, Unrepresentable::kNull);
  const Column date = column("d", TypeKind::kDate, Unrepresentable::kNull);
  EXPECT_EQ(check({nulls, date}, {"1,NaN,0044-03-15 BC", "2,1,20000-01-01"}),
            "1,nullmarker0123,nullmarker0123\n2,1,nullmarker0123\n");
  EXPECT_EQ(out_.nulled_values, 3U);
  EXPECT_EQ(check({nulls, column("d", TypeKind::kDate)}, {"1,NaN,0044-03-15 BC"}), "");
  ASSERT_EQ(out_.rejected.size(), 1U);
  EXPECT_EQ(out_.rejected[0].column, "d");
  check({nulls, column("d", TypeKind::kDate, Unrepresentable::kStop)}, {"1,NaN,0044-03-15 BC"});
  EXPECT_NE(error_.find("column d"), std::string::npos) << error_;
}

TEST_F(DiversionTest, RoomThatLackedInOneLaneLackedInTheStream) {
  leave(&side_left_, 0);
  check({column("f", TypeKind::kReal)}, {"1,NaN"});
  Diversion stream;
  EXPECT_FALSE(stream.lacked_room);
  stream.merge(std::move(out_));
  stream.merge(Diversion());
  EXPECT_EQ(stream.lacked_room, 1U);
  // Its own rows alone are too many.
  leave(&side_left_, kSideDoorBytes);
  Column text = column("t", TypeKind::kVarchar);
  text.type.length_bytes = 65'535;
  const std::vector<std::string> large(300, "1,NaN," + std::string(60'000, 'x'));
  max_rejected_rows_ = 300;
  check({column("f", TypeKind::kReal), text}, large);
  EXPECT_TRUE(out_.lacked_room && !out_.rejected.empty() && !out_.side.empty());
  leave(&side_left_, kSideDoorBytes);
  check({column("n", TypeKind::kDecimal)}, {"1,NaN"});
  ASSERT_EQ(out_.rejected.size(), 1U);
  EXPECT_FALSE(out_.lacked_room);
}

// All that lacks room may have been delivered: whoever reads to the end knows.
TEST_F(DiversionTest, WhatMayBeUnchangedIsNotStoppedForLackOfRoom) {
  was_delivered_ = true;
  max_rejected_rows_ = 2;
  leave(&side_left_, 0);
  const std::vector<Column> columns = {column("f", TypeKind::kReal),
                                       column("n", TypeKind::kDecimal)};
  // Those without room take nothing of what the others may.
  check(columns, {"1,NaN,1", "2,NaN,1", "3,1,NaN", "4,1,NaN"});
  EXPECT_EQ(error_, "");
  EXPECT_FALSE(out_.fails_for_room);
  EXPECT_EQ(out_.rejected.size(), 4U);
  EXPECT_EQ(out_.lacked_room, 2U);
  check(columns, {"1,NaN,1", "2,NaN,1", "3,NaN,1", "4,NaN,1", "5,1,NaN", "6,1,1"});
  EXPECT_EQ(error_, "");
  EXPECT_EQ(out_.lacked_room, 4U);
  EXPECT_EQ(out_.rejected.size(), 3U);
  Diversion stream;
  stream.merge(std::move(out_));
  ASSERT_TRUE(stream.fails_for_room);
  EXPECT_EQ(stream.fails_for_room->code(), ErrorCode::kSrcRejectedLimit);
  EXPECT_NE(stream.fails_for_room->to_string().find("id = 3"), std::string::npos);
  check(columns, {"1,1,NaN", "2,1,NaN", "3,1,NaN"});
  EXPECT_NE(error_.find("SRC-REJECTED-LIMIT"), std::string::npos) << error_;
  // Nor by a column that says stop.
  leave(&side_left_, 0);
  check({column("f", TypeKind::kReal, Unrepresentable::kStop)}, {"1,NaN", "2,1"});
  EXPECT_EQ(error_, "");
  ASSERT_TRUE(out_.fails_for_room);
  EXPECT_EQ(out_.fails_for_room->code(), ErrorCode::kSrcValue);
}

// It would match nothing: each run would deliver the row once more.
TEST_F(DiversionTest, NoNullStandsInAKey) {
  key_ = column("id", TypeKind::kDate, Unrepresentable::kNull);
  EXPECT_EQ(check({column("f", TypeKind::kReal)}, {"infinity,1", "2024-01-01,2"}),
            "2024-01-01,2\n");
  ASSERT_EQ(out_.rejected.size(), 1U);
  EXPECT_EQ(out_.rejected[0].key, "{\"id\":\"infinity\"}");
  leave(&side_left_, 0);
  key_ = column("id", TypeKind::kDouble, Unrepresentable::kNull);
  EXPECT_EQ(check({column("f", TypeKind::kReal)}, {"NaN,1"}), "");
  ASSERT_EQ(out_.rejected.size(), 1U);
  EXPECT_EQ(out_.nulled_values, 0U);
}

// Redshift takes 16 MiB of text, and a literal doubles apostrophes.
TEST_F(DiversionTest, ARowThatNoStatementHoldsIsRejected) {
  limits_.row_bytes = 32U << 20;
  const auto row = [](size_t texts, char letter) {
    std::string out = "1,NaN";
    for (size_t i = 0; i < texts; ++i) out += "," + std::string(65'000, letter);
    return out;
  };
  const auto columns = [](size_t texts) {
    std::vector<Column> out(texts + 1, column("t", TypeKind::kVarchar));
    for (Column& one : out) one.type.length_bytes = 65'535;
    out.front() = column("f", TypeKind::kReal);
    return out;
  };
  check(columns(150), {row(150, '\'')});
  EXPECT_TRUE(out_.side.empty());
  ASSERT_EQ(out_.rejected.size(), 1U);
  EXPECT_NE(out_.rejected[0].reason.find("its row takes 195"), std::string::npos)
      << out_.rejected[0].reason;
  EXPECT_FALSE(out_.lacked_room);
  check(columns(150), {row(150, 'x')});
  EXPECT_EQ(out_.side.size(), 1U);
}

TEST(SideRow, HoldsWhatIsAdded) {
  const std::vector<std::string> texts = {"",
                                          "a",
                                          std::string(126, 'b'),
                                          std::string(127, 'c'),
                                          std::string(128, 'd'),
                                          std::string(16'383, 'e'),
                                          std::string("\0\x80\xFF", 3),
                                          std::string(65'535, 'f')};
  SideRow row;
  for (const std::string& text : texts) {
    row.add(text);
    row.add(std::nullopt);
  }
  const auto values = row.values();
  ASSERT_EQ(values.size(), 2 * texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(values[2 * i], texts[i]);
    EXPECT_EQ(values[2 * i + 1], std::nullopt);
  }
  EXPECT_TRUE(SideRow().values().empty());
}

TEST_F(DiversionTest, WhatIsDroppedIsGivenBack) {
  const int64_t side = side_left_;
  const int64_t value = value_left_;
  const int64_t rejected = rejected_left_;
  check({column("f", TypeKind::kReal), column("n", TypeKind::kDecimal)}, {"1,NaN,1", "2,1,NaN"});
  EXPECT_LT(side_left_, side);
  EXPECT_LT(value_left_, value);
  EXPECT_LT(rejected_left_, rejected);
  Diversion all;
  all.merge(std::move(out_));
  out_ = Diversion();
  EXPECT_LT(side_left_, side);
  all = Diversion();
  EXPECT_EQ(side_left_, side);
  EXPECT_EQ(value_left_, value);
  EXPECT_EQ(rejected_left_, rejected);
}

TEST_F(DiversionTest, ARowThatIsTooLongForAnInsertSaysSo) {
  check({column("f", TypeKind::kReal), column("t", TypeKind::kSuper)},
        {"1,NaN,\"" + std::string(70'000, ' ') + "1\""});
  ASSERT_EQ(out_.rejected.size(), 1U);
  EXPECT_NE(out_.rejected[0].reason.find("70001 bytes in column t"), std::string::npos)
      << out_.rejected[0].reason;
}

// What a bound of memory counts must be what is taken, be the values ever so short.
TEST_F(DiversionTest, TheSideDoorCountsItsMemory) {
  constexpr size_t kRows = 20'000;
  std::vector<Column> columns(15, column("s", TypeKind::kSmallint));
  columns.push_back(column("f", TypeKind::kDouble));
  const std::vector<std::string> rows(kRows, "12345,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,NaN");
  const int64_t left = side_left_;
  const int64_t before = allocated_bytes();
  check(columns, rows);
  const int64_t taken = allocated_bytes() - before;
  ASSERT_EQ(out_.side.size(), kRows);
  const int64_t counted = left - side_left_;
  EXPECT_GE(counted, taken - 65'536);
  EXPECT_LE(counted, 2 * taken);
  EXPECT_LE(counted, static_cast<int64_t>(kRows) * 200);
}

TEST_F(DiversionTest, RejectedRowsCountTheirMemory) {
  constexpr size_t kRows = 20'000;
  max_rejected_rows_ = kRows;
  const std::vector<Column> columns = {column("n", TypeKind::kDecimal)};
  const std::vector<std::string> rows(kRows, "123456,NaN");
  const int64_t left = rejected_left_;
  const int64_t before = allocated_bytes();
  check(columns, rows);
  const int64_t taken = allocated_bytes() - before;
  ASSERT_EQ(out_.rejected.size(), kRows);
  const int64_t counted = left - rejected_left_;
  EXPECT_GE(counted, taken - 65'536);
  EXPECT_LE(counted, 2 * taken);
  leave(&rejected_left_, counted / 2);
  check(columns, rows);
  EXPECT_NE(error_.find("SRC-REJECTED-LIMIT"), std::string::npos) << error_;
  EXPECT_NE(error_.find("memory"), std::string::npos) << error_;
}

TEST_F(DiversionTest, BinaryOfNoBytesIsKeptAsNoBytes) {
  leave(&side_left_, 0);
  const std::vector<Column> columns = {column("b", TypeKind::kVarbyte)};
  check(columns, {"1," + std::string(kEmptyBinary)});
  ASSERT_EQ(out_.rejected.size(), 1U);
  EXPECT_EQ(out_.rejected[0].value, "");
  EXPECT_EQ(out_.rejected[0].value_bytes, 0U);
  EXPECT_EQ(out_.rejected[0].column, "b");
}

TEST_F(DiversionTest, RowsAsAWhole) {
  limits_.row_bytes = 200;
  limits_.oversize_marker = "toolarge99";
  EXPECT_EQ(check({column("t", TypeKind::kVarchar)},
                  {"1,a", "2," + std::string(300, 'x'), "3,toolarge99", "4,b"}),
            "1,a\n4,b\n");
  ASSERT_EQ(out_.rejected.size(), 2U);
  EXPECT_EQ(out_.rejected[0].column, "");
  EXPECT_EQ(out_.rejected[0].key, "{\"id\":\"2\"}");
  EXPECT_NE(out_.rejected[1].reason.find("200"), std::string::npos) << out_.rejected[1].reason;
}

TEST_F(DiversionTest, LongValuesAreKeptInPartAndTheirSizeWhole) {
  const std::string value(70'000, 'x');
  check({column("t", TypeKind::kVarchar)}, {"1," + value});
  ASSERT_EQ(out_.rejected.size(), 1U);
  EXPECT_EQ(out_.rejected[0].value.size(), kKeptValueBytes);
  EXPECT_EQ(out_.rejected[0].value_bytes, value.size());
  leave(&value_left_, 10);
  check({column("t", TypeKind::kVarchar)}, {"1," + value});
  EXPECT_EQ(out_.rejected[0].value, "");
  EXPECT_EQ(out_.rejected[0].value_bytes, value.size());
}

TEST_F(DiversionTest, BinaryOfNoBytesGoesByTheSideDoor) {
  check({column("b", TypeKind::kVarbyte)}, {"1,NaN", "2,00ff"});
  ASSERT_EQ(out_.side.size(), 1U);
  EXPECT_EQ(out_.side[0], (SideRow{"1", "NaN"}));
}

}  // namespace
}  // namespace vesto
