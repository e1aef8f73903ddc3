// Redshift lets WHERE and later columns use a SELECT alias (unless a column has that name). The
// sandbox knows no columns, so it does so only where the tables are catalogue relations whose
// columns all have prefixed names: the queries that drivers send.
#include <algorithm>
#include <map>
#include <string>

#include "sandbox/sql/errors.h"
#include "sandbox/sql/walk.h"

namespace vesto::sandbox {
namespace {

constexpr std::string_view kPrefixedRelations[] = {
    "pg_class",      "pg_namespace", "pg_attribute", "pg_type",     "pg_attrdef",    "pg_index",
    "pg_constraint", "pg_proc",      "pg_proc_info", "pg_database", "pg_description"};
constexpr std::string_view kPlainColumns[] = {"oid", "objoid", "classoid", "objsubid",
                                              "description"};

bool is_prefixed_relation(const PgQuery__RangeVar& range) {
  const std::string_view schema = range.schemaname;
  if (!schema.empty() && schema != "pg_catalog") return false;
  return std::find(std::begin(kPrefixedRelations), std::end(kPrefixedRelations),
                   std::string_view(range.relname)) != std::end(kPrefixedRelations);
}

bool only_prefixed_relations(const PgQuery__Node* from) {
  if (from == nullptr) return false;
  if (from->node_case == PG_QUERY__NODE__NODE_RANGE_VAR) {
    return is_prefixed_relation(*from->range_var);
  }
  if (from->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR) {
    return only_prefixed_relations(from->join_expr->larg) &&
           only_prefixed_relations(from->join_expr->rarg);
  }
  return false;
}

std::string_view bare_column(const PgQuery__Node* node) {
  if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return {};
  if (node->column_ref->n_fields != 1) return {};
  return string_of(node->column_ref->fields[0]);
}

using Aliases = std::map<std::string, const PgQuery__Node*, std::less<>>;

// Calls `replace` for every bare column in an expression, not descending into sub-selects.
template <typename Replace>
bool for_each_column(PgQuery__Node* node, const Replace& replace) {
  if (node == nullptr) return true;
  if (!bare_column(node).empty()) return replace(node);
  const auto all = [&](PgQuery__Node** nodes, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      if (!for_each_column(nodes[i], replace)) return false;
    }
    return true;
  };
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_BOOL_EXPR:
      return all(node->bool_expr->args, node->bool_expr->n_args);
    case PG_QUERY__NODE__NODE_A_EXPR:
      return for_each_column(node->a_expr->lexpr, replace) &&
             for_each_column(node->a_expr->rexpr, replace);
    case PG_QUERY__NODE__NODE_TYPE_CAST:
      return for_each_column(node->type_cast->arg, replace);
    case PG_QUERY__NODE__NODE_NULL_TEST:
      return for_each_column(node->null_test->arg, replace);
    case PG_QUERY__NODE__NODE_FUNC_CALL:
      return all(node->func_call->args, node->func_call->n_args);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
      return all(node->coalesce_expr->args, node->coalesce_expr->n_args);
    case PG_QUERY__NODE__NODE_LIST:
      return all(node->list->items, node->list->n_items);
    default:
      return true;
  }
}

}  // namespace

SqlStatus Walker::resolve_aliases(PgQuery__SelectStmt* select) {
  if (select->n_from_clause == 0 || select->n_target_list == 0) return Unit{};
  for (size_t i = 0; i < select->n_from_clause; ++i) {
    if (!only_prefixed_relations(select->from_clause[i])) return Unit{};
  }
  Aliases aliases;
  const auto replace = [&](PgQuery__Node* node) {
    const auto found = aliases.find(bare_column(node));
    if (found == aliases.end()) return true;
    const PgQuery__Node* copy = bounded_copy(found->second);
    if (copy == nullptr) return false;
    *node = *copy;
    return true;
  };
  bool fits = true;
  for (size_t i = 0; fits && i < select->n_target_list; ++i) {
    if (select->target_list[i]->node_case != PG_QUERY__NODE__NODE_RES_TARGET) continue;
    PgQuery__ResTarget* target = select->target_list[i]->res_target;
    const bool renames = bare_column(target->val) != std::string_view(target->name);
    if (renames) fits = for_each_column(target->val, replace);
    const std::string_view name = target->name;
    const bool plain = std::find(std::begin(kPlainColumns), std::end(kPlainColumns), name) !=
                       std::end(kPlainColumns);
    if (!name.empty() && !plain && renames) aliases.emplace(std::string(name), target->val);
  }
  if (fits) fits = for_each_column(select->where_clause, replace);
  if (!fits) return make_sql_error("54000", "statement is too complex");
  return Unit{};
}

}  // namespace vesto::sandbox
