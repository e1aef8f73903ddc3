#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/redact.h"
#include "base/strings.h"

namespace vesto {

namespace {

std::atomic<LogLevel> g_level{LogLevel::kWarn};
std::atomic<LogFormat> g_format{LogFormat::kText};

spdlog::logger& sink() {
  // The line is made here; spdlog only writes whole lines and never interleaves them.
  static const auto kLogger = [] {
    auto logger = std::make_shared<spdlog::logger>(
        "vesto", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::trace);
    return logger;
  }();
  return *kLogger;
}

const char* level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
    case LogLevel::kOff:
      return "error";
  }
  return "error";
}

}  // namespace

void configure_log(LogLevel level, LogFormat format) {
  g_level = level;
  g_format = format;
}

void log(LogLevel level, std::string_view event, LogFields fields) {
  if (level < g_level.load()) return;
  const std::string now = format_utc(system_clock().wall_ms());
  std::string line;
  if (g_format.load() == LogFormat::kJson) {
    line = "{\"time\":" + json_quote(now) + ",\"level\":\"" + level_name(level) +
           "\",\"event\":" + json_quote(event);
    for (const auto& [key, value] : fields) {
      line += "," + json_quote(key) + ":" + json_quote(redact(value));
    }
    line += "}";
  } else {
    line = now + " " + level_name(level) + " " + std::string(event);
    for (const auto& [key, value] : fields) {
      line += " " + std::string(key) + "=" + printable(redact(value), false);
    }
  }
  sink().info("{}", line);
}

}  // namespace vesto
