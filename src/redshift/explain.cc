// The statements of prepare() and load() as texts, for people who want to see them first.
#include <algorithm>

#include "base/clock.h"
#include "redshift/load_transaction.h"
#include "redshift/state_rows.h"
#include "redshift/stream_texts.h"
#include "redshift/table_plan.h"

namespace vesto {

namespace {

// Stand-ins for what is known only in a run.
const char* const kSomeManifest = "<manifest>";
const char* const kSomeMarker = "<null marker>";

// `copy_target`, `copy_stage`: COPY into either.
void add_stream(const StreamLoad& stream, const StreamTexts& texts, const std::string& copy_target,
                const std::string& copy_stage, bool is_new, std::vector<std::string>* out,
                std::vector<sql::KeyedTable>* stages) {
  if (stream.mode == LoadMode::kReplace) {
    out->push_back(texts.delete_all);
    out->push_back(copy_target);
    return;
  }
  if (stream.mode == LoadMode::kAppend) {
    const std::string& first = stream.full ? texts.is_empty : texts.delete_window;
    if (!first.empty()) out->push_back(first);
    out->push_back(copy_target);
    return;
  }
  if (is_new && stream.full) {
    out->push_back(texts.is_empty);
    out->push_back(copy_target);
    return;
  }
  out->push_back(texts.create_stage);
  out->push_back(copy_stage);
  // Others are counted by one statement for several of them.
  if (stream.key_proven) {
    stages->push_back({texts.stage, texts.key});
  } else {
    out->push_back(sql::count_null_keys(texts.stage, texts.key));
    out->push_back(sql::count_duplicate_keys(texts.stage, texts.key));
  }
  out->push_back(texts.take_matching);
  out->push_back(texts.insert);
}

void add_checks(const std::vector<sql::KeyedTable>& stages, std::vector<std::string>* out) {
  for (size_t first = 0; first < stages.size(); first += kStagesPerCheck) {
    const auto begin = stages.begin() + static_cast<std::ptrdiff_t>(first);
    const size_t count = std::min(stages.size() - first, kStagesPerCheck);
    out->push_back(sql::count_duplicate_keys({begin, begin + static_cast<std::ptrdiff_t>(count)}));
  }
}

}  // namespace

Result<std::vector<std::string>> RedshiftLoader::explain(const std::vector<StreamLoad>& group) {
  Impl& impl = *impl_;
  std::vector<size_t> all;
  for (size_t i = 0; i < group.size(); ++i) all.push_back(i);
  Catalog shared;
  VESTO_TRY(impl.repeat(2, [&]() -> Status {
    VESTO_ASSIGN(shared, impl.shared_catalog());
    if (!shared.schema_exists) return ok_status();  // then there are no tables either
    return impl.read_tables(group, all);
  }));
  const LoadTarget& target = impl.target;
  const TargetName state = impl.state_name();
  std::vector<std::string> out;
  if (!shared.schema_exists) out.push_back(sql::create_schema(target.schema));
  if (shared.find(sql::kLoadsTable) == nullptr) {
    out.push_back(sql::create_loads_table(target.schema));
  }
  if (shared.find(sql::kStatusView) == nullptr) {
    out.push_back(sql::create_status_view(target.schema));
  }
  if (shared.find(state.table) == nullptr) out.push_back(sql::create_state_table(state));
  if (group.empty()) return out;  // no stream, no transaction
  std::vector<std::string> load = {
      "BEGIN", sql::lock_table(state),
      sql::move_fence(state, {"<seen>"}, {"<load>"}, target.installation, impl.clock().wall_ms())};
  VESTO_ASSIGN(const CopyAccess access, target.copy_access(CopyNeed{}, impl.context.stop));
  std::vector<sql::KeyedTable> stages;
  size_t number = 0;
  std::vector<const StreamLoad*> streams;
  for (const StreamLoad& given : group) {
    streams.push_back(&given);
    StreamLoad stream = given;
    if (stream.manifest_key.empty()) stream.manifest_key = kSomeManifest;
    if (stream.null_marker.empty()) stream.null_marker = kSomeMarker;
    const CatalogTable* existing = impl.find_table(stream.target);
    VESTO_ASSIGN(const TablePlan plan, plan_table(stream, existing));
    for (std::string& text : plan.texts()) out.push_back(std::move(text));
    VESTO_ASSIGN(const StreamTexts texts, stream_texts(stream, plan.after, ++number));
    add_stream(stream, texts, copy_text(target, access, stream, texts, texts.target),
               copy_text(target, access, stream, texts, texts.stage), existing == nullptr, &load,
               &stages);
  }
  add_checks(stages, &load);
  VESTO_TRY(each_state_statement(state, streams,
                                 {{"<load>"}, target.installation, impl.clock().wall_ms()},
                                 [&](const std::string& sql, size_t) {
                                   load.push_back(sql);
                                   return ok_status();
                                 }));
  load.push_back("INSERT INTO " + sql::ident(target.schema) + "." + sql::ident(sql::kLoadsTable) +
                 " VALUES (...)");
  load.push_back("COMMIT");
  out.insert(out.end(), load.begin(), load.end());
  return out;
}

}  // namespace vesto
