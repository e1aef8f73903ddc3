// What prepare() would find in the destination and do there, for `sync plan`: the same plan_table()
// against the same catalogue, and the rights that the statements need.
#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "redshift/errors.h"
#include "redshift/loader_impl.h"
#include "redshift/sql_rows.h"
#include "redshift/table_plan.h"

namespace vesto {

namespace {

// Columns of a new table that are named; the rest is counted.
constexpr size_t kColumnsNamed = 12;

// What the user of the destination may do. `known` is false where the warehouse does not answer
// these questions: then nothing is said about rights.
struct Rights {
  bool known = false;
  bool is_superuser = false;
  bool may_make_schema = false;
  bool may_make_temp = false;
  bool may_use_schema = true;
  bool may_make_table = true;
};

bool is_true(const std::optional<std::string>& cell) { return cell && *cell == "t"; }

std::string rights_sql(const std::string& schema, bool schema_exists) {
  const std::string name = sql::literal(schema);
  return "SELECT u.usesuper, has_database_privilege(current_database(), 'CREATE'), "
         "has_database_privilege(current_database(), 'TEMPORARY')" +
         (schema_exists ? ", has_schema_privilege(" + name + ", 'USAGE'), has_schema_privilege(" +
                              name + ", 'CREATE')"
                        : std::string(", true, true")) +
         " FROM pg_user u WHERE u.usename = current_user";
}

std::string table_rights_sql(const TargetName& table) {
  const std::string name = sql::literal(sql::qualified(table));
  std::vector<std::string> parts;
  for (const char* right : {"SELECT", "INSERT", "UPDATE", "DELETE"}) {
    parts.push_back(fmt::format("has_table_privilege({}, '{}')", name, right));
  }
  return "SELECT " + join(parts, ", ");
}

// A question whose answer only makes the plan better: a warehouse that does not know it, or does
// not let this user ask, is no reason to give no plan.
bool is_refusal(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kRsSql:
    case ErrorCode::kRsPriv:
    case ErrorCode::kRsPrivSchema:
    case ErrorCode::kRsTableDiffers:
    case ErrorCode::kRsNoSchema:
      return true;
    default:
      return false;
  }
}

std::string created_text(const TablePlan& plan) {
  const auto& columns = plan.after.columns;
  std::string out = fmt::format("{} column{}: ", columns.size(), columns.size() == 1 ? "" : "s");
  for (size_t i = 0; i < columns.size() && i < kColumnsNamed; ++i) {
    if (i > 0) out += ", ";
    out += columns[i].name;
    if (columns[i].type) out += " " + type_sql(*columns[i].type);
  }
  if (columns.size() > kColumnsNamed) {
    out += fmt::format(" and {} more", columns.size() - kColumnsNamed);
  }
  const sql::TableKeys& keys = plan.keys;
  out += keys.distkey.empty() ? "; diststyle even" : "; distkey " + keys.distkey;
  if (!keys.sortkey.empty()) out += "; sortkey " + join(keys.sortkey, ", ");
  return out;
}

// The columns whose type changes, and what is done to the table as people read it.
struct Altered {
  std::vector<std::string> columns;
  std::string text;
};

const ColumnRewrite* find_rewrite(const TablePlan& plan, const std::string& column) {
  for (const ColumnRewrite& rewrite : plan.rewrites) {
    if (rewrite.column == column) return &rewrite;
  }
  return nullptr;
}

Altered altered(const CatalogTable& before, const TablePlan& plan) {
  Altered out;
  std::vector<std::string> parts;
  for (const CatalogColumn& column : plan.after.columns) {
    const CatalogColumn* old = before.find(column.name);
    if (old == nullptr) {
      parts.push_back(fmt::format("add column {} {}", column.name,
                                  column.type ? type_sql(*column.type) : std::string()));
    } else if (const ColumnRewrite* rewrite = find_rewrite(plan, column.name)) {
      out.columns.push_back(column.name);
      parts.push_back(fmt::format("make {} anew with its values cast, {} -> {}", column.name,
                                  rewrite->from_text, type_sql(rewrite->to)));
    } else if (old->type && column.type && old->type->length_bytes != column.type->length_bytes) {
      out.columns.push_back(column.name);
      parts.push_back(fmt::format("widen {} {} -> {}", column.name, type_sql(*old->type),
                                  type_sql(*column.type)));
    }
  }
  out.text = join(parts, "; ");
  return out;
}

class Comparer {
 public:
  Comparer(RedshiftLoader::Impl& impl, const std::vector<StreamLoad>& group)
      : impl_(impl), group_(group) {}

