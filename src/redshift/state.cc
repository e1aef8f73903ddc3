// The state of a sync in its destination: made once, read at each run.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "base/strings.h"
#include "redshift/errors.h"
#include "redshift/loader_impl.h"
#include "redshift/sql_rows.h"

namespace vesto {

namespace {

// The header row's position: {"sync":"shop-orders","source":"7710.../shop"}.
std::string header_text(const LoadTarget& target) {
  return "{\"sync\":" + json_quote(target.sync_name) +
         ",\"source\":" + json_quote(target.source_id) + "}";
}

Error foreign(const TargetName& state, const std::string& why) {
  return Error(ErrorCode::kRsStateForeign,
               fmt::format("table {}.{} {}", state.schema, state.table, why));
}

// The header must be of this sync and this source. A sync name in another case is the same sync,
// as it is for the sync's id.
Status check_header(const LoadTarget& target, const TargetName& state, const std::string& text) {
  const nlohmann::json header = nlohmann::json::parse(text, nullptr, false);
  if (!header.is_object() || !header.contains("sync") || !header.contains("source") ||
      !header["sync"].is_string() || !header["source"].is_string()) {
    return foreign(state, "has a header row that Vesto did not write");
  }
  const auto sync = header["sync"].get<std::string>();
  const auto source = header["source"].get<std::string>();
  if (to_lower_ascii(sync) != to_lower_ascii(target.sync_name)) {
    return foreign(state, "belongs to the sync " + sync);
  }
  if (!target.source_id.empty() && source != target.source_id) {
    return foreign(
        state, fmt::format("belongs to the source {}, this one is {}", source, target.source_id));
  }
  return ok_status();
}

// No setting gives Vesto's own tables other names.
Error own_name_taken(const TargetName& name) {
  return no_table(name).with_hint(
      "It is the name of a table of Vesto's own: have the view's owner drop or rename it.");
}

Error as_lock(Error error, const TargetName& state) {
  if (error.code() != ErrorCode::kRsTimeout) return error;
  return Error(ErrorCode::kRsLock,
               fmt::format("table {}.{} is locked by another session", state.schema, state.table))
      .with_upstream(error.upstream());
}

void note_gone(const Catalog& catalog, const std::vector<std::string>& tables,
               DestinationState* out) {
  for (const std::string& table : tables) {
    if (catalog.find(table) == nullptr) out->gone.insert(table);
  }
}

}  // namespace

Error no_schema(const std::string& schema) {
  return Error(ErrorCode::kRsNoSchema, "the schema " + schema + " does not exist")
      .with_hint(fmt::format("CREATE SCHEMA {}; or set create_schema = true.", sql::ident(schema)));
}

Error with_grant(Error error, const Catalog& catalog, const std::string& schema) {
  const std::string user = sql::ident(catalog.user);
  if (error.code() == ErrorCode::kRsPrivCreate) {
    error.with_hint(
        fmt::format("GRANT CREATE ON DATABASE {} TO {};", sql::ident(catalog.database), user));
  } else if (error.code() == ErrorCode::kRsPrivSchema) {
    error.with_hint(fmt::format("GRANT ALL ON SCHEMA {} TO {};", sql::ident(schema), user));
  } else if (error.code() == ErrorCode::kRsPriv) {
    error.with_hint(
        fmt::format("GRANT ALL ON ALL TABLES IN SCHEMA {} TO {};", sql::ident(schema), user));
  }
  return error;
}

Result<Catalog> RedshiftLoader::Impl::shared_catalog(std::vector<std::string> more_tables) {
  more_tables.insert(more_tables.begin(),
                     {state_name().table, std::string(sql::kLoadsTable),
                      std::string(sql::kRejectedTable), std::string(sql::kStatusView)});
  return read_catalog(target.schema, more_tables);
}

Status RedshiftLoader::Impl::make_state(const Catalog& catalog) {
  const TargetName state = state_name();
  for (const std::string_view table :
       {std::string_view(state.table), sql::kLoadsTable, sql::kRejectedTable}) {
    const CatalogTable* there = catalog.find(table);
    if (there != nullptr && !there->is_table) return own_name_taken({state.schema, there->name});
  }
  if (!catalog.schema_exists) {
    if (!target.create_schema) return no_schema(target.schema);
    auto made = exec(sql::create_schema(target.schema));
    if (!made.ok() && !already_there(made.error())) return made.error();
    VESTO_KILL_POINT("prepare.after_ddl");
  }
  if (catalog.find(sql::kLoadsTable) == nullptr) {
    auto made = exec(sql::create_loads_table(target.schema));
    if (!made.ok() && !already_there(made.error())) return made.error();
    VESTO_KILL_POINT("prepare.after_ddl");
  }
  if (catalog.find(sql::kRejectedTable) == nullptr) {
    auto made = exec(sql::create_rejected_table(target.schema));
    if (!made.ok() && !already_there(made.error())) return made.error();
    VESTO_KILL_POINT("prepare.after_ddl");
  }
  if (catalog.find(sql::kStatusView) == nullptr) {
    auto made = exec(sql::create_status_view(target.schema));
    // For people only: no delivery fails for its lack.
    if (!made.ok() && after_fault(made.error()) == AfterFault::kRepeat) return made.error();
    if (!made.ok() && !already_there(made.error())) {
      log_warn("redshift: the status view could not be made",
               {{"error", made.error().to_string()}});
    }
    VESTO_KILL_POINT("prepare.after_ddl");
  }
  if (catalog.find(state.table) != nullptr) return ok_status();
  // Table and header row together: whoever sees the table sees its header.
  VESTO_TRY(exec("BEGIN"));
  auto made = exec(sql::create_state_table(state));
  if (!made.ok() && already_there(made.error())) {
    roll_back();  // another run was first; its header is read
    return session_ != nullptr ? ok_status()
                               : Status(Error(ErrorCode::kRsConnection, "ROLLBACK failed"));
  }
  if (!made.ok()) return made.error();
  VESTO_TRY(exec(sql::insert_state_rows(
      state, {{std::string(sql::kHeaderStream), LoadId{"0"}, target.installation.text, 1,
               header_text(target), clock().wall_ms()}})));
  VESTO_TRY(exec("COMMIT"));
  VESTO_KILL_POINT("prepare.after_ddl");
  return ok_status();
}

Result<DestinationState> RedshiftLoader::Impl::select_state() {
  const TargetName state = state_name();
  VESTO_TRY(set_timeout(lock_timeout_ms()));
  // Only here is the wait one for that table: the catalogue and DDL may be slow by themselves, and
  // the user's own statement_timeout ends them.
  const auto answer = exec(sql::select_state(state));
  if (!answer.ok()) return as_lock(answer.error(), state);
  DestinationState out;
  std::map<std::string, std::map<int64_t, std::string>> pieces;
  int headers = 0;
  for (const auto& row : answer->rows) {
    if (row.size() != 4 || !row[0] || !row[1] || !row[3]) {
      return foreign(state, "does not look like a state table");
    }
    if (*row[0] == sql::kHeaderStream) {
      ++headers;
      VESTO_TRY(check_header(target, state, *row[3]));
      out.fence = LoadId{*row[1]};
      continue;
    }
    const int64_t part = parse_int(row[2].value_or("")).value_or(sql::kPositionPart);
    if (part < sql::kPositionPart) {
      pieces[*row[0]][-part] = *row[3];
      continue;
    }
    DestinationState::Stream& stream = out.streams[*row[0]];
    stream.load_id = LoadId{*row[1]};
    stream.position = *row[3];
  }
  for (const auto& [name, parts] : pieces) {
    const auto stream = out.streams.find(name);
    if (stream == out.streams.end()) continue;
    for (const auto& [number, text] : parts) stream->second.columns += text;
  }
  if (headers != 1) return foreign(state, fmt::format("has {} header rows", headers));
  return out;
}

Result<std::optional<DestinationState>> RedshiftLoader::Impl::open_state(
    const std::vector<StreamLoad>& group, bool knows_fence) {
  std::vector<std::string> tables;
  for (const StreamLoad& stream : group) {
    if (stream.target.schema == target.schema) tables.push_back(stream.target.table);
  }
  const bool all_here = !group.empty() && tables.size() == group.size();
  std::optional<DestinationState> out;
  Catalog catalog;
  const Status done = repeat(kMaxLockWaits, [&]() -> Status {
    out.reset();
    read_ahead_ = false;
    VESTO_ASSIGN(catalog, shared_catalog(tables));
    const bool has_state =
        catalog.find(state_name().table) != nullptr && catalog.find(sql::kLoadsTable) != nullptr &&
        catalog.find(sql::kRejectedTable) != nullptr && catalog.find(sql::kStatusView) != nullptr;
    if (all_here && has_state) {
      note_tables(catalog, target.schema, tables);
      read_ahead_ = true;
      const auto prepared = [this](const StreamLoad& stream) { return is_prepared(stream); };
      if (knows_fence && std::all_of(group.begin(), group.end(), prepared)) return ok_status();
    }
    VESTO_TRY(make_state(catalog));
    VESTO_ASSIGN(out, select_state());
    return ok_status();
  });
  if (!done.ok()) return with_grant(done.error(), catalog, target.schema);
  return out;
}

Result<std::optional<DestinationState>> RedshiftLoader::Impl::read_state(
    const std::vector<std::string>& tables) {
  // The answer has a row for each of their columns.
  constexpr size_t kTablesAtATime = 1000;
  const auto some = [&tables](size_t first) {
    const size_t last = std::min(tables.size(), first + kTablesAtATime);
    return std::vector<std::string>(tables.begin() + static_cast<std::ptrdiff_t>(first),
                                    tables.begin() + static_cast<std::ptrdiff_t>(last));
  };
  std::optional<DestinationState> out;
  Catalog catalog;
  const Status done = repeat(kMaxLockWaits, [&]() -> Status {
    out.reset();
    VESTO_ASSIGN(catalog, shared_catalog(some(0)));
    if (catalog.find(state_name().table) == nullptr) return ok_status();
    VESTO_ASSIGN(out, select_state());
    note_gone(catalog, some(0), &*out);
    for (size_t first = kTablesAtATime; first < tables.size(); first += kTablesAtATime) {
      VESTO_ASSIGN(const Catalog more, read_catalog(target.schema, some(first)));
      note_gone(more, some(first), &*out);
    }
    return ok_status();
  });
  if (!done.ok()) return with_grant(done.error(), catalog, target.schema);
  return out;
}

}  // namespace vesto
