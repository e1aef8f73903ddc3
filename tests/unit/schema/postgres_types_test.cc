#include "schema/postgres_types.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <utility>

namespace vesto {
namespace {

// pg_type's numbers.
constexpr uint32_t kNumeric = 1700;
constexpr uint32_t kText = 25;
constexpr uint32_t kVarchar = 1043;
constexpr uint32_t kBpchar = 1042;

std::string print_name(PrintForm print) {
  switch (print) {
    case PrintForm::kPlain:
      return "";
    case PrintForm::kText:
      return " ::text";
    case PrintForm::kHex:
      return " hex";
    case PrintForm::kJson:
      return " to_json";
    case PrintForm::kJsonTexts:
      return " to_json(text[])";
    case PrintForm::kTrimmed:
      return "trimmed";
    case PrintForm::kNumeric:
      return " ::numeric";
  }
  return "?";
}

std::string shown(const MappedType& mapped) {
  return type_sql(mapped.type) + (mapped.unbounded ? " unbounded" : "") + print_name(mapped.print);
}

std::string mapped(uint32_t oid, int32_t typmod = -1, int average = 0) {
  PostgresType type;
  type.oid = oid;
  type.typmod = typmod;
  type.name = "some_name";
  return shown(map_postgres_type(type, average));
}

std::string note_of(uint32_t oid, int32_t typmod = -1) {
  PostgresType type;
  type.oid = oid;
  type.typmod = typmod;
  return map_postgres_type(type, 0).note;
}

// Types without a fixed oid, as the catalogue describes them.
std::string named(const std::string& extension, const std::string& name, char kind = 'b') {
  PostgresType type;
  type.oid = 16400;
  type.name = name;
  type.kind = kind;
  type.extension = extension;
  return shown(map_postgres_type(type, 0));
}

std::string array_of(uint32_t element, int32_t typmod = -1) {
  PostgresType type;
  type.oid = 16400;
  type.typmod = typmod;
  type.element_oid = element;
  return shown(map_postgres_type(type, 0));
}

int32_t numeric_typmod(int precision, int scale) {
  return ((precision << 16) | (scale & 0x7ff)) + 4;
}

TEST(PostgresTypes, FixedOnes) {
  EXPECT_EQ(mapped(16), "BOOLEAN");
  EXPECT_EQ(mapped(21), "SMALLINT");
  EXPECT_EQ(mapped(23), "INTEGER");
  EXPECT_EQ(mapped(20), "BIGINT");
  EXPECT_EQ(mapped(700), "REAL");
  EXPECT_EQ(mapped(701), "DOUBLE PRECISION");
  EXPECT_EQ(mapped(1082), "DATE");
  EXPECT_EQ(mapped(1083), "TIME");
  EXPECT_EQ(mapped(1083, 3), "TIME");
  EXPECT_EQ(mapped(1114, 0), "TIMESTAMP");
  EXPECT_EQ(mapped(1184), "TIMESTAMPTZ");
  EXPECT_EQ(mapped(2950), "VARCHAR(36)");
  EXPECT_EQ(mapped(114), "SUPER unbounded");
  EXPECT_EQ(mapped(3802), "SUPER unbounded");
  EXPECT_EQ(mapped(17), "VARBYTE(1024000) unbounded hex");
}

TEST(PostgresTypes, Numeric) {
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(12, 2)), "DECIMAL(12,2)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(1, 0)), "DECIMAL(1,0)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(18, 18)), "DECIMAL(18,18)");
  // 19 digits would be kept in 64 bits, which end before 9,999,999,999,999,999,999.
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(19, 4)), "DECIMAL(20,4)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(20, 4)), "DECIMAL(20,4)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(38, 37)), "DECIMAL(38,37)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(38, 38)), "VARCHAR(79)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(39, 0)), "VARCHAR(42)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(5, -2)), "DECIMAL(7,0)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(17, -2)), "DECIMAL(20,0)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(38, -1)), "VARCHAR(42)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(2, 5)), "DECIMAL(5,5)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(2, 40)), "VARCHAR(45)");
  EXPECT_EQ(mapped(kNumeric), "VARCHAR(1024) unbounded");
  EXPECT_NE(note_of(kNumeric), "");
  EXPECT_EQ(note_of(kNumeric, numeric_typmod(12, 2)), "");
}

