#include "sandbox/cluster/private_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace vesto::sandbox {

namespace {
constexpr size_t kMaxBytes = 1024 * 1024;
}  // namespace

std::string read_small_text(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(kMaxBytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount() > 0 ? in.gcount() : 0));
  return text;
}

bool write_private_text(const std::string& file, std::string_view text) {
  const std::string temp = file + ".tmp";
  const int fd = ::open(temp.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t size = ::write(fd, text.data() + written, text.size() - written);
    if (size <= 0) break;
    written += static_cast<size_t>(size);
  }
  const bool closed = ::close(fd) == 0;
  return written == text.size() && closed && std::rename(temp.c_str(), file.c_str()) == 0;
}

}  // namespace vesto::sandbox
