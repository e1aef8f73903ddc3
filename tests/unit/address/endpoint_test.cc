// Runs endpoint_cases.toml, each case as a test of its own name; and texts by chance.
#include <gtest/gtest.h>
#include <toml++/toml.h>

#include <random>
#include <set>

#include "address/warehouse_endpoint.h"
#include "base/strings.h"

namespace vesto {
namespace {

const toml::table& case_file() {
  static const toml::table kFile = toml::parse_file(VESTO_ENDPOINT_CASES);
  return kFile;
}

std::vector<std::string> texts(const toml::table& table, const char* name) {
  std::vector<std::string> out;
  if (const auto* list = table[name].as_array()) {
    for (const toml::node& item : *list) out.push_back(item.value_or(std::string()));
  }
  return out;
}

std::string text_of(const toml::table& table, const char* name) {
  return table[name].value_or(std::string());
}

std::string kind_name(WarehouseKind kind) {
  if (kind == WarehouseKind::kUnknown) return "";
  return kind == WarehouseKind::kServerless ? "redshift-serverless" : "redshift";
}

// All that people may get to see of it.
std::string everything(const Result<WarehouseEndpoint>& parsed) {
  if (!parsed.ok()) return parsed.error().to_string() + "\n" + parsed.error().hint();
  return describe_warehouse_endpoint(*parsed) + "\n" + join(parsed->questions, "\n") + "\n" +
         join(parsed->notes, "\n");
}

void expect_endpoint(const toml::table& table, const WarehouseEndpoint& got) {
  EXPECT_EQ(kind_name(got.kind), text_of(table, "kind"));
  EXPECT_EQ(got.host, text_of(table, "host"));
  EXPECT_EQ(got.port, table["port"].value_or(int64_t{5439}));
  EXPECT_EQ(got.port_given, table.contains("port"));
  EXPECT_EQ(got.database, text_of(table, "database"));
  EXPECT_EQ(got.region, text_of(table, "region"));
  EXPECT_EQ(got.account, text_of(table, "account"));
  EXPECT_EQ(got.name, text_of(table, "warehouse"));
  EXPECT_EQ(got.vpc_endpoint, table["vpc"].value_or(false));
  EXPECT_EQ(got.missing, texts(table, "asks"));
  EXPECT_EQ(got.questions.size(), got.missing.size());
  std::vector<std::string> held;
  if (got.held_user) held.emplace_back("user");
  if (got.held_password) held.emplace_back("password");
  if (got.held_no_tls) held.emplace_back("no_tls");
  EXPECT_EQ(held, texts(table, "held"));
  const std::vector<std::string> notes = texts(table, "notes");
  ASSERT_EQ(got.notes.size(), notes.size()) << join(got.notes, "\n");
  for (size_t i = 0; i < notes.size(); ++i) {
    EXPECT_NE(got.notes[i].find(notes[i]), std::string::npos) << got.notes[i];
  }
}

class EndpointCase : public testing::Test {
 public:
  explicit EndpointCase(const toml::table* table) : table_(table) {}
  void TestBody() override {
    const std::string text = text_of(*table_, "text");
    const auto parsed = parse_warehouse_endpoint(text);
    SCOPED_TRACE(everything(parsed));
    EXPECT_EQ(everything(parsed).find("hunter2"), std::string::npos);
    const std::string error = text_of(*table_, "error");
    ASSERT_EQ(parsed.ok(), error.empty());
    if (parsed.ok()) return expect_endpoint(*table_, *parsed);
    EXPECT_EQ(parsed.error().code(), ErrorCode::kCfgValue);
    EXPECT_NE(parsed.error().message().find(error), std::string::npos) << "wanted: " << error;
  }

