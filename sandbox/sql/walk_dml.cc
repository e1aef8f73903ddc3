// INSERT, UPDATE, DELETE, MERGE and CREATE TABLE.
#include <string>

#include "sandbox/sql/errors.h"
#include "sandbox/sql/walk.h"

namespace vesto::sandbox {
namespace {

constexpr size_t kMaxColumns = 1600;
constexpr std::string_view kSystemColumns[] = {"oid",  "tableoid", "xmin", "cmin",
                                               "xmax", "cmax",     "ctid"};

bool is_system_column(std::string_view name) {
  for (const std::string_view column : kSystemColumns) {
    if (name == column) return true;
  }
  return false;
}

// True where a sub-select stands anywhere in the rows of VALUES.
bool has_sublink(const PgQuery__Node* node);

bool any_sublink(PgQuery__Node* const* nodes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (has_sublink(nodes[i])) return true;
  }
  return false;
}

// Looks where a sub-select of a literal row can be: itself, cast, or an argument.
bool has_sublink(const PgQuery__Node* node) {
  if (node == nullptr) return false;
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_SUB_LINK:
      return true;
    case PG_QUERY__NODE__NODE_LIST:
      return any_sublink(node->list->items, node->list->n_items);
    case PG_QUERY__NODE__NODE_TYPE_CAST:
      return has_sublink(node->type_cast->arg);
    case PG_QUERY__NODE__NODE_A_EXPR:
      return has_sublink(node->a_expr->lexpr) || has_sublink(node->a_expr->rexpr);
    case PG_QUERY__NODE__NODE_FUNC_CALL:
      return any_sublink(node->func_call->args, node->func_call->n_args);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
      return any_sublink(node->coalesce_expr->args, node->coalesce_expr->n_args);
    default:
      return false;
  }
}

}  // namespace

SqlStatus Walker::target_table(PgQuery__RangeVar* relation, bool alias_allowed) {
  if (relation == nullptr) return source_.error_at(source_.first);
  if (relation->inh == 0) return error_at_word("only");
  if (relation->alias != nullptr && !alias_allowed) {
    // The alias stands behind the name: [AS] alias.
    size_t at = rendered_.token_at(static_cast<size_t>(relation->location), source_.first) + 1;
    while (source_.is_punct(at, '.')) at += 2;
    return source_.error_at(at);
  }
  const TableRef table{relation->schemaname, relation->relname};
  result_.tables.push_back(table);
  result_.writes.push_back(table);
  return Unit{};
}

// SET c = ..., INSERT (c, ...): bare columns.
SqlStatus Walker::assignment_targets(PgQuery__Node** targets, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (targets[i]->node_case != PG_QUERY__NODE__NODE_RES_TARGET) {
      return source_.error_at(source_.first);
    }
    const PgQuery__ResTarget* target = targets[i]->res_target;
    if (target->n_indirection > 0) {
      const size_t at = rendered_.token_at(static_cast<size_t>(target->location), source_.first);
      return source_.error_at(at + 1);
    }
    const bool multiple =
        target->val != nullptr && target->val->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF;
    if (multiple) {
      const size_t at = rendered_.token_at(static_cast<size_t>(target->location), source_.first);
      return source_.error_at(at > source_.first ? at - 1 : at);
    }
  }
  return Unit{};
}

SqlStatus Walker::on_insert(Message* message) {
  auto* insert = reinterpret_cast<PgQuery__InsertStmt*>(message);
  if (insert->on_conflict_clause != nullptr) {
    return error_at(insert->on_conflict_clause->location);
  }
  if (insert->n_returning_list > 0) return error_at_word("returning");
  if (insert->with_clause != nullptr) return error_at_word("insert");
  if (insert->override != PG_QUERY__OVERRIDING_KIND__OVERRIDING_NOT_SET) {
    return error_at_word("overriding");
  }
  VESTO_TRY(target_table(insert->relation, false));
  VESTO_TRY(assignment_targets(insert->cols, insert->n_cols));
  if (insert->select_stmt == nullptr) return Unit{};
  if (insert->select_stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    return source_.error_at(source_.first);
  }
  PgQuery__SelectStmt* select = insert->select_stmt->select_stmt;
  values_allowed_ = &select->base;
  if (select->n_values_lists > 1 && any_sublink(select->values_lists, select->n_values_lists)) {
    return feature_not_supported("can't use subqueries in multi-row VALUES");
  }
  if (select->n_values_lists == 0) result_.reads_user_table = true;
  return visit_node(insert->select_stmt);
}

SqlStatus Walker::on_update(Message* message) {
  auto* update = reinterpret_cast<PgQuery__UpdateStmt*>(message);
  if (update->n_returning_list > 0) return error_at_word("returning");
  VESTO_TRY(target_table(update->relation, true));
  VESTO_TRY(assignment_targets(update->target_list, update->n_target_list));
  result_.reads_user_table = true;
  if (update->with_clause != nullptr) VESTO_TRY(visit(&update->with_clause->base));
  VESTO_TRY(visit_nodes(update->target_list, update->n_target_list));
  VESTO_TRY(visit_nodes(update->from_clause, update->n_from_clause));
  constant_as_boolean(update->where_clause);
  return visit_node(update->where_clause);
}

