#include "secret/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/clock.h"
#include "base/kill_point.h"
#include "base/private_dir.h"

namespace vesto::secret {

namespace {

// Writes and syncs a file of its own; 0 or errno.
int write_new(const std::string& path, std::string_view bytes) {
  // A leftover has the right mode already, but whoever could make one may have chosen another.
  ::unlink(path.c_str());
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.number() < 0) return errno;
  if (const int failed = write_fully(file.number(), bytes); failed != 0) return failed;
  return ::fsync(file.number()) == 0 ? 0 : errno;
}

// So that the rename itself lasts; 0 or errno.
int sync_dir(const std::string& dir) {
  const File file(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.number() < 0) return errno;
  // Some file systems cannot sync a directory (EINVAL); there is nothing more to do there.
  return ::fsync(file.number()) == 0 || errno == EINVAL ? 0 : errno;
}

}  // namespace

int write_fully(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    if (written == 0) return EIO;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

File::~File() {
  if (number_ >= 0) ::close(number_);
}

ssize_t read_fully(int file, void* out, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(file, static_cast<char*>(out) + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

Result<std::optional<std::string>> read_whole(const std::string& path, size_t max_bytes) {
  // O_NONBLOCK: a pipe in the place of the file may not hold us up.
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number() < 0 && (errno == ENOENT || errno == ENOTDIR)) {
    return std::optional<std::string>();
  }
  if (file.number() < 0) return system_error(fmt::format("{} cannot be opened", path), errno);
  struct stat about {};
  if (::fstat(file.number(), &about) != 0 || !S_ISREG(about.st_mode)) {
    return Error(ErrorCode::kSysStore, fmt::format("{} is no ordinary file", path));
  }
  if (static_cast<uint64_t>(about.st_size) > max_bytes) {
    return Error(ErrorCode::kSysStore,
                 fmt::format("{} is larger than any that Vesto writes", path));
  }
  std::string text(static_cast<size_t>(about.st_size), '\0');
  const ssize_t got = read_fully(file.number(), text.data(), text.size());
  if (got < 0) {
    return system_error(fmt::format("{} cannot be read", path), static_cast<int>(-got));
  }
  text.resize(static_cast<size_t>(got));
  return std::optional<std::string>(std::move(text));
}

Status replace_file(const std::string& dir, const std::string& name, std::string_view bytes) {
  const std::string path = dir + "/" + name;
  const std::string fresh = path + ".new";
  VESTO_KILL_POINT("secret.before_write");
  int failed = write_new(fresh, bytes);
  VESTO_KILL_POINT("secret.before_rename");
  if (failed == 0 && ::rename(fresh.c_str(), path.c_str()) != 0) failed = errno;
  VESTO_KILL_POINT("secret.after_rename");
  if (failed == 0) failed = sync_dir(dir);
  if (failed == 0) return ok_status();
  ::unlink(fresh.c_str());
  return system_error(fmt::format("{} cannot be written", path), failed);
}

void remove_leftover(const std::string& dir, const std::string& name) {
  ::unlink((dir + "/" + name + ".new").c_str());
}

Result<File> take_lock(const std::string& path, int wait_ms) {
  File file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.number() < 0) return system_error(fmt::format("{} cannot be opened", path), errno);
  constexpr int kStepMs = 20;
  for (int waited_ms = 0; ::flock(file.number(), LOCK_EX | LOCK_NB) != 0; waited_ms += kStepMs) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return system_error(fmt::format("{} cannot be locked", path), errno);
    if (waited_ms >= wait_ms) {
      return Error(ErrorCode::kSysStoreBusy, "another process is changing the secrets")
          .with_hint(fmt::format("Wait until it is done, or find it with: fuser '{}'", path));
    }
    system_clock().sleep_ms(kStepMs, {});
  }
  return file;
}

}  // namespace vesto::secret
