#include "sandbox/wire/message.h"

#include "base/strings.h"

namespace vesto::sandbox {

namespace {

void put_int32(char* at, uint32_t value) {
  at[0] = static_cast<char>(value >> 24U);
  at[1] = static_cast<char>(value >> 16U);
  at[2] = static_cast<char>(value >> 8U);
  at[3] = static_cast<char>(value);
}

void error_field(MessageWriter* writer, char code, std::string_view value) {
  if (!value.empty()) writer->byte(code).text(value);
}

}  // namespace

MessageWriter::MessageWriter(std::string* out, char type) : out_(out) {
  if (type != 0) out_->push_back(type);
  length_at_ = out_->size();
  out_->append(4, '\0');
}

MessageWriter& MessageWriter::byte(char value) {
  out_->push_back(value);
  return *this;
}

MessageWriter& MessageWriter::int16(int value) {
  out_->push_back(static_cast<char>(static_cast<unsigned>(value) >> 8U));
  out_->push_back(static_cast<char>(value));
  return *this;
}

MessageWriter& MessageWriter::int32(int64_t value) {
  char bytes[4];
  put_int32(bytes, static_cast<uint32_t>(value));
  out_->append(bytes, sizeof(bytes));
  return *this;
}

MessageWriter& MessageWriter::text(std::string_view value) {
  out_->append(value.substr(0, value.find('\0')));
  out_->push_back('\0');
  return *this;
}

MessageWriter& MessageWriter::bytes(std::string_view value) {
  out_->append(value);
  return *this;
}

void MessageWriter::end() {
  put_int32(out_->data() + length_at_, static_cast<uint32_t>(out_->size() - length_at_));
}

bool FieldReader::take(size_t size, std::string_view* out) {
  if (!ok_ || size > rest_.size()) {
    ok_ = false;
    return false;
  }
  *out = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return true;
}

char FieldReader::byte() {
  std::string_view view;
  return take(1, &view) ? view[0] : '\0';
}

int FieldReader::int16() {
  std::string_view view;
  if (!take(2, &view)) return 0;
  return static_cast<unsigned char>(view[0]) * 256 + static_cast<unsigned char>(view[1]);
}

int32_t FieldReader::int32() {
  std::string_view view;
  if (!take(4, &view)) return 0;
  uint32_t value = 0;
  for (const char c : view) value = value << 8U | static_cast<unsigned char>(c);
  return static_cast<int32_t>(value);
}

std::string_view FieldReader::text() {
  const size_t end = ok_ ? rest_.find('\0') : std::string_view::npos;
  if (end == std::string_view::npos) {
    ok_ = false;
    return {};
  }
  const std::string_view value = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  return value;
}

std::string_view FieldReader::bytes(size_t size) {
  std::string_view view;
  return take(size, &view) ? view : std::string_view();
}

ErrorFields parse_error(std::string_view body) {
  ErrorFields fields;
  FieldReader reader(body);
  while (reader.ok() && !reader.at_end()) {
    const char code = reader.byte();
    if (code == '\0') break;
    const std::string_view value = reader.text();
    switch (code) {
      case 'V':  // not localised, so it wins over S, which comes first
      case 'S':
        fields.severity = value;
        break;
      case 'C':
        fields.sqlstate = value;
        break;
      case 'M':
        fields.message = value;
        break;
      case 'D':
        fields.detail = value;
        break;
      case 'H':
        fields.hint = value;
        break;
      case 'P':
        fields.position = static_cast<int>(parse_int(value).value_or(0));
        break;
      case 'n':
        fields.constraint = value;
        break;
      case 't':
        fields.table = value;
        break;
      case 'c':
        fields.column = value;
        break;
      default:
        break;
    }
  }
  return fields;
}

void write_error(std::string* out, char type, const ErrorFields& fields) {
  MessageWriter writer(out, type);
  error_field(&writer, 'S', fields.severity);
  error_field(&writer, 'C', fields.sqlstate);
  error_field(&writer, 'M', fields.message);
  error_field(&writer, 'D', fields.detail);
  error_field(&writer, 'H', fields.hint);
  if (fields.position > 0) error_field(&writer, 'P', std::to_string(fields.position));
  writer.byte('\0').end();
}

ErrorFields to_fields(const SqlError& error, std::string_view severity) {
  ErrorFields fields;
  fields.severity = severity;
  fields.sqlstate = error.sqlstate;
  fields.message = error.message;
  fields.detail = error.detail;
  fields.hint = error.hint;
  fields.position = error.position;
  return fields;
}

std::optional<std::vector<ColumnDescription>> parse_row_description(std::string_view body) {
  FieldReader reader(body);
  std::vector<ColumnDescription> columns(static_cast<size_t>(reader.int16()));
  for (ColumnDescription& column : columns) {
    column.name = reader.text();
    column.table_oid = reader.int32();
    column.column_number = reader.int16();
    column.type_oid = reader.int32();
    column.type_size = reader.int16();
    column.type_modifier = reader.int32();
    column.format = reader.int16();
    if (!reader.ok()) return std::nullopt;
  }
  if (!reader.ok()) return std::nullopt;
  return columns;
}

void write_row_description(std::string* out, const std::vector<ColumnDescription>& columns) {
  MessageWriter writer(out, 'T');
  writer.int16(static_cast<int>(columns.size()));
  for (const ColumnDescription& column : columns) {
    writer.text(column.name)
        .int32(column.table_oid)
        .int16(column.column_number)
        .int32(column.type_oid)
        .int16(column.type_size)
        .int32(column.type_modifier)
        .int16(column.format);
  }
  writer.end();
}

bool parse_data_row(std::string_view body, RowValues* values) {
  FieldReader reader(body);
  values->clear();
  const int count = reader.int16();
  for (int i = 0; i < count && reader.ok(); ++i) {
    const int32_t size = reader.int32();
    if (size < 0) {
      values->emplace_back(std::nullopt);
    } else {
      values->emplace_back(reader.bytes(static_cast<size_t>(size)));
    }
  }
  return reader.ok();
}

void write_data_row(std::string* out, const std::vector<std::optional<std::string>>& values) {
  MessageWriter writer(out, 'D');
  writer.int16(static_cast<int>(values.size()));
  for (const std::optional<std::string>& value : values) {
    if (!value) {
      writer.int32(-1);
    } else {
      writer.int32(static_cast<int64_t>(value->size())).bytes(*value);
    }
  }
  writer.end();
}

void write_command_complete(std::string* out, std::string_view tag) {
  MessageWriter(out, 'C').text(tag).end();
}

void write_parameter_status(std::string* out, std::string_view name, std::string_view value) {
  MessageWriter(out, 'S').text(name).text(value).end();
}

void write_ready(std::string* out, char status) { MessageWriter(out, 'Z').byte(status).end(); }

void write_simple(std::string* out, char type) { MessageWriter(out, type).end(); }

std::optional<ParseMessage> parse_parse(std::string_view body) {
  FieldReader reader(body);
  ParseMessage message;
  message.name = reader.text();
  message.query = reader.text();
  const int count = reader.int16();
  for (int i = 0; i < count && reader.ok(); ++i) message.type_oids.push_back(reader.int32());
  if (!reader.ok() || !reader.at_end()) return std::nullopt;
  return message;
}

std::optional<BindMessage> parse_bind(std::string_view body) {
  FieldReader reader(body);
  BindMessage message;
  message.portal = reader.text();
  message.statement = reader.text();
  if (!reader.ok()) return std::nullopt;
  message.rest = reader.rest();
  const int formats = reader.int16();
  reader.bytes(static_cast<size_t>(formats) * 2);
  message.value_count = reader.int16();
  for (int i = 0; i < message.value_count && reader.ok(); ++i) {
    const int32_t size = reader.int32();
    if (size > 0) reader.bytes(static_cast<size_t>(size));
  }
  const int result_formats = reader.int16();
  reader.bytes(static_cast<size_t>(result_formats) * 2);
  if (!reader.ok() || !reader.at_end()) return std::nullopt;
  return message;
}

std::optional<ExecuteMessage> parse_execute(std::string_view body) {
  FieldReader reader(body);
  ExecuteMessage message;
  message.portal = reader.text();
  message.max_rows = reader.int32();
  if (!reader.ok() || !reader.at_end()) return std::nullopt;
  return message;
}

std::optional<TargetMessage> parse_target(std::string_view body) {
  FieldReader reader(body);
  TargetMessage message;
  message.kind = reader.byte();
  message.name = reader.text();
  if (!reader.ok() || !reader.at_end() || (message.kind != 'S' && message.kind != 'P')) {
    return std::nullopt;
  }
  return message;
}

}  // namespace vesto::sandbox
