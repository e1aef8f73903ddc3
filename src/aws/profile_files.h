// AWS's profile files: ~/.aws/config ("[profile name]", "[default]") and ~/.aws/credentials
// ("[name]"), or where AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE say.
// Source: AWS SDKs and tools reference guide, "Shared config and credentials files"; the syntax is
// that of botocore, the strictest reader in wide use.
#ifndef VESTO_AWS_PROFILE_FILES_H_
#define VESTO_AWS_PROFILE_FILES_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/credentials.h"
#include "base/result.h"

namespace vesto {

using ProfileKeys = std::map<std::string, std::string>;  // names in lower case
using ProfileSections = std::map<std::string, ProfileKeys>;

struct ProfileFiles {
  std::string config_path = {};  // "" where neither HOME nor the variable is set
  std::string credentials_path = {};
  ProfileSections config = {};  // by the profile's name
  ProfileSections credentials = {};

  // The profile's keys of both files, the credentials file's winning; nothing if neither has it.
  [[nodiscard]] std::optional<ProfileKeys> find(const std::string& profile) const;
  [[nodiscard]] std::vector<std::string> names() const;
  // "/home/x/.aws/config and /home/x/.aws/credentials", for texts.
  [[nodiscard]] std::string where() const;
};

// Files that do not exist count as empty. Errors: AWS-PROFILE with file and line, never with what
// stands there. Any thread.
Result<ProfileFiles> read_profile_files(const Environment& environment);

// The sections of an INI text, by what stands in the brackets. Lines with # or ; in front are
// comments, lines that are indented deeper than the key before belong to it and are dropped.
// `path` is for errors (AWS-PROFILE). Pure.
Result<ProfileSections> parse_ini(std::string_view text, const std::string& path);

}  // namespace vesto

#endif  // VESTO_AWS_PROFILE_FILES_H_
