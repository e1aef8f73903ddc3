#include "redshift/catalog.h"

#include <gtest/gtest.h>

namespace vesto {
namespace {

using Row = std::vector<std::optional<std::string>>;

Row row(const std::string& table, const std::string& column, const std::string& type,
        const std::string& kind = "r") {
  return {"u", "dev", "s", table, kind, "owner", column, type, "t", "f", "f", "0"};
}

TEST(Catalog, ReadsTypesThatVestoWrites) {
  EXPECT_EQ(parse_redshift_type("character varying(256)"),
            (ColumnType{TypeKind::kVarchar, 0, 0, 256}));
  EXPECT_EQ(parse_redshift_type("numeric(12,2)"), (ColumnType{TypeKind::kDecimal, 12, 2, 0}));
  EXPECT_EQ(parse_redshift_type("binary varying(64000)"),
            (ColumnType{TypeKind::kVarbyte, 0, 0, 64000}));
  EXPECT_EQ(parse_redshift_type("timestamp with time zone"),
            (ColumnType{TypeKind::kTimestampTz, 0, 0, 0}));
  for (const char* other : {"character(3)", "text", "", "numeric", "numeric(1)", "numeric(a,b)",
                            "character varying(99999999999)", "character varying(-1)",
                            "character varying", "bigint[]"}) {
    EXPECT_EQ(parse_redshift_type(other), std::nullopt) << other;
  }
}

TEST(Catalog, ReadsTablesAndColumns) {
  ExecResult answer;
  answer.rows = {row("a", "id", "bigint"), row("a", "odd", "hllsketch"),
                 row("v", "x", "date", "v")};
  answer.rows[0][10] = "t";
  answer.rows[0][11] = "0";
  answer.rows[1][11] = "-2";  // of an interleaved sort key
  auto catalog = parse_catalog(answer);
  ASSERT_TRUE(catalog.ok());
  EXPECT_TRUE(catalog->schema_exists);
  EXPECT_EQ(catalog->user, "u");
  const CatalogTable* a = catalog->find("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->columns.size(), 2U);
  EXPECT_TRUE(a->find("id")->not_null);
  EXPECT_EQ(a->distkey(), "id");
  EXPECT_FALSE(a->find("id")->sortkey);
  EXPECT_TRUE(a->find("odd")->sortkey);
  EXPECT_FALSE(a->find("odd")->type.has_value());
  EXPECT_FALSE(catalog->find("v")->is_table);
  EXPECT_EQ(catalog->find("w"), nullptr);
}

TEST(Catalog, TellsMissingSchemaFromMissingTable) {
  ExecResult answer;
  answer.rows = {Row(12)};
  auto none = parse_catalog(answer);
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(none->schema_exists);
  answer.rows[0][2] = "s";
  auto empty = parse_catalog(answer);
  ASSERT_TRUE(empty.ok());
  EXPECT_TRUE(empty->schema_exists);
  EXPECT_TRUE(empty->tables.empty());
}

TEST(Catalog, RefusesAnswersOfAnotherShape) {
  ExecResult answer;
  EXPECT_FALSE(parse_catalog(answer).ok());
  answer.rows = {Row(3)};
  EXPECT_FALSE(parse_catalog(answer).ok());
}

}  // namespace
}  // namespace vesto
