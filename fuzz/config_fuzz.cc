// Any text as a configuration file: issues, never a crash. What passes must also show and load
// again the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const vesto::LoadedConfig loaded = vesto::load_config_text(text, "fuzz.toml");
  if (!loaded.issues.empty()) return 0;
  const std::string shown = vesto::config_as_toml(loaded, false);
  const vesto::LoadedConfig again = vesto::load_config_text(shown, "shown.toml");
  if (!again.issues.empty() || vesto::config_as_toml(again, false) != shown) std::abort();
  return 0;
}
