#include "sandbox/copy/copy_error.h"

#include <fmt/core.h>

#include <utility>

#include "base/hash.h"
#include "base/strings.h"

namespace vesto::sandbox {

SqlError copy_error(const CopyContext& context, std::string text, const CopyErrorPlace& place) {
  constexpr std::string_view kRule = "-----------------------------------------------";
  std::string detail = fmt::format(
      "\n  {0}\n  error:  {1}\n  code:      {2}\n  context:   {3}\n  query:     {4}\n"
      "  location:  {5}\n  process:   {6} [pid={7}]\n  {0}\n",
      kRule, text, place.code, place.context, context.query_id, place.location, place.process,
      context.process_id);
  return SqlError{.sqlstate = "XX000", .message = std::move(text), .detail = std::move(detail)};
}

SqlError s3_service_error(const CopyContext& context, const S3Error& error,
                          const CopyErrorPlace& place, std::string_view prefix) {
  std::string text =
      fmt::format("{}S3ServiceException:{},Status {},Error {},Rid {},ExtRid {},CanRetry 1", prefix,
                  error.message, error.status, error.code, to_upper_ascii(to_hex(random_bytes(8))),
                  to_hex(random_bytes(32)));
  return copy_error(context, std::move(text), place);
}

std::string_view load_error_view(const CopyContext& context) {
  return context.serverless ? "sys_load_error_detail" : "stl_load_errors";
}

SqlError load_failed_error(const CopyContext& context, std::string_view table) {
  return SqlError{
      .sqlstate = "XX000",
      .message = fmt::format("Load into table '{}' failed.  Check '{}' system table for details.",
                             table, load_error_view(context))};
}

SqlError copy_cancelled_error(const CopyContext& context) {
  return SqlError{
      .sqlstate = "57014",
      .message = fmt::format("Query ({}) cancelled on user's request", context.query_id)};
}

}  // namespace vesto::sandbox
