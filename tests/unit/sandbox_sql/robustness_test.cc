// Random and mangled input: an error or a statement, never a crash.
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <string>

#include "sandbox/sql/statement.h"
#include "sandbox/sql/token.h"
#include "sqltest.h"

namespace vesto::sandbox {
namespace {

// What holds for every answer.
void check(const std::string& sql) {
  const auto result = translate(sql, {});
  if (!result.ok()) {
    EXPECT_EQ(result.error().sqlstate.size(), 5U);
    EXPECT_FALSE(result.error().message.empty());
    return;
  }
  for (const Statement& statement : *result) {
    for (const std::string& pg : statement.pg_sql) {
      EXPECT_FALSE(pg.empty());
      EXPECT_EQ(pg.find('\0'), std::string::npos);
      EXPECT_EQ(find_invalid_utf8(pg), std::string_view::npos);
    }
  }
}

std::vector<SqlCase> all_cases() {
  std::vector<SqlCase> out;
  for (const auto& entry : std::filesystem::directory_iterator(cases_folder())) {
    if (entry.path().extension() != ".sqltest") continue;
    for (SqlCase& test : read_cases(entry.path().string())) out.push_back(std::move(test));
  }
  return out;
}

TEST(Robustness, RandomBytes) {
  std::mt19937 random(20261122);
  for (int i = 0; i < 3000; ++i) {
    std::string sql(random() % 200, '\0');
    for (char& c : sql) c = static_cast<char>(random());
    check(sql);
  }
}

TEST(Robustness, RandomPrintableBytes) {
  std::mt19937 random(7);
  constexpr std::string_view kAlphabet = "abcSELECT \n'\"\\$();,.*=<>-+/#@:[]0123456789_%";
  for (int i = 0; i < 5000; ++i) {
    std::string sql(random() % 120, ' ');
    for (char& c : sql) c = kAlphabet[random() % kAlphabet.size()];
    check(sql);
  }
}

TEST(Robustness, MangledStatements) {
  const std::vector<SqlCase> cases = all_cases();
  ASSERT_FALSE(cases.empty());
  std::mt19937 random(99);
  for (int i = 0; i < 4000; ++i) {
    std::string sql = cases[random() % cases.size()].text;
    for (int change = 0; change < 3 && !sql.empty(); ++change) {
      const size_t at = random() % sql.size();
      switch (random() % 4) {
        case 0:
          sql.erase(at, 1 + random() % 6);
          break;
        case 1:
          sql.insert(at, 1, "'\"();,$\\."[random() % 9]);
          break;
        case 2:
          sql = sql.substr(0, at);
          break;
        default: {
          const std::string& other = cases[random() % cases.size()].text;
          sql.insert(at, other.substr(0, random() % (other.size() + 1)));
        }
      }
    }
    check(sql);
  }
}

TEST(Robustness, EveryPrefixOfEveryCase) {
  for (const SqlCase& test : all_cases()) {
    if (test.text.size() > 600) continue;
    for (size_t length = 0; length < test.text.size(); length += 1 + test.text.size() / 40) {
      check(test.text.substr(0, length));
    }
  }
}

}  // namespace
}  // namespace vesto::sandbox
