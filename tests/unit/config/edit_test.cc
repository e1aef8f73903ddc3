// One destination into a file and out of it again: every other byte stays.
#include "config/edit.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/strings.h"
#include "scratch.h"

namespace vesto {
namespace {

std::string section_of(const std::string& name) {
  return "[destination." + name + "]\nkind = \"redshift\"\nendpoint = \"h:5439/" + name +
         "\"\nschema = \"shop\"\n\n[destination." + name +
         ".auth]\nuser = \"loader\"\npassword = { file = \"pw\" }\naccess_key_id = \"AKIA\"\n"
         "secret_access_key = { file = \"sk\" }\n\n[destination." +
         name + ".staging]\nbucket = \"stage\"\n";
}

TEST(AppendSectionTest, OneBlankLineBetween) {
  EXPECT_EQ(append_section("", "[a]\n"), "[a]\n");
  EXPECT_EQ(append_section("version = 1\n", "[a]\n"), "version = 1\n\n[a]\n");
  EXPECT_EQ(append_section("version = 1", "[a]\n"), "version = 1\n\n[a]\n");
  EXPECT_EQ(append_section("version = 1\r\nx = 2", "[a]\nb = 1\n"),
            "version = 1\r\nx = 2\r\n\r\n[a]\r\nb = 1\r\n");
}

TEST(CutDestinationTest, WhatWasAddedIsTakenOutAgain) {
  for (const char* text : {"version = 1\n", "version = 1\r\n# end\r\n", "version = 1\n[log]\n\n",
                           "\xEF\xBB\xBFversion = 1\n"}) {
    const CutText cut = cut_destination(append_section(text, section_of("a")), "a");
    EXPECT_EQ(cut.text, text);
    EXPECT_GT(cut.line, 1);
  }
}

TEST(CutDestinationTest, CommentsGoWithTheirTable) {
  const CutText cut = cut_destination(
      "version = 1\n# a head that stands alone\n\n# of acme\n[destination.acme] # here\n"
      "kind = \"x\"  # kind\n# inside\n\nschema = \"[destination.b]\"\n# below\n\n"
      "# alone\n\n[destination.acme.auth]\nuser = \"\"\"\n[destination.no]\n\"\"\"\n"
      "# of b\n[destination.b]\nkind = \"y\"\n",
      "acme");
  EXPECT_EQ(cut.text,
            "version = 1\n# a head that stands alone\n\n# alone\n\n# of b\n[destination.b]\n"
            "kind = \"y\"\n");
  EXPECT_EQ(cut.line, 4);
}

TEST(CutDestinationTest, HeadersInEveryForm) {
  const std::string rest = "[log]\nlevel = \"info\"\n";
  for (const char* head :
       {"[destination.acme]", "  [ destination . acme ]", "[destination.\"acme\"]",
        "[\"destination\".'acme'] # ]", "[destination.acme.ssh]"}) {
    const CutText cut =
        cut_destination(std::string(head) + "\nhost = [\n  1, # ]\n  [2]\n]\n\n" + rest, "acme");
    EXPECT_EQ(cut.text, rest) << head;
  }
}

TEST(CutDestinationTest, OthersStay) {
  for (const char* text :
       {"[destination.acme2]\nkind = 1\n", "[source.acme]\nkind = 1\n", "[destination]\nx.y = 1\n",
        "[[sync.acme.table]]\nname = \"[destination.acme]\"\n", "# [destination.acme]\n",
        "a = '''\n[destination.acme]\n'''\n", "a = [\n[\"destination.acme\"],\n]\n", ""}) {
    const CutText cut = cut_destination(text, "acme");
    EXPECT_EQ(cut.text, text);
    EXPECT_EQ(cut.line, 0);
  }
}

class EditTest : public ScratchTest {
 protected:
  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }
  static mode_t mode_of(const std::string& path) {
    struct stat about {};
    EXPECT_EQ(::stat(path.c_str(), &about), 0);
    return about.st_mode & 07777;
  }
  [[nodiscard]] size_t entries() const {
    size_t count = 0;
    for ([[maybe_unused]] const auto& one : std::filesystem::directory_iterator(dir_)) ++count;
    return count;
  }
};

TEST_F(EditTest, ANewFileIsPrivate) {
  const std::string file = dir_ + "/vesto.toml";
  const auto added = add_destination({file}, "acme", section_of("acme"));
  ASSERT_TRUE(added.ok()) << added.error().to_string();
  EXPECT_TRUE(added->made);
  EXPECT_EQ(added->line, 3);
  EXPECT_EQ(mode_of(file), 0600U);
  EXPECT_EQ(read(file), "version = 1\n\n" + section_of("acme"));
  EXPECT_NE(added->loaded.config.find_destination("acme"), nullptr);
  EXPECT_EQ(entries(), 1U);
}

TEST_F(EditTest, ModeSymlinkAndOtherFilesStay) {
  const std::string real = write("etc/real.toml", "version = 1\n# end");
  std::filesystem::permissions(real, std::filesystem::perms(0640));
  const std::string file = dir_ + "/vesto.toml";
  std::filesystem::create_symlink("etc/real.toml", file);
  write("conf.d/b.toml", "# of b\n" + section_of("b") + "\n[log]\nlevel = \"info\"\n");
  const auto added = add_destination({file}, "acme", section_of("acme"));
  ASSERT_TRUE(added.ok()) << added.error().to_string();
  EXPECT_FALSE(added->made);
  EXPECT_EQ(mode_of(real), 0640U);
  EXPECT_TRUE(std::filesystem::is_symlink(file));
  EXPECT_EQ(read(real), "version = 1\n# end\n\n" + section_of("acme"));
  const auto removed = remove_destination({file}, "b");
  ASSERT_TRUE(removed.ok()) << removed.error().to_string();
  EXPECT_EQ(removed->file, dir_ + "/conf.d/b.toml");
  EXPECT_EQ(read(dir_ + "/conf.d/b.toml"), "[log]\nlevel = \"info\"\n");
  ASSERT_TRUE(remove_destination({file}, "acme").ok());
  EXPECT_EQ(read(real), "version = 1\n# end\n");
}

TEST_F(EditTest, WhatIsThereAlreadyIsRefused) {
  const std::string file = write("vesto.toml", "version = 1\n" + section_of("acme"));
  const auto added = add_destination({file}, "acme", section_of("acme"));
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code(), ErrorCode::kCfgDuplicate);
  EXPECT_NE(added.error().message().find("vesto.toml:2"), std::string::npos);
  const auto unknown = remove_destination({file}, "acm");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code(), ErrorCode::kCfgNoObject);
}

