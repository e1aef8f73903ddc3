// Columns made anew, what stands in the way of an ALTER, and how a table of ours is made.
#include <gtest/gtest.h>

#include "redshift/table_plan.h"
#include "tests/unit/redshift/loader_fixture.h"

namespace vesto::testing {
namespace {

using Failures = Result<std::vector<std::pair<size_t, Error>>>;

struct AlterTest : LoaderTest {
  AlterTest() {
    table("a").columns = {{"id", "bigint"}, {"note", "integer"}};
    table("a").rows = 5;
    stream = stream_load("a", 1);
    stream.rewrite_types = true;
  }
  Failures prepare() {
    LoadContext with_warnings = context();
    with_warnings.warn = [this](const std::string& text) { warnings.push_back(text); };
    return RedshiftLoader(load_target(), std::move(with_warnings)).prepare({stream});
  }
  Error only_failure() {
    Failures done = prepare();
    if (!done.ok()) return done.error();
    EXPECT_EQ(done->size(), 1U);
    return done->empty() ? Error(ErrorCode::kInternal, "none failed") : done->front().second;
  }
  [[nodiscard]] std::vector<std::string> changes() const {
    std::vector<std::string> out;
    for (const std::string& sql : warehouse.log) {
      if (!sql.starts_with("SELECT") && !sql.starts_with("SET ")) out.push_back(sql);
    }
    return out;
  }
  std::string type_of(const std::string& name) {
    for (const FakeColumn& column : table("a").columns) {
      if (column.name == name) return column.type;
    }
    return "none";
  }
  StreamLoad stream;
  std::vector<std::string> warnings;
};

TEST_F(AlterTest, AColumnIsMadeAnewInOneTransaction) {
  const Failures done = prepare();
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  ASSERT_TRUE(done->empty()) << done->front().second.to_string();
  EXPECT_EQ(
      changes(),
      (std::vector<std::string>{
          "BEGIN", "ALTER TABLE \"shop\".\"a\" ADD COLUMN \"_vesto_new_note\" VARCHAR(65535)",
          "UPDATE \"shop\".\"a\" SET \"_vesto_new_note\" = CAST(\"note\" AS VARCHAR(65535))",
          "ALTER TABLE \"shop\".\"a\" DROP COLUMN \"note\"",
          "ALTER TABLE \"shop\".\"a\" RENAME COLUMN \"_vesto_new_note\" TO \"note\"", "COMMIT"}));
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("made anew as VARCHAR(65535)"), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[0].find("end of the table"), std::string::npos);
  EXPECT_EQ(type_of("note"), "character varying(65535)");
  warehouse.log.clear();
  ASSERT_TRUE(prepare().ok());
  EXPECT_TRUE(changes().empty());
}

TEST_F(AlterTest, OnlyWhereAPersonAllowsIt) {
  stream.rewrite_types = false;
  const Error error = only_failure();
  EXPECT_EQ(error.name(), "RS-TABLE-DIFFERS");
  EXPECT_NE(error.hint().find("on_type_change = \"rewrite\""), std::string::npos) << error.hint();
  EXPECT_NE(error.hint().find("--full-refresh"), std::string::npos);
  EXPECT_TRUE(changes().empty());
}

// What a person built on the column would go without a word.
TEST_F(AlterTest, NotWhereSomethingHangsOnTheColumn) {
  table("a").columns[1].not_null = true;
  EXPECT_NE(only_failure().message().find("it is NOT NULL"), std::string::npos);
  table("a").columns[1].not_null = false;
  table("a").columns[1].sortkey = true;
  const Error sort = only_failure();
  EXPECT_EQ(sort.name(), "RS-KEY-COLUMN");
  EXPECT_EQ(sort.hint().find("DISTSTYLE"), std::string::npos);
  table("a").columns[1].sortkey = false;
  table("a").columns[1].distkey = true;
  const Error dist = only_failure();
  EXPECT_EQ(dist.name(), "RS-KEY-COLUMN");
  EXPECT_TRUE(dist.hint().starts_with("ALTER TABLE \"shop\".\"a\" ALTER DISTSTYLE EVEN; "))
      << dist.hint();
  EXPECT_EQ(dist.hint().find("SORTKEY"), std::string::npos);
  table("a").columns[1].distkey = false;
  warehouse.bound_views = {{"a", "id", "other"}, {"a", "note", "daily"}, {"a", "note", "weekly"}};
  const Error view = only_failure();
  EXPECT_EQ(view.name(), "RS-VIEW-DEP");
  EXPECT_NE(view.message().find("rep.daily, rep.weekly"), std::string::npos) << view.message();
  EXPECT_EQ(view.message().find("rep.other"), std::string::npos);
  stream.schema.key = {0, 1};
  EXPECT_NE(only_failure().message().find("it is in the key"), std::string::npos);
  EXPECT_TRUE(changes().empty());
}

TEST_F(AlterTest, BytesHaveNoCastThatKeepsThem) {
  table("a").columns[1].type = "binary varying(64000)";
  const Error error = only_failure();
  EXPECT_EQ(error.name(), "RS-TABLE-DIFFERS");
  EXPECT_NE(error.message().find("no cast keeps its values"), std::string::npos);
}

TEST_F(AlterTest, TheNewColumnsNameIsNobodysElse) {
  table("a").columns.push_back({"_vesto_new_note", "integer"});
  ASSERT_TRUE(prepare().ok());
  EXPECT_EQ(warehouse.count("ADD COLUMN \"_vesto_new_note_2\""), 1);
  const std::string longest(127, 'x');
  table("a").columns.push_back({longest, "integer"});
  stream.schema.columns.push_back(column(longest, varchar(1024)));
  ASSERT_TRUE(prepare().ok());
  EXPECT_EQ(warehouse.count("ADD COLUMN \"_vesto_new_" + std::string(100, 'x') + "\""), 1);
}

TEST_F(AlterTest, SuperIsReadAndWrittenAsJson) {
  table("a").columns[1].type = "super";
  ASSERT_TRUE(prepare().ok());
  EXPECT_EQ(warehouse.count("= JSON_SERIALIZE(\"note\")"), 1);
  stream.schema.columns[1] = column("note", {TypeKind::kSuper, 0, 0, 0});
  ASSERT_TRUE(prepare().ok());
  EXPECT_EQ(warehouse.count("= JSON_PARSE(\"note\")"), 1);
}

TEST_F(AlterTest, AValueThatCannotBeCastLeavesTheTableAsItIs) {
  warehouse.fail("UPDATE \"shop\".\"a\"", "22P02", "invalid input syntax for integer: \"x\"");
  const Error error = only_failure();
  EXPECT_EQ(error.name(), "RS-TABLE-DIFFERS");
  EXPECT_NE(error.message().find("invalid input syntax"), std::string::npos) << error.message();
  EXPECT_EQ(error.upstream().text, "") << "it would hold the value";
  EXPECT_NE(error.hint().find("DROP TABLE \"shop\".\"a\";"), std::string::npos);
  EXPECT_EQ(changes().back(), "ROLLBACK");
  EXPECT_EQ(type_of("note"), "integer");
  EXPECT_TRUE(warnings.empty());
}

TEST_F(AlterTest, AConflictOrALostConnectionRepeatsAllOfIt) {
  warehouse.fail("DROP COLUMN", "XX000", "1023");
  warehouse.drop("RENAME COLUMN", FakeWarehouse::Drop::kBefore);
  const Failures done = prepare();
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_TRUE(done->empty());
  EXPECT_EQ(warehouse.count("ADD COLUMN"), 3);
  EXPECT_EQ(type_of("note"), "character varying(65535)");
  EXPECT_EQ(table("a").columns.size(), 2U);
  EXPECT_EQ(warnings.size(), 1U);
}

// It was done: nothing is left to do, and people are told all the same, once.
TEST_F(AlterTest, ACommitWithoutAnAnswerIsFoundDone) {
  warehouse.drop("COMMIT", FakeWarehouse::Drop::kAfter);
  const Failures done = prepare();
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_TRUE(done->empty());
  EXPECT_EQ(warehouse.count("ADD COLUMN"), 1);
  EXPECT_EQ(warnings.size(), 1U);
}

TEST_F(AlterTest, ARivalsTemporaryColumnMakesItPlanAgain) {
  warehouse.fail("ADD COLUMN \"_vesto_new_note\"", "42701", "column already exists");
  const Failures done = prepare();
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_TRUE(done->empty());
  EXPECT_EQ(warehouse.count("SELECT current_user"), 2);
  EXPECT_EQ(type_of("note"), "character varying(65535)");
  EXPECT_EQ(warnings.size(), 1U);
}

TEST_F(AlterTest, AViewThatRefusesAWideningIsNamed) {
  table("a").columns[1].type = "character varying(10)";
  stream.widths = {0, 20};
  warehouse.bound_views = {{"a", "note", "daily"}};
  warehouse.fail("ALTER COLUMN", "0A000", "cannot alter type of a column used by a view or rule");
  const Error error = only_failure();
  EXPECT_EQ(error.name(), "RS-VIEW-DEP");
  EXPECT_NE(error.message().find("view rep.daily is bound to it"), std::string::npos);
  EXPECT_EQ(error.upstream().code, "0A000");
}

// Redshift made it a key between the look into the catalogue and the ALTER.
TEST_F(AlterTest, AKeyOfRedshiftsOwnChoiceIsReadAnew) {
  table("a").columns[1].type = "character varying(10)";
  stream.widths = {0, 20};
  warehouse.before(
      "SELECT current_user", [this] { table("a").columns[1].sortkey = true; }, 2);
  warehouse.fail("TYPE VARCHAR(1024)", "XX000", "found unexpected dependency for column");
  const Error error = only_failure();
  EXPECT_EQ(error.name(), "RS-KEY-COLUMN");
  EXPECT_NE(error.message().find("column note"), std::string::npos);
  EXPECT_NE(error.hint().find("ALTER TABLE \"shop\".\"a\" ALTER SORTKEY NONE;"), std::string::npos);
}

TEST_F(AlterTest, ThePlanSaysTheSame) {
  const auto compared = [&] {
    auto out = RedshiftLoader(load_target(), context()).compare({stream});
    EXPECT_TRUE(out.ok()) << out.error().to_string();
    return out->targets.at(0);
  };
  EXPECT_EQ(compared().text, "make note anew with its values cast, integer -> VARCHAR(65535)");
  auto explained = RedshiftLoader(load_target(), context()).explain({stream});
  ASSERT_TRUE(explained.ok());
  EXPECT_NE(std::find(explained->begin(), explained->end(),
                      "ALTER TABLE \"shop\".\"a\" DROP COLUMN \"note\""),
            explained->end());
  warehouse.bound_views = {{"a", "note", "daily"}};
  EXPECT_EQ(compared().error->name(), "RS-VIEW-DEP");
  table("a").columns[1].sortkey = true;
  EXPECT_EQ(compared().error->name(), "RS-KEY-COLUMN");
  stream.known_target = false;
  EXPECT_EQ(compared().error->name(), "RS-TABLE-FOREIGN");
  EXPECT_TRUE(changes().empty());
}

// The run makes _vesto_rejected as well, and would fail for it.
TEST_F(AlterTest, ThePlanCountsTheTableOfRejectedRows) {
  RedshiftLoader loader(load_target(), context());
  ASSERT_TRUE(loader.open_state().ok());
  stream.schema.columns.pop_back();
  const auto compared = [&] {
    auto out = RedshiftLoader(load_target(), context()).compare({stream});
    EXPECT_TRUE(out.ok()) << out.error().to_string();
    return out.ok() && out->blocked ? std::string(out->blocked->name()) : "may";
  };
  warehouse.rights = {"f", "f", "t", "t", "f"};  // no CREATE in the schema
  EXPECT_EQ(compared(), "may");
  warehouse.data.tables.erase("_vesto_rejected");
  EXPECT_EQ(compared(), "RS-PRIV-SCHEMA");
}

std::string created(const StreamLoad& stream) {
  auto plan = plan_table(stream, nullptr);
  return plan.ok() ? plan->texts().at(0) : std::string(plan.error().name());
}

TEST(TableOptions, StandInCreateTable) {
  StreamLoad stream = stream_load("a", 1);
  stream.options = {.distkey = "note", .sortkey = {"note", "id"}, .encode = {{"note", "ZSTD"}}};
  EXPECT_EQ(created(stream),
            "CREATE TABLE \"shop\".\"a\" (\"id\" BIGINT NOT NULL, \"note\" VARCHAR(4096) ENCODE "
            "zstd) DISTSTYLE KEY DISTKEY (\"note\") COMPOUND SORTKEY (\"note\", \"id\")");
  stream.options = {.distkey = "", .sortkey = {"note"}, .encode = {}};
  EXPECT_EQ(created(stream),
            "CREATE TABLE \"shop\".\"a\" (\"id\" BIGINT NOT NULL, \"note\" VARCHAR(4096)) "
            "DISTSTYLE KEY DISTKEY (\"id\") SORTKEY (\"note\")");
}

TEST(TableOptions, WhatCannotBeIsAFaultOfTheConfiguration) {
  StreamLoad stream = stream_load("a", 1);
  stream.schema.columns.push_back(column("doc", {TypeKind::kSuper, 0, 0, 0}));
  stream.schema.columns.push_back(column("raw", {TypeKind::kVarbyte, 0, 0, 10}));
  for (const TableOptions& options : std::vector<TableOptions>{
           {.distkey = "none", .sortkey = {}, .encode = {}},
           {.distkey = "doc", .sortkey = {}, .encode = {}},
           {.distkey = "", .sortkey = {"id", "raw"}, .encode = {}},
           {.distkey = "", .sortkey = {}, .encode = {{"none", "zstd"}}},
           {.distkey = "", .sortkey = {}, .encode = {{"id", "zstd) DISTSTYLE ALL --"}}}}) {
    stream.options = options;
    EXPECT_EQ(created(stream), "CFG-VALUE");
  }
  stream.options.encode = {};
  stream.options.sortkey.assign(401, "id");
  EXPECT_EQ(created(stream), "CFG-VALUE");
}

// A mistake in one table's options is no trouble of the others'.
TEST_F(AlterTest, ABadOptionCostsItsStreamAlone) {
  StreamLoad bad = stream_load("b", 1);
  bad.options.distkey = "none";
  auto done = RedshiftLoader(load_target(), context()).prepare({bad, stream_load("c", 1)});
  ASSERT_TRUE(done.ok());
  ASSERT_EQ(done->size(), 1U);
  EXPECT_EQ((*done)[0].second.name(), "CFG-VALUE");
  EXPECT_EQ(table("c").columns.size(), 2U);
}

}  // namespace
}  // namespace vesto::testing
