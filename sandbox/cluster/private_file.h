// Small files of the data directory: read whole, replaced atomically, mode 0600.
#ifndef VESTO_SANDBOX_CLUSTER_PRIVATE_FILE_H_
#define VESTO_SANDBOX_CLUSTER_PRIVATE_FILE_H_

#include <string>
#include <string_view>

namespace vesto::sandbox {

// Empty where there is none; at most 1 MiB of it.
std::string read_small_text(const std::string& file);
// By temporary file and rename. False: errno says why.
bool write_private_text(const std::string& file, std::string_view text);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_CLUSTER_PRIVATE_FILE_H_
