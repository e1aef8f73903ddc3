#include "redshift/find_row.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "base/strings.h"
#include "encode/byte_scan.h"
#include "encode/key_json.h"
#include "encode/redshift_csv.h"

namespace vesto {

namespace {

constexpr size_t kBufferBytes = size_t{256} << 10;

// Takes the next bytes of the part; false: no more are wanted.
using Sink = std::function<bool(std::string_view)>;

void inflate_gzip(std::string_view object, const Sink& sink) {
  const auto state = std::make_unique<inflate_state>();  // tens of KiB
  isal_inflate_init(state.get());
  state->crc_flag = ISAL_GZIP;
  // ISA-L reads through a pointer to mutable bytes, and does not write.
  state->next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(object.data()));
  state->avail_in = static_cast<uint32_t>(object.size());
  std::string buffer(kBufferBytes, '\0');
  while (state->block_state != ISAL_BLOCK_FINISH) {
    state->next_out = reinterpret_cast<uint8_t*>(buffer.data());
    state->avail_out = static_cast<uint32_t>(buffer.size());
    const uint32_t before = state->avail_in;
    if (isal_inflate(state.get()) != ISAL_DECOMP_OK) return;
    const size_t made = buffer.size() - state->avail_out;
    if (made == 0 && state->avail_in == before) return;  // the object was cut
    if (made > 0 && !sink(std::string_view(buffer).substr(0, made))) return;
  }
}

void inflate_zstd(std::string_view object, const Sink& sink) {
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                        ZSTD_freeDStream);
  if (stream == nullptr) return;
  std::string buffer(kBufferBytes, '\0');
  ZSTD_inBuffer in{object.data(), object.size(), 0};
  while (true) {
    ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
    const size_t before = in.pos;
    if (ZSTD_isError(ZSTD_decompressStream(stream.get(), &out, &in)) != 0U) return;
    if (out.pos == 0 && in.pos == before) return;
    if (out.pos > 0 && !sink(std::string_view(buffer).substr(0, out.pos))) return;
  }
}

// Gathers the records that may be meant by a line: the one that holds it if lines are counted, and
// the one of that number if records are.
class RecordScanner {
 public:
  explicit RecordScanner(int64_t line) : wanted_(line) {}

  bool feed(std::string_view bytes) {
    seen_ += bytes.size();
    if (seen_ > kMaxPartBytes) return fail();
    size_t at = 0;
    while (at < bytes.size()) {
      const void* found = std::memchr(bytes.data() + at, kCsvRecordEnd, bytes.size() - at);
      const size_t end = found == nullptr
                             ? bytes.size()
                             : static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
      const std::string_view piece = bytes.substr(at, end - at);
      if (record_.size() + piece.size() >= kMaxRecordBytes) return fail();
      record_ += piece;
      if (count_byte(piece, kCsvQuote) % 2 != 0) inside_quotes_ = !inside_quotes_;
      if (found == nullptr) return true;
      at = end + 1;
      if (inside_quotes_) {
        record_ += kCsvRecordEnd;
        ++line_;
      } else {
        if (!end_record()) return false;
      }
    }
    return true;
  }

  // The bytes are over.
  void finish() {
    if (!failed_ && !record_.empty()) end_record();
  }

  // By lines first, then by records; the same one once.
  [[nodiscard]] const std::vector<std::string>& candidates() const { return candidates_; }

 private:
  bool fail() {
    failed_ = true;
    candidates_.clear();
    return false;
  }

  // A record's number is never above its first line's, so nothing is wanted behind that number.
  bool end_record() {
    const bool by_line = first_line_ <= wanted_ && wanted_ <= line_;
    if (by_line || number_ == wanted_) candidates_.push_back(record_);
    record_.clear();
    first_line_ = ++line_;
    return ++number_ <= wanted_;
  }

  const int64_t wanted_;
  uint64_t seen_ = 0;
  int64_t line_ = 1;
  int64_t first_line_ = 1;  // of the record in hand
  int64_t number_ = 1;      // of the record in hand
  bool inside_quotes_ = false;
  bool failed_ = false;
  std::string record_;
  std::vector<std::string> candidates_;
};

// Whether the view's text is what it would keep of this field. It may show the field as it stands
// in the file, or as a value.
bool shows(const CsvField& field, std::string_view kept) {
  std::string scratch;
  for (std::string_view text : {csv_value(field, &scratch), field.raw}) {
    const bool cut = text.size() > kKeptFieldBytes && kept.size() >= kKeptFieldBytes / 4;
    if (trim(text) == trim(kept) || (cut && text.starts_with(kept))) return true;
  }
  return false;
}

FoundRow described(const StreamSchema& schema, const std::vector<CsvField>& fields, size_t column,
                   std::string_view null_marker) {
  FoundRow out;
  KeyJson key;
  std::string scratch;
  for (const size_t index : schema.key) {
    if (index >= fields.size()) continue;
    const CsvField& field = fields[index];
    key.add(schema.columns[index].source_name,
            is_csv_null(field, null_marker)
                ? std::nullopt
                : std::optional<std::string_view>(csv_value(field, &scratch)));
  }
  out.key = key.text();
  out.source_column = schema.columns[column].source_name;
  out.is_null = is_csv_null(fields[column], null_marker);
  out.value_bytes = out.is_null ? 0 : csv_value_bytes(fields[column]);
  return out;
}

}  // namespace

std::optional<FoundRow> find_refused_row(std::string_view object, bool zstd,
                                         const StreamSchema& schema, std::string_view null_marker,
                                         const RefusedField& field) {
  size_t column = 0;
  while (column < schema.columns.size() && schema.columns[column].name != field.column) ++column;
  if (column == schema.columns.size() || field.line < 1) return std::nullopt;
  if (object.size() > kMaxStagedObjectBytes) return std::nullopt;
  RecordScanner scanner(field.line);
  const Sink sink = [&](std::string_view bytes) { return scanner.feed(bytes); };
  if (zstd) {
    inflate_zstd(object, sink);
  } else {
    inflate_gzip(object, sink);
  }
  scanner.finish();
  std::optional<FoundRow> found;
  for (const std::string& record : scanner.candidates()) {
    std::vector<CsvField> fields;
    if (!split_csv_row(record, &fields) || fields.size() != schema.columns.size()) continue;
    if (field.value && !shows(fields[column], *field.value)) continue;
    FoundRow row = described(schema, fields, column, null_marker);
    if (found) return std::nullopt;  // two that fit
    found = std::move(row);
  }
  // Without the value to compare with, one reading alone is not enough.
  if (!field.value && scanner.candidates().size() != 1) return std::nullopt;
  return found;
}

}  // namespace vesto
