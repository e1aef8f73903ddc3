#include "sync/parity.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "redshift/parity_sql.h"
#include "schema/sums.h"
#include "sync/parity_rows.h"
#include "sync/parity_source.h"
#include "sync/parity_value.h"
#include "sync/parity_warehouse.h"

namespace vesto {

namespace {

// Rows of the source in memory at a time, if the budget has as much, and what the chunks and
// fetches beside them take.
constexpr uint64_t kBucketBytes = 64ULL << 20;
constexpr uint64_t kLeastBucketBytes = 4ULL << 20;
constexpr uint64_t kBesideBytes = 28ULL << 20;
constexpr uint64_t kFixedValueBytes = 64;

bool has_column(const StreamSchema& schema, const std::string& source_name) {
  return std::any_of(
      schema.columns.begin(), schema.columns.end(),
      [&source_name](const Column& column) { return column.source_name == source_name; });
}

// All rows of the stream, with the columns that the run has delivered.
Result<StreamPlan> plan_whole(const RunPlan& plan, const TableSpec& spec,
                              const StreamSchema& delivered) {
  StreamRequest request = stream_request(spec);
  VESTO_ASSIGN(StreamPlan whole, plan.snapshot->plan(request));
  const size_t named = request.exclude.size();
  for (const Column& column : whole.schema.columns) {
    if (!has_column(delivered, column.source_name)) request.exclude.push_back(column.source_name);
  }
  if (request.exclude.size() > named) {
    VESTO_ASSIGN(whole, plan.snapshot->plan(request));
  }
  const auto same = [](const Column& a, const Column& b) { return a.source_name == b.source_name; };
  if (!std::equal(whole.schema.columns.begin(), whole.schema.columns.end(),
                  delivered.columns.begin(), delivered.columns.end(), same)) {
    return Error(ErrorCode::kPgChanged, spec.name + " has other columns than those delivered");
  }
  return whole;
}

bool equal_numbers(const std::optional<std::string>& a, const std::optional<std::string>& b) {
  return canonical_number(a.value_or("0")) == canonical_number(b.value_or("0"));
}

uint64_t count_of(const std::optional<std::string>& text) {
  return static_cast<uint64_t>(std::max<int64_t>(0, parse_int(text.value_or("0")).value_or(0)));
}

// No row of the warehouse prints as more, by the sizes behind the sums; nothing: by its types.
uint64_t widest_row(const StreamSchema& schema, const WarehouseCells* sums) {
  uint64_t bytes = 0;
  size_t at = sql::parity_sum_fields(schema);
  for (const Column& column : schema.columns) {
    bytes += kFixedValueBytes;
    uint64_t most = 0;
    switch (column.type.kind) {
      case TypeKind::kVarchar:
        most = kMaxVarcharBytes;
        break;
      case TypeKind::kVarbyte:
        most = uint64_t{2} * kMaxVarbyteBytes;
        break;
      case TypeKind::kSuper:
        most = kMaxRowBytes;
        break;
      case TypeKind::kGeometry:
      case TypeKind::kGeography:
        bytes += uint64_t{2} * kMaxGeometryBytes;
        continue;
      default:
        continue;
    }
    if (sums != nullptr && at < sums->size()) {
      const uint64_t size = count_of((*sums)[at++]);
      most = column.type.kind == TypeKind::kVarbyte ? 2 * size : size;
    }
    bytes += most;
  }
  return bytes;
}

class Comparison {
 public:
  Comparison(RunContext& context, const RunPlan& plan) : context_(context), plan_(plan) {
    ByteBudget& budget = *context.services.budget;
    for (bucket_bytes_ = kBucketBytes; bucket_bytes_ >= kLeastBucketBytes; bucket_bytes_ /= 2) {
      if (budget.try_take(bucket_bytes_ + kBesideBytes)) {
        taken_bytes_ = bucket_bytes_ + kBesideBytes;
        return;
      }
    }
    bucket_bytes_ = kLeastBucketBytes;  // the lanes have given theirs back by now
  }
  ~Comparison() { context_.services.budget->give_back(taken_bytes_); }
  Comparison(const Comparison&) = delete;
  Comparison& operator=(const Comparison&) = delete;

  void table(const PlannedTable& planned, ParityResult* result) {
    if (stopped_) {
      result->error = stopped_;
      return;
    }
    Status compared = open_once();
    if (compared.ok()) compared = compare(planned, result);
    if (warehouse_) warehouse_->end();
    if (compared.ok()) return;
    result->error = at_table(std::move(compared).error(), context_.spec.tables[planned.table]);
    if (context_.stop.stop_requested() || !warehouse_ || !warehouse_->usable()) {
      stopped_ = result->error;
    }
  }

 private:
  Status open_once() {
    if (warehouse_) return ok_status();
    RunContext& context = context_;
    const auto keep = [&context](const std::string& sql) {
      if (Status kept = context.services.store->add_sql(context.run, sql); !kept.ok()) {
        log_warn("statement not kept", {{"error", kept.error().to_string()}});
      }
    };
    VESTO_ASSIGN(warehouse_,
                 ParityWarehouse::open(context.connect, keep, context.stop.get_token()));
    return ok_status();
  }

