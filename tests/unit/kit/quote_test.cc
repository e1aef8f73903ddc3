#include "kit/quote.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace vesto::kit {
namespace {

std::string run(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");  // NOLINT: a shell is what is tested
  if (pipe == nullptr) return "no shell";
  std::string out;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
  ::pclose(pipe);
  return out;
}

const char* const kHostile[] = {"",
                                "plain-1.2_3/x",
                                "two words",
                                "it's",
                                "'",
                                "''x''",
                                "$HOME `id` $(id) \\ \"x\"",
                                "a\nb\n",
                                "* ? [a-z] ~ # ; & | < > ( ) { } !",
                                "caf\xc3\xa9 \xf0\x9f\x98\x80",
                                "-n",
                                "--x=y",
                                "~",
                                "a=b"};

TEST(KitQuote, ShTakesEveryValueAsOneWord) {
  for (const char* value : kHostile) {
    EXPECT_EQ(run("set -- " + sh_quote(value) + "; printf '%s|%s' $# \"$1\""),
              std::string("1|") + value);
  }
}

TEST(KitQuote, ANulIsNoPartOfAWord) { EXPECT_EQ(sh_quote(std::string("a\0b", 3)), "'ab'"); }

TEST(KitQuote, AValueIsNoFlag) {
  EXPECT_EQ(sh_flag("--name", "acme"), " --name acme");
  EXPECT_EQ(sh_flag("--name", "--evil"), " --name=--evil");
  EXPECT_EQ(sh_flag("--name", "-a b"), " --name='-a b'");
}

TEST(KitQuote, Hcl) {
  EXPECT_EQ(hcl_quote("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(hcl_quote("${x} %{if} $ % $$"), R"("\u0024{x} \u0025{if} $ % $$")");
  EXPECT_EQ(hcl_quote("$${x}"), R"("$\u0024{x}")");
  EXPECT_EQ(hcl_quote("a\nb\t\x7f"), R"("a\u000ab\u0009\u007f")");
  EXPECT_EQ(hcl_quote("caf\xc3\xa9"), "\"caf\xc3\xa9\"");
  EXPECT_EQ(hcl_heredoc_json(R"({"a": "${*}%{x}"})"), R"({"a": "$${*}%%{x}"})");
  EXPECT_EQ(hcl_heredoc_json(R"("$${x}")"), R"("\u0024$${x}")");
}

TEST(KitQuote, NoValueEndsAComment) {
  EXPECT_EQ(commented("-- ", "a\nDROP TABLE t;"), "-- a\n-- DROP TABLE t;\n");
  EXPECT_EQ(commented("# ", "a\r\nb\x1b[31m\n\nc\n"), "# a\\x0d\n# b\\x1b[31m\n#\n# c\n");
}

}  // namespace
}  // namespace vesto::kit
