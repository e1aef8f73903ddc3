// PostgreSQL wire messages from both sides: start-up packets, client messages, and what the
// rewriting of rows and errors makes of a server's. The first byte chooses the parser.
#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/session/error_rewrite.h"
#include "sandbox/session/row_rewrite.h"
#include "sandbox/wire/message.h"
#include "sandbox/wire/startup.h"

namespace {

using namespace vesto::sandbox;  // NOLINT(google-build-using-namespace)

void rewrite(std::string_view body) {
  RowRewriter rewriter([](std::string_view name) { return std::string(name); });
  std::string out;
  // A description and a row in one input, cut in the middle.
  const size_t half = body.size() / 2;
  if (rewriter.describe(body.substr(0, half), &out)) rewriter.row(body.substr(half), &out);
  const ErrorFields fields = parse_error(body);
  write_error(&out, 'E', rewrite_error(fields, {}));
  if (const auto notice = rewrite_notice(fields, {})) write_error(&out, 'N', *notice);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 8) {
    case 0: {
      const auto start = parse_startup(body);
      if (start.ok()) (void)startup_settings(start->parameters).ok();
      break;
    }
    case 1:
      (void)parse_options(body);
      break;
    case 2:
      (void)parse_parse(body);
      break;
    case 3:
      (void)parse_bind(body);
      break;
    case 4:
      (void)parse_execute(body);
      break;
    case 5:
      (void)parse_target(body);
      break;
    case 6:
      (void)compact_json(body);
      break;
    default:
      rewrite(body);
  }
  return 0;
}
