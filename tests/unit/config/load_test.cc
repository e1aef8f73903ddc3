// Files and their merging, values and defaults.
#include "base/strings.h"
#include "config/config.h"
#include "tests/unit/config/scratch.h"

namespace vesto {
namespace {

class LoadTest : public ScratchTest {
 protected:
  static std::string issues(const LoadedConfig& loaded) {
    std::string out;
    for (const ConfigIssue& issue : loaded.issues) {
      out += std::string(catalog_entry(issue.code).name) + " " +
             std::filesystem::path(issue.origin.text()).filename().string() + " " + issue.message +
             "\n";
    }
    return out;
  }
  static std::string whole() {
    return "version = 1\n" + std::string(kSource) + std::string(kDestination) + std::string(kSync);
  }
};

TEST_F(LoadTest, DefaultsAreThoseOfTheTable) {
  const LoadedConfig loaded = load_config({write("vesto.toml", whole())});
  ASSERT_EQ(issues(loaded), "");
  const Config& config = loaded.config;
  EXPECT_EQ(config.limits.memory_mib, 1024);
  EXPECT_EQ(config.limits.readers, 4);
  EXPECT_EQ(config.limits.max_row_mib, 4);
  EXPECT_EQ(config.log.level, "warn");
  EXPECT_EQ(config.log.format, "text");
  const SourceConfig* source = config.find_source("pg");
  ASSERT_NE(source, nullptr);
  EXPECT_EQ(source->port, 5432);
  EXPECT_EQ(source->sslmode, "prefer");
  EXPECT_FALSE(source->password.given());
  EXPECT_EQ(source->user.name, "reader");
  const DestinationConfig* destination = config.find_destination("rs");
  ASSERT_NE(destination, nullptr);
  EXPECT_EQ(destination->host, "h");
  EXPECT_EQ(destination->port, 5439);
  EXPECT_EQ(destination->database, "dev");
  EXPECT_FALSE(destination->create_schema);
  EXPECT_EQ(destination->prefix, "vesto/");
  EXPECT_FALSE(destination->path_style);
  EXPECT_FALSE(destination->zstd);
  EXPECT_FALSE(destination->auth.session_token.given());
  const SyncConfig* sync = config.find_sync("shop");
  ASSERT_NE(sync, nullptr);
  ASSERT_EQ(sync->tables.size(), 1u);
  EXPECT_EQ(sync->tables[0].target, "orders");
  EXPECT_EQ(sync->tables[0].mode, "upsert");
  EXPECT_FALSE(sync->tables[0].lookback_ms.has_value());
  EXPECT_EQ(config.find_sync("Shop"), nullptr);
}

TEST_F(LoadTest, EverySettingArrives) {
  const std::string path = write("deep/vesto.toml", R"(
version = 1
limits = { memory_mib = 640, readers = 2, max_row_mib = 64 }
log = { level = "debug", format = "json" }
[source.pg]
kind = "postgres"
host = " /var/run/postgresql "
port = 5433
database = "shop db"
user = { env = "PGUSER" }
password = { file = "sub/pw" }
sslmode = "verify-full"
tls_ca_file = "/etc/ca.pem"
[destination.rs]
kind = "redshift"
endpoint = "h : 5440 / dev"
schema = "Raw"
create_schema = true
tls_ca_file = "ca.pem"
[destination.rs.auth]
method = "password"
user = "u"
password = { env = "P" }
access_key_id = { env = "K" }
secret_access_key = { file = "../sk" }
session_token = { env = "T" }
[destination.rs.staging]
bucket = "staging"
prefix = "a/b"
region = "eu-west-1"
endpoint = "https://localhost:9000/"
tls_ca_file = "s3.pem"
compression = "zstd"
[sync.shop]
source = "pg"
destination = "rs"
[[sync.shop.table]]
name = "public.Orders"
mode = "upsert"
key = ["a", "b"]
cursor = "updated_at"
lookback = "90s"
exclude = ["note"]
target = "Orders_2"
[[sync.shop.table]]
name = 'public."x.Y"'
cursor = "id"
lookback = 1000
[[sync.shop.table]]
name = "public.z"
mode = "replace"
)");
  const LoadedConfig loaded = load_config({path});
  ASSERT_EQ(issues(loaded), "");
  const Config& config = loaded.config;
  EXPECT_EQ(config.limits.memory_mib, 640);
  EXPECT_EQ(config.limits.readers, 2);
  EXPECT_EQ(config.limits.max_row_mib, 64);
  EXPECT_EQ(config.log.level, "debug");
  EXPECT_EQ(config.log.format, "json");
  const SourceConfig& source = config.sources.at(0);
  EXPECT_EQ(source.host, "/var/run/postgresql");
  EXPECT_EQ(source.port, 5433);
  EXPECT_EQ(source.database, "shop db");
  EXPECT_EQ(source.user.kind, ValueRef::Kind::kEnv);
  EXPECT_EQ(source.password.name, dir_ + "/deep/sub/pw");
  EXPECT_EQ(source.tls_ca_file, "/etc/ca.pem");
  const DestinationConfig& destination = config.destinations.at(0);
  EXPECT_EQ(destination.port, 5440);
  EXPECT_EQ(destination.schema, "raw");  // as Redshift folds it
  EXPECT_TRUE(destination.create_schema);
  EXPECT_EQ(destination.tls_ca_file, dir_ + "/deep/ca.pem");
  EXPECT_EQ(destination.auth.secret_access_key.name, dir_ + "/sk");
  EXPECT_EQ(destination.auth.session_token.kind, ValueRef::Kind::kEnv);
  EXPECT_EQ(destination.prefix, "a/b/");
  EXPECT_EQ(destination.region, "eu-west-1");
  EXPECT_EQ(destination.s3_endpoint, "https://localhost:9000");
  EXPECT_EQ(destination.s3_tls_ca_file, dir_ + "/deep/s3.pem");
  EXPECT_TRUE(destination.path_style);
  EXPECT_TRUE(destination.zstd);
  const std::vector<TableConfig>& tables = config.syncs.at(0).tables;
  ASSERT_EQ(tables.size(), 3u);
  EXPECT_EQ(tables[0].target, "orders_2");
  EXPECT_EQ(tables[0].key, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(tables[0].cursor, "updated_at");
  EXPECT_EQ(tables[0].lookback_ms, 90'000);
  EXPECT_FALSE(tables[0].lookback_units.has_value());
  EXPECT_EQ(tables[0].exclude, std::vector<std::string>{"note"});
  EXPECT_EQ(tables[1].target, "x.y");
  EXPECT_EQ(tables[1].lookback_units, 1000);
  EXPECT_EQ(tables[2].mode, "replace");
}

TEST_F(LoadTest, FilesOfConfDAreMergedByName) {
  const std::string main = write("vesto.toml", "version = 1\n[limits]\nreaders = 3\n");
  write("conf.d/b.toml", std::string(kSync) + "[limits]\nmemory_mib = 128\n");
  write("conf.d/a.toml", "version = 1\n" + std::string(kSource) + std::string(kDestination));
  write("conf.d/ignored.txt", "not TOML at all");
  const LoadedConfig loaded = load_config({main});
  ASSERT_EQ(issues(loaded), "");
  ASSERT_EQ(loaded.files.size(), 3u);
  EXPECT_TRUE(loaded.files[1].ends_with("conf.d/a.toml"));
  EXPECT_EQ(loaded.config.limits.readers, 3);
  EXPECT_EQ(loaded.config.limits.memory_mib, 128);
  // Paths belong to the file that they stand in.
  EXPECT_EQ(loaded.config.destinations.at(0).auth.password.name, dir_ + "/conf.d/pw");
  EXPECT_TRUE(loaded.config.syncs.at(0).origin.file.ends_with("b.toml"));
}

TEST_F(LoadTest, SeveralFilesByName) {
  const LoadedConfig loaded = load_config({write("a.toml", "version = 1\n" + std::string(kSource)),
                                           write("b.toml", kDestination), write("c.toml", kSync)});
  EXPECT_EQ(issues(loaded), "");
}

TEST_F(LoadTest, OneObjectStandsInOneFile) {
  const std::string main = write("vesto.toml", whole() + "[log]\nlevel = \"info\"\n");
  write("conf.d/x.toml", std::string(kSource) + "[log]\nlevel = \"warn\"\n");
  EXPECT_EQ(issues(load_config({main})),
            "CFG-DUPLICATE x.toml:2:9 source.pg is defined already at " + main + ":3:9\n" +
                "CFG-DUPLICATE x.toml:8:1 log.level is defined already at " + main + ":27:1\n");
}

TEST_F(LoadTest, ASyncNameIsNotTakenTwiceByItsCase) {
  const std::string main = write("vesto.toml", whole());
  write("conf.d/x.toml", R"(
[sync.SHOP]
source = "pg"
destination = "rs"
[[sync.SHOP.table]]
name = "public.other"
)");
  const LoadedConfig loaded = load_config({main});
  ASSERT_EQ(loaded.issues.size(), 1u);
  EXPECT_EQ(loaded.issues[0].code, ErrorCode::kCfgDuplicate);
}

TEST_F(LoadTest, TwoNamesOfOneWarehouseAreOnePlace) {
  std::string second = std::string(kDestination);
  for (size_t at = 0; (at = second.find("destination.rs", at)) != std::string::npos;) {
    second.replace(at, 14, "destination.r2");
  }
  second.replace(second.find("\"h:5439/dev\""), 12, "\"H/dev\"");
  const std::string main = write("vesto.toml", whole() + second + R"(
[sync.other]
source = "pg"
destination = "r2"
[[sync.other.table]]
name = "archive.x"
target = "ORDERS"
)");
  const LoadedConfig loaded = load_config({main});
  ASSERT_EQ(loaded.issues.size(), 1u) << issues(loaded);
  EXPECT_EQ(loaded.issues[0].code, ErrorCode::kCfgDuplicate);
  EXPECT_NE(loaded.issues[0].message.find("shop.orders"), std::string::npos);
}

TEST_F(LoadTest, OneTableUnderTwoSpellingsIsOneStream) {
  const std::string main = write("vesto.toml", whole());
  write("conf.d/x.toml", R"(
[sync.twice]
source = "pg"
destination = "rs"
[[sync.twice.table]]
name = "public.Other"
[[sync.twice.table]]
name = 'public."Other"'
target = "elsewhere"
)");
  const LoadedConfig loaded = load_config({main});
  ASSERT_EQ(loaded.issues.size(), 1u) << issues(loaded);
  EXPECT_EQ(loaded.issues[0].code, ErrorCode::kCfgDuplicate);
  EXPECT_NE(loaded.issues[0].message.find("stands there twice"), std::string::npos);
}

TEST_F(LoadTest, AFileThatIsNotThere) {
  const LoadedConfig loaded = load_config({dir_ + "/none.toml"});
  ASSERT_EQ(loaded.issues.size(), 1u);
  EXPECT_EQ(loaded.issues[0].code, ErrorCode::kCfgNoFile);
  EXPECT_EQ(load_config({dir_}).issues.size(), 1u);  // a directory
}

TEST_F(LoadTest, AFileThatIsTooLarge) {
  const std::string path = write("vesto.toml", std::string(kMaxConfigBytes + 1, '#'));
  const LoadedConfig loaded = load_config({path});
  ASSERT_EQ(loaded.issues.size(), 1u);
  EXPECT_EQ(loaded.issues[0].code, ErrorCode::kCfgSyntax);
}

TEST_F(LoadTest, ABrokenFileHidesNothingAndInventsNothing) {
  const std::string main = write("vesto.toml", std::string("version = 1\n") + std::string(kSync));
  write("conf.d/a.toml", "[source.pg\n");
  const LoadedConfig loaded = load_config({main});
  // Not: "source pg is not defined".
  ASSERT_EQ(loaded.issues.size(), 1u) << issues(loaded);
  EXPECT_EQ(loaded.issues[0].code, ErrorCode::kCfgSyntax);
  EXPECT_EQ(loaded.issues[0].origin.line, 1);
}

TEST_F(LoadTest, DeepNestingIsAnErrorAndNoCrash) {
  std::string text = "a = ";
  for (int i = 0; i < 100'000; ++i) text += "[";
  const LoadedConfig loaded = load_config_text(text, "deep.toml");
  ASSERT_EQ(loaded.issues.size(), 1u);
  EXPECT_EQ(loaded.issues[0].code, ErrorCode::kCfgSyntax);
}

TEST_F(LoadTest, DeepDottedKeysAreAnErrorAndNoCrash) {
  std::string text = "a";
  for (int i = 0; i < 50'000; ++i) text += ".a";
  const LoadedConfig loaded = load_config_text(text + " = 1", "deep.toml");
  ASSERT_FALSE(loaded.issues.empty());
}

TEST_F(LoadTest, DepthIsCountedOutsideOfTextsOnly) {
  const std::string dots(200, '.');
  const std::string brackets(200, '[');
  for (const std::string& value :
       {"\"" + dots + brackets + "\\\" " + dots + "\"", "'" + dots + brackets + "\\'",
        "\"\"\"\n" + dots + "\"\"\n" + dots + "\"\"\"\"\"",
        "'''" + dots + "\n''" + brackets + "'''''", "1.5 # " + dots + brackets}) {
    const LoadedConfig loaded = load_config_text("version = 1\nx = " + value + "\n", "a.toml");
    ASSERT_EQ(loaded.issues.size(), 1u) << value;
    EXPECT_EQ(loaded.issues[0].code, ErrorCode::kCfgUnknownKey) << value;
  }
  for (const std::string& line :
       {"a" + replace_all(std::string(16, '.'), ".", ".a") + " = 1",
        "a = " + std::string(17, '[') + std::string(17, ']'), "a = \"\"\n" + std::string(17, '['),
        "'.'" + replace_all(std::string(16, '.'), ".", ".\"=\"") + " = 1"}) {
    const LoadedConfig loaded = load_config_text(line, "a.toml");
    ASSERT_EQ(loaded.issues.size(), 1u) << line;
    EXPECT_NE(loaded.issues[0].message.find("levels"), std::string::npos) << line;
  }
}

TEST_F(LoadTest, StarterFileIsGood) {
  EXPECT_EQ(issues(load_config_text(starter_config(), "vesto.toml")), "");
}

}  // namespace
}  // namespace vesto
