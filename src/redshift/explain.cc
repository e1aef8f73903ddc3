// The statements of prepare() and load() as texts, for people who want to see them first.
#include "base/clock.h"
#include "redshift/loader_impl.h"
#include "redshift/stream_texts.h"
#include "redshift/table_plan.h"

namespace vesto {

namespace {

// Stand-ins for what is known only in a run.
const char* const kSomeManifest = "<manifest>";
const char* const kSomeMarker = "<null marker>";

// `copy_target`, `copy_stage`: COPY into either.
void add_stream(const StreamLoad& stream, const StreamTexts& texts, const std::string& copy_target,
                const std::string& copy_stage, bool is_new, std::vector<std::string>* out) {
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
  for (const std::string& text : {texts.create_stage, copy_stage, texts.stage_duplicates,
                                  texts.take_matching, texts.insert}) {
    out->push_back(text);
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
  std::vector<std::string> streams;
  size_t number = 0;
  for (const StreamLoad& given : group) {
    StreamLoad stream = given;
    if (stream.manifest_key.empty()) stream.manifest_key = kSomeManifest;
    if (stream.null_marker.empty()) stream.null_marker = kSomeMarker;
    const CatalogTable* existing = impl.find_table(stream.target);
    VESTO_ASSIGN(const TablePlan plan, plan_table(stream, existing));
    for (std::string& text : plan.texts()) out.push_back(std::move(text));
    VESTO_ASSIGN(const StreamTexts texts, stream_texts(stream, plan.after, ++number));
    add_stream(stream, texts, copy_text(target, access, stream, texts, texts.target),
               copy_text(target, access, stream, texts, texts.stage), existing == nullptr, &load);
    streams.push_back(stream.schema.stream);
  }
  load.push_back(sql::delete_state_rows(state, streams));
  load.push_back("INSERT INTO " + sql::qualified(state) + " VALUES (...)");
  load.push_back("INSERT INTO " + sql::ident(target.schema) + "." + sql::ident(sql::kLoadsTable) +
                 " VALUES (...)");
  load.push_back("COMMIT");
  out.insert(out.end(), load.begin(), load.end());
  return out;
}

}  // namespace vesto
