#include "schema/names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

#include "base/strings.h"
#include "schema/table.h"

namespace vesto {
namespace {

using Names = std::vector<std::string>;

TEST(Names, FoldsAsRedshiftFolds) {
  EXPECT_EQ(fold_name("OrderID"), "orderid");
  EXPECT_EQ(fold_name("\xc3\x9c"
                      "ber \"X\""),
            "\xc3\x9c"
            "ber \"x\"");  // only A-Z
  EXPECT_TRUE(is_system_column_name("oid"));
  EXPECT_TRUE(is_system_column_name("ctid"));
  EXPECT_FALSE(is_system_column_name("id"));
}

// The words in back quotes of one cell.
Names words_of(std::string_view cell) {
  Names out;
  while (true) {
    const size_t begin = cell.find('`');
    if (begin == std::string_view::npos) return out;
    const size_t end = cell.find('`', begin + 1);
    out.emplace_back(cell.substr(begin + 1, end - begin - 1));
    cell.remove_prefix(end + 1);
  }
}

TEST(Names, ThePageTellsTheTruth) {
  std::ifstream file(VESTO_DOCS "/names.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  size_t at = text.find("<!-- the examples -->");
  const size_t end = text.find("<!-- end of the examples -->");
  ASSERT_NE(end, std::string::npos);
  int rows = 0;
  for (const std::string& line : split(std::string_view(text).substr(at, end - at), '\n')) {
    const Names cells = split(line, '|');
    if (cells.size() != 4 || cells[1].find('`') == std::string::npos) continue;
    EXPECT_EQ(column_names(words_of(cells[1])), words_of(cells[2])) << line;
    ++rows;
  }
  EXPECT_EQ(rows, 7);
}

TEST(Names, TheMaskCountsLettersFromTheLowestBit) {
  // 1a_B: letters a, B: bit 1.
  EXPECT_EQ(column_names({"1a_B", "1a_b"}), (Names{"1a_b~2", "1a_b"}));
  // Bits 0, 4 and 8.
  EXPECT_EQ(column_names({"AbcdEfghIj", "abcdefghij"}).front(), "abcdefghij~111");
  EXPECT_EQ(source_name_of("abcdefghij~111"), "AbcdEfghIj");
  EXPECT_EQ(source_name_of("a~x"), "a~x");
}

TEST(Names, MasksThatTheRuleNeverGives) {
  EXPECT_EQ(source_name_of("id~4"), std::nullopt);   // there is no third letter
  EXPECT_EQ(source_name_of("id~01"), std::nullopt);  // a leading zero
  EXPECT_EQ(source_name_of("~1"), std::nullopt);
  EXPECT_EQ(source_name_of("~0"), "");
  EXPECT_EQ(source_name_of("id~"), "id~");
  EXPECT_EQ(source_name_of(""), "");
}

TEST(Names, LongNamesAreCutAtACharacter) {
  std::string emoji;
  for (int i = 0; i < 40; ++i) emoji += "\xf0\x9f\x98\x80";
  const Names names =
      column_names({emoji, emoji + "x", std::string(127, 'a'), std::string(128, 'a')});
  EXPECT_EQ(names[0].size(), 104U + 22U);
  EXPECT_EQ(names[0].substr(0, 104), emoji.substr(0, 104));
  EXPECT_EQ(names[0].substr(104, 2), "~~");
  EXPECT_NE(names[0], names[1]);
  EXPECT_EQ(names[2], std::string(127, 'a'));
  EXPECT_EQ(names[3].size(), 127U);
  EXPECT_EQ(source_name_of(names[3]), std::nullopt);
  // A name of the source's own that looks as if it had been cut.
  EXPECT_EQ(column_names({names[3].substr(60)}).front(), names[3].substr(60) + "~0");
  EXPECT_EQ(column_names({names[3]}).front().size(), 127U);
  EXPECT_NE(column_names({names[3]}).front(), names[3]);
}

TEST(Names, OfTables) {
  EXPECT_EQ(target_table_name("Orders"), "orders");
  EXPECT_EQ(target_table_name("oid"), "oid");
  EXPECT_EQ(target_table_name("Orders~1"), "orders~1~1");
  EXPECT_EQ(target_table_name(std::string(200, 'b')).size(), 127U);
}

// Names out of few parts, so that they meet as often as can be.
class Tables {
 public:
  explicit Tables(uint32_t seed) : random_(seed) {}

  Names next() {
    std::set<std::string> names;
    const size_t wanted = 1 + pick(12);
    for (size_t i = 0; i < wanted * 2 && names.size() < wanted; ++i) names.insert(name());
    return {names.begin(), names.end()};
  }

 private:
  size_t pick(size_t below) { return random_() % below; }

  std::string name() {
    static const std::vector<std::string> kParts = {"id",
                                                    "Id",
                                                    "ID",
                                                    "oid",
                                                    "OID",
                                                    "ctid",
                                                    "~",
                                                    "~~",
                                                    "~0",
                                                    "~1",
                                                    "~3",
                                                    "~1f",
                                                    "~1F",
                                                    "a",
                                                    "A",
                                                    "0",
                                                    "f",
                                                    "\xc3\x84",
                                                    "\xf0\x9f\x98\x80",
                                                    "\"",
                                                    ".",
                                                    "select",
                                                    " ",
                                                    "ghijklmnopqrstuvwxyz",
                                                    "gggggggggggggggggggg",
                                                    "abcdefabcdefabcdefab"};
    std::string out;
    const size_t parts = pick(20) == 0 ? 20 + pick(20) : 1 + pick(4);
    while (out.empty() || pick(parts + 1) != 0) out += kParts[pick(kParts.size())];
    // What another table's names have become is the hardest to keep apart.
    if (pick(4) == 0) out = column_names({out, fold_name(out) + "x"}).front();
    return out;
  }

  std::mt19937 random_;
};

// Each first byte is followed by as many bytes as it says; the parts themselves are valid.
bool is_whole_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text.front());
    const size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if ((first & 0xc0U) == 0x80U || size > text.size()) return false;
    for (size_t i = 1; i < size; ++i) {
      if ((static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80U) return false;
    }
    text.remove_prefix(size);
  }
  return true;
}

// The column of the source that the page's last paragraph leads to.
std::string way_back(const std::string& name, const Names& sources) {
  const std::optional<std::string> source = source_name_of(name);
  if (!source) return "(cut)";
  if (std::find(sources.begin(), sources.end(), *source) != sources.end()) return *source;
  Names alike;
  for (const std::string& one : sources) {
    if (fold_name(one) == *source) alike.push_back(one);
  }
  return alike.size() == 1 ? alike.front() : "(lost)";
}

TEST(Names, HoldForManyTables) {
  size_t cut = 0;
  size_t masked = 0;
  for (uint32_t seed = 1; seed <= 20000; ++seed) {
    const Names sources = Tables(seed).next();
    const Names names = column_names(sources);
    ASSERT_EQ(names, column_names(sources));
    Names backwards(sources.rbegin(), sources.rend());
    Names turned = column_names(backwards);
    std::reverse(turned.begin(), turned.end());
    ASSERT_EQ(names, turned) << "the order of the columns counts, seed " << seed;
    ASSERT_EQ(std::set<std::string>(names.begin(), names.end()).size(), sources.size())
        << join(sources, "|") << " -> " << join(names, "|");
    for (size_t i = 0; i < names.size(); ++i) {
      const std::string shown = sources[i] + " -> " + names[i] + " in " + join(sources, "|");
      ASSERT_LE(names[i].size(), static_cast<size_t>(kMaxIdentifierBytes)) << shown;
      ASSERT_EQ(names[i], fold_name(names[i])) << shown;
      ASSERT_FALSE(is_system_column_name(names[i])) << shown;
      ASSERT_TRUE(is_whole_utf8(names[i])) << shown;
      const std::string back = way_back(names[i], sources);
      if (back == "(cut)") {
        ++cut;
        ASSERT_GT(names[i].size(), 100U) << shown;
      } else {
        ASSERT_EQ(back, sources[i]) << shown;
      }
      masked += names[i] != fold_name(sources[i]) ? 1 : 0;
    }
  }
  EXPECT_GT(cut, 100U);
  EXPECT_GT(masked, 10000U);
}

}  // namespace
}  // namespace vesto
