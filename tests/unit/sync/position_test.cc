#include "sync/position.h"

#include <gtest/gtest.h>

#include <set>

namespace vesto {
namespace {

TEST(Position, ComesBackAsItWasMade) {
  const std::string setup = stream_setup("orders", {"id"}, "");
  for (const std::string source : {"", "7", "{\"cursor\":\"at\",\"value\":\"a b\"}", "v2 x"}) {
    const auto parsed = parse_committed_position(committed_position(setup, source));
    ASSERT_TRUE(parsed.has_value()) << source;
    EXPECT_EQ(parsed->setup, setup);
    EXPECT_EQ(parsed->source_position, source);
  }
}

TEST(Position, EverySetupIsItsOwn) {
  std::set<std::string> setups;
  setups.insert(stream_setup("orders", {}, ""));
  setups.insert(stream_setup("orders", {"id"}, ""));
  setups.insert(stream_setup("orders2", {"id"}, ""));
  setups.insert(stream_setup("orders", {"id", "line"}, ""));
  setups.insert(stream_setup("orders", {"line", "id"}, ""));
  setups.insert(stream_setup("orders", {"id,line"}, ""));
  setups.insert(stream_setup("orders", {"id\",\"line"}, ""));
  setups.insert(stream_setup("orders", {"id"}, "id > 7"));
  setups.insert(stream_setup("orders", {"id"}, "id > 8"));
  EXPECT_EQ(setups.size(), 9U);
  EXPECT_EQ(stream_setup("orders", {"id"}, ""), stream_setup("orders", {"id"}, ""));
}

TEST(Position, TheTargetIsToldApartFromTheKey) {
  const std::string one = stream_setup("orders", {"id"}, "");
  EXPECT_TRUE(same_target(one, stream_setup("orders", {"code"}, "")));
  EXPECT_FALSE(same_target(one, stream_setup("orders2", {"id"}, "")));
  EXPECT_FALSE(same_target("", one));
  EXPECT_FALSE(same_target(one, ""));
}

TEST(Position, OtherTextsAreNone) {
  for (const std::string text :
       {"", "v2 ", "v2 0123456789abcdef00000000", "v2 0123456789abcdeg00000000 x",
        "v2 0123456789ABCDEF00000000 x", "v1 0123456789abcdef x", "v3 0123456789abcdef00000000 x",
        "{\"cursor\":\"at\"}", "v2 0123456789abcdef0000000 x"}) {
    EXPECT_FALSE(parse_committed_position(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace vesto
