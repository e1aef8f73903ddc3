#include "sandbox/sql/walk.h"

#include <algorithm>
#include <unordered_map>

#include "sandbox/cluster/catalog_names.h"
#include "sandbox/sql/errors.h"
#include "sandbox/sql/functions.h"

namespace vesto::sandbox {
namespace {

bool empty(const char* text) { return text == nullptr || *text == '\0'; }

// The view that stands in for a catalogue relation, or nullptr.
const CatalogView* catalog_view(std::string_view schema, std::string_view name) {
  for (const CatalogView& view : kCatalogViews) {
    const bool schema_fits =
        schema == view.schema || (schema.empty() && view.schema == "pg_catalog");
    if (schema_fits && name == view.name) return &view;
  }
  return nullptr;
}

}  // namespace

const Walker::Handler* Walker::handler_for(const ProtobufCMessageDescriptor* descriptor) {
  using W = Walker;
  static const std::unordered_map<const ProtobufCMessageDescriptor*, Handler> handlers = {
      {&pg_query__alias__descriptor, &W::pass},
      {&pg_query__bool_expr__descriptor, &W::on_bool},
      {&pg_query__case_expr__descriptor, &W::on_case},
      {&pg_query__case_when__descriptor, &W::pass},
      {&pg_query__null_test__descriptor, &W::pass},
      {&pg_query__boolean_test__descriptor, &W::pass},
      {&pg_query__coalesce_expr__descriptor, &W::pass},
      {&pg_query__min_max_expr__descriptor, &W::pass},
      {&pg_query__set_to_default__descriptor, &W::pass},
      {&pg_query__list__descriptor, &W::pass},
      {&pg_query__string__descriptor, &W::pass},
      {&pg_query__integer__descriptor, &W::pass},
      {&pg_query__float__descriptor, &W::pass},
      {&pg_query__boolean__descriptor, &W::pass},
      {&pg_query__a__star__descriptor, &W::pass},
      {&pg_query__a__indices__descriptor, &W::pass},
      {&pg_query__a__indirection__descriptor, &W::pass},
      {&pg_query__window_def__descriptor, &W::pass},
      {&pg_query__grouping_set__descriptor, &W::pass},
      {&pg_query__grouping_func__descriptor, &W::pass},
      {&pg_query__type_cast__descriptor, &W::pass},
      {&pg_query__execute_stmt__descriptor, &W::pass},
      {&pg_query__create_table_as_stmt__descriptor, &W::pass},
      {&pg_query__a__const__descriptor, &W::on_constant},
      {&pg_query__sort_by__descriptor, &W::on_sort_by},
      {&pg_query__into_clause__descriptor, &W::on_into},
      {&pg_query__select_stmt__descriptor, &W::on_select},
      {&pg_query__range_var__descriptor, &W::on_range_var},
      {&pg_query__range_subselect__descriptor, &W::on_range_subselect},
      {&pg_query__range_function__descriptor, &W::on_range_function},
      {&pg_query__join_expr__descriptor, &W::on_join},
      {&pg_query__with_clause__descriptor, &W::on_with},
      {&pg_query__common_table_expr__descriptor, &W::on_common_table},
      {&pg_query__insert_stmt__descriptor, &W::on_insert},
      {&pg_query__update_stmt__descriptor, &W::on_update},
      {&pg_query__delete_stmt__descriptor, &W::on_delete},
      {&pg_query__merge_stmt__descriptor, &W::on_merge},
      {&pg_query__merge_when_clause__descriptor, &W::on_merge_when},
      {&pg_query__create_stmt__descriptor, &W::on_create},
      {&pg_query__column_def__descriptor, &W::on_column},
      {&pg_query__constraint__descriptor, &W::on_constraint},
      {&pg_query__table_like_clause__descriptor, &W::on_like},
      {&pg_query__column_ref__descriptor, &W::on_column_ref},
      {&pg_query__param_ref__descriptor, &W::on_param},
      {&pg_query__a__expr__descriptor, &W::on_expression},
      {&pg_query__sub_link__descriptor, &W::on_sublink},
      {&pg_query__type_name__descriptor, &W::on_type_name},
      {&pg_query__sqlvalue_function__descriptor, &W::on_value_function},
      {&pg_query__row_expr__descriptor, &W::on_row},
      {&pg_query__a__array_expr__descriptor, &W::on_array},
      {&pg_query__res_target__descriptor, &W::on_res_target},
      {&pg_query__func_call__descriptor, &W::on_function},
  };
  const auto found = handlers.find(descriptor);
  return found == handlers.end() ? nullptr : &found->second;
}

SqlResult<WalkResult> Walker::run() {
  VESTO_TRY(visit_node(tree_->statement()));
  const auto& leaders = result_.leader_functions;
  if (result_.reads_user_table &&
      std::find(leaders.begin(), leaders.end(), "substr") != leaders.end()) {
    return feature_not_supported(
        "SUBSTR() function is not supported (Hint: use SUBSTRING instead)");
  }
  if (result_.reads_user_table && !leaders.empty()) {
    SqlError error = feature_not_supported(
        "Specified types or functions (one per INFO message) not supported on Redshift tables.");
    for (const std::string& name : result_.leader_functions) {
      if (!error.detail.empty()) error.detail += '\n';
      error.detail += "Function \"" + name + "\" not supported.";
    }
    return error;
  }
  return std::move(result_);
}

SqlStatus Walker::visit_node(PgQuery__Node* node) {
  if (node == nullptr) return Unit{};
  if (node->node_case == PG_QUERY__NODE__NODE_FUNC_CALL) VESTO_TRY(rewrite_function(node));
  if (node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) rewrite_cast(node);
  ProtobufCMessage* message = node_message(node);
  return message == nullptr ? SqlStatus(Unit{}) : visit(message);
}

SqlStatus Walker::visit_nodes(PgQuery__Node** nodes, size_t count) {
  for (size_t i = 0; i < count; ++i) VESTO_TRY(visit_node(nodes[i]));
  return Unit{};
}

SqlStatus Walker::visit(Message* message) {
  if (message->descriptor == &pg_query__node__descriptor) {
    return visit_node(reinterpret_cast<PgQuery__Node*>(message));
  }
  const Handler* handler = handler_for(message->descriptor);
  if (handler == nullptr) {
    return feature_not_supported(std::string(message->descriptor->short_name) +
                                 " is not supported");
  }
  return (this->**handler)(message);
}

SqlStatus Walker::visit_children(Message* message) {
  char* base = reinterpret_cast<char*>(message);
  const ProtobufCMessageDescriptor* descriptor = message->descriptor;
  for (unsigned i = 0; i < descriptor->n_fields; ++i) {
    const ProtobufCFieldDescriptor& field = descriptor->fields[i];
    if (field.type != PROTOBUF_C_TYPE_MESSAGE) continue;
    if (field.label == PROTOBUF_C_LABEL_REPEATED) {
      const size_t count = *reinterpret_cast<size_t*>(base + field.quantifier_offset);
      auto** items = *reinterpret_cast<ProtobufCMessage***>(base + field.offset);
      for (size_t k = 0; k < count; ++k) VESTO_TRY(visit(items[k]));
      continue;
    }
    if ((field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
        *reinterpret_cast<uint32_t*>(base + field.quantifier_offset) != field.id) {
      continue;
    }
    auto* child = *reinterpret_cast<ProtobufCMessage**>(base + field.offset);
    if (child != nullptr) VESTO_TRY(visit(child));
  }
  return Unit{};
}

SqlError Walker::error_at(int location) const {
  const size_t otherwise = source_.first;
  if (location <= 0) return source_.error_at(otherwise);
  return source_.error_at(rendered_.token_at(static_cast<size_t>(location), otherwise));
}

SqlError Walker::error_at_word(std::string_view lower, size_t after) const {
  for (size_t i = std::max(after, source_.first); i < source_.last; ++i) {
    if (source_.is_word(i, lower)) return source_.error_at(i);
  }
  return source_.error_at(source_.first);
}

SqlStatus Walker::pass(Message* message) { return visit_children(message); }

SqlStatus Walker::on_select(Message* message) {
  auto* select = reinterpret_cast<PgQuery__SelectStmt*>(message);
  if (select->n_values_lists > 0 && message != values_allowed_) return error_at_word("values");
  if (select->n_locking_clause > 0) {
    return feature_not_supported("SELECT FOR UPDATE/SHARE is not supported");
  }
  if (select->n_window_clause > 0) return error_at_word("window");
  if (select->group_distinct != 0) return error_at_word("distinct");
  if (select->limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES) {
    return error_at_word("ties");
  }
  if (select->n_distinct_clause > 0 && node_message(select->distinct_clause[0]) != nullptr) {
    return error_at_word("on");  // DISTINCT ON
  }
  const bool only_all = select->op == PG_QUERY__SET_OPERATION__SETOP_EXCEPT ||
                        select->op == PG_QUERY__SET_OPERATION__SETOP_INTERSECT;
  if (only_all && select->all != 0) return error_at_word("all");
  VESTO_TRY(resolve_aliases(select));
  constant_as_boolean(select->where_clause);
  constant_as_boolean(select->having_clause);
  // WITH names have to be known before FROM is read.
  if (select->with_clause != nullptr) VESTO_TRY(visit(&select->with_clause->base));
  PgQuery__WithClause* with = select->with_clause;
  select->with_clause = nullptr;
  const SqlStatus status = visit_children(message);
  select->with_clause = with;
  return status;
}

SqlStatus Walker::on_range_var(Message* message) {
  auto* range = reinterpret_cast<PgQuery__RangeVar*>(message);
  const std::string schema = range->schemaname;
  const std::string name = range->relname;
  if (range->inh == 0) return error_at_word("only");
  if (schema.empty() && common_tables_.count(name) > 0) return visit_children(message);
  result_.tables.push_back({schema, name});
  if (!is_catalog_relation(schema, name)) result_.reads_user_table = true;
  const CatalogView* view = catalog_view(schema, name);
  if (view != nullptr) {
    Arena& arena = tree_->arena();
    if (range->alias == nullptr) {
      range->alias = static_cast<PgQuery__Alias*>(arena.allocate(sizeof(PgQuery__Alias)));
      pg_query__alias__init(range->alias);
      range->alias->aliasname = arena.copy(name);
    }
    range->schemaname = arena.copy("pg_catalog");
    range->relname = arena.copy(view->view);
  }
  return visit_children(message);
}

SqlStatus Walker::on_range_subselect(Message* message) {
  auto* range = reinterpret_cast<PgQuery__RangeSubselect*>(message);
  if (range->lateral != 0) return error_at_word("lateral");
  return visit_children(message);
}

SqlStatus Walker::on_range_function(Message* message) {
  auto* range = reinterpret_cast<PgQuery__RangeFunction*>(message);
  if (range->lateral != 0) return error_at_word("lateral");
  if (range->ordinality != 0) return error_at_word("ordinality");
  if (range->is_rowsfrom != 0) return error_at_word("rows");
  leader("function in FROM");
  // The columns of a record function name types of the catalogue.
  for (size_t i = 0; i < range->n_coldeflist; ++i) {
    PgQuery__Node* column = range->coldeflist[i];
    if (column->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
      VESTO_TRY(map_type(column->column_def->type_name, {}));
    }
  }
  return visit_nodes(range->functions, range->n_functions);
}

SqlStatus Walker::on_join(Message* message) {
  auto* join = reinterpret_cast<PgQuery__JoinExpr*>(message);
  if (join->join_using_alias != nullptr) return error_at_word("as");
  constant_as_boolean(join->quals);
  return visit_children(message);
}

SqlStatus Walker::on_with(Message* message) {
  auto* with = reinterpret_cast<PgQuery__WithClause*>(message);
  for (size_t i = 0; i < with->n_ctes; ++i) {
    if (with->ctes[i]->node_case == PG_QUERY__NODE__NODE_COMMON_TABLE_EXPR) {
      common_tables_.insert(with->ctes[i]->common_table_expr->ctename);
    }
  }
  return visit_children(message);
}

SqlStatus Walker::on_common_table(Message* message) {
  auto* table = reinterpret_cast<PgQuery__CommonTableExpr*>(message);
  if (table->search_clause != nullptr) return error_at_word("search");
  if (table->cycle_clause != nullptr) return error_at_word("cycle");
  if (table->ctematerialized != PG_QUERY__CTEMATERIALIZE__CTEMaterializeDefault) {
    return error_at_word("materialized");
  }
  if (table->ctequery == nullptr ||
      table->ctequery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    // No writable WITH: the error stands at DELETE, UPDATE, ... behind the name.
    size_t at = rendered_.token_at(static_cast<size_t>(table->location), source_.first);
    while (at < source_.last && !source_.is_word(at, "delete") && !source_.is_word(at, "update") &&
           !source_.is_word(at, "insert")) {
      ++at;
    }
    return source_.error_at(at);
  }
  return visit_children(message);
}

SqlStatus Walker::on_sort_by(Message* message) {
  auto* sort = reinterpret_cast<PgQuery__SortBy*>(message);
  if (sort->n_use_op > 0) return error_at_word("using");
  return visit_children(message);
}

// SELECT ... INTO t
SqlStatus Walker::on_into(Message* message) {
  auto* into = reinterpret_cast<PgQuery__IntoClause*>(message);
  if (into->n_options > 0 || !empty(into->access_method) || !empty(into->table_space_name) ||
      into->skip_data != 0) {
    return error_at_word("with");
  }
  return Unit{};
}

}  // namespace vesto::sandbox
