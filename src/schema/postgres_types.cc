#include "schema/postgres_types.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"

namespace vesto {

namespace {

// pg_type.dat: oids of built-in types never change.
enum PgOid : uint32_t {
  kBool = 16,
  kBytea = 17,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kText = 25,
  kJson = 114,
  kFloat4 = 700,
  kFloat8 = 701,
  kBpchar = 1042,
  kVarchar = 1043,
  kDate = 1082,
  kTime = 1083,
  kTimestamp = 1114,
  kTimestampTz = 1184,
  kNumeric = 1700,
  kUuid = 2950,
  kJsonb = 3802,
};

constexpr int kVarHeader = 4;     // a typmod of a type with a length counts the header
constexpr int kBytesPerChar = 4;  // UTF-8
constexpr int kFirstTextBytes = 1024;
constexpr int kTextHeadroom = 8;  // times the average width
constexpr int kMaxDecimalScale = 37;

MappedType plain(TypeKind kind) { return {.type = {.kind = kind}, .note = {}}; }

MappedType varchar(int length_bytes) {
  return {.type = {.kind = TypeKind::kVarchar, .length_bytes = length_bytes}, .note = {}};
}

MappedType unbounded_text(int average_bytes) {
  const int wanted = static_cast<int>(
      std::min<int64_t>(int64_t{kTextHeadroom} * std::max(average_bytes, 0), kMaxVarcharBytes));
  MappedType mapped = varchar(varchar_size_class(std::max(kFirstTextBytes, wanted)));
  mapped.unbounded = true;
  return mapped;
}

// varchar(n) and char(n) count characters, Redshift bytes.
MappedType counted_text(int32_t typmod) {
  const int64_t length_bytes = int64_t{kBytesPerChar} * (typmod - kVarHeader);
  if (length_bytes <= kMaxVarcharBytes) return varchar(static_cast<int>(length_bytes));
  MappedType mapped = varchar(kMaxVarcharBytes);
  mapped.unbounded = true;
  return mapped;
}

MappedType decimal(int precision, int scale) {
  // Up to 19 digits are kept in 64 bits, which end at 9223372036854775807.
  return {.type = {.kind = TypeKind::kDecimal,
                   .precision = precision == 19 ? 20 : precision,
                   .scale = scale},
          .note = {}};
}

MappedType numeric(int32_t typmod, int average_bytes) {
  if (typmod < kVarHeader) {
    MappedType mapped = unbounded_text(average_bytes);
    mapped.note = "numeric without precision is delivered as text (VARCHAR), digit by digit";
    return mapped;
  }
  const int precision = ((typmod - kVarHeader) >> 16) & 0xffff;
  // 11 bits with a sign since PostgreSQL 15; before, a scale was never above 1,000.
  const int scale = (((typmod - kVarHeader) & 0x7ff) ^ 1024) - 1024;
  if (scale < 0 && precision - scale <= kMaxDecimalPrecision) return decimal(precision - scale, 0);
  if (scale > precision && scale <= kMaxDecimalScale) return decimal(scale, scale);
  if (scale >= 0 && scale <= precision && precision <= kMaxDecimalPrecision &&
      scale <= kMaxDecimalScale) {
    return decimal(precision, scale);
  }
  // Sign, point, a zero before the point, and the digits on both sides.
  MappedType mapped = varchar(precision + std::abs(scale) + 3);
  mapped.note = fmt::format(
      "numeric({},{}) has more digits than DECIMAL(38,37) holds: delivered as text (VARCHAR)",
      precision, scale);
  return mapped;
}

}  // namespace

std::optional<MappedType> map_postgres_type(uint32_t type_oid, int32_t typmod, int average_bytes) {
  switch (type_oid) {
    case kBool:
      return plain(TypeKind::kBoolean);
    case kInt2:
      return plain(TypeKind::kSmallint);
    case kInt4:
      return plain(TypeKind::kInteger);
    case kInt8:
      return plain(TypeKind::kBigint);
    case kFloat4:
      return plain(TypeKind::kReal);
    case kFloat8:
      return plain(TypeKind::kDouble);
    case kDate:
      return plain(TypeKind::kDate);
    case kTime:
      return plain(TypeKind::kTime);
    case kTimestamp:
      return plain(TypeKind::kTimestamp);
    case kTimestampTz:
      return plain(TypeKind::kTimestampTz);
    case kNumeric:
      return numeric(typmod, average_bytes);
    case kText:
      return unbounded_text(average_bytes);
    case kVarchar:
      return typmod < kVarHeader ? unbounded_text(average_bytes) : counted_text(typmod);
    case kBpchar: {
      MappedType mapped =
          typmod < kVarHeader ? unbounded_text(average_bytes) : counted_text(typmod);
      mapped.print = PrintForm::kText;
      return mapped;
    }
    case kUuid:
      return varchar(36);
    case kJson:
    case kJsonb: {
      MappedType mapped = plain(TypeKind::kSuper);
      mapped.unbounded = true;
      return mapped;
    }
    case kBytea:
      return MappedType{.type = {.kind = TypeKind::kVarbyte, .length_bytes = kMaxVarbyteBytes},
                        .print = PrintForm::kHex,
                        .unbounded = true,
                        .note = {}};
    default:
      return std::nullopt;
  }
}

std::string fold_column_name(std::string_view source_name) { return to_lower_ascii(source_name); }

bool is_reserved_column_name(std::string_view folded_name) {
  // DG c_unsupported-postgresql-features. (In PostgreSQL 12 and later only "oid" can occur.)
  for (const std::string_view name : {"oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}) {
    if (folded_name == name) return true;
  }
  return false;
}

}  // namespace vesto