  Status compare(const PlannedTable& planned, ParityResult* result) {
    const TableSpec& spec = context_.spec.tables[planned.table];
    ParityTable table;
    table.schema = planned.plan.schema;
    table.target = {context_.spec.schema, spec.target};
    table.bucket_bytes = bucket_bytes_;
    table.sample = context_.options.parity->sample;
    result->keyed = !table.schema.key.empty();
    VESTO_ASSIGN(StreamPlan whole, plan_whole(plan_, spec, table.schema));
    table.estimated_bytes = static_cast<uint64_t>(std::max<int64_t>(0, whole.estimated_bytes));
    ParitySource source(*plan_.snapshot, std::move(whole), table.schema, plan_.null_marker,
                        context_.spec.max_row_bytes, context_.stop.get_token());
    VESTO_ASSIGN(table.rejected, warehouse_->rejected_keys(context_.spec.schema, context_.spec.name,
                                                           table.schema.stream));
    result->kept_rejected = table.rejected.size();
    VESTO_TRY(warehouse_->begin());
    table.widest_bytes = widest_row(table.schema, nullptr);
    VESTO_TRY(sum_up(&table, &source, result));
    const bool no_sum =
        std::any_of(table.schema.columns.begin(), table.schema.columns.end(),
                    [](const Column& column) { return sum_form(column.type) == SumForm::kNone; });
    if (result->sums_equal && !no_sum) return ok_status();
    return compare_rows(table, &source, &*warehouse_, result);
  }

  // Where a side cannot sum up (a sum of more than 38 digits, a target of other types), values are
  // compared at once.
  Status sum_up(ParityTable* table, ParitySource* source, ParityResult* result) {
    const auto asked = source->sums();
    if (!asked.ok()) return give_up_sums(asked.error(), "source", false, result);
    const auto held = warehouse_->sums(table->target, table->schema);
    if (!held.ok()) return give_up_sums(held.error(), "warehouse", true, result);
    table->widest_bytes = widest_row(table->schema, &*held);
    compare_sums(table->schema, *asked, *held, result);
    table->estimated_rows = result->source_rows;
    return ok_status();
  }

  Status give_up_sums(const Error& error, std::string_view side, bool begin_anew,
                      ParityResult* result) {
    const bool sql = error.code() == ErrorCode::kRsSql || error.code() == ErrorCode::kPgRead;
    // A table that is not there cannot be read either, and says so.
    if (!sql || error.upstream().code.starts_with("42P") || !warehouse_->usable()) return error;
    result->no_sums = fmt::format("the {} cannot sum up: {}", side, error.message());
    if (!begin_anew) return ok_status();
    warehouse_->end();
    return warehouse_->begin();
  }

  static void compare_sums(const StreamSchema& schema, const WarehouseCells& source,
                           const WarehouseCells& warehouse, ParityResult* result) {
    const size_t fields = sql::parity_sum_fields(schema);
    if (source.size() < fields || warehouse.size() < fields) return;
    result->sums_known = true;
    result->source_rows = count_of(source[0]);
    result->warehouse_rows = count_of(warehouse[0]);
    if (result->source_rows != result->warehouse_rows) result->unlike.emplace_back("*");
    for (size_t i = 0; i < schema.columns.size(); ++i) {
      const size_t at = 3 + 2 * i;
      if (!equal_numbers(source[at], warehouse[at]) ||
          !equal_numbers(source[at + 1], warehouse[at + 1])) {
        result->unlike.push_back(schema.columns[i].source_name);
      }
    }
    result->sums_equal = result->unlike.empty() && equal_numbers(source[1], warehouse[1]) &&
                         equal_numbers(source[2], warehouse[2]);
  }

  RunContext& context_;
  const RunPlan& plan_;
  uint64_t bucket_bytes_ = kLeastBucketBytes;
  uint64_t taken_bytes_ = 0;
  std::unique_ptr<ParityWarehouse> warehouse_;
  std::optional<Error> stopped_;
};

}  // namespace

std::string parity_kind_name(ParityDifference::Kind kind) {
  switch (kind) {
    case ParityDifference::Kind::kMissing:
      return "missing";
    case ParityDifference::Kind::kOnlyInWarehouse:
      return "only_in_warehouse";
    case ParityDifference::Kind::kTwice:
      return "twice";
    case ParityDifference::Kind::kDiffers:
      return "differs";
  }
  return "";
}

std::vector<ParityResult> compare_run(RunContext& context, const RunPlan& plan,
                                      const std::vector<TableResult>& tables) {
  std::vector<ParityResult> out;
  Comparison comparison(context, plan);
  for (const PlannedTable& planned : plan.tables) {
    const TableSpec& spec = context.spec.tables[planned.table];
    ParityResult result;
    result.name = spec.name;
    result.target = context.spec.schema + "." + spec.target;
    const auto delivered =
        std::find_if(tables.begin(), tables.end(),
                     [&spec](const TableResult& table) { return table.name == spec.name; });
    if (delivered == tables.end() || delivered->state == "failed") {
      result.error = delivered != tables.end() && delivered->error
                         ? delivered->error
                         : std::optional<Error>(
                               Error(ErrorCode::kRunCompare, spec.name + " was not delivered"));
    } else {
      comparison.table(planned, &result);
    }
    out.push_back(std::move(result));
  }
  return out;
}

}  // namespace vesto
