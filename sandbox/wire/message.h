// Messages of PostgreSQL's wire protocol v3: a type byte, a length of four bytes that counts
// itself, a body. Numbers are big-endian. https://www.postgresql.org/docs/15/protocol.html
//
// Pure; any thread. Input is never trusted: every read is checked against what is left.
#ifndef VESTO_SANDBOX_WIRE_MESSAGE_H_
#define VESTO_SANDBOX_WIRE_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/sql_error.h"

namespace vesto::sandbox {

// Writes one message at the end of a buffer:  MessageWriter(&out, 'Z').byte('I').end();
class MessageWriter {
 public:
  // type 0: a message without a type byte (start-up packets).
  MessageWriter(std::string* out, char type);
  MessageWriter& byte(char value);
  MessageWriter& int16(int value);
  MessageWriter& int32(int64_t value);
  MessageWriter& text(std::string_view value);  // ended by a zero byte; cut at one inside
  MessageWriter& bytes(std::string_view value);
  void end();  // fills in the length

 private:
  std::string* out_;
  size_t length_at_;
};

// Reads the fields of a body from left to right. After a failed read ok() stays false and every
// later read gives zero or nothing.
class FieldReader {
 public:
  explicit FieldReader(std::string_view body) : rest_(body) {}
  char byte();
  int int16();  // unsigned
  int32_t int32();
  std::string_view text();  // up to a zero byte, which is skipped
  std::string_view bytes(size_t size);
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  bool take(size_t size, std::string_view* out);
  std::string_view rest_;
  bool ok_ = true;
};

// An ErrorResponse or NoticeResponse taken apart, as far as clients are shown it.
struct ErrorFields {
  std::string severity;  // ERROR FATAL PANIC; WARNING NOTICE INFO LOG DEBUG
  std::string sqlstate;
  std::string message;
  std::string detail;
  std::string hint;
  std::string constraint;
  std::string table;
  std::string column;
  int position = 0;  // 1-based characters; 0: none
};
ErrorFields parse_error(std::string_view body);
// type 'E' or 'N'.
void write_error(std::string* out, char type, const ErrorFields& fields);
ErrorFields to_fields(const SqlError& error, std::string_view severity);

struct ColumnDescription {
  std::string name;
  int32_t table_oid = 0;
  int column_number = 0;
  int32_t type_oid = 0;
  int type_size = 0;  // as on the wire, unsigned 16 bits
  int32_t type_modifier = -1;
  int format = 0;  // 0 text, 1 binary
};
std::optional<std::vector<ColumnDescription>> parse_row_description(std::string_view body);
void write_row_description(std::string* out, const std::vector<ColumnDescription>& columns);

// The values of a DataRow; nothing: NULL. The views point into `body`.
using RowValues = std::vector<std::optional<std::string_view>>;
bool parse_data_row(std::string_view body, RowValues* values);
void write_data_row(std::string* out, const std::vector<std::optional<std::string>>& values);

void write_command_complete(std::string* out, std::string_view tag);
void write_parameter_status(std::string* out, std::string_view name, std::string_view value);
void write_ready(std::string* out, char status);  // I, T or E
void write_simple(std::string* out, char type);   // a message without a body

// Client messages of the extended protocol. Nothing: malformed.
struct ParseMessage {
  std::string name;
  std::string query;
  std::vector<int32_t> type_oids;
};
std::optional<ParseMessage> parse_parse(std::string_view body);

struct BindMessage {
  std::string portal;
  std::string statement;
  std::string_view rest;  // formats, values, result formats: well formed, for passing on
  int value_count = 0;
};
std::optional<BindMessage> parse_bind(std::string_view body);

struct ExecuteMessage {
  std::string portal;
  int32_t max_rows = 0;
};
std::optional<ExecuteMessage> parse_execute(std::string_view body);

// Describe and Close: kind 'S' or 'P', and a name.
struct TargetMessage {
  char kind = 'S';
  std::string name;
};
std::optional<TargetMessage> parse_target(std::string_view body);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_WIRE_MESSAGE_H_
