#include "sync/parity_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/hash.h"
#include "base/strings.h"
#include "encode/key_json.h"
#include "schema/sums.h"

namespace vesto {

namespace {

// What a row takes in a map besides its bytes.
constexpr uint64_t kRowOverheadBytes = 160;
constexpr int kSampleBits = 4;
static_assert(kParitySampleOneIn == 1U << kSampleBits);
constexpr size_t kDigestBytes = 16;
constexpr uint64_t kDigestOverheadBytes = 96;
constexpr uint32_t kNullLength = UINT32_MAX;

// A row's values one behind the other, each behind its length.
std::string pack(const std::vector<ValueText>& values) {
  std::string out;
  for (const ValueText& value : values) {
    const uint32_t size = value ? static_cast<uint32_t>(value->size()) : kNullLength;
    char bytes[sizeof size];
    std::memcpy(bytes, &size, sizeof size);
    out.append(bytes, sizeof size);
    if (value) out.append(*value);
  }
  return out;
}

std::vector<ValueText> unpack(std::string_view packed) {
  std::vector<ValueText> out;
  while (packed.size() >= sizeof(uint32_t)) {
    uint32_t size = 0;
    std::memcpy(&size, packed.data(), sizeof size);
    packed.remove_prefix(sizeof size);
    if (size == kNullLength) {
      out.emplace_back();
      continue;
    }
    out.emplace_back(packed.substr(0, size));
    packed.remove_prefix(size);
  }
  return out;
}

// Some columns' values in the one form of both sides.
std::string canonical_row(const StreamSchema& schema, const std::vector<size_t>& columns,
                          const std::vector<ValueText>& values) {
  std::vector<std::string> forms;
  std::vector<ValueText> views;
  forms.reserve(columns.size());
  for (const size_t index : columns) {
    if (!values[index]) {
      views.emplace_back();
      continue;
    }
    forms.push_back(canonical_value(schema.columns[index].type, *values[index]));
    views.emplace_back(forms.back());
  }
  return pack(views);
}

std::string key_json(const StreamSchema& schema, const std::vector<ValueText>& values) {
  KeyJson out;
  for (const size_t index : schema.key) out.add(schema.columns[index].source_name, values[index]);
  return out.text();
}

std::vector<ValueText> views_of(const WarehouseCells& cells) {
  std::vector<ValueText> out;
  out.reserve(cells.size());
  for (const auto& cell : cells) out.push_back(cell ? ValueText(*cell) : ValueText());
  return out;
}

void list(ParityDifference difference, ParityResult* result) {
  if (result->listed.size() < kParityListed) result->listed.push_back(std::move(difference));
}

class KeyedRows {
 public:
  KeyedRows(const ParityTable& table, ParitySource* source, ParityWarehouse* warehouse,
            ParityResult* result)
      : table_(table), source_(*source), warehouse_(*warehouse), result_(*result) {
    for (const size_t index : table.schema.key) {
      if (can_bucket(table.schema.columns[index])) columns_.push_back(index);
    }
  }

  Status run() {
    RowBucket first{.columns = columns_, .bits = 0, .value = 0};
    const uint64_t expected =
        2 * table_.estimated_bytes + table_.estimated_rows * kRowOverheadBytes;
    int bits = 0;
    while (!columns_.empty() && bits < kMaxBucketBits &&
           (expected >> bits) > table_.bucket_bytes * 3 / 4) {
      ++bits;
    }
    const bool sample = table_.sample && !columns_.empty();
    if (sample) {
      bits = std::max(bits, kSampleBits);
      result_.sampled_one_in = kParitySampleOneIn;
    }
    for (uint32_t value = 0; value < uint32_t{1} << bits; ++value) {
      if (sample && value % kParitySampleOneIn != 0) continue;
      VESTO_TRY(compare({.columns = columns_, .bits = bits, .value = value}));
    }
    return ok_status();
  }

 private:
  struct Stored {
    std::string values;
    bool side_door = false;
    bool seen = false;
  };

