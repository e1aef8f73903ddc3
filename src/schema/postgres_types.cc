#include "schema/postgres_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/strings.h"

namespace vesto {

namespace {

// pg_type.dat: oids of built-in types never change.
enum PgOid : uint32_t {
  kBool = 16,
  kBytea = 17,
  kQuotedChar = 18,  // "char": one byte
  kName = 19,
  kInt8 = 20,
  kInt2 = 21,
  kInt2Vector = 22,
  kInt4 = 23,
  kRegproc = 24,
  kText = 25,
  kOid = 26,
  kTid = 27,
  kXid = 28,
  kCid = 29,
  kOidVector = 30,
  kJson = 114,
  kXml = 142,
  kPoint = 600,
  kLseg = 601,
  kPath = 602,
  kBox = 603,
  kPolygon = 604,
  kLine = 628,
  kCidr = 650,
  kFloat4 = 700,
  kFloat8 = 701,
  kCircle = 718,
  kMacaddr8 = 774,
  kMoney = 790,
  kMacaddr = 829,
  kInet = 869,
  kAclitem = 1033,
  kBpchar = 1042,
  kVarchar = 1043,
  kDate = 1082,
  kTime = 1083,
  kTimestamp = 1114,
  kTimestampTz = 1184,
  kInterval = 1186,
  kTimeTz = 1266,
  kBit = 1560,
  kVarbit = 1562,
  kNumeric = 1700,
  kRefcursor = 1790,
  kRegprocedure = 2202,
  kRegoper = 2203,
  kRegoperator = 2204,
  kRegclass = 2205,
  kRegtype = 2206,
  kUuid = 2950,
  kTxidSnapshot = 2970,
  kPgLsn = 3220,
  kTsvector = 3614,
  kTsquery = 3615,
  kRegconfig = 3734,
  kRegdictionary = 3769,
  kJsonb = 3802,
  kJsonpath = 4072,
  kRegnamespace = 4089,
  kRegrole = 4096,
  kRegcollation = 4191,
  kPgSnapshot = 5038,
  kXid8 = 5069,
};

// The longest text of types that bound themselves, in bytes.
constexpr int kNameBytes = 64;      // names and labels of enums: 63 (NAMEDATALEN less one)
constexpr int kTidBytes = 18;       // (4294967295,65535)
constexpr int kPgLsnBytes = 17;     // FFFFFFFF/FFFFFFFF
constexpr int kIntervalBytes = 64;  // P-178956970Y-11M-2147483648DT-2562047788H-59M-59.999999S: 56
constexpr int kTimeTzBytes = 32;    // 23:59:59.999999-15:59:59: 24
constexpr int kInetBytes = 43;      // eight groups, seven colons and /128
constexpr int kMacaddrBytes = 17;
constexpr int kMacaddr8Bytes = 23;
constexpr int kPointBytes = 64;   // two numbers of 24 bytes
constexpr int kShapeBytes = 128;  // four of them
constexpr int kUuidBytes = 36;
constexpr int kMoneyDigits = 20;  // 19 are kept in 64 bits, as numeric(19) shows below

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

MappedType printed(MappedType mapped, PrintForm print) {
  mapped.print = print;
  return mapped;
}

// A text without a bound of its own, printed by a cast.
MappedType cast_text(int average_bytes) {
  return printed(unbounded_text(average_bytes), PrintForm::kText);
}

MappedType super(PrintForm print) {
  MappedType mapped = plain(TypeKind::kSuper);
  mapped.unbounded = true;
  mapped.print = print;
  return mapped;
}

MappedType shape(TypeKind kind) {
  MappedType mapped = plain(kind);
  mapped.unbounded = true;
  return mapped;
}

// bit(n) counts its digits in the typmod itself.
MappedType bits(int32_t typmod, int average_bytes) {
  if (typmod < 1) return unbounded_text(average_bytes);
  MappedType mapped = varchar(std::min(typmod, int32_t{kMaxVarcharBytes}));
  mapped.unbounded = typmod > kMaxVarcharBytes;
  return mapped;
}

MappedType money(int scale) {
  return printed(decimal(kMoneyDigits, std::clamp(scale, 0, kMoneyDigits)), PrintForm::kNumeric);
}

// Redshift keeps TIMETZ in UTC: the offset would be lost, and 12:00+02 and 10:00+00, which
// PostgreSQL tells apart, would become one.
MappedType time_with_zone() {
  MappedType mapped = varchar(kTimeTzBytes);
  mapped.note = "timetz is delivered as text (VARCHAR): Redshift's TIMETZ keeps no offset";
  return mapped;
}

// Numbers of more than 38 digits may not survive in SUPER: texts do.
MappedType array(const PostgresType& type) {
  const bool loose =
      type.element_oid == kNumeric &&
      (type.typmod < kVarHeader || numeric(type.typmod, 0).type.kind != TypeKind::kDecimal);
  MappedType mapped = super(loose ? PrintForm::kJsonTexts : PrintForm::kJson);
  if (loose) {
    mapped.note =
        "numbers of an array of numeric without a precision up to 38 are delivered as JSON "
        "strings, "
        "digit by digit";
  }
  return mapped;
}

MappedType unknown(const PostgresType& type) {
  MappedType mapped = printed(varchar(kMaxVarcharBytes), PrintForm::kText);
  mapped.unbounded = true;
  mapped.note = fmt::format("the type {} is delivered as its text (VARCHAR)", type.name);
  return mapped;
}

// Types of extensions have no fixed oid: their name counts, if the extension made them.
MappedType by_name(const PostgresType& type, int average_bytes) {
  const std::string_view name = type.name;
  const std::string_view from = type.extension;
  if (from == "citext" && name == "citext") return cast_text(average_bytes);
  if (from == "hstore" && name == "hstore") return super(PrintForm::kJson);
  if (from == "postgis" && name == "geometry") return shape(TypeKind::kGeometry);
  if (from == "postgis" && name == "geography") return shape(TypeKind::kGeography);
  // [1,2.5,3]: valid JSON; these types take no NaN and no infinity. (sparsevec is no JSON.)
  if (from == "vector" && (name == "vector" || name == "halfvec")) return super(PrintForm::kText);
  return unknown(type);
}

// Those whose Redshift type has the same values.
std::optional<MappedType> same_values(const PostgresType& type) {
  switch (type.oid) {
    case kBool:
      return plain(TypeKind::kBoolean);
    case kInt2:
      return plain(TypeKind::kSmallint);
    case kInt4:
      return plain(TypeKind::kInteger);
    case kInt8:
    case kOid:
    case kXid:
    case kCid:
      return plain(TypeKind::kBigint);
    case kXid8:
      return decimal(20, 0);
    case kMoney:
      return money(type.money_scale);
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
    case kJson:
    case kJsonb:
      return super(PrintForm::kPlain);
    case kBytea:
      return MappedType{.type = {.kind = TypeKind::kVarbyte, .length_bytes = kMaxVarbyteBytes},
                        .print = PrintForm::kHex,
                        .unbounded = true,
                        .note = {}};
    default:
      return std::nullopt;
  }
}

// Those that are kept as text and bound themselves.
std::optional<MappedType> short_text(uint32_t oid) {
  switch (oid) {
    case kName:
      return varchar(kNameBytes);
    case kQuotedChar:
      return printed(varchar(kBytesPerChar), PrintForm::kText);
    case kTid:
      return varchar(kTidBytes);
    case kPgLsn:
      return varchar(kPgLsnBytes);
    case kUuid:
      return varchar(kUuidBytes);
    case kInterval:
      return varchar(kIntervalBytes);
    case kTimeTz:
      return time_with_zone();
    case kInet:
    case kCidr:
      return printed(varchar(kInetBytes), PrintForm::kText);
    case kMacaddr:
      return varchar(kMacaddrBytes);
    case kMacaddr8:
      return varchar(kMacaddr8Bytes);
    case kPoint:
      return varchar(kPointBytes);
    case kLseg:
    case kBox:
    case kLine:
    case kCircle:
      return varchar(kShapeBytes);
    default:
      return std::nullopt;
  }
}

// Those that are kept as text of any length.
std::optional<MappedType> long_text(const PostgresType& type, int average_bytes) {
  switch (type.oid) {
    case kText:
      return unbounded_text(average_bytes);
    case kVarchar:
      return type.typmod < kVarHeader ? unbounded_text(average_bytes) : counted_text(type.typmod);
    case kBpchar:
      return type.typmod < kVarHeader ? cast_text(average_bytes)
                                      : printed(counted_text(type.typmod), PrintForm::kText);
    case kBit:
    case kVarbit:
      return bits(type.typmod, average_bytes);
    case kNumeric:
      return numeric(type.typmod, average_bytes);
    case kXml:
    case kTsvector:
    case kTsquery:
    case kPath:
    case kPolygon:
    case kJsonpath:
    case kPgSnapshot:
    case kTxidSnapshot:
    case kRefcursor:
    case kAclitem:
    case kInt2Vector:
    case kOidVector:
    case kRegproc:
    case kRegprocedure:
    case kRegoper:
    case kRegoperator:
    case kRegclass:
    case kRegtype:
    case kRegrole:
    case kRegnamespace:
    case kRegconfig:
    case kRegdictionary:
    case kRegcollation:
      return cast_text(average_bytes);
    default:
      return std::nullopt;
  }
}

}  // namespace

MappedType map_postgres_type(const PostgresType& type, int average_bytes) {
  if (auto mapped = same_values(type)) return *std::move(mapped);
  if (auto mapped = short_text(type.oid)) return *std::move(mapped);
  if (auto mapped = long_text(type, average_bytes)) return *std::move(mapped);
  if (type.element_oid != 0) return array(type);
  switch (type.kind) {
    case 'c':
      return super(PrintForm::kJson);
    case 'e':
      return varchar(kNameBytes);
    case 'r':
    case 'm':
      return cast_text(average_bytes);
    default:
      return by_name(type, average_bytes);
  }
}

}  // namespace vesto