TEST_F(EditTest, FormsThatAreNotTakenApart) {
  const std::string inline_table =
      "version = 1\ndestination = { acme = { kind = \"redshift\", endpoint = \"h:1/dev\", schema = "
      "\"s\", auth = { user = \"u\", password = { file = \"pw\" }, access_key_id = \"A\", "
      "secret_access_key = { file = \"sk\" } }, staging = { bucket = \"stage\" } } }\n";
  const std::string dotted =
      "version = 1\n[destination]\nacme.kind = \"redshift\"\nacme.endpoint = \"h:1/dev\"\n"
      "acme.schema = \"s\"\nacme.auth.user = \"u\"\nacme.auth.password = { file = \"pw\" }\n"
      "acme.auth.access_key_id = \"A\"\nacme.auth.secret_access_key = { file = \"sk\" }\n"
      "acme.staging.bucket = \"stage\"\n";
  for (const std::string& text : {inline_table, dotted}) {
    const std::string file = write("vesto.toml", text);
    const auto removed = remove_destination({file}, "acme");
    ASSERT_FALSE(removed.ok());
    EXPECT_EQ(removed.error().code(), ErrorCode::kCfgValue) << removed.error().to_string();
    EXPECT_EQ(read(file), text);
  }
  const std::string file = write("vesto.toml", inline_table);
  const auto added = add_destination({file}, "b", section_of("b"));
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code(), ErrorCode::kCfgValue) << added.error().to_string();
  EXPECT_EQ(read(file), inline_table);
}

TEST_F(EditTest, ASectionThatSaysMoreIsABug) {
  const std::string file = write("vesto.toml", "version = 1\n");
  for (const char* more : {"[log]\nlevel = \"info\"\n", "[destination.b]\nkind = \"redshift\"\n",
                           "key without value\n"}) {
    const auto added = add_destination({file}, "acme", section_of("acme") + more);
    ASSERT_FALSE(added.ok()) << more;
    EXPECT_EQ(added.error().code(), ErrorCode::kInternal) << more;
    EXPECT_EQ(read(file), "version = 1\n");
  }
}

TEST_F(EditTest, AConfigurationWithIssuesIsNotWritten) {
  const std::string file = write("vesto.toml", "version = 1\nthis is wrong\n");
  auto added = add_destination({file}, "acme", section_of("acme"));
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code(), ErrorCode::kCfgSyntax);
  write("vesto.toml", "version = 1\n");
  added = add_destination({file}, "acme", "[destination.acme]\nkind = \"redshift\"\n");
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code(), ErrorCode::kCfgMissing) << added.error().to_string();
  EXPECT_EQ(read(file), "version = 1\n");
}

TEST_F(EditTest, WritersWaitForEachOther) {
  const std::string file = write("vesto.toml", "version = 1\n");
  constexpr int kWriters = 6;
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] {
      const std::string name = "d" + std::to_string(i);
      EXPECT_TRUE(add_destination({file}, name, section_of(name)).ok());
    });
  }
  for (std::thread& writer : writers) writer.join();
  const LoadedConfig loaded = load_config({file});
  EXPECT_TRUE(loaded.issues.empty());
  EXPECT_EQ(loaded.config.destinations.size(), static_cast<size_t>(kWriters));
  for (int i = 0; i < kWriters; ++i) {
    ASSERT_TRUE(remove_destination({file}, "d" + std::to_string(i)).ok());
  }
  EXPECT_EQ(read(file), "version = 1\n");
}

}  // namespace
}  // namespace vesto
