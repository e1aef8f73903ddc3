#include "sync/parity_source.h"

#include <limits>

namespace vesto {

namespace {

constexpr size_t kNone = std::string_view::npos;

Error broken_row() {
  return {ErrorCode::kInternal, "a row of a comparison has other fields than its stream"};
}

}  // namespace

ParitySource::ParitySource(SourceSnapshot& snapshot, StreamPlan plan, StreamSchema schema,
                           std::string null_marker, size_t max_row_bytes, std::stop_token stop)
    : snapshot_(snapshot),
      plan_(std::move(plan)),
      schema_(std::move(schema)),
      null_marker_(std::move(null_marker)),
      max_row_bytes_(max_row_bytes),
      stop_(std::move(stop)) {
  // The load has decided already; here such a row is one that cannot be there.
  for (Column& column : schema_.columns) {
    if (column.on_unrepresentable == Unrepresentable::kStop) {
      column.on_unrepresentable = Unrepresentable::kReject;
    }
  }
}

Guard ParitySource::guard() const {
  GuardLimits limits;
  limits.row_bytes = max_row_bytes_;
  limits.check_utf8 = plan_.check_utf8;
  limits.oversize_marker = plan_.oversize_marker;
  // Of one chunk: the bounds of a run are not those of a comparison, which keeps no row.
  constexpr int64_t kNoBound = std::numeric_limits<int64_t>::max() / 2;
  const auto bytes = std::make_shared<DiversionBytes>();
  for (std::atomic<int64_t>& left : bytes->left) left = kNoBound;
  limits.diversion = std::make_shared<DiversionLimits>(bytes, kNoBound);
  return {schema_, null_marker_, limits};
}

Result<std::vector<std::optional<std::string>>> ParitySource::sums() {
  VESTO_ASSIGN(const ReadRange range, snapshot_.sums(plan_));
  std::vector<std::optional<std::string>> out;
  VESTO_TRY(read(range, [&](Chunk* chunk) -> Result<bool> {
    if (chunk->rows != 1 || !split_csv_row(chunk->bytes, &fields_)) return broken_row();
    std::string scratch;
    for (const CsvField& field : fields_) {
      const bool null = is_csv_null(field, null_marker_);
      out.push_back(null ? std::nullopt
                         : std::optional<std::string>(std::string(csv_value(field, &scratch))));
    }
    return true;
  }));
  return out;
}

Status ParitySource::rows(const RowBucket& bucket, const TakeSourceRow& take) {
  VESTO_ASSIGN(const std::vector<ReadRange> ranges, snapshot_.bucket(plan_, bucket));
  bool wanted = true;
  for (const ReadRange& range : ranges) {
    if (!wanted) break;
    VESTO_TRY(read(range, [&](Chunk* chunk) -> Result<bool> {
      VESTO_ASSIGN(wanted, take_chunk(chunk, take));
      return wanted;
    }));
  }
  return ok_status();
}

Status ParitySource::read(const ReadRange& range, const std::function<Result<bool>(Chunk*)>& take) {
  VESTO_ASSIGN(const std::unique_ptr<RangeReader> reader, snapshot_.open(range));
  const std::stop_callback on_stop(stop_, [&reader] { reader->cancel(); });
  Chunk chunk;
  while (true) {
    auto more = reader->read(&chunk);
    if (stop_.stop_requested()) {
      return Error(ErrorCode::kRunInterrupted, "the comparison was interrupted");
    }
    if (!more.ok()) return std::move(more).error();
    if (!*more) return ok_status();
    VESTO_ASSIGN(const bool wanted, take(&chunk));
    if (!wanted) return ok_status();
  }
}

Result<bool> ParitySource::take_chunk(Chunk* chunk, const TakeSourceRow& take) {
  // Once as a whole: almost always nothing in it trips a guard.
  Chunk judged;
  judged.bytes = chunk->bytes;
  judged.rows = chunk->rows;
  judged.longest_row_bytes = chunk->longest_row_bytes;
  Diversion out;
  VESTO_TRY(guard().check(&judged, &out));
  const bool plain = out.side.empty() && out.rejected.empty() && out.nulled_values == 0;
  const std::string_view bytes = chunk->bytes;
  for (size_t at = 0; at < bytes.size();) {
    const size_t end = csv_row_end(bytes, at);
    if (end == kNone) return broken_row();
    const std::string_view row = bytes.substr(at, end - at);
    row_.nulled = 0;
    Result<bool> wanted =
        plain ? take_fields(row, ParitySourceRow::Fate::kLoaded, take) : take_judged(row, take);
    if (!wanted.ok() || !*wanted) return wanted;
    at = end;
  }
  return true;
}

Result<bool> ParitySource::take_judged(std::string_view row, const TakeSourceRow& take) {
  Chunk one;
  one.bytes = row;
  one.rows = 1;
  one.longest_row_bytes = row.size();
  Diversion out;
  VESTO_TRY(guard().check(&one, &out));
  row_.nulled = out.nulled_values;
  if (!out.rejected.empty()) return take_fields(row, ParitySourceRow::Fate::kRejected, take);
  if (out.side.empty()) return take_fields(one.bytes, ParitySourceRow::Fate::kLoaded, take);
  row_.fate = ParitySourceRow::Fate::kSideDoor;
  const auto values = out.side.front().values();
  row_.values.assign(values.begin(), values.end());
  return take(row_);
}

Result<bool> ParitySource::take_fields(std::string_view row, ParitySourceRow::Fate fate,
                                       const TakeSourceRow& take) {
  if (!split_csv_row(row, &fields_) || fields_.size() != schema_.columns.size()) {
    return broken_row();
  }
  scratch_.resize(fields_.size());
  row_.fate = fate;
  row_.values.clear();
  for (size_t i = 0; i < fields_.size(); ++i) {
    const bool null = is_csv_null(fields_[i], null_marker_);
    row_.values.push_back(null ? ValueText() : ValueText(csv_value(fields_[i], &scratch_[i])));
  }
  return take(row_);
}

}  // namespace vesto
