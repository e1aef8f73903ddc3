// What the terminal can do, and texts for people: colours, shapes, errors, times.
#ifndef VESTO_CLI_TERMINAL_H_
#define VESTO_CLI_TERMINAL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace vesto::cli {

struct Terminal {
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool color = false;  // on stdout and stderr alike, where they are terminals
  bool utf8 = true;
  int width = 80;
};

// Looks at stdout, stderr, TERM, LC_ALL, LC_CTYPE, LANG.
Terminal detect_terminal(bool no_color);

// Writes everything. What stdout does not take is remembered: see out_error(). stderr has nobody
// to tell.
void write_out(std::string_view text);
void write_err(std::string_view text);
// The errno of the first write to stdout that failed; 0: none did. A reader that has gone (EPIPE)
// is no error: `vesto history | head` ends well.
int out_error();

// "1 row", "2,000 rows"; the word's plural ends in s.
std::string count_text(int64_t count, std::string_view word);

enum class Shape { kDone, kFailed, kRunning, kQueued, kWaiting, kRetry, kPartial, kWarning, kNone };
// "✓" or, without UTF-8, a letter that says the same.
std::string shape(const Terminal& terminal, Shape shape);

// An error as people read it:
//   Error RS-OWNER: table a.b belongs to user x.
//     Redshift answered: must be owner of relation b (42501)
//     Fix: ALTER TABLE ...
//     More: vesto help RS-OWNER     run: run_01J...
// What the other side said is printed once, on one line, and cut: `vesto show RUN` has all of it.
std::string error_text(const Error& error, std::string_view run = "");

// The upstream's text as it is worth a line below `message`: "" if the message says it already,
// else on one line and of kMaxUpstreamBytes at most.
constexpr size_t kMaxUpstreamBytes = 300;
std::string upstream_line(std::string_view upstream, std::string_view message);

// A sentence with its full stop, unless it ends in one or in a question mark.
std::string sentence(std::string_view text);

// "10:14:58Z", with the date if that is not the day of `now_ms`.
std::string moment_text(int64_t wall_ms, int64_t now_ms);
// "52m", "1h 37m", "21d": whole units, for ages.
std::string age_text(int64_t age_ms);
// 2026-11-22T01:26:56.123Z back into milliseconds; 0 if it is none.
int64_t parse_utc(std::string_view text);

// Cuts to `columns` characters of a terminal (every character counts one).
std::string fit(std::string_view text, size_t columns);
// The same for a line whose parts have two blanks or more between them: parts that do not fit are
// left out whole, so that no number is cut.
std::string fit_parts(std::string_view text, size_t columns);
size_t columns_of(std::string_view text);
// Rows in columns as wide as their widest cell, two blanks between; no blanks at the end.
std::string table_text(const std::vector<std::vector<std::string>>& rows);

}  // namespace vesto::cli

#endif  // VESTO_CLI_TERMINAL_H_
