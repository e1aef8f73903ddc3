// Small files, whole: read, and written so that a crash leaves the old or the new text.
// Thread rule: any thread; one writer a path.
#ifndef VESTO_SANDBOX_S3_SMALL_FILE_H_
#define VESTO_SANDBOX_S3_SMALL_FILE_H_

#include <optional>
#include <string>
#include <string_view>

namespace vesto::sandbox {

// Nothing where it cannot be read or is larger than `max_bytes`.
std::optional<std::string> read_small_file(const std::string& path, size_t max_bytes);

// Mode 0600, to a temporary name beside it, then renamed. The sandbox survives its own death, not
// a power cut: nothing is synced to the disk.
bool write_small_file(const std::string& path, std::string_view text);

bool write_fully(int fd, std::string_view bytes);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_SMALL_FILE_H_
