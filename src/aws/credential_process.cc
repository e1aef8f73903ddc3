#include "aws/credential_process.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <cstring>

#include "aws/json_answer.h"
#include "aws/keys_json.h"
#include "aws/shell_words.h"
#include "base/strings.h"

namespace vesto {

namespace {

std::string how_it_ended(const ChildResult& ended, const ChildLimits& limits) {
  switch (ended.end) {
    case ChildEnd::kNotStarted:
      return std::string("cannot be started: ") + std::strerror(ended.number);
    case ChildEnd::kSignalled:
      return fmt::format("was ended by signal {}", ended.number);
    case ChildEnd::kTooSlow:
      return fmt::format("did not end within {} and was killed", format_duration(limits.time_ms));
    case ChildEnd::kTooMuch:
      return fmt::format("printed more than {} and was killed", format_bytes(limits.stdout_bytes));
    default:
      return fmt::format("ended with status {}", ended.number);
  }
}

}  // namespace

Result<AwsCredentials> run_credential_process(const std::string& command,
                                              const std::string& profile, int64_t now_ms,
                                              const ChildLimits& limits,
                                              const std::stop_token& stop) {
  const std::string who = "credential_process of the profile " + outside_text(profile, 100);
  const auto words = split_shell_words(command);
  if (!words || words->empty()) {
    return Error(ErrorCode::kAwsProfile, who + (words ? " is empty" : " has an unclosed quote"));
  }
  ChildResult ended = run_child(*words, limits, stop);
  if (ended.end == ChildEnd::kStopped) {
    return Error(ErrorCode::kRunInterrupted, who + " was stopped");
  }
  const std::string program = outside_text(words->front(), 200);
  const auto failed = [&](const std::string& what) {
    // What it wrote to stderr may be keys that nobody has registered as secrets.
    const std::string more = ended.err.empty() ? "" : "; what it wrote to stderr is not shown";
    return Error(ErrorCode::kAwsProfile, fmt::format("{} ({}) {}{}", who, program, what, more))
        .with_hint("Run the program by hand, as the same user: it must print version 1 JSON.");
  };
  if (ended.end != ChildEnd::kExited || ended.number != 0) {
    OPENSSL_cleanse(ended.out.data(), ended.out.size());
    return failed(how_it_ended(ended, limits));
  }
  auto keys = parse_json_object(ended.out);
  OPENSSL_cleanse(ended.out.data(), ended.out.size());
  if (!keys) return failed("printed no JSON object");
  if (json_int(*keys, "Version") != 1) return failed("printed JSON of another version than 1");
  return keys_from_json(*keys, "SessionToken", who, ErrorCode::kAwsProfile, now_ms);
}

}  // namespace vesto
