#include "base/private_dir.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace vesto {

Error system_error(const std::string& what, int code) {
  const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  return Error(full ? ErrorCode::kSysDisk : ErrorCode::kSysStore, what)
      .with_upstream({.system = "os",
                      .code = std::to_string(code),
                      .text = std::system_category().message(code),
                      .request_id = ""});
}

Status make_private_dir(const std::string& dir) {
  std::error_code failed;
  const std::filesystem::path parent = std::filesystem::absolute(dir, failed).parent_path();
  if (!failed) std::filesystem::create_directories(parent, failed);
  if (failed) {
    return system_error(fmt::format("directory {} cannot be made", parent.string()),
                        failed.value());
  }
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) {
    return system_error(fmt::format("directory {} cannot be made", dir), errno);
  }
  return ok_status();
}

}  // namespace vesto
