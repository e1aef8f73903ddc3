#include "stage/object_keys.h"

#include <gtest/gtest.h>

namespace vesto {
namespace {

StageSpace space_of(const std::string& prefix) {
  return {.bucket = "stage",
          .prefix = prefix,
          .installation = {"abcdefgh01234567"},
          .sync = {"1a2b3c4d"},
          .run = {"run_01J7XAAAAAAAAAAAAAAAAAAAAA"}};
}

const std::string kTail =
    "abcdefgh01234567/1a2b3c4d/run_01J7XAAAAAAAAAAAAAAAAAAAAA/0003/00012.csv.gz";

TEST(ObjectKeys, Names) {
  EXPECT_EQ(part_key(space_of("vesto/"), 3, 12, Compression::kGzip), "vesto/" + kTail);
  EXPECT_EQ(part_key(space_of("vesto"), 3, 12, Compression::kGzip), "vesto/" + kTail);
  EXPECT_EQ(part_key(space_of(""), 3, 12, Compression::kGzip), kTail);
  EXPECT_TRUE(part_key(space_of("a/b"), 12345, 50000, Compression::kZstd)
                  .ends_with("/12345/50000.csv.zst"));
  EXPECT_TRUE(manifest_key(space_of("vesto/"), 1).ends_with("/0001/manifest"));
  EXPECT_EQ(installation_root(space_of("vesto")), "vesto/abcdefgh01234567/");
  EXPECT_EQ(run_root(space_of("")), "abcdefgh01234567/1a2b3c4d/run_01J7XAAAAAAAAAAAAAAAAAAAAA/");
}

bool may_delete(const StageSpace& space, const std::string& key, KeyOrigin origin) {
  return check_own_key(space, key, origin).ok();
}

TEST(OwnKeys, OnesOfThisInstallation) {
  for (const KeyOrigin origin : {KeyOrigin::kListed, KeyOrigin::kJournalled}) {
    EXPECT_TRUE(may_delete(space_of("vesto/"), "vesto/" + kTail, origin));
    EXPECT_TRUE(may_delete(space_of(""), kTail, origin));
    EXPECT_TRUE(may_delete(space_of("a/b"), "a/b/" + kTail, origin));
    EXPECT_TRUE(may_delete(space_of("a"), manifest_key(space_of("a"), 9), origin));
  }
}

TEST(OwnKeys, FormerPrefixOnlyFromTheJournal) {
  EXPECT_TRUE(may_delete(space_of("new/"), "old/" + kTail, KeyOrigin::kJournalled));
  EXPECT_FALSE(may_delete(space_of("new/"), "old/" + kTail, KeyOrigin::kListed));
  EXPECT_FALSE(may_delete(space_of(""), "old/" + kTail, KeyOrigin::kListed));
  EXPECT_FALSE(may_delete(space_of("a/b"), "b/" + kTail, KeyOrigin::kListed));
}

TEST(OwnKeys, NeverAnotherInstallationOrAnotherShape) {
  const StageSpace space = space_of("vesto/");
  const std::string run = "run_01J7XAAAAAAAAAAAAAAAAAAAAA";
  const std::string own = "vesto/abcdefgh01234567";
  for (const std::string& key : {
           std::string(),
           std::string("vesto/"),
           std::string("vesto/readme.txt"),
           own,
           own + "/",
           own + "/1a2b3c4d/" + run + "/0003/",
           own + "/1a2b3c4d/" + run + "/0003/notes.txt",
           own + "/1a2b3c4d/" + run + "/0003/x.csv.gz",
           own + "/1a2b3c4d/" + run + "/0003/1.csv",
           own + "/1a2b3c4d/" + run + "/../00012.csv.gz",
           own + "/1a2b3c4d/" + run + "//00012.csv.gz",
           own + "/1a2b3c4d/" + run + "/0003/sub/00012.csv.gz",
           own + "/1a2b3c4d/run_x/0003/00012.csv.gz",
           own + "/UPPERCAS/" + run + "/0003/00012.csv.gz",
           "vesto/otherinstall1234/1a2b3c4d/" + run + "/0003/00012.csv.gz",
           // The own id somewhere else in the key does not help.
           "vesto/abcdefgh01234567/otherinstall1234/1a2b3c4d/" + run + "/0003/00012.csv.gz",
           "vesto/abcdefgh01234567x/1a2b3c4d/" + run + "/0003/00012.csv.gz",
           "vesto/xabcdefgh01234567/1a2b3c4d/" + run + "/0003/00012.csv.gz",
       }) {
    for (const KeyOrigin origin : {KeyOrigin::kListed, KeyOrigin::kJournalled}) {
      EXPECT_FALSE(may_delete(space, key, origin)) << key;
    }
  }
}

TEST(OwnKeys, WithoutAnInstallationIdNothingIsOwn) {
  StageSpace space = space_of("vesto/");
  space.installation.text = "";
  EXPECT_FALSE(may_delete(space, "vesto//1a2b3c4d/run_01J7XAAAAAAAAAAAAAAAAAAAAA/0003/1.csv.gz",
                          KeyOrigin::kJournalled));
}

}  // namespace
}  // namespace vesto
