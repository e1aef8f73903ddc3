// Every part of the kit with every variant of a destination: nothing but the artefact, readable by
// what it is for, every name filled in, every ARN of the destination's own partition.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "base/strings.h"
#include "tests/unit/kit/samples.h"

namespace vesto {
namespace {

struct Partition {
  const char* name;
  const char* region;
  const char* suffix;
};
constexpr std::array<Partition, 3> kPartitions = {
    {{"aws", "eu-west-1", "amazonaws.com"},
     {"aws-cn", "cn-north-1", "amazonaws.com.cn"},
     {"aws-us-gov", "us-gov-west-1", "amazonaws.com"}}};

// How it logs in and who asks AWS. "P" stands for the partition.
struct Login {
  const char* name;
  const char* toml;
  const char* asker;  // whose ARN AWS tells
};
constexpr const char* kRoleLine = "role_arn = \"arn:P:iam::123456789012:role/team/acme-sync\"\n";
constexpr const char* kKeyLines =
    "access_key_id = \"AKIAEXAMPLE\"\nsecret_access_key = { env = \"S\" }\n";
constexpr const char* kPasswordLines = "user = \"vesto_load\"\npassword = { env = \"P\" }\n";
const std::array<Login, 9>& logins() {
  static const std::string kGoogle = std::string(kRoleLine) + "audience = \"vesto-acme-7f3a\"\n";
  static const std::string kGooglePassword = kGoogle + "identity = \"google\"\n" + kPasswordLines;
  static const std::string kKeyPassword = std::string(kKeyLines) + kPasswordLines;
  static const std::string kKeyRole =
      std::string(kKeyLines) + kRoleLine + "external_id = \"x-1\"\n";
  static const std::string kAssume =
      std::string("identity = \"aws\"\nexternal_id = \"acme-42\"\n") + kRoleLine;
  static const std::array<Login, 9> kLogins = {{
      {"google", kGoogle.c_str(), ""},
      {"google, password", kGooglePassword.c_str(), ""},
      {"key", kKeyLines, "arn:P:iam::123456789012:user/team/loader"},
      {"key, password", kKeyPassword.c_str(), "arn:P:iam::123456789012:user/loader"},
      {"key, role", kKeyRole.c_str(), "arn:P:iam::123456789012:user/loader"},
      {"key of another account, role", kKeyRole.c_str(), "arn:P:iam::999999999999:user/loader"},
      {"assume role", kAssume.c_str(), "arn:P:iam::999999999999:role/vesto"},
      {"own role on EKS", "identity = \"aws\"\n", "arn:P:iam::123456789012:role/pods"},
      {"own user", "identity = \"aws\"\n", "arn:P:iam::123456789012:user/team/loader"},
  }};
  return kLogins;
}

constexpr std::array<const char*, 3> kCopies = {
    "", "copy_role_arn = \"arn:P:iam::123456789012:role/acme-copy\"\n",
    "copy_role_arn = \"default\"\ncopy = \"attached_role\"\n"};

struct Variant {
  std::string name;
  std::string partition;
  std::string toml;
  KitFacts facts;
  std::set<std::string> open;  // placeholders that nobody but the admin can fill in
};

std::string endpoint_of(bool serverless, const Partition& partition) {
  return fmt::format("{}.{}.redshift{}.{}:5439/dev",
                     serverless ? "analytics.123456789012" : "examplecluster.abc123",
                     partition.region, serverless ? "-serverless" : "", partition.suffix);
}

KitFacts facts_of(const Login& login, const Partition& partition, bool serverless) {
  KitFacts facts = full_facts();
  facts.account = "123456789012";
  facts.principal_arn = replace_all(login.asker, ":P:", fmt::format(":{}:", partition.name));
  facts.workgroup_arn =
      serverless ? fmt::format("arn:{}:redshift-serverless:{}:123456789012:workgroup/0b5a2c1e-6f0d",
                               partition.name, partition.region)
                 : "";
  facts.pod_issuer = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE";
  facts.pod_subject = "system:serviceaccount:data:vesto";
  return facts;
}

// The bits of `choice`: Serverless, a KMS key, a schema made beforehand, a tunnel, a named user.
Variant variant(const Partition& partition, const Login& login, const char* copy, unsigned choice) {
  const bool serverless = (choice & 1U) != 0;
  const bool kms = (choice & 2U) != 0;
  const bool premade = (choice & 4U) != 0;
  const bool ssh = (choice & 8U) != 0;
  const bool password = std::string_view(login.toml).find("password") != std::string_view::npos;
  const bool named = (choice & 16U) != 0 && !serverless && !password;
  std::string toml = fmt::format(
      "[destination.acme]\nkind = \"{}\"\nendpoint = \"{}\"\nschema = \"shop\"\n"
      "create_schema = {}\n[destination.acme.auth]\n{}{}{}",
      serverless ? "redshift-serverless" : "redshift", endpoint_of(serverless, partition), !premade,
      login.toml, copy, named ? "db_user = \"vesto_load\"\n" : "");
  toml +=
      fmt::format("[destination.acme.staging]\nbucket = \"acme-staging\"\nregion = \"{}\"\n{}",
                  partition.region,
                  kms ? fmt::format("kms_key_arn = \"arn:P:kms:{}:123456789012:key/0b5a2c1e\"\n",
                                    partition.region)
                      : "");
  if (ssh) toml += "[destination.acme.ssh]\nhost = \"bastion.example.com\"\nuser = \"vesto\"\n";
  Variant out{.name = fmt::format("{} {} {} {}", partition.name, login.name, copy, choice),
              .partition = partition.name,
              .toml = replace_all(toml, "arn:P:", fmt::format("arn:{}:", partition.name)),
              .facts = facts_of(login, partition, serverless),
              .open = {}};
  if (password) out.open.insert("PASSWORD");
  if (ssh) out.open.insert("BASTION_SECURITY_GROUP");
  return out;
}

std::vector<Variant> variants() {
  std::vector<Variant> out;
  for (const Partition& partition : kPartitions) {
    for (const Login& login : logins()) {
      for (const char* copy : kCopies) {
        // What COPY reads with and who logs in have nothing in common.
        const unsigned choices = *copy == '\0' ? 32 : 16;
        for (unsigned choice = 0; choice < choices; ++choice) {
          out.push_back(variant(partition, login, copy, choice));
        }
      }
    }
  }
  return out;
}

// Scripts that sh cannot read, without running any: one shell looks through all of them.
std::string unreadable(const std::map<std::string, std::string>& scripts) {
  const auto dir =
      std::filesystem::temp_directory_path() / ("vesto_kit_variants_" + std::to_string(::getpid()));
  std::filesystem::create_directories(dir);
  size_t number = 0;
  std::map<std::string, std::string> names;
  for (const auto& [text, name] : scripts) {
    const std::string file = std::to_string(++number) + ".sh";
    std::ofstream(dir / file) << text;
    names[file] = name;
  }
  std::string out;
  std::FILE* pipe = ::popen(
      ("cd " + dir.string() + " && for f in *.sh; do sh -n $f 2>&1 || echo $f; done").c_str(), "r");
  if (pipe == nullptr) return "no shell";
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
  if (::pclose(pipe) != 0) out += "the shell failed";
  std::filesystem::remove_all(dir);
  for (const auto& [file, name] : names) {
    if (out.find(file) != std::string::npos) out += " " + name;
  }
  return out;
}

// ARNs of other partitions; Google's provider has none.
std::string foreign_arns(const std::string& text, const std::string& partition) {
  static const std::regex kArn(R"(arn:([a-z-]+):[a-z0-9-]+:)");
  for (std::sregex_iterator it(text.begin(), text.end(), kArn), end; it != end; ++it) {
    if ((*it)[1] != partition) return it->str();
  }
  return "";
}

// The line of the first match; "" where there is none.
std::string found(const std::string& text, const std::regex& pattern) {
  for (const std::string& line : split(text, '\n')) {
    if (std::regex_search(line, pattern)) return line;
  }
  return "";
}

bool is_plain(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\n' || (c >= ' ' && c < 0x7f); });
}

// What is wrong with it; "" where nothing is.
std::string fault(const KitPart& part, const Variant& variant) {
  static const std::regex kUnfilled(R"(<[A-Za-z][A-Za-z _-]*>|--[a-z-]+ ''|\{\})");
  std::string bare = part.text;
  for (const std::string& name : part.missing) {
    if (variant.open.count(name) == 0) return "is open: " + name;
    bare = replace_all(bare, "<<" + name + ">>", "x");
    bare = replace_all(bare, "<''<" + name + ">>", "x");  // as the guard says it
  }
  if (const std::string line = found(bare, kUnfilled); !line.empty())
    return "not filled in: " + line;
  if (const std::string arn = foreign_arns(part.text, variant.partition); !arn.empty()) return arn;
  if (!part.text.ends_with('\n') || part.text.ends_with("\n\n")) return "its end";
  if (!is_plain(part.text)) return "a byte that is not ASCII";
  if (part.kind == "json") {
    const auto json = nlohmann::json::parse(part.text, nullptr, false);
    const bool policy = json.is_object() && json.value("Version", "") == "2012-10-17" &&
                        json.contains("Statement") && !json["Statement"].empty();
    return policy ? "" : "no policy: " + part.text;
  }
  if (part.kind == "shell") {
    return part.text.starts_with("#!/bin/sh\nset -eu\n# ") ? "" : "its head";
  }
  if (part.kind != "sql") return "";
  return part.text.starts_with("-- ") && part.text.ends_with(";\n") ? "" : "no SQL: " + part.text;
}

TEST(KitVariants, EveryPartWithEveryVariant) {
  std::map<std::string, std::string> scripts;
  std::map<std::string, size_t> seen;
  std::set<std::string> texts;
  std::map<std::string, std::string> faults;  // and one variant that has it
  for (const Variant& one : variants()) {
    const DestinationConfig to = destination_from(one.toml);
    ASSERT_FALSE(::testing::Test::HasFailure()) << one.toml;
    for (const KitPart& part : make_kit(to, one.facts).parts) {
      ++seen[part.id];
      if (!texts.insert(part.text).second) continue;
      if (const std::string wrong = fault(part, one); !wrong.empty()) {
        faults.emplace(part.id + ": " + wrong, one.name);
      }
      if (part.kind == "shell") scripts.emplace(part.text, one.name + ": " + part.id);
    }
  }
  for (const auto& [wrong, name] : faults) ADD_FAILURE() << wrong << "\n  " << name;
  EXPECT_EQ(seen.size(), kit_part_names().size());
  EXPECT_GT(scripts.size(), 500U);  // of different texts
  EXPECT_EQ(unreadable(scripts), "");
}

TEST(KitVariants, AScriptThatCannotBeReadIsFound) {
  EXPECT_NE(unreadable({{"case x in\n", "open"}, {"true\n", "well"}}).find(" open"),
            std::string::npos);
  EXPECT_EQ(unreadable({{"true\n", "well"}}), "");
  EXPECT_EQ(foreign_arns("arn:aws-cn:s3:::x", "aws"), "arn:aws-cn:s3:");
}

}  // namespace
}  // namespace vesto
