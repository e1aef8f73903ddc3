#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "base/clock.h"
#include "base/error_causes.h"
#include "base/strings.h"

namespace vesto::cli {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

bool speaks_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = to_lower_ascii(environment(name));
    if (value.empty()) continue;
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

std::atomic<int> g_out_error{0};

// 0, or the errno of what went wrong.
int write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    if (written == 0) return EIO;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

// Blanks and line ends as one blank each.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : trim(text)) {
    const bool blank = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (!blank) {
      out += c;
    } else if (!out.ends_with(' ')) {
      out += ' ';
    }
  }
  return out;
}

std::string system_name(std::string_view system) {
  if (system == "redshift") return "Redshift";
  if (system == "s3") return "S3";
  if (system == "postgres") return "PostgreSQL";
  if (system == "sqlite") return "SQLite";
  if (system == "os") return "The system";
  return std::string(system);
}

bool first_byte(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

}  // namespace

Terminal detect_terminal(bool no_color) {
  Terminal terminal;
  const bool dumb = environment("TERM").empty() || environment("TERM") == "dumb";
  terminal.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  terminal.err_is_terminal = isatty(STDERR_FILENO) == 1 && !dumb;
  terminal.color = !no_color && !dumb && terminal.out_is_terminal && terminal.err_is_terminal;
  terminal.utf8 = speaks_utf8();
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) {
    terminal.width = size.ws_col;
  }
  return terminal;
}

void write_out(std::string_view text) {
  const int failed = write_all(STDOUT_FILENO, text);
  int none = 0;
  if (failed != 0 && failed != EPIPE) g_out_error.compare_exchange_strong(none, failed);
}
void write_err(std::string_view text) { (void)write_all(STDERR_FILENO, text); }
int out_error() { return g_out_error.load(); }

std::string count_text(int64_t count, std::string_view word) {
  return fmt::format("{} {}{}", format_count(count), word, count == 1 ? "" : "s");
}

std::string upstream_line(std::string_view upstream, std::string_view message) {
  constexpr size_t kAlike = 80;
  const std::string line = one_line(upstream);
  // Messages that carry the answer carry its beginning; details may follow there in other words.
  const std::string_view beginning =
      cut_utf8(std::string_view(line).substr(0, line.find("; ")), kAlike);
  if (line.empty() || one_line(message).find(beginning) != std::string::npos) return "";
  if (line.size() <= kMaxUpstreamBytes) return line;
  return std::string(cut_utf8(line, kMaxUpstreamBytes)) + " ...";
}

std::string shape(const Terminal& terminal, Shape shape) {
  struct Look {
    const char* utf8;
    const char* ascii;
    const char* color;  // SGR code, "" = none
  };
  const auto look = [&]() -> Look {
    switch (shape) {
      case Shape::kDone:
        return {"\u2713", "+", "32"};
      case Shape::kFailed:
        return {"\u2715", "x", "31"};
      case Shape::kRunning:
        return {"\u25D4", ">", ""};
      case Shape::kQueued:
        return {"\u25CB", "o", ""};
      case Shape::kWaiting:
        return {"\u25F7", "~", ""};
      case Shape::kRetry:
        return {"\u21BB", "~", "33"};
      case Shape::kWarning:
        return {"!", "!", "33"};
      case Shape::kPartial:
        return {"\u25D0", "!", "33"};
      case Shape::kNone:
        break;
    }
    return {"\u2013", "-", ""};
  }();
  const char* text = terminal.utf8 ? look.utf8 : look.ascii;
  if (!terminal.color || *look.color == '\0') return text;
  return fmt::format("\x1b[{}m{}\x1b[0m", look.color, text);
}

std::string error_text(const Error& error, std::string_view run) {
  std::string out = fmt::format("Error {}: {}\n", error.name(), sentence(error.message()));
  for (const std::string& where : error.context()) out += fmt::format("  In: {}\n", where);
  const Upstream& upstream = error.upstream();
  if (const std::string said = upstream_line(upstream.text, error.message()); !said.empty()) {
    out += fmt::format("  {} answered: {}", system_name(upstream.system), said);
    if (!upstream.code.empty()) out += fmt::format(" ({})", upstream.code);
    if (!upstream.request_id.empty()) out += fmt::format(" [request {}]", upstream.request_id);
    out += "\n";
  }
  if (const ErrorCause* cause = error.cause()) out += fmt::format("  Likely: {}\n", cause->cause);
  out += fmt::format("  Fix: {}\n  More: vesto help {}", error.hint(), error.name());
  if (!run.empty()) out += fmt::format("     run: {}", run);
  return printable(out + "\n", true);
}

std::string sentence(std::string_view text) {
  text = trim(text);
  const bool ended = text.ends_with('.') || text.ends_with('?') || text.ends_with('!');
  return std::string(text) + (ended ? "" : ".");
}

std::string moment_text(int64_t wall_ms, int64_t now_ms) {
  const std::string text = format_utc_seconds(wall_ms);
  const size_t t = text.find('T');
  if (text.substr(0, t) == format_utc_seconds(now_ms).substr(0, t)) return text.substr(t + 1);
  return text.substr(0, t) + " " + text.substr(t + 1);
}

std::string age_text(int64_t age_ms) {
  const int64_t minutes = std::max<int64_t>(age_ms, 0) / 60'000;
  if (minutes < 1) return fmt::format("{}s", std::max<int64_t>(age_ms, 0) / 1000);
  if (minutes < 60) return fmt::format("{}m", minutes);
  if (minutes < 48 * 60) return fmt::format("{}h {}m", minutes / 60, minutes % 60);
  return fmt::format("{}d", minutes / (24 * 60));
}

int64_t parse_utc(std::string_view text) {
  const std::string copy(text);
  tm parts{};
  const char* rest = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return 0;
  const time_t seconds = timegm(&parts);
  int64_t millis = 0;
  if (*rest == '.') {
    int64_t factor = 100;
    for (++rest; *rest >= '0' && *rest <= '9' && factor > 0; ++rest, factor /= 10) {
      millis += (*rest - '0') * factor;
    }
  }
  return static_cast<int64_t>(seconds) * 1000 + millis;
}

size_t columns_of(std::string_view text) {
  size_t columns = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\x1b') {  // a colour takes no room: skip to its "m"
      const size_t end = text.find('m', at);
      if (end == std::string_view::npos) break;
      at = end;
    } else if (first_byte(text[at])) {
      ++columns;
    }
  }
  return columns;
}

std::string fit(std::string_view text, size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  size_t used = 0;
  bool colored = false;
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '\x1b') {
      colored = true;
      const size_t end = text.find('m', at);
      if (end == std::string_view::npos) break;
      at = end;
    } else if (first_byte(text[at]) && ++used > columns) {
      break;
    }
  }
  return std::string(text.substr(0, at)) + (colored ? "\x1b[0m" : "");
}

std::string fit_parts(std::string_view text, size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  const size_t begin = text.find_first_not_of(' ');
  size_t best = 0;
  for (size_t at = text.find("  ", begin); at != std::string_view::npos;
       at = text.find("  ", at + 1)) {
    if (columns_of(text.substr(0, at)) > columns) break;
    if (text[at - 1] != ' ') best = at;
  }
  return best == 0 ? fit(text, columns) : std::string(text.substr(0, best));
}

std::string table_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      line.append(widths[i] - columns_of(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace vesto::cli
