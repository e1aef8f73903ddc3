#include "sync/position.h"

#include <gtest/gtest.h>

#include <set>

namespace vesto {
namespace {

TEST(Position, ComesBackAsItWasMade) {
  const std::string setup = stream_setup("orders", {"id"});
  for (const std::string source : {"", "7", "{\"cursor\":\"at\",\"value\":\"a b\"}", "v1 x"}) {
    const auto parsed = parse_committed_position(committed_position(setup, source));
    ASSERT_TRUE(parsed.has_value()) << source;
    EXPECT_EQ(parsed->setup, setup);
    EXPECT_EQ(parsed->source_position, source);
  }
}

TEST(Position, EverySetupIsItsOwn) {
  std::set<std::string> setups;
  setups.insert(stream_setup("orders", {}));
  setups.insert(stream_setup("orders", {"id"}));
  setups.insert(stream_setup("orders2", {"id"}));
  setups.insert(stream_setup("orders", {"id", "line"}));
  setups.insert(stream_setup("orders", {"line", "id"}));
  setups.insert(stream_setup("orders", {"id,line"}));
  setups.insert(stream_setup("orders", {"id\",\"line"}));
  EXPECT_EQ(setups.size(), 7U);
  EXPECT_EQ(stream_setup("orders", {"id"}), stream_setup("orders", {"id"}));
}

TEST(Position, TheTargetIsToldApartFromTheKey) {
  const std::string one = stream_setup("orders", {"id"});
  EXPECT_TRUE(same_target(one, stream_setup("orders", {"code"})));
  EXPECT_FALSE(same_target(one, stream_setup("orders2", {"id"})));
  EXPECT_FALSE(same_target("", one));
  EXPECT_FALSE(same_target(one, ""));
}

TEST(Position, OtherTextsAreNone) {
  for (const std::string text :
       {"", "v1 ", "v1 0123456789abcdef", "v1 0123456789abcdeg x", "v1 0123456789ABCDEF x",
        "v2 0123456789abcdef x", "{\"cursor\":\"at\"}", "v1 0123456789abcde x"}) {
    EXPECT_FALSE(parse_committed_position(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace vesto
