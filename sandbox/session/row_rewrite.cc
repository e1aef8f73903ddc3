#include "sandbox/session/row_rewrite.h"

namespace vesto::sandbox {

namespace {

constexpr int32_t kJsonbOid = 3802;
constexpr int32_t kByteaOid = 17;

}  // namespace

int32_t client_type_oid(int32_t pg_oid) {
  return pg_oid == kJsonbOid ? kSuperOid : pg_oid == kByteaOid ? kVarbyteOid : pg_oid;
}

int32_t pg_type_oid(int32_t client_oid) {
  return client_oid == kSuperOid ? kJsonbOid : client_oid == kVarbyteOid ? kByteaOid : client_oid;
}

std::string compact_json(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      out += c;
      if (c == '\\' && i + 1 < text.size()) {
        out += text[++i];
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c != ' ') {
      out += c;
      in_string = c == '"';
    }
  }
  return out;
}

bool RowRewriter::describe(std::string_view body, std::string* out) {
  auto columns = parse_row_description(body);
  if (!columns) return false;
  kinds_.clear();
  plain_ = true;
  for (ColumnDescription& column : *columns) {
    Kind kind = Kind::kPlain;
    if (column.type_oid == kJsonbOid) {
      kind = column.format == 1 ? Kind::kSuperBinary : Kind::kSuperText;
    } else if (column.type_oid == kByteaOid && column.format == 0) {
      kind = Kind::kVarbyteText;
    }
    plain_ = plain_ && kind == Kind::kPlain;
    kinds_.push_back(kind);
    column.type_oid = client_type_oid(column.type_oid);
    column.name = restore_names_(column.name);
  }
  if (out != nullptr) write_row_description(out, *columns);
  return true;
}

void RowRewriter::row(std::string_view body, std::string* out) {
  RowValues values;
  if (plain_ || !parse_data_row(body, &values) || values.size() != kinds_.size()) {
    MessageWriter(out, 'D').bytes(body).end();
    return;
  }
  MessageWriter writer(out, 'D');
  writer.int16(static_cast<int>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    if (!values[i]) {
      writer.int32(-1);
      continue;
    }
    std::string_view value = *values[i];
    std::string changed;
    if (kinds_[i] == Kind::kSuperText || kinds_[i] == Kind::kSuperBinary) {
      // jsonb's binary form is a version byte and the text.
      changed = compact_json(kinds_[i] == Kind::kSuperBinary ? value.substr(value.empty() ? 0 : 1)
                                                             : value);
      value = changed;
    } else if (kinds_[i] == Kind::kVarbyteText && value.starts_with("\\x")) {
      value.remove_prefix(2);
    }
    writer.int32(static_cast<int64_t>(value.size())).bytes(value);
  }
  writer.end();
}

}  // namespace vesto::sandbox
