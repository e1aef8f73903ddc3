// The kit's texts as tests look at them: found by part, read, and run with an AWS that only tells
// its calls.
#ifndef VESTO_TESTS_UNIT_KIT_TOLD_H_
#define VESTO_TESTS_UNIT_KIT_TOLD_H_

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/strings.h"
#include "kit/kit.h"
#include "tests/unit/kit/samples.h"

namespace vesto {

using Json = nlohmann::json;

inline std::vector<std::string> ids(const Kit& kit) {
  std::vector<std::string> out;
  for (const KitPart& part : kit.parts) out.push_back(part.id);
  return out;
}

inline std::string text(const Kit& kit, std::string_view id) {
  const KitPart* part = kit.find(id);
  return part == nullptr ? "no part " + std::string(id) : part->text;
}

// Whether sh can read it, without running it.
inline bool sh_reads(const std::string& script) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("vesto_kit_test_" + std::to_string(::getpid()) + ".sh");
  std::ofstream(path) << script;
  const std::string command = "sh -n " + path.string();
  const int code = std::system(command.c_str());  // NOLINT: a shell is what is tested
  std::filesystem::remove(path);
  return code == 0;
}

struct Told {
  bool well = false;
  std::string calls;  // "aws iam get-role", a line each
  std::string said;   // stdout and stderr
};

// Runs a script whose calls of AWS are only told. `answers`: arms of a case in sh for what AWS says
// to some of them, by all of their words.
inline Told run(const std::string& script, const std::string& answers = "") {
  const auto path = std::filesystem::temp_directory_path() /
                    ("vesto_kit_run_" + std::to_string(::getpid()) + ".sh");
  const auto calls = path.string() + ".calls";
  std::ofstream(path) << replace_all(
      script, "set -eu\n",
      "set -eu\naws() {\n  echo \"aws $1 $2\" >>" + calls + "\n  case \"$*\" in\n" + answers +
          "*iamRoles*) ;;\n"
          // How many of the services COPY's role does not trust.
          "*'][?!@]) '*) echo 0 ;;\n"
          "*get-caller-identity*) echo 123456789012 ;;\n*) echo value ;;\n  esac\n}\n");
  Told told;
  std::FILE* pipe = ::popen(("sh " + path.string() + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return told;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) told.said += static_cast<char>(c);
  told.well = ::pclose(pipe) == 0;
  std::stringstream read;
  read << std::ifstream(calls).rdbuf();
  told.calls = read.str();
  std::filesystem::remove(path);
  std::filesystem::remove(calls);
  return told;
}

inline bool called(const Told& told, const std::string& call) {
  return told.calls.find("aws " + call + "\n") != std::string::npos;
}

inline void expect_readable(const Kit& kit) {
  for (const KitPart& part : kit.parts) {
    if (part.kind == "json") {
      EXPECT_FALSE(Json::parse(part.text, nullptr, false).is_discarded()) << part.text;
    }
    if (part.kind != "shell") continue;
    EXPECT_TRUE(sh_reads(part.text)) << part.text;
    EXPECT_TRUE(part.text.starts_with("#!/bin/sh\nset -eu\n")) << part.id;
  }
}

inline constexpr const char* kNothingThere =
    "*head-bucket*) echo 'An error occurred (404) when calling'; return 254 ;;\n"
    "*' Role.Arn '*) echo arn:aws:iam::123456789012:role/x ;;\n"
    "*get-role* | *get-user*) echo 'An error occurred (NoSuchEntity) when calling' >&2; return 254 "
    ";;\n"
    "*list-access-keys* | *efaultIamRoleArn*) echo None ;;\n";

inline const char* const kSamples[] = {kProvisioned, kServerless, kAccessKey, kAttachedRole};

}  // namespace vesto

#endif  // VESTO_TESTS_UNIT_KIT_TOLD_H_