SqlStatus Walker::on_delete(Message* message) {
  auto* erase = reinterpret_cast<PgQuery__DeleteStmt*>(message);
  if (erase->n_returning_list > 0) return error_at_word("returning");
  VESTO_TRY(target_table(erase->relation, false));
  result_.reads_user_table = true;
  if (erase->with_clause != nullptr) VESTO_TRY(visit(&erase->with_clause->base));
  VESTO_TRY(visit_nodes(erase->using_clause, erase->n_using_clause));
  constant_as_boolean(erase->where_clause);
  return visit_node(erase->where_clause);
}

SqlStatus Walker::on_merge(Message* message) {
  auto* merge = reinterpret_cast<PgQuery__MergeStmt*>(message);
  if (merge->with_clause != nullptr) return error_at_word("merge");
  VESTO_TRY(target_table(merge->relation, false));
  result_.reads_user_table = true;
  const size_t count = merge->n_merge_when_clauses;
  const auto matched = [&](size_t i) {
    return merge->merge_when_clauses[i]->merge_when_clause->matched != 0;
  };
  if (count < 2) return source_.error_at(source_.last);
  if (!matched(0) || matched(1)) return error_at_word("when");
  if (count > 2) {
    size_t seen = 0;
    for (size_t i = source_.first; i < source_.last; ++i) {
      if (source_.is_word(i, "when") && source_.is_word(i + 1, "matched")) ++seen;
      if (source_.is_word(i, "when") && source_.is_word(i + 1, "not")) ++seen;
      if (seen == 3) return source_.error_at(i);
    }
    return error_at_word("when");
  }
  VESTO_TRY(visit_node(merge->source_relation));
  constant_as_boolean(merge->join_condition);
  VESTO_TRY(visit_node(merge->join_condition));
  return visit_nodes(merge->merge_when_clauses, count);
}

SqlStatus Walker::on_merge_when(Message* message) {
  auto* clause = reinterpret_cast<PgQuery__MergeWhenClause*>(message);
  if (clause->condition != nullptr) {
    for (size_t i = source_.first; i + 1 < source_.last; ++i) {
      if (source_.is_word(i, "matched") && source_.is_word(i + 1, "and")) {
        return source_.error_at(i + 1);
      }
    }
    return error_at_word("and");
  }
  if (clause->command_type == PG_QUERY__CMD_TYPE__CMD_NOTHING) return error_at_word("do");
  if (clause->override != PG_QUERY__OVERRIDING_KIND__OVERRIDING_NOT_SET) {
    return error_at_word("overriding");
  }
  VESTO_TRY(assignment_targets(clause->target_list, clause->n_target_list));
  VESTO_TRY(visit_nodes(clause->target_list, clause->n_target_list));
  return visit_nodes(clause->values, clause->n_values);
}

// What is left of CREATE TABLE when create_table.cc has taken Redshift's own parts out.
SqlStatus Walker::on_create(Message* message) {
  auto* create = reinterpret_cast<PgQuery__CreateStmt*>(message);
  if (create->n_inh_relations > 0) return error_at_word("inherits");
  if (create->partspec != nullptr || create->partbound != nullptr) {
    return error_at_word("partition");
  }
  if (create->of_typename != nullptr) return error_at_word("of");
  if (create->n_options > 0) return error_at_word("with");
  if (create->oncommit > PG_QUERY__ON_COMMIT_ACTION__ONCOMMIT_NOOP) return error_at_word("on");
  if (*create->tablespacename != '\0') return error_at_word("tablespace");
  if (*create->access_method != '\0') return error_at_word("using");
  if (std::string_view(create->relation->relpersistence) == "u") return error_at_word("unlogged");
  if (create->n_table_elts > kMaxColumns) {
    return make_sql_error("54011", "tables can have at most 1600 columns");
  }
  table_ = create->relation->relname;
  return visit_nodes(create->table_elts, create->n_table_elts);
}

SqlStatus Walker::on_column(Message* message) {
  auto* column = reinterpret_cast<PgQuery__ColumnDef*>(message);
  if (column->coll_clause != nullptr) return error_at_word("collate");
  if (*column->compression != '\0') return error_at_word("compression");
  if (*column->storage != '\0') return error_at_word("storage");
  if (is_system_column(column->colname)) {
    return make_sql_error("42701", "column name \"" + std::string(column->colname) +
                                       "\" conflicts with a system column name");
  }
  if (column->type_name == nullptr) return error_at(column->location);
  VESTO_TRY(map_type(column->type_name, table_ + "." + column->colname));
  return visit_nodes(column->constraints, column->n_constraints);
}

SqlStatus Walker::on_constraint(Message* message) {
  auto* constraint = reinterpret_cast<PgQuery__Constraint*>(message);
  switch (constraint->contype) {
    case PG_QUERY__CONSTR_TYPE__CONSTR_NULL:
    case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL:
      return Unit{};
    case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT:
      return visit_node(constraint->raw_expr);
    case PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY:
      return Unit{};  // only create_table.cc writes it
    case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK:
      return error_at_word("check");
    default:
      return error_at(constraint->location);
  }
}

SqlStatus Walker::on_like(Message* message) {
  auto* like = reinterpret_cast<PgQuery__TableLikeClause*>(message);
  result_.tables.push_back({like->relation->schemaname, like->relation->relname});
  return Unit{};
}

}  // namespace vesto::sandbox
