// The row that COPY refused, found again in the bytes that were staged.
#include "redshift/find_row.h"

#include <gtest/gtest.h>

#include "encode/part_writer.h"
#include "tests/unit/redshift/loader_fixture.h"

namespace vesto::testing {
namespace {

constexpr std::string_view kNull = "nullabcdef12";
// Five records on eight lines.
constexpr std::string_view kRows =
    "1,one\n"
    "2,\"two\nand more\"\n"
    "3,\"th\"\"ree\"\n"
    "4,\"\n\n\"\n"
    "5,nullabcdef12\n";

std::string staged(std::string_view rows, Compression compression = Compression::kGzip) {
  Chunk chunk;
  chunk.bytes = rows;
  chunk.rows = 1;
  PartWriter writer(compression);
  EXPECT_TRUE(writer.add(chunk).ok());
  auto part = writer.finish();
  EXPECT_TRUE(part.ok() && *part);
  return (*part)->bytes;
}

StreamSchema two_columns() {
  StreamSchema schema = stream_load("a", 1).schema;
  schema.columns[0].source_name = "Id";
  schema.columns[1].source_name = "Note";
  return schema;
}

std::string found(int64_t line, std::optional<std::string> value,
                  const std::string& object = staged(kRows), bool zstd = false) {
  const auto row = find_refused_row(object, zstd, two_columns(), kNull,
                                    {.line = line, .column = "note", .value = std::move(value)});
  if (!row) return "none";
  return row->key + " " + row->source_column + " " +
         (row->is_null ? "NULL" : std::to_string(row->value_bytes));
}

TEST(FindRow, ByTheLineThatItBeginsAt) {
  EXPECT_EQ(found(1, "one"), "{\"Id\":\"1\"} Note 3");
  EXPECT_EQ(found(2, "two\nand more"), "{\"Id\":\"2\"} Note 12");
  EXPECT_EQ(found(4, "th\"ree"), "{\"Id\":\"3\"} Note 6");
  EXPECT_EQ(found(4, "th\"\"ree"), "{\"Id\":\"3\"} Note 6");
}

TEST(FindRow, ByItsNumberWhereTheValueSaysSo) {
  EXPECT_EQ(found(3, "th\"ree"), "{\"Id\":\"3\"} Note 6");
  EXPECT_EQ(found(5, std::string(kNull)), "{\"Id\":\"5\"} Note NULL");
}

TEST(FindRow, NeverAnotherRow) {
  EXPECT_EQ(found(1, "two"), "none");
  EXPECT_EQ(found(9, "one"), "none");
  EXPECT_EQ(found(0, "one"), "none");
  EXPECT_EQ(found(-1, std::nullopt), "none");
  EXPECT_EQ(found(INT64_MAX, "one"), "none");
  // Line 4 is the third record, and the fourth record's number.
  EXPECT_EQ(found(4, std::nullopt), "none");
  EXPECT_EQ(found(1, std::nullopt), "{\"Id\":\"1\"} Note 3");
  // Two readings whose value is the same.
  const std::string twice = staged("1,\"a\nb\"\n2,x\n3,x\n");
  EXPECT_EQ(found(3, "x", twice), "none");
}

TEST(FindRow, AValueThatTheViewHasCut) {
  const std::string longest(5000, 'y');
  const std::string object = staged("1,x\n2," + longest + "\n");
  EXPECT_EQ(found(2, longest.substr(0, 1024), object), "{\"Id\":\"2\"} Note 5000");
  EXPECT_EQ(found(2, longest.substr(0, 10), object), "none");
  EXPECT_EQ(found(2, std::string(1024, 'z'), object), "none");
}

TEST(FindRow, ZstdToo) {
  const std::string object = staged(kRows, Compression::kZstd);
  EXPECT_EQ(found(2, "two\nand more", object, true), "{\"Id\":\"2\"} Note 12");
  EXPECT_EQ(found(2, "two\nand more", object, false), "none");
}

TEST(FindRow, BrokenBytesAreNotFound) {
  const std::string object = staged(kRows);
  EXPECT_EQ(found(1, "one", ""), "none");
  EXPECT_EQ(found(1, "one", "no gzip at all"), "none");
  EXPECT_EQ(found(1, "one", object.substr(0, 12)), "none");
  EXPECT_EQ(found(1, "one", object, true), "none");
  EXPECT_EQ(found(1, "one", staged("1,one,more\n")), "none");
  EXPECT_EQ(found(1, "one", staged("1,o\"ne\n")), "none");
  EXPECT_EQ(found(1, "one", staged("1,\"one\n")), "none");
  EXPECT_EQ(found(1, "one", staged("1,one")), "{\"Id\":\"1\"} Note 3");
}

// 300 MB in a small object.
TEST(FindRow, StopsAtItsBound) {
  PartWriter writer(Compression::kZstd);
  Chunk chunk;
  chunk.bytes = "7," + std::string((size_t{1} << 20) - 3, 'x') + "\n";
  chunk.rows = 1;
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(writer.add(chunk).ok());
  auto part = writer.finish();
  ASSERT_TRUE(part.ok() && *part);
  EXPECT_EQ(found(200, std::nullopt, (*part)->bytes, true), "{\"Id\":\"7\"} Note 1048573");
  EXPECT_EQ(found(290, std::nullopt, (*part)->bytes, true), "none");
}

TEST(FindRow, AColumnThatIsNotTheStreams) {
  EXPECT_FALSE(find_refused_row(staged(kRows), false, two_columns(), kNull,
                                {.line = 1, .column = "other", .value = "one"}));
}

struct RefusedRow : LoaderTest {
  RefusedRow() {
    group = {stream_load("a", 5)};
    group[0].manifest_key = "p/0001/manifest.json";
    warehouse.load_error = {"s3://demo/p/0001/1.csv.gz ", "2", "note", "String length exceeds"};
    warehouse.fail("COPY ", "XX000",
                   "Load into table 'a' failed.  Check 'stl_load_errors' system table");
  }
  std::string message() {
    LoadContext with_parts = context();
    if (can_fetch) {
      with_parts.fetch_part = [this](const std::string& key) -> Result<std::string> {
        fetched.push_back(key);
        if (gone) return Error(ErrorCode::kS3Denied, "no");
        return staged(kRows);
      };
    }
    RedshiftLoader loader(load_target(), std::move(with_parts));
    prepared(loader, group);
    auto out = load(loader, group);
    if (!out.ok() || out->failed.size() != 1) return "not one failure";
    error = out->failed[0].second.to_string();
    return out->failed[0].second.message();
  }
  std::vector<StreamLoad> group;
  bool can_fetch = true;
  bool gone = false;
  std::vector<std::string> fetched;
  std::string error;
};

TEST_F(RefusedRow, IsNamedByItsKeyAndNeverShown) {
  warehouse.refused_field = "two\nand more   ";
  EXPECT_NE(message().find("; row {\"id\":\"2\"}, column note: a value of 12 bytes"),
            std::string::npos)
      << error;
  EXPECT_EQ(fetched, std::vector<std::string>{"p/0001/1.csv.gz"});
  EXPECT_EQ(error.find("and more"), std::string::npos) << error;
  EXPECT_NE(error.find("line 2 column note"), std::string::npos);
  for (const std::string& sql : kept) EXPECT_EQ(sql.find("and more"), std::string::npos);
}

TEST_F(RefusedRow, OnServerlessTheReadingsMustAgree) {
  EXPECT_NE(message().find("row {\"id\":\"2\"}"), std::string::npos) << error;
}

TEST_F(RefusedRow, IsNotNamedWhereItIsInDoubt) {
  warehouse.refused_field = "three";
  EXPECT_NE(message().find("could not be found out"), std::string::npos) << error;
}

TEST_F(RefusedRow, OnlyObjectsOfTheStreamAreRead) {
  warehouse.load_error[0] = "s3://demo/p/0002/1.csv.gz";
  (void)message();
  warehouse.load_error[0] = "s3://other/p/0001/1.csv.gz";
  EXPECT_TRUE(fetched.empty());
}

TEST_F(RefusedRow, WithoutTheObjectTheErrorStands) {
  gone = true;
  EXPECT_EQ(message().find("; row"), std::string::npos);
  EXPECT_NE(error.find("line 2 column note"), std::string::npos);
}

TEST_F(RefusedRow, WithoutAWayToFetchToo) {
  can_fetch = false;
  EXPECT_EQ(message().find("; row"), std::string::npos);
  EXPECT_NE(error.find("line 2 column note"), std::string::npos);
}

}  // namespace
}  // namespace vesto::testing