  Result<DestinationChanges> compare() {
    VESTO_TRY(read());
    changes_.makes_schema = !shared_.schema_exists;
    for (const StreamLoad& stream : group_) {
      VESTO_ASSIGN(TargetChange change, compare_target(stream));
      changes_.targets.push_back(std::move(change));
    }
    VESTO_TRY(judge_destination());
    return std::move(changes_);
  }

 private:
  Status read() {
    std::vector<size_t> all;
    for (size_t i = 0; i < group_.size(); ++i) all.push_back(i);
    return impl_.repeat(2, [&]() -> Status {
      VESTO_ASSIGN(shared_, impl_.shared_catalog());
      if (shared_.schema_exists) VESTO_TRY(impl_.read_tables(group_, all));
      VESTO_ASSIGN(const auto rows, ask(rights_sql(impl_.target.schema, shared_.schema_exists), 5));
      rights_ = {};
      if (rows.size() != 1) return ok_status();
      rights_ = {.known = true,
                 .is_superuser = is_true(rows[0][0]),
                 .may_make_schema = is_true(rows[0][1]),
                 .may_make_temp = is_true(rows[0][2]),
                 .may_use_schema = is_true(rows[0][3]),
                 .may_make_table = is_true(rows[0][4])};
      return ok_status();
    });
  }

  using Rows = std::vector<std::vector<std::optional<std::string>>>;

  // The rows of `columns` cells; none if the warehouse refuses the question.
  Result<Rows> ask(const std::string& sql, size_t columns) {
    VESTO_TRY(impl_.connect());
    auto answer = impl_.exec(sql);
    if (!answer.ok()) {
      if (!is_refusal(answer.error())) return std::move(answer).error();
      log_info("redshift: a question of the plan was refused",
               {{"error", answer.error().to_string()}});
      impl_.roll_back();
      return Rows();
    }
    Rows rows;
    for (auto& row : answer->rows) {
      if (row.size() == columns) rows.push_back(std::move(row));
    }
    return rows;
  }

  static TargetChange blocked(Error error) {
    TargetChange change;
    change.kind = TargetChange::Kind::kBlocked;
    change.error = std::move(error);
    return change;
  }

  Result<TargetChange> compare_target(const StreamLoad& stream) {
    TargetChange change;
    const CatalogTable* existing = impl_.find_table(stream.target);
    VESTO_TRY(impl_.connect());
    if (Status fits = impl_.check_target(stream, existing); !fits.ok()) {
      impl_.roll_back();
      // The run would lose this stream alone.
      if (after_fault(fits.error()) == AfterFault::kLeaveGroup) return blocked(fits.error());
      return fits.error();
    }
    const Result<TablePlan> plan = plan_table(stream, existing);
    if (!plan.ok()) return blocked(plan.error());
    if (existing == nullptr) {
      change.kind = TargetChange::Kind::kCreate;
      change.text = created_text(*plan);
      return change;
    }
    if (plan->empty()) {
      VESTO_ASSIGN(const std::vector<std::string> missing,
                   missing_rights(stream.target, *existing, {"SELECT", "INSERT", "DELETE"}));
      if (!missing.empty()) return blocked(no_rights(stream.target, missing));
      return change;
    }
    if (rights_.known && !rights_.is_superuser && existing->owner != shared_.user) {
      return blocked(
          Error(ErrorCode::kRsOwner,
                fmt::format("table {}.{} belongs to {} and has to be altered", stream.target.schema,
                            stream.target.table, existing->owner))
              .with_hint(fmt::format("ALTER TABLE {} OWNER TO {};", sql::qualified(stream.target),
                                     sql::ident(shared_.user))));
    }
    const Altered what = altered(*existing, *plan);
    change.kind = TargetChange::Kind::kAlter;
    change.text = what.text;
    for (const std::string& column : what.columns) {
      const CatalogColumn* there = existing->find(column);
      if (there != nullptr && (there->distkey || there->sortkey)) {
        return blocked(key_column(stream.target, *there));
      }
    }
    if (what.columns.empty()) return change;
    VESTO_ASSIGN(const Rows rows,
                 ask(sql::bound_views(stream.target.schema, {stream.target.table}), 4));
    for (const std::string& column : what.columns) {
      std::vector<std::string> views;
      for (const auto& row : rows) {
        if (row[1] == column) views.push_back(row[2].value_or("") + "." + row[3].value_or(""));
      }
      if (!views.empty()) return blocked(view_dep(stream.target, column, views));
    }
    return change;
  }

