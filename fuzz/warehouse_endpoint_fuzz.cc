// Any text as an endpoint: an answer of bounded size without control characters, never a crash.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "address/warehouse_endpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed = vesto::parse_warehouse_endpoint({reinterpret_cast<const char*>(data), size});
  std::string shown;
  if (parsed.ok()) {
    shown = vesto::describe_warehouse_endpoint(*parsed);
    for (const std::string& note : parsed->notes) shown += note;
    if (parsed->port < 1 || parsed->port > 65535 || parsed->host.size() > 253) std::abort();
    if (parsed->missing.size() != parsed->questions.size()) std::abort();
  } else {
    shown = parsed.error().to_string() + parsed.error().hint();
  }
  if (shown.size() > 8192) std::abort();
  for (const char c : shown) {
    if (static_cast<unsigned char>(c) < 0x20) std::abort();
  }
  return 0;
}
