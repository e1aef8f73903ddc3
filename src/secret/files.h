// Small files that are replaced as a whole, and the lock that their writers hold.
// Thread rule: none of its own; the store takes the lock.
#ifndef VESTO_SECRET_FILES_H_
#define VESTO_SECRET_FILES_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vesto::secret {

// A file descriptor that closes itself.
class File {
 public:
  explicit File(int number) : number_(number) {}
  ~File();
  File(File&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

// The whole file; nothing if there is none. Errors: SYS-STORE (not readable, no ordinary file,
// larger than max_bytes).
Result<std::optional<std::string>> read_whole(const std::string& path, size_t max_bytes);

// Reads up to `size` bytes into `out`; the number read, or -errno.
ssize_t read_fully(int file, void* out, size_t size);

// Writes all of it; 0 or errno.
int write_fully(int file, std::string_view bytes);

// Replaces dir/name by these bytes, mode 0600: a crash leaves the old file or the new one, whole.
// On its return the new one is on the disk. Errors: SYS-DISK, SYS-STORE.
// The caller holds the lock: dir/name.new is the file on its way, also after a crash.
Status replace_file(const std::string& dir, const std::string& name, std::string_view bytes);
// Takes away what a crash left of replace_file.
void remove_leftover(const std::string& dir, const std::string& name);

// Keeps other writers out (flock on `path`) until it goes, also by a crash.
// Errors: SYS-STORE-BUSY where it is not free within `wait_ms` (0: at once), SYS-STORE, SYS-DISK.
constexpr int kLockTimeoutMs = 10'000;
Result<File> take_lock(const std::string& path, int wait_ms = kLockTimeoutMs);

}  // namespace vesto::secret

#endif  // VESTO_SECRET_FILES_H_
