#include "sandbox/control/faults.h"

#include <gtest/gtest.h>

namespace vesto::sandbox {
namespace {

TEST(Faults, NthAndCount) {
  const auto faults = make_faults();
  ASSERT_TRUE(faults
                  ->add(R"({"on": "s3.put", "nth": 3, "count": 2,
                              "then": {"status": 500, "delay_ms": 7}})")
                  .ok());
  std::string hits;
  for (int i = 0; i < 6; ++i) {
    const auto fault = faults->hit("s3.put", "key");
    hits += fault ? "x" : ".";
    if (fault) {
      EXPECT_EQ(fault->status, 500);
      EXPECT_EQ(fault->delay_ms, 7);
      EXPECT_FALSE(fault->cut_after_bytes.has_value());
    }
    EXPECT_FALSE(faults->hit("s3.get", "key").has_value());
  }
  EXPECT_EQ(hits, "..xx..");
  EXPECT_EQ(faults->counts().at("s3.put"), 6U);
}

TEST(Faults, MatchAndOrder) {
  const auto faults = make_faults();
  ASSERT_TRUE(faults
                  ->add(R"({"on": "pg.statement", "match": "^COPY.*orders",
                              "then": {"error": "1023"}})")
                  .ok());
  ASSERT_TRUE(faults
                  ->add(R"({"on": "pg.statement", "match": "COPY", "count": 2,
                              "then": {"drop": "after"}})")
                  .ok());
  EXPECT_FALSE(faults->hit("pg.statement", "select 1").has_value());
  EXPECT_EQ(faults->hit("pg.statement", "COPY\n \"orders\"").value().error, "1023");
  EXPECT_EQ(faults->hit("pg.statement", "COPY orders").value().drop, "after");
  EXPECT_FALSE(faults->hit("pg.statement", "COPY orders").has_value());
  faults->clear();
  EXPECT_FALSE(faults->hit("pg.statement", "COPY orders").has_value());
  faults->count("copy");
  EXPECT_EQ(faults->counts().at("copy"), 1U);
}

TEST(Faults, LongSubjectsDoNoHarm) {
  const auto faults = make_faults();
  ASSERT_TRUE(faults->add(R"({"on": "disk", "match": "(a|b)*c$", "then": {"error": "x"}})").ok());
  EXPECT_FALSE(faults->hit("disk", std::string(10'000'000, 'a')).has_value());
}

TEST(Faults, EveryField) {
  const auto faults = make_faults();
  ASSERT_TRUE(faults->add(R"({"on": "copy.object", "then": {"missing": true}})").ok());
  EXPECT_TRUE(faults->hit("copy.object", "k")->missing);
  ASSERT_TRUE(faults->add(R"({"on": "copy.object", "then": {"half": true}})").ok());
  EXPECT_TRUE(faults->hit("copy.object", "k")->half);
  ASSERT_TRUE(faults->add(R"({"on": "s3.get", "then": {"cut_after_bytes": 0}})").ok());
  EXPECT_EQ(faults->hit("s3.get", "k")->cut_after_bytes.value_or(9), 0U);
  ASSERT_TRUE(faults->add(R"({"on": "disk", "then": {"error": "Disk Full"}})").ok());
  EXPECT_EQ(faults->hit("disk", "k")->error, "Disk Full");
}

TEST(Faults, RefusesWhatCouldNeverAct) {
  const auto faults = make_faults();
  for (const char* bad : {"",
                          "[]",
                          "x",
                          "{}",
                          R"({"on": "s3.put"})",
                          R"({"on": "s3.putt", "then": {"status": 500}})",
                          R"({"on": 1, "then": {"status": 500}})",
                          R"({"on": "s3.put", "then": {}})",
                          R"({"on": "s3.put", "then": {"error": "1023"}})",
                          R"({"on": "s3.put", "then": {"stauts": 500}})",
                          R"({"on": "s3.put", "then": {"status": 200}})",
                          R"({"on": "s3.put", "then": {"status": "500"}})",
                          R"({"on": "s3.put", "then": {"code": "SlowDown"}})",
                          R"({"on": "s3.put", "then": {"drop": "later"}})",
                          R"({"on": "s3.put", "then": {"delay_ms": -1}})",
                          R"({"on": "copy.object", "then": {"half": false}})",
                          R"({"on": "s3.put", "nth": 0, "then": {"status": 500}})",
                          R"({"on": "s3.put", "count": 1.5, "then": {"status": 500}})",
                          R"({"on": "s3.put", "macth": "x", "then": {"status": 500}})",
                          R"({"on": "s3.put", "match": "(", "then": {"status": 500}})"}) {
    const auto added = faults->add(bad);
    EXPECT_FALSE(added.ok()) << bad;
    EXPECT_TRUE(added.ok() || !added.error().empty()) << bad;
  }
  EXPECT_FALSE(faults->hit("s3.put", "k").has_value());
  const std::string deep(100000, '[');
  EXPECT_FALSE(faults->add(deep).ok());
}

TEST(Faults, AreBounded) {
  const auto faults = make_faults();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(faults->add(R"({"on": "disk", "then": {"error": "x"}})").ok());
  }
  EXPECT_FALSE(faults->add(R"({"on": "disk", "then": {"error": "x"}})").ok());
}

}  // namespace
}  // namespace vesto::sandbox