  // One bucket, or the two halves of it, and so on.
  Status compare(RowBucket bucket) {
    std::vector<RowBucket> open = {std::move(bucket)};
    while (!open.empty()) {
      const RowBucket next = std::move(open.back());
      open.pop_back();
      VESTO_ASSIGN(const bool whole, read_source(next));
      if (whole) {
        VESTO_TRY(read_warehouse(next));
        tell_missing();
        continue;
      }
      if (columns_.empty() || next.bits >= kMaxBucketBits) {
        return Error(ErrorCode::kRunCompare,
                     fmt::format("the rows of {} cannot be cut into buckets by their key that fit "
                                 "into memory",
                                 table_.schema.stream))
            .with_hint("Give limits.memory_mib more, or compare without this table (--table).");
      }
      for (const uint32_t half : {0U, 1U}) {
        open.push_back({.columns = columns_,
                        .bits = next.bits + 1,
                        .value = next.value + (half << next.bits)});
      }
    }
    return ok_status();
  }

  // False: there are more rows than fit.
  Result<bool> read_source(const RowBucket& bucket) {
    rows_.clear();
    rejected_.clear();
    uint64_t bytes = 0;
    uint64_t count = 0;
    uint64_t rejected = 0;
    uint64_t nulled = 0;
    bool fits = true;
    VESTO_TRY(source_.rows(bucket, [&](const ParitySourceRow& row) -> Result<bool> {
      ++count;
      nulled += row.nulled;
      std::string key = canonical_row(table_.schema, table_.schema.key, row.values);
      bytes += key.size() + kRowOverheadBytes;
      if (row.fate == ParitySourceRow::Fate::kRejected) {
        ++rejected;
        rejected_.insert(std::move(key));
      } else {
        std::string values = pack(row.values);
        bytes += values.size();
        rows_[std::move(key)] = {.values = std::move(values),
                                 .side_door = row.fate == ParitySourceRow::Fate::kSideDoor};
      }
      fits = bytes <= table_.bucket_bytes;
      return fits;
    }));
    if (!fits) return false;
    if (!result_.sums_known) result_.source_rows += count;
    result_.rejected += rejected;
    result_.nulled_values += nulled;
    result_.compared_rows += count - rejected;
    return true;
  }

  Status read_warehouse(const RowBucket& bucket) {
    return warehouse_.rows(table_.target, table_.schema, bucket, table_.widest_bytes,
                           [&](const WarehouseCells& cells) -> Status {
                             take(views_of(cells));
                             return ok_status();
                           });
  }

  void take(const std::vector<ValueText>& values) {
    if (!result_.sums_known) ++result_.warehouse_rows;
    const std::string key = canonical_row(table_.schema, table_.schema.key, values);
    const auto found = rows_.find(key);
    if (found == rows_.end()) {
      // Of a rejected row an older version may stand there.
      if (rejected_.contains(key)) return;
      ++result_.only_in_warehouse;
      return list({.kind = ParityDifference::Kind::kOnlyInWarehouse,
                   .key = key_json(table_.schema, values),
                   .columns = {}},
                  &result_);
    }
    Stored& stored = found->second;
    const std::vector<ValueText> wanted = unpack(stored.values);
    if (stored.seen) {
      ++result_.twice;
      // A merge finds both and stops: only --full-refresh mends it.
      return list({.kind = ParityDifference::Kind::kTwice,
                   .key = key_json(table_.schema, wanted),
                   .columns = {}},
                  &result_);
    }
    stored.seen = true;
    std::vector<std::string> unlike;
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (same_value(table_.schema.columns[i], wanted[i], values[i])) continue;
      unlike.push_back(table_.schema.columns[i].source_name);
    }
    if (unlike.empty()) return;
    std::string shown = key_json(table_.schema, wanted);
    if (was_rejected(stored, shown)) return;
    ++result_.differing;
    tell({.kind = ParityDifference::Kind::kDiffers,
          .key = std::move(shown),
          .columns = std::move(unlike)},
         wanted);
  }

  void tell_missing() {
    for (const auto& [key, stored] : rows_) {
      if (stored.seen) continue;
      const std::vector<ValueText> wanted = unpack(stored.values);
      std::string shown = key_json(table_.schema, wanted);
      if (was_rejected(stored, shown)) continue;
      ++result_.missing;
      tell({.kind = ParityDifference::Kind::kMissing, .key = std::move(shown), .columns = {}},
           wanted);
    }
  }

