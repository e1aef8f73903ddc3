// Expressions: operators, types, constants, columns.
#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "sandbox/cluster/catalog_names.h"
#include "sandbox/sql/errors.h"
#include "sandbox/sql/types.h"
#include "sandbox/sql/walk.h"

namespace vesto::sandbox {
namespace {

constexpr int kMaxParameters = 32767;

constexpr std::string_view kOperators[] = {
    "+",  "-",  "*",   "/",  "%",   "^",   "||",   "=", "<>", "!=", "<",  "<=", ">", ">=", "~",
    "!~", "~*", "!~*", "~~", "!~~", "~~*", "!~~*", "&", "|",  "#",  "<<", ">>", "@", "|/", "||/"};

constexpr std::string_view kHiddenColumns[] = {"ctid", "xmin", "xmax", "cmin", "cmax"};

template <typename List>
bool contains(const List& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

int integer_of(const PgQuery__Node* node) {
  const bool is_integer = node != nullptr && node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                          node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL;
  return is_integer ? node->a_const->ival->ival : -1;
}

}  // namespace

SqlStatus Walker::on_column_ref(Message* message) {
  auto* column = reinterpret_cast<PgQuery__ColumnRef*>(message);
  const size_t count = column->n_fields;
  const std::string_view last = string_of(column->fields[count - 1]);
  if (contains(kHiddenColumns, last)) {
    return make_sql_error("42703", "column \"" + std::string(last) + "\" does not exist");
  }
  // pg_catalog.pg_class.relname: the relation stands under another name now.
  if (count >= 3) {
    const std::string_view schema = string_of(column->fields[count - 3]);
    const std::string_view relation = string_of(column->fields[count - 2]);
    const bool mapped = std::any_of(
        kCatalogViews.begin(), kCatalogViews.end(),
        [&](const CatalogView& view) { return view.schema == schema && view.name == relation; });
    if (mapped) {
      column->fields += count - 2;
      column->n_fields = 2;
    }
  }
  return Unit{};
}

SqlStatus Walker::on_param(Message* message) {
  const int number = reinterpret_cast<PgQuery__ParamRef*>(message)->number;
  if (number < 1 || number > kMaxParameters) {
    return make_sql_error("42P02", "there is no parameter $" + std::to_string(number));
  }
  result_.parameter_count = std::max(result_.parameter_count, number);
  return Unit{};
}

SqlStatus Walker::on_expression(Message* message) {
  auto* expression = reinterpret_cast<PgQuery__AExpr*>(message);
  switch (expression->kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
      return feature_not_supported("IS DISTINCT FROM is not supported");
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
      return error_at_word("symmetric");
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
      VESTO_TRY(visit_node(expression->lexpr));
      return visit_node(expression->rexpr);
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
      leader("= ANY (array)");
      break;
    default:
      break;
  }
  const std::string_view name =
      expression->n_name == 0 ? "" : string_of(expression->name[expression->n_name - 1]);
  const bool qualified = expression->n_name > 1 && string_of(expression->name[0]) != "pg_catalog";
  if (!contains(kOperators, name) || qualified) {
    return make_sql_error("42883", "operator does not exist: " + std::string(name));
  }
  VESTO_TRY(visit_node(expression->lexpr));
  return visit_node(expression->rexpr);
}

// Redshift takes a number for a condition (WHERE 1 AND ...).
void Walker::constant_as_boolean(PgQuery__Node* node) {
  if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_A_CONST) return;
  if (node->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL) return;
  *node = *make_boolean_constant(&tree_->arena(), node->a_const->ival->ival != 0);
}

void Walker::rewrite_cast(PgQuery__Node* node) {
  const PgQuery__TypeCast* cast = node->type_cast;
  const PgQuery__Node* value = cast->arg;
  if (value == nullptr || value->node_case != PG_QUERY__NODE__NODE_A_CONST ||
      value->a_const->val_case != PG_QUERY__A__CONST__VAL_SVAL || cast->type_name == nullptr ||
      cast->type_name->n_names == 0 || cast->type_name->n_array_bounds > 0) {
    return;
  }
  const std::string_view type = string_of(cast->type_name->names[cast->type_name->n_names - 1]);
  const std::string_view text = value->a_const->sval->sval;
  if ((type == "bool" || type == "boolean") && (text == "t" || text == "f")) {
    *node = *make_boolean_constant(&tree_->arena(), text == "t");
  }
}

SqlStatus Walker::on_bool(Message* message) {
  auto* expression = reinterpret_cast<PgQuery__BoolExpr*>(message);
  for (size_t i = 0; i < expression->n_args; ++i) constant_as_boolean(expression->args[i]);
  return visit_nodes(expression->args, expression->n_args);
}

SqlStatus Walker::on_sublink(Message* message) {
  auto* link = reinterpret_cast<PgQuery__SubLink*>(message);
  if (link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK) leader("array");
  VESTO_TRY(visit_node(link->testexpr));
  return visit_node(link->subselect);
}

SqlStatus Walker::on_type_name(Message* message) {
  return map_type(reinterpret_cast<PgQuery__TypeName*>(message), {});
}

SqlStatus Walker::map_type(PgQuery__TypeName* type, std::string_view column) {
  TypeText text;
  if (type == nullptr || type->n_names == 0 || type->setof != 0 || type->pct_type != 0) {
    return error_at(type == nullptr ? 0 : type->location);
  }
  text.name = string_of(type->names[type->n_names - 1]);
  text.pg_catalog = type->n_names > 1;
  if (type->n_names > 2 || (type->n_names == 2 && string_of(type->names[0]) != "pg_catalog")) {
    return make_sql_error("42704", "type \"" + text.name + "\" does not exist");
  }
  text.array = type->n_array_bounds > 0;
  for (size_t i = 0; i < type->n_typmods; ++i) {
    const int modifier = integer_of(type->typmods[i]);
    if (modifier < 0) return error_at(type->location);
    text.modifiers.push_back(modifier);
  }
  SqlResult<PgType> mapped = pg_type_for(text, column);
  if (!mapped.ok()) {
    SqlError error = std::move(mapped).error();
    error.position = error_at(type->location).position;
    return error;
  }
  if (mapped->leader_only) leader("type " + text.name);
  PgQuery__TypeName* fresh =
      make_type(&tree_->arena(), {"pg_catalog", mapped->name}, mapped->modifiers);
  fresh->n_array_bounds = type->n_array_bounds;
  fresh->array_bounds = type->array_bounds;
  *type = *fresh;
  return Unit{};
}

SqlStatus Walker::on_value_function(Message* message) {
  auto* function = reinterpret_cast<PgQuery__SQLValueFunction*>(message);
  switch (function->op) {
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP:
      leader("current time");
      return Unit{};
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA:
      leader("current_schema");
      return Unit{};
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER:
      return Unit{};
    default:
      return error_at(function->location);
  }
}

// (a, b) in a comparison, but no ROW(...).
SqlStatus Walker::on_row(Message* message) {
  auto* row = reinterpret_cast<PgQuery__RowExpr*>(message);
  if (row->row_format != PG_QUERY__COERCION_FORM__COERCE_IMPLICIT_CAST) {
    return error_at(row->location);
  }
  return visit_nodes(row->args, row->n_args);
}

SqlStatus Walker::on_array(Message* message) {
  auto* array = reinterpret_cast<PgQuery__AArrayExpr*>(message);
  leader("array");
  return visit_nodes(array->elements, array->n_elements);
}

SqlStatus Walker::on_constant(Message* message) {
  auto* constant = reinterpret_cast<PgQuery__AConst*>(message);
  if (constant->val_case == PG_QUERY__A__CONST__VAL_BSVAL) {
    return feature_not_supported("type \"bit\" is not supported");
  }
  return Unit{};
}

}  // namespace vesto::sandbox
