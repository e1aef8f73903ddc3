// Small text helpers that the standard library lacks. All pure; any thread.
#ifndef VESTO_BASE_STRINGS_H_
#define VESTO_BASE_STRINGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vesto {

std::string_view trim(std::string_view text);  // ASCII blanks, tabs, CR, LF
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string to_lower_ascii(std::string_view text);
std::string to_upper_ascii(std::string_view text);
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);
// The whole text as a decimal number; nothing else around it, no overflow.
std::optional<int64_t> parse_int(std::string_view text);
// Lower-case hexadecimal.
std::string to_hex(std::string_view bytes);
// Cuts to at most `max_bytes` without splitting a UTF-8 character.
std::string_view cut_utf8(std::string_view text, size_t max_bytes);

// For people's eyes: control characters (C0, DEL, C1) as \xNN, so that a name or a server's text
// cannot move the cursor or forge a line. Line feeds and tabs stay where `keep_lines` says so.
std::string printable(std::string_view text, bool keep_lines);

// "1,204,331"; "214 MiB"; "4m 12s", "0.9 s", "31 s".
std::string format_count(int64_t count);
std::string format_bytes(uint64_t size_bytes);
std::string format_duration(int64_t duration_ms);

// Takes one line end (LF or CR LF) from the end of the text: editors put it there.
void drop_line_end(std::string* text);

// The nearest of `candidates` to `word` (edit distance of at most a third of its length, at least
// 2), or nothing. For "did you mean".
std::optional<std::string> nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);

}  // namespace vesto

#endif  // VESTO_BASE_STRINGS_H_
