#include "encode/guards.h"

#include <gtest/gtest.h>

#include <random>

namespace vesto {
namespace {

constexpr std::string_view kMarker = "nullmarker0123";

Column column(const char* name, TypeKind kind, int length = 0, bool unbounded = false) {
  Column made;
  made.name = name;
  made.source_name = name;
  made.type.kind = kind;
  made.type.length_bytes = length;
  made.unbounded = unbounded;
  return made;
}

StreamSchema schema_of(std::vector<Column> columns) {
  StreamSchema schema;
  schema.stream = "public.t";
  columns.insert(columns.begin(), column("id", TypeKind::kBigint));
  columns.front().nullable = false;
  schema.columns = std::move(columns);
  schema.key = {0};
  return schema;
}

Chunk chunk_of(const std::vector<std::string>& rows) {
  Chunk chunk;
  for (const std::string& row : rows) {
    chunk.bytes += row + "\n";
    ++chunk.rows;
    chunk.longest_row_bytes = std::max<uint64_t>(chunk.longest_row_bytes, row.size() + 1);
  }
  return chunk;
}

// Columns of these tests stop where they cannot be delivered; those of DiversionTest do not.
Status check_chunk(Guard& guard, Chunk* chunk) {
  Diversion out;
  return guard.check(chunk, &out);
}
Status check(Guard& guard, const std::vector<std::string>& rows) {
  Chunk chunk = chunk_of(rows);
  return check_chunk(guard, &chunk);
}

// "" or the error on one line.
std::string said(const Status& status) { return status.ok() ? "" : status.error().to_string(); }

class OneColumn : public ::testing::Test {
 protected:
  std::string check(const Column& tested, const std::string& field) {
    Guard guard(schema_of({tested}), std::string(kMarker));
    return said(vesto::check(guard, {"1,x", "17," + field, "3,x"}));
  }
};

TEST_F(OneColumn, ValuesThatCopyCannotTake) {
  const auto decimal = column("price", TypeKind::kDecimal);
  const auto date = column("day", TypeKind::kDate);
  EXPECT_EQ(check(decimal, "12.50"), "");
  EXPECT_EQ(check(decimal, std::string(kMarker)), "");
  for (const char* bad : {"NaN", "Infinity", "-Infinity"}) {
    for (const TypeKind kind : {TypeKind::kDecimal, TypeKind::kReal, TypeKind::kDouble}) {
      const std::string text = check(column("price", kind), bad);
      for (const char* part : {"SRC-VALUE", "column price", bad, "id = 17", "table public.t"}) {
        EXPECT_NE(text.find(part), std::string::npos) << text;
      }
    }
  }
  EXPECT_EQ(check(date, "9999-12-31"), "");
  for (const char* bad : {"infinity", "-infinity", "0044-03-15 BC", "10000-01-01"}) {
    for (const TypeKind kind : {TypeKind::kDate, TypeKind::kTimestamp, TypeKind::kTimestampTz}) {
      EXPECT_NE(check(column("day", kind), bad).find(bad), std::string::npos) << bad;
    }
  }
}

TEST_F(OneColumn, TheSameInATextIsFine) {
  for (const char* fine :
       {"NaN", "Infinity", "-infinity", "0044-03-15 BC", "10000-01-01", "\"NaN\"", "\\u0000"}) {
    Guard guard(schema_of({column("x", TypeKind::kVarchar, 1024, true),
                           column("p", TypeKind::kDecimal), column("d", TypeKind::kDate)}),
                std::string(kMarker));
    EXPECT_EQ(said(vesto::check(guard, {std::string("1,") + fine + ",1,2024-01-01"})), "");
  }
}

TEST(Guards, WidthsAreUpperBoundsAndExactOnlyOfLongRows) {
  Guard guard(
      schema_of({column("a", TypeKind::kVarchar, 1024, true),
                 column("b", TypeKind::kVarchar, 256, true), column("c", TypeKind::kVarchar, 40)}),
      std::string(kMarker));
  EXPECT_EQ(said(check(guard, {"1," + std::string(200, 'a') + ",b,c"})), "");
  EXPECT_EQ(guard.rows_parsed(), 0U);
  // The longest row, without its separators and LF.
  EXPECT_EQ(guard.widths(), (std::vector<uint32_t>{0, 203, 203, 0}));
  // 300 quotes are 602 bytes of CSV.
  std::string quotes = "\"";
  for (int i = 0; i < 300; ++i) quotes += "\"\"";
  EXPECT_EQ(said(check(guard, {"1," + std::string(900, 'a') + "," + quotes + "\",c", "2,x,y,z"})),
            "");
  EXPECT_EQ(guard.rows_parsed(), 1U);
  EXPECT_EQ(guard.widths(), (std::vector<uint32_t>{0, 900, 300, 0}));
}

TEST(Guards, OnlyRowsThatTripAreTakenApart) {
  Guard guard(
      schema_of({column("x", TypeKind::kVarchar, 1024, true), column("p", TypeKind::kDecimal)}),
      std::string(kMarker));
  std::vector<std::string> rows(100, "1,plain,2");
  rows[10] = "2,NaN,2";
  rows[70] = "3,NaN,2";
  rows[80] = "4," + std::string(2000, 'x') + ",2";
  EXPECT_EQ(said(check(guard, rows)), "");
  EXPECT_EQ(guard.rows_parsed(), 3U);
}

TEST(Guards, LongestTextsAndBytes) {
  const auto text = column("x", TypeKind::kVarchar, 1024, true);
  const auto bytes = column("x", TypeKind::kVarbyte, kMaxVarbyteBytes, true);
  const auto check = [](const Column& tested, const std::string& field) {
    Guard guard(schema_of({tested}), std::string(kMarker));
    return said(vesto::check(guard, {"1," + field}));
  };
  EXPECT_EQ(check(text, std::string(65535, 'x')), "");
  EXPECT_NE(check(text, std::string(65536, 'x')).find("65,536 bytes"), std::string::npos);
  EXPECT_EQ(check(bytes, std::string(2 * 1024000, 'a')), "");
  EXPECT_NE(check(bytes, std::string(2 * 1024001, 'a')).find("SRC-VALUE"), std::string::npos);
}

TEST(Guards, RowsLongerThanRedshiftTakes) {
  GuardLimits limits;
  limits.row_bytes = 1000;
  StreamSchema schema = schema_of({column("a", TypeKind::kVarchar, 65532)});
  Guard guard(schema, std::string(kMarker), limits);
  EXPECT_EQ(said(check(guard, {"1," + std::string(997, 'x')})), "");
  const std::string text = said(check(guard, {"5," + std::string(998, 'x')}));
  EXPECT_NE(text.find("SRC-ROW-TOO-LARGE"), std::string::npos) << text;
  EXPECT_NE(text.find("id = 5"), std::string::npos) << text;
}

TEST(Guards, NullInTheKey) {
  StreamSchema schema = schema_of({column("x", TypeKind::kVarchar, 100)});
  const std::string row = std::string(kMarker) + ",x";
  {
    // The catalogue says NOT NULL: nothing to look for.
    Guard guard(schema, std::string(kMarker));
    EXPECT_EQ(said(check(guard, {row})), "");
  }
  schema.columns[0].nullable = true;
  Guard guard(schema, std::string(kMarker));
  EXPECT_EQ(said(check(guard, {"1," + std::string(kMarker)})), "");
  const std::string text = said(check(guard, {"1,x", row}));
  EXPECT_NE(text.find("SRC-NULL-KEY"), std::string::npos) << text;
  EXPECT_NE(text.find("column id"), std::string::npos) << text;
  // The marker inside quotes is a text.
  EXPECT_EQ(said(check(guard, {"\"" + std::string(kMarker) + "\",x"})), "");
}

TEST(Guards, Utf8WhereTheSourceDoesNotPromiseIt) {
  GuardLimits limits;
  limits.check_utf8 = true;
  Guard guard(schema_of({column("x", TypeKind::kVarchar, 1024, true)}), std::string(kMarker),
              limits);
  EXPECT_EQ(said(check(guard, {"1,\xc3\xa9", "2,\xf0\x9f\x98\x80"})), "");
  for (const char* bad : {"\xe9", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3"}) {
    const std::string text = said(check(guard, {"1,ok", std::string("2,") + bad, "3,ok"}));
    EXPECT_NE(text.find("id = 2"), std::string::npos) << text;
    EXPECT_NE(text.find("column x"), std::string::npos) << text;
  }
}

TEST(Guards, Super) {
  Guard guard(schema_of({column("doc", TypeKind::kSuper, 0, true)}), std::string(kMarker));
  EXPECT_EQ(said(check(guard, {"1,\"{\"\"a\"\":1}\""})), "");
  EXPECT_NE(said(check(guard, {"1,\"\"\"\\u0000\"\"\""})).find("\\u0000"), std::string::npos);
  EXPECT_EQ(said(check(guard, {"1,\"\"\"\\\\u0000\"\"\""})), "");
  EXPECT_EQ(said(check(guard, {"1," + std::string(1000, '[') + std::string(1000, ']')})), "");
  EXPECT_NE(said(check(guard, {"1," + std::string(1001, '[') + std::string(1001, ']')})), "");
  EXPECT_NE(said(check(guard, {"1,\"\"\"" + std::string(65536, 'x') + "\"\"\""})), "");
}

TEST(Guards, ChunksThatAreNotWhatTheySay) {
  Guard guard(schema_of({column("p", TypeKind::kDecimal)}), std::string(kMarker));
  Chunk chunk = chunk_of({"1,NaN"});
  chunk.bytes = "1,2,NaN\n";  // a field too many
  EXPECT_NE(said(check_chunk(guard, &chunk)).find("INT-BUG"), std::string::npos);
  chunk.bytes = "1,NaN";  // no end
  EXPECT_NE(said(check_chunk(guard, &chunk)).find("INT-BUG"), std::string::npos);
  Guard texts(schema_of({column("p", TypeKind::kVarchar, 256, true)}), std::string(kMarker));
  chunk = chunk_of({"1," + std::string(300, 'x')});
  chunk.rows = 2;
  EXPECT_NE(said(check_chunk(texts, &chunk)).find("INT-BUG"), std::string::npos);
}

TEST(Guards, LongKeysAndSecretsAreNotShownWhole) {
  StreamSchema schema = schema_of({column("p", TypeKind::kDecimal)});
  schema.columns[0].type.kind = TypeKind::kVarchar;
  Guard guard(schema, std::string(kMarker));
  const std::string text = said(check(guard, {std::string(5000, 'k') + ",NaN"}));
  EXPECT_LT(text.size(), 500U);
  schema.key.clear();
  Guard keyless(schema, std::string(kMarker));
  EXPECT_NE(said(check(keyless, {"7,NaN"})).find("no key; the row with id = 7"), std::string::npos);
}

// One bad row among many good ones is always found, wherever it stands.
TEST(Guards, TheBadRowIsFoundAmongMany) {
  std::mt19937 random(42);
  StreamSchema schema = schema_of({column("p", TypeKind::kDecimal), column("d", TypeKind::kDate),
                                   column("x", TypeKind::kVarchar, 1024, true)});
  for (int round = 0; round < 200; ++round) {
    const size_t count = 1 + random() % 300;
    const size_t bad = random() % count;
    std::vector<std::string> rows;
    for (size_t i = 0; i < count; ++i) {
      std::string text = random() % 3 == 0 ? "\"NaN, BC\n\"\"x\"" : "plain NaN";
      if (random() % 50 == 0) text = std::string(1500, 'w');
      rows.push_back(std::to_string(i) + ",1.5,2024-01-01," + text);
    }
    rows[bad] = std::to_string(bad) + (round % 2 == 0 ? ",NaN,2024-01-01,a" : ",1,20240-01-01,a");
    Guard guard(schema, std::string(kMarker));
    const std::string text = said(check(guard, rows));
    ASSERT_NE(text.find("id = " + std::to_string(bad) + ")"), std::string::npos) << text;
    rows[bad] = "1,1,2024-01-01,a";
    ASSERT_EQ(said(check(guard, rows)), "");
  }
}

}  // namespace
}  // namespace vesto