  // Those of `wanted` that the user lacks on a table of somebody else.
  Result<std::vector<std::string>> missing_rights(const TargetName& table,
                                                  const CatalogTable& existing,
                                                  const std::vector<std::string>& wanted) {
    std::vector<std::string> missing;
    if (!rights_.known || rights_.is_superuser || existing.owner == shared_.user ||
        !rights_.may_use_schema) {
      return missing;
    }
    VESTO_ASSIGN(const Rows rows, ask(table_rights_sql(table), 4));
    if (rows.size() != 1) return missing;
    const std::vector<std::string> names = {"SELECT", "INSERT", "UPDATE", "DELETE"};
    for (size_t i = 0; i < names.size(); ++i) {
      const bool needed = std::find(wanted.begin(), wanted.end(), names[i]) != wanted.end();
      if (needed && !is_true(rows[0][i])) missing.push_back(names[i]);
    }
    return missing;
  }

  [[nodiscard]] Error no_rights(const TargetName& table,
                                const std::vector<std::string>& missing) const {
    return Error(ErrorCode::kRsPriv,
                 fmt::format("the user {} lacks {} on table {}.{}", shared_.user,
                             join(missing, ", "), table.schema, table.table))
        .with_hint(fmt::format("GRANT {} ON {} TO {};", join(missing, ", "), sql::qualified(table),
                               sql::ident(shared_.user)));
  }

  [[nodiscard]] bool makes_tables() const {
    if (shared_.find(impl_.state_name().table) == nullptr ||
        shared_.find(sql::kLoadsTable) == nullptr || shared_.find(sql::kRejectedTable) == nullptr) {
      return true;
    }
    return std::any_of(
        changes_.targets.begin(), changes_.targets.end(),
        [](const TargetChange& change) { return change.kind == TargetChange::Kind::kCreate; });
  }

  // A staging table is made where rows are merged into what is there.
  [[nodiscard]] bool makes_stages() const {
    for (size_t i = 0; i < group_.size(); ++i) {
      const TargetChange::Kind kind = changes_.targets[i].kind;
      const bool there =
          kind == TargetChange::Kind::kAlter || kind == TargetChange::Kind::kUnchanged;
      if (there && group_[i].mode == LoadMode::kUpsert) return true;
    }
    return false;
  }

  // What would end the run as a whole.
  Status judge_destination() {
    const std::string& schema = impl_.target.schema;
    if (!shared_.schema_exists && !impl_.target.create_schema) {
      changes_.blocked = no_schema(schema);
      return ok_status();
    }
    if (!rights_.known || rights_.is_superuser) return ok_status();
    const auto lacks = [&](ErrorCode code, const std::string& what) {
      changes_.blocked = with_grant(
          Error(code, fmt::format("the user {} may not {}", shared_.user, what)), shared_, schema);
    };
    if (!shared_.schema_exists && !rights_.may_make_schema) {
      lacks(ErrorCode::kRsPrivCreate, "create the schema " + schema);
    } else if (!rights_.may_use_schema) {
      lacks(ErrorCode::kRsPrivSchema, "use the schema " + schema);
    } else if (!rights_.may_make_table && makes_tables()) {
      lacks(ErrorCode::kRsPrivSchema, "create tables in the schema " + schema);
    } else if (!rights_.may_make_temp && makes_stages()) {
      lacks(ErrorCode::kRsPrivTemp, "create temporary tables in " + shared_.database);
    }
    if (changes_.blocked) return ok_status();
    const TargetName state = impl_.state_name();
    const CatalogTable* there = shared_.find(state.table);
    if (there == nullptr) return ok_status();
    VESTO_ASSIGN(const std::vector<std::string> missing,
                 missing_rights(state, *there, {"SELECT", "INSERT", "UPDATE", "DELETE"}));
    if (!missing.empty()) changes_.blocked = no_rights(state, missing);
    return ok_status();
  }

  RedshiftLoader::Impl& impl_;
  const std::vector<StreamLoad>& group_;
  Catalog shared_;
  Rights rights_;
  DestinationChanges changes_;
};

}  // namespace

Result<DestinationChanges> RedshiftLoader::compare(const std::vector<StreamLoad>& group) {
  return Comparer(*impl_, group).compare();
}

}  // namespace vesto
