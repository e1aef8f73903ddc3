#include "aws/small_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"

namespace vesto {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace

Result<SmallFile> read_small_file(const std::string& path, size_t max_bytes, ErrorCode code) {
  const auto failed = [&](const std::string& why) {
    return Error(code, fmt::format("the file {} {}", printable(cut_utf8(path, 500), false), why));
  };
  // Not blocking, or the open of a pipe without a writer would wait for ever.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return SmallFile{};
    return failed(std::string("cannot be opened: ") + std::strerror(errno));
  }
  struct stat info = {};
  const bool known = fstat(file.get(), &info) == 0;
  // A character device for /dev/null, by which people say "no file".
  if (!known || !(S_ISREG(info.st_mode) || S_ISCHR(info.st_mode)))
    return failed("is no plain file");

  SmallFile read_file{.there = true};
  read_file.text.resize(max_bytes + 1);
  size_t size = 0;
  while (size < read_file.text.size()) {
    const ssize_t got =
        read(file.get(), read_file.text.data() + size, read_file.text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(std::string("cannot be read: ") + std::strerror(errno));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > max_bytes) {
    return failed("has more than " + format_count(static_cast<int64_t>(max_bytes)) + " bytes");
  }
  read_file.text.resize(size);
  return read_file;
}

}  // namespace vesto
