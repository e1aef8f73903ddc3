// Structured log: one JSON object a line on stderr (or "time level event key=value" as text).
//
//   log_info("part stored", {{"key", key}, {"size_bytes", std::to_string(size)}});
//
// Values pass redact(). Thread rule: any thread.
#ifndef VESTO_BASE_LOG_H_
#define VESTO_BASE_LOG_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace vesto {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };
enum class LogFormat { kJson, kText };

using LogFields = std::initializer_list<std::pair<std::string_view, std::string>>;

// Until it is called, only warnings and errors are written, as text.
void configure_log(LogLevel level, LogFormat format);
void log(LogLevel level, std::string_view event, LogFields fields);
inline void log_debug(std::string_view event, LogFields fields = {}) {
  log(LogLevel::kDebug, event, fields);
}
inline void log_info(std::string_view event, LogFields fields = {}) {
  log(LogLevel::kInfo, event, fields);
}
inline void log_warn(std::string_view event, LogFields fields = {}) {
  log(LogLevel::kWarn, event, fields);
}
inline void log_error(std::string_view event, LogFields fields = {}) {
  log(LogLevel::kError, event, fields);
}

}  // namespace vesto

#endif  // VESTO_BASE_LOG_H_