 private:
  const toml::table* table_;
};

// A test's name in GoogleTest takes letters, digits and "_".
std::string test_name(const std::string& name) {
  std::string out;
  for (const char c : name) {
    out += (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? c : '_';
  }
  return out;
}

const bool kRegistered = [] {
  const auto* list = case_file()["case"].as_array();
  if (list == nullptr) return false;
  for (const toml::node& node : *list) {
    const toml::table* table = node.as_table();
    testing::RegisterTest("EndpointCases", test_name(text_of(*table, "name")).c_str(), nullptr,
                          nullptr, VESTO_ENDPOINT_CASES, 1,
                          [table]() -> testing::Test* { return new EndpointCase(table); });
  }
  return true;
}();

TEST(EndpointCasesTest, FileIsGood) {
  const std::set<std::string> known = {"name",     "text",   "kind",    "host",      "port",
                                       "database", "region", "account", "warehouse", "vpc",
                                       "asks",     "notes",  "held",    "error"};
  std::set<std::string> names;
  const auto* list = case_file()["case"].as_array();
  ASSERT_NE(list, nullptr);
  for (const toml::node& node : *list) {
    const toml::table& table = *node.as_table();
    EXPECT_TRUE(names.insert(test_name(text_of(table, "name"))).second) << text_of(table, "name");
    for (const auto& [key, value] : table) {
      EXPECT_TRUE(known.contains(std::string(key.str()))) << key.str();
    }
  }
  EXPECT_GE(names.size(), 80U);
}

// --- by chance

constexpr std::string_view kPassword = "Hunter2Secret";

// What holds for every text, however it came about.
void expect_sound(const std::string& text) {
  const auto parsed = parse_warehouse_endpoint(text);
  const std::string shown = everything(parsed);
  ASSERT_LE(shown.size(), 8192U) << text;
  for (const char c : shown) ASSERT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  if (!parsed.ok()) return;
  EXPECT_GE(parsed->port, 1);
  EXPECT_LE(parsed->port, 65535);
  EXPECT_LE(parsed->host.size(), 253U);
  EXPECT_LE(parsed->notes.size(), 16U);
  EXPECT_EQ(parsed->questions.size(), parsed->missing.size());
  // What was understood is understood in the same way when it is written plainly.
  const bool plain =
      parsed->database.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
  if (parsed->host.empty() || !plain) return;
  const bool ipv6 = parsed->host.find(':') != std::string::npos;
  const std::string again = (ipv6 ? "[" + parsed->host + "]" : parsed->host) + ":" +
                            std::to_string(parsed->port) +
                            (parsed->database.empty() ? "" : "/" + parsed->database);
  const auto second = parse_warehouse_endpoint(again);
  ASSERT_TRUE(second.ok()) << again << ": " << everything(second);
  EXPECT_EQ(second->host, parsed->host) << text;
  EXPECT_EQ(second->port, parsed->port) << text;
  EXPECT_EQ(second->database, parsed->database) << text;
}

TEST(EndpointTest, TextsMadeOfPieces) {
  const std::vector<std::string> pieces = {
      "jdbc:redshift://",
      "jdbc:redshift:iam://",
      "redshift://",
      "https://",
      "postgres://",
      "psql ",
      "host=",
      "port=",
      "dbname=",
      " -h ",
      " -p ",
      " -d ",
      "password='",
      "arn:aws:redshift:",
      "us-east-1",
      "shop.abc123.us-east-1.redshift.amazonaws.com",
      ".redshift-serverless.",
      "123456789012",
      "amazonaws.com",
      "console.aws.amazon.com/redshiftv2/home?region=us-east-1#",
      "cluster=",
      ":",
      "/",
      "?",
      "&",
      ";",
      "@",
      "=",
      "[",
      "]",
      "::1",
      "5439",
      "dev",
      " ",
      "\n",
      "\t",
      "'",
      "\"",
      "\\",
      "{",
      "}",
      ",",
      "%",
      "%00",
      "%C3",
      "\xC3\xA4",
      "\xE2\x80\x8B",
      "\xFF",
      std::string(1, '\0'),
      ".",
      "-",
      "vpce",
      "a",
      "0"};
  std::mt19937 random(20260701);
  for (int round = 0; round < 60'000; ++round) {
    std::string text;
    for (size_t left = random() % 12; left > 0; --left) text += pieces[random() % pieces.size()];
    expect_sound(text);
  }
}

TEST(EndpointTest, TextsThatWereChanged) {
  std::vector<std::string> good;
  for (const toml::node& node : *case_file()["case"].as_array()) {
    good.push_back(text_of(*node.as_table(), "text"));
  }
  std::mt19937 random(7);
  for (int round = 0; round < 60'000; ++round) {
    std::string text = good[random() % good.size()];
    for (size_t left = 1 + random() % 3; left > 0; --left) {
      const size_t at = random() % (text.size() + 1);
      if (random() % 2 == 0) {
        text.insert(at, 1, static_cast<char>(random() % 256));
      } else {
        text.erase(std::min(at, text.size()), 1 + random() % 4);
      }
    }
    expect_sound(text);
  }
}

// In each form that can hold one, with every sign in and around it.
TEST(EndpointTest, NoPasswordIsEverShown) {
  const std::string host = "shop.abc123.us-east-1.redshift.amazonaws.com";
  const std::vector<std::pair<std::string, std::string>> forms = {
      {"redshift://user:", "@" + host + ":5439/dev"},
      {"user:", "@" + host + "/dev"},
      {"jdbc:redshift://" + host + "/dev?user=u&password=", "&ssl=true"},
      {"jdbc:redshift://" + host + ":5439/dev;UID=u;PWD=", ""},
      {"host=" + host + " password=", " dbname=dev"},
      {"host=" + host + " password='", "' dbname=dev"},
      {"Server=" + host + ";PWD=", ";Database=dev"},
      {"{\"password\":\"", "\",\"host\":\"" + host + "\"}"},
      {"PGPASSWORD=", " psql -h " + host + " dev"},
      {"psql \"host=" + host + " password=", " dbname=dev\""}};
  const std::string signs = "@:/?#&=;%+'\"\\ ,.{}[]()<>|~`!$^*-_\n\t0";
  std::mt19937 random(11);
  int understood = 0;
  for (const auto& form : forms) {
    for (int round = 0; round < 3'000; ++round) {
      std::string password(kPassword);
      for (size_t left = random() % 4; left > 0; --left) {
        const bool behind = random() % 2 == 0;
        password.insert(behind ? password.size() : 0, 1, signs[random() % signs.size()]);
      }
      const auto parsed = parse_warehouse_endpoint(form.first + password + form.second);
      understood += parsed.ok() ? 1 : 0;
      std::string shown = everything(parsed);
      if (parsed.ok()) shown += parsed->host + parsed->database + parsed->name + parsed->account;
      EXPECT_EQ(to_lower_ascii(shown).find("hunter2secret"), std::string::npos)
          << form.first << password << form.second << "\n"
          << shown;
    }
  }
  EXPECT_GT(understood, 10'000);
}

TEST(EndpointTest, LongTextsAreRefused) {
  const std::string host = "shop.abc123.us-east-1.redshift.amazonaws.com/dev";
  EXPECT_TRUE(parse_warehouse_endpoint(std::string(4096 - host.size(), ' ') + host).ok());
  const auto longer = parse_warehouse_endpoint(std::string(4097 - host.size(), ' ') + host);
  ASSERT_FALSE(longer.ok());
  EXPECT_NE(longer.error().message().find("4,096"), std::string::npos);
  EXPECT_TRUE(parse_warehouse_endpoint("h/" + std::string(127, 'd')).ok());
  EXPECT_FALSE(parse_warehouse_endpoint("h/" + std::string(128, 'd')).ok());
  EXPECT_FALSE(parse_warehouse_endpoint(std::string(64, 'h') + "/dev").ok());
}

TEST(EndpointTest, DescribedOnOneLine) {
  const auto described = [](std::string_view text) {
    return describe_warehouse_endpoint(parse_warehouse_endpoint(text).value());
  };
  EXPECT_EQ(described("shop.abc123.eu-west-1.redshift.amazonaws.com/dev"),
            "cluster shop in eu-west-1, host shop.abc123.eu-west-1.redshift.amazonaws.com, port "
            "5439, database dev");
  EXPECT_EQ(described("wg.123456789012.eu-west-1.redshift-serverless.amazonaws.com:5440"),
            "workgroup wg of account 123456789012 in eu-west-1, host "
            "wg.123456789012.eu-west-1.redshift-serverless.amazonaws.com, port 5440, database not "
            "known");
  EXPECT_EQ(described("arn:aws:redshift:us-west-2:123456789012:cluster:shop"),
            "cluster shop of account 123456789012 in us-west-2, host not known, port 5439, "
            "database not known");
  EXPECT_EQ(described("db.example.com"),
            "warehouse of unknown kind, host db.example.com, port 5439, database not known");
}

}  // namespace
}  // namespace vesto