TEST(PostgresTypes, CountedTextsCountBytes) {
  EXPECT_EQ(mapped(kVarchar, 10 + 4), "VARCHAR(40)");
  EXPECT_EQ(mapped(kVarchar, 16383 + 4), "VARCHAR(65532)");
  EXPECT_EQ(mapped(kVarchar, 16384 + 4), "VARCHAR(65535) unbounded");
  EXPECT_EQ(mapped(kVarchar, 10485760 + 4), "VARCHAR(65535) unbounded");
  EXPECT_EQ(mapped(kBpchar, 1 + 4), "VARCHAR(4) ::text");
  EXPECT_EQ(mapped(kBpchar), "VARCHAR(1024) unbounded ::text");
}

TEST(PostgresTypes, TextStartsWithHeadroom) {
  EXPECT_EQ(mapped(kText), "VARCHAR(1024) unbounded");
  EXPECT_EQ(mapped(kVarchar), "VARCHAR(1024) unbounded");
  EXPECT_EQ(mapped(kText, -1, 128), "VARCHAR(1024) unbounded");
  EXPECT_EQ(mapped(kText, -1, 129), "VARCHAR(4096) unbounded");
  EXPECT_EQ(mapped(kText, -1, 2048), "VARCHAR(16384) unbounded");
  EXPECT_EQ(mapped(kText, -1, 2049), "VARCHAR(65535) unbounded");
  EXPECT_EQ(mapped(kText, -1, 2'000'000'000), "VARCHAR(65535) unbounded");
  EXPECT_EQ(mapped(kText, -1, -5), "VARCHAR(1024) unbounded");
}

TEST(PostgresTypes, NumbersOfOtherKinds) {
  EXPECT_EQ(mapped(26), "BIGINT");  // oid, xid and cid are unsigned, 32 bits
  EXPECT_EQ(mapped(28), "BIGINT");
  EXPECT_EQ(mapped(29), "BIGINT");
  EXPECT_EQ(mapped(5069), "DECIMAL(20,0)");
  EXPECT_EQ(mapped(790), "DECIMAL(20,2) ::numeric");
  for (const auto& [scale, sql] :
       {std::pair(0, "DECIMAL(20,0) ::numeric"), std::pair(3, "DECIMAL(20,3) ::numeric")}) {
    PostgresType money;
    money.oid = 790;
    money.money_scale = scale;
    EXPECT_EQ(shown(map_postgres_type(money, 0)), sql);
  }
}

TEST(PostgresTypes, TextsThatBoundThemselves) {
  EXPECT_EQ(mapped(1186), "VARCHAR(64)");  // interval
  EXPECT_EQ(mapped(1266), "VARCHAR(32)");  // timetz
  EXPECT_NE(note_of(1266), "");
  EXPECT_EQ(mapped(19), "VARCHAR(64)");          // name
  EXPECT_EQ(mapped(18), "VARCHAR(4) ::text");    // "char"
  EXPECT_EQ(mapped(869), "VARCHAR(43) ::text");  // inet
  EXPECT_EQ(mapped(650), "VARCHAR(43) ::text");  // cidr
  EXPECT_EQ(mapped(829), "VARCHAR(17)");
  EXPECT_EQ(mapped(774), "VARCHAR(23)");
  EXPECT_EQ(mapped(27), "VARCHAR(18)");
  EXPECT_EQ(mapped(3220), "VARCHAR(17)");
  EXPECT_EQ(mapped(600), "VARCHAR(64)");
  for (const uint32_t oid : {601U, 603U, 628U, 718U}) EXPECT_EQ(mapped(oid), "VARCHAR(128)") << oid;
}

TEST(PostgresTypes, TextsOfAnyLength) {
  for (const uint32_t oid :
       {142U, 3614U, 3615U, 602U, 604U, 4072U, 5038U, 2970U, 2205U, 30U, 22U}) {
    EXPECT_EQ(mapped(oid), "VARCHAR(1024) unbounded ::text") << oid;
    EXPECT_EQ(note_of(oid), "") << oid;
  }
  EXPECT_EQ(mapped(142, -1, 5000), "VARCHAR(65535) unbounded ::text");
  EXPECT_EQ(named("", "int4range", 'r'), "VARCHAR(1024) unbounded ::text");
  EXPECT_EQ(named("", "int4multirange", 'm'), "VARCHAR(1024) unbounded ::text");
}

TEST(PostgresTypes, BitsCountInTheTypmodItself) {
  EXPECT_EQ(mapped(1560, 1), "VARCHAR(1)");
  EXPECT_EQ(mapped(1562, 65535), "VARCHAR(65535)");
  EXPECT_EQ(mapped(1560, 65536), "VARCHAR(65535) unbounded");
  EXPECT_EQ(mapped(1560, 2147483647), "VARCHAR(65535) unbounded");
  EXPECT_EQ(mapped(1562), "VARCHAR(1024) unbounded");
}

TEST(PostgresTypes, ArraysAndComposites) {
  EXPECT_EQ(array_of(23), "SUPER unbounded to_json");
  EXPECT_EQ(array_of(25), "SUPER unbounded to_json");
  EXPECT_EQ(array_of(99999), "SUPER unbounded to_json");
  EXPECT_EQ(array_of(kNumeric, numeric_typmod(12, 2)), "SUPER unbounded to_json");
  EXPECT_EQ(array_of(kNumeric), "SUPER unbounded to_json(text[])");
  EXPECT_EQ(array_of(kNumeric, numeric_typmod(39, 2)), "SUPER unbounded to_json(text[])");
  EXPECT_EQ(named("", "address", 'c'), "SUPER unbounded to_json");
  EXPECT_EQ(named("", "mood", 'e'), "VARCHAR(64)");
}

TEST(PostgresTypes, ExtensionsByNameAndOnlyTheirOwn) {
  EXPECT_EQ(named("citext", "citext"), "VARCHAR(1024) unbounded ::text");
  EXPECT_EQ(named("hstore", "hstore"), "SUPER unbounded to_json");
  EXPECT_EQ(named("postgis", "geometry"), "GEOMETRY unbounded");
  EXPECT_EQ(named("postgis", "geography"), "GEOGRAPHY unbounded");
  EXPECT_EQ(named("vector", "vector"), "SUPER unbounded ::text");
  EXPECT_EQ(named("vector", "halfvec"), "SUPER unbounded ::text");
  const std::string text = "VARCHAR(65535) unbounded ::text";
  EXPECT_EQ(named("vector", "sparsevec"), text);
  EXPECT_EQ(named("postgis", "box3d"), text);
  EXPECT_EQ(named("ltree", "ltree"), text);
  EXPECT_EQ(named("", "hstore"), text);  // of the user's own making
  EXPECT_EQ(named("", "geometry"), text);
  EXPECT_EQ(named("other", "vector"), text);
}

TEST(PostgresTypes, WhatNobodyKnowsIsTextAndNamed) {
  for (const uint32_t oid : {0U, 16400U, 4294967295U, 194U}) {
    EXPECT_EQ(mapped(oid), "VARCHAR(65535) unbounded ::text") << oid;
    EXPECT_NE(note_of(oid), "") << oid;
  }
}

// docs/types.md shows the map as it is: each row of its table names a type, and what stands behind
// it is made here. When it differs, the table to paste is printed.
TEST(PostgresTypes, TheDocumentShowsTheMap) {
  struct Row {
    const char* name;
    PostgresType type;
    const char* note;
  };
  const auto by_oid = [](uint32_t oid, int32_t typmod = -1) {
    PostgresType type;
    type.oid = oid;
    type.typmod = typmod;
    return type;
  };
  const auto by_name = [](const char* name, const char* extension, char kind = 'b') {
    PostgresType type;
    type.oid = 16400;
    type.name = name;
    type.extension = extension;
    type.kind = kind;
    return type;
  };
  const auto array = [](uint32_t element, int32_t typmod = -1) {
    PostgresType type;
    type.oid = 16400;
    type.element_oid = element;
    type.typmod = typmod;
    return type;
  };
  const Row rows[] = {
      {"boolean", by_oid(16), ""},
      {"smallint, smallserial", by_oid(21), ""},
      {"integer, serial", by_oid(23), ""},
      {"bigint, bigserial", by_oid(20), ""},
      {"oid, xid, cid", by_oid(26), "unsigned, 32 bits"},
      {"xid8", by_oid(5069), "unsigned, 64 bits"},
      {"numeric(12,2)", by_oid(kNumeric, numeric_typmod(12, 2)), "any precision up to 38"},
      {"numeric(19,4)", by_oid(kNumeric, numeric_typmod(19, 4)),
       "Redshift keeps 19 digits in 64 bits"},
      {"numeric(5,-2)", by_oid(kNumeric, numeric_typmod(5, -2)), "negative scale"},
      {"numeric(2,5)", by_oid(kNumeric, numeric_typmod(2, 5)), "scale above precision"},
      {"numeric(40,2)", by_oid(kNumeric, numeric_typmod(40, 2)),
       "more digits than DECIMAL holds: digit by digit"},
      {"numeric", by_oid(kNumeric), "digit by digit; a DECIMAL would let COPY cut digits silently"},
      {"money", by_oid(790), "as many decimals as the server's `lc_monetary` has"},
      {"real", by_oid(700), "the shortest text that gives the same value back"},
      {"double precision", by_oid(701), "the same"},
      {"text, varchar", by_oid(25), "a size class, widened as values grow; 65,535 at most"},
      {"varchar(40)", by_oid(kVarchar, 44), "PostgreSQL counts characters, Redshift bytes"},
      {"char(10)", by_oid(kBpchar, 14), "without the padding"},
      {"\"char\"", by_oid(18), "a byte above 127 is no UTF-8 before PostgreSQL 16"},
      {"name", by_oid(19), ""},
      {"citext", by_name("citext", "citext"), ""},
      {"date", by_oid(1082), ""},
      {"time", by_oid(1083), ""},
      {"timetz", by_oid(1266), "Redshift's TIMETZ is kept in UTC: the offset would be lost"},
      {"timestamp", by_oid(1114), ""},
      {"timestamptz", by_oid(1184), "in UTC"},
      {"interval", by_oid(1186), "ISO 8601: `P1Y2M3DT4H5M6.789S`"},
      {"uuid", by_oid(2950), ""},
      {"bytea", by_oid(17), ""},
      {"json, jsonb", by_oid(3802), ""},
      {"integer[] and all other arrays", array(23), "see below"},
      {"numeric(12,2)[]", array(kNumeric, numeric_typmod(12, 2)), "JSON numbers"},
      {"numeric[]", array(kNumeric), "JSON strings, digit by digit"},
      {"composite types", by_name("address", "", 'c'), "an object by the names of its fields"},
      {"hstore", by_name("hstore", "hstore"), "an object of strings and nulls"},
      {"enums", by_name("mood", "", 'e'), "a label has 63 bytes at most"},
      {"ranges", by_name("int4range", "", 'r'), "`[1,5)`"},
      {"multiranges", by_name("int4multirange", "", 'm'), "`{[1,3),[5,7)}`"},
      {"inet, cidr", by_oid(869), "always with its netmask: `192.168.0.1/32`"},
      {"macaddr", by_oid(829), ""},
      {"macaddr8", by_oid(774), ""},
      {"bit(8), varbit(8)", by_oid(1560, 8), "a digit a bit"},
      {"varbit", by_oid(1562), ""},
      {"xml", by_oid(142), ""},
      {"tsvector, tsquery", by_oid(3614), ""},
      {"jsonpath", by_oid(4072), ""},
      {"point", by_oid(600), ""},
      {"line, lseg, box, circle", by_oid(628), ""},
      {"path, polygon", by_oid(602), ""},
      {"pg_lsn", by_oid(3220), ""},
      {"tid", by_oid(27), ""},
      {"pg_snapshot, txid_snapshot", by_oid(5038), ""},
      {"regclass, regproc and the like", by_oid(2205), "names with their schema"},
      {"int2vector, oidvector, aclitem, refcursor", by_oid(22), ""},
      {"geometry (PostGIS)", by_name("geometry", "postgis"), "hexadecimal EWKB"},
      {"geography (PostGIS)", by_name("geography", "postgis"), "hexadecimal EWKB"},
      {"vector, halfvec (pgvector)", by_name("vector", "vector"), "an array of numbers"},
      {"any other type", by_name("ltree", "ltree"), "its text; the plan names the column"},
  };
  std::string table = "| PostgreSQL | Redshift | read as | note |\n| --- | --- | --- | --- |\n";
  for (const Row& row : rows) {
    const MappedType mapped = map_postgres_type(row.type, 0);
    const std::string form = print_name(mapped.print);
    table += std::string("| ") + row.name + " | " + type_sql(mapped.type) + " | " +
             (form.empty() ? "" : "`" + form.substr(1) + "`") + " | " + row.note + " |\n";
  }
  std::ifstream file(VESTO_DOCS "/types.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_NE(text.find("<!-- the map -->\n" + table + "<!-- end of the map -->"), std::string::npos)
      << "docs/types.md does not show the map as it is:\n"
      << table;
}

}  // namespace
}  // namespace vesto