  // The side door has a bound in each run, and beyond it rows are rejected.
  bool was_rejected(const Stored& stored, const std::string& key) {
    if (!stored.side_door || !table_.rejected.contains(key)) return false;
    ++result_.rejected;
    return true;
  }

  void tell(ParityDifference difference, const std::vector<ValueText>& wanted) {
    if (result_.mendable.size() < kMaxWantedKeys) {
      std::vector<std::string> key;
      for (const size_t index : table_.schema.key) key.emplace_back(wanted[index].value_or(""));
      // One that stands there three times is told twice, one behind the other.
      if (result_.mendable.empty() || result_.mendable.back() != key) {
        result_.mendable.push_back(std::move(key));
      }
    }
    list(std::move(difference), &result_);
  }

  const ParityTable& table_;
  ParitySource& source_;
  ParityWarehouse& warehouse_;
  ParityResult& result_;
  std::vector<size_t> columns_;  // of the key, by which buckets are made
  std::unordered_map<std::string, Stored> rows_;
  std::unordered_set<std::string> rejected_;
};

// Each pass reads all rows and counts the digests of a part of them.
class KeylessRows {
 public:
  KeylessRows(const ParityTable& table, ParitySource* source, ParityWarehouse* warehouse,
              ParityResult* result)
      : table_(table), source_(*source), warehouse_(*warehouse), result_(*result) {
    for (size_t i = 0; i < table.schema.columns.size(); ++i) columns_.push_back(i);
  }

  Status run() {
    const uint64_t per_row = kDigestBytes + kDigestOverheadBytes;
    passes_ = std::max<uint64_t>(1, table_.estimated_rows * per_row / table_.bucket_bytes + 1);
    if (table_.sample) result_.sampled_one_in = kParitySampleOneIn;
    for (uint64_t pass = 0; pass < passes_; ++pass) VESTO_TRY(compare(pass));
    return ok_status();
  }

 private:
  Status compare(uint64_t pass) {
    std::unordered_map<std::string, int64_t> digests;
    const bool counts = pass == 0 && !result_.sums_known;
    VESTO_TRY(source_.rows({}, [&](const ParitySourceRow& row) -> Result<bool> {
      if (pass == 0) result_.nulled_values += row.nulled;
      if (counts) ++result_.source_rows;
      if (row.fate == ParitySourceRow::Fate::kRejected) {
        if (pass == 0) ++result_.rejected;
      } else if (const std::string digest = digest_of(row.values); is_of(digest, pass)) {
        ++digests[digest];
        ++result_.compared_rows;
      }
      return true;
    }));
    VESTO_TRY(warehouse_.rows(table_.target, table_.schema, {}, table_.widest_bytes,
                              [&](const WarehouseCells& cells) -> Status {
                                if (counts) ++result_.warehouse_rows;
                                const std::string digest = digest_of(views_of(cells));
                                if (is_of(digest, pass)) --digests[digest];
                                return ok_status();
                              }));
    for (const auto& [digest, count] : digests) {
      if (count > 0) result_.missing += static_cast<uint64_t>(count);
      if (count < 0) result_.only_in_warehouse += static_cast<uint64_t>(-count);
    }
    return ok_status();
  }

  std::string digest_of(const std::vector<ValueText>& values) const {
    return sha256(canonical_row(table_.schema, columns_, values)).substr(0, kDigestBytes);
  }

  [[nodiscard]] bool is_of(const std::string& digest, uint64_t pass) const {
    uint64_t number = 0;
    std::memcpy(&number, digest.data(), sizeof number);
    if (table_.sample && number % kParitySampleOneIn != 0) return false;
    return number / kParitySampleOneIn % passes_ == pass;
  }

  const ParityTable& table_;
  ParitySource& source_;
  ParityWarehouse& warehouse_;
  ParityResult& result_;
  std::vector<size_t> columns_;
  uint64_t passes_ = 1;
};

}  // namespace

Status compare_rows(const ParityTable& table, ParitySource* source, ParityWarehouse* warehouse,
                    ParityResult* result) {
  result->streamed = true;
  if (table.schema.key.empty()) return KeylessRows(table, source, warehouse, result).run();
  return KeyedRows(table, source, warehouse, result).run();
}

}  // namespace vesto
